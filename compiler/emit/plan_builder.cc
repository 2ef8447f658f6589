#include "compiler/emit/plan_builder.h"

#include <map>
#include <numeric>

#include "compiler/lower/lower.h"
#include "runtime/format/header.h"

namespace ingot {
namespace {

using flatbuffers::Offset;

template <class T>
using Offsets = std::vector<Offset<T>>;

plan::CacheType cacheTypeOf(const std::string& name) {
  auto names = plan::EnumNamesCacheType();
  for (plan::CacheType type : plan::EnumValuesCacheType())
    if (names[static_cast<size_t>(type)] == name) return type;
  return plan::CacheType::MAX;  // unreachable: the program was verified
}

class PlanBuilder {
 public:
  PlanBuilder(const Contents& contents, const std::vector<PlacedWeight>& weights)
      : contents_(contents), weights_(weights), program_(contents.program) {
    b_.ForceDefaults(true);  // zero offsets take space too, so that the plan's size is known before the offsets are
  }

  Result<std::vector<std::byte>> build(const std::vector<PlacedSegment>& segments) {
    INGOT_TRY(indexSymbols());
    Offsets<plan::Segment> segmentOffsets;
    int32_t tokenizer = -1;
    for (const PlacedSegment& s : segments) {
      if (s.kind == plan::SegmentKind::tokenizer) tokenizer = static_cast<int32_t>(segmentOffsets.size());
      segmentOffsets.push_back(plan::CreateSegment(b_, s.kind, s.offset, s.bytes));
    }
    Offsets<plan::Variant> variants;
    for (size_t i = 0; i < contents_.variants.size(); ++i) variants.push_back(variant(i));
    auto model = this->model();
    auto generation = this->generation();
    auto text = this->text(tokenizer);
    auto provenance = this->provenance();
    auto weights = this->weights();
    auto segmentVector = b_.CreateVector(segmentOffsets);
    auto variantVector = b_.CreateVector(variants);
    b_.Finish(plan::CreatePlan(b_, model, segmentVector, weights, variantVector, generation, text, provenance));
    auto* bytes = reinterpret_cast<const std::byte*>(b_.GetBufferPointer());
    return std::vector<std::byte>(bytes, bytes + b_.GetSize());
  }

 private:
  // Operands for each symbol in steps; a cache becomes two: keys, values.
  Status indexSymbols() {
    uint32_t weight = 0;
    for (mlir::Operation& op : program_.getBody().front()) {
      if (auto w = llvm::dyn_cast<exec::WeightOp>(op)) operands_[w.getSymName().str()] = plan::Operand(plan::OperandKind::weight, weight++);
      if (auto c = llvm::dyn_cast<exec::CacheOp>(op)) {
        operands_[c.getSymName().str()] = plan::Operand(plan::OperandKind::cache_keys, static_cast<uint32_t>(c.getLayer()));
        cache_ = c;
      }
      if (auto buffer = llvm::dyn_cast<exec::BufferOp>(op)) {
        auto slot = static_cast<size_t>(buffer.getSlot());
        if (slots_.size() <= slot) slots_.resize(slot + 1, {0, plan::Extent::one});
        slots_[slot].first = std::max<uint64_t>(slots_[slot].first, buffer.getRowBytes());
        slots_[slot].second = static_cast<plan::Extent>(buffer.getExtent());
        operands_[buffer.getSymName().str()] = plan::Operand(plan::OperandKind::slot, static_cast<uint32_t>(slot));
        llvm::StringRef name = buffer.getSymName();
        (name == "chosen" ? chosen_ : name == "logprobs" ? logprobs_ : name == "allowed" ? allowed_ : logits_) = buffer;
      }
    }
    if (!logits_ || !chosen_ || !logprobs_ || !allowed_ || !cache_ || weight != weights_.size())
      return Status::internal("the program has no results, no cache, or weights without a place");
    return {};
  }

  bool hasGpuKernels(const VariantCode& code) const { return code.kernels.size() == contents_.units.size(); }

  // Larger kernels follow the program's.
  Offset<flatbuffers::Vector<Offset<plan::LargerKernel>>> largerOf(uint32_t kernel, const VariantCode& code) {
    Offsets<plan::LargerKernel> all;
    for (size_t i = 0; i < code.extra.larger.size(); ++i)
      if (const KernelCode& one = code.extra.larger[i].code; code.extra.larger[i].of == kernel && !code.extra.larger[i].isBeside)
        all.push_back(plan::CreateLargerKernel(b_, static_cast<uint32_t>(one.leastRows), static_cast<uint32_t>(code.kernels.size() + i),
                                               static_cast<uint32_t>(one.tiles.count), static_cast<uint32_t>(one.tiles.rowsPerTile)));
    return all.empty() ? 0 : b_.CreateVector(all);
  }

  std::vector<plan::Operand> operandsOf(exec::StepOp op) const {
    std::vector<plan::Operand> operands;
    for (auto symbol : op.getOperands_().getAsRange<mlir::FlatSymbolRefAttr>()) {
      plan::Operand operand = operands_.at(symbol.getValue().str());
      operands.push_back(operand);
      if (operand.kind() == plan::OperandKind::cache_keys) operands.emplace_back(plan::OperandKind::cache_values, operand.index());
    }
    return operands;
  }

  // The step, then the additional step if its kernel has one.
  void addStep(exec::StepOp op, const VariantCode& code, uint32_t kernel, Offsets<plan::Step>& steps) {
    auto batches = hasGpuKernels(code) ? static_cast<plan::Batches>(op.getBatches()) : plan::Batches::any;
    steps.push_back(step(op, kernel, code.kernels[kernel].tiles, contents_.units[kernel].fused, largerOf(kernel, code), batches));
    for (size_t i = 0; i < code.extra.larger.size(); ++i)
      if (const LargerKernel& one = code.extra.larger[i]; one.isBeside && one.of == kernel)
        steps.push_back(step(op, static_cast<uint32_t>(code.kernels.size() + i), one.code.tiles, one.unit.fused, 0, plan::Batches::many));
  }

  Offset<plan::Step> step(exec::StepOp op, uint32_t kernel, const StepTiles& tiles, const std::string& label,
                          Offset<flatbuffers::Vector<Offset<plan::LargerKernel>>> larger, plan::Batches batches) {
    auto extent = static_cast<plan::Extent>(tiles.extent.value_or(op.getExtent()));
    return plan::CreateStep(b_, kernel, b_.CreateVectorOfStructs(operandsOf(op)), static_cast<uint32_t>(tiles.count), extent, b_.CreateString(label),
                            static_cast<uint32_t>(tiles.rowsPerTile), larger, batches);
  }

  // The persistent kernel is the last one. It runs the first steps, up to those whose kernels have more threads.
  Offset<plan::PersistentKernel> persistentOf(const VariantCode& code, const std::map<std::string, uint32_t>& kernels) {
    const auto& persistent = code.extra.persistent;
    if (!persistent) return 0;
    uint32_t steps = 0;
    for (auto op : program_.getOps<exec::StepOp>()) {
      uint32_t kernel = kernels.at(op.getKernel().str());
      if (code.kernels[kernel].threads > persistent->code.threads) break;
      ++steps;
      for (const LargerKernel& one : code.extra.larger) steps += one.isBeside && one.of == kernel;
    }
    return plan::CreatePersistentKernel(b_, static_cast<uint32_t>(code.kernels.size() + code.extra.larger.size()), steps);
  }

  Offset<plan::Kernel> kernel(const KernelUnit& unit, const KernelCode& code) {
    Offset<plan::RowMap> map = code.map.rows ? plan::CreateRowMap(b_, code.map.columns, code.map.rows, code.map.elementBytes, code.map.rowBytes) : 0;
    return plan::CreateKernel(b_, b_.CreateString(unit.name), b_.CreateString(unit.function), code.offset, code.scratchBytes, code.bytes,
                              b_.CreateString(unit.symbol), code.threads, code.registers, code.sharedBytes, code.spillBytes, code.dynamicBytes, map,
                              code.gridMultiple);
  }

  Offset<plan::Variant> variant(size_t index) {
    const VariantCode& code = contents_.variants[index];
    Offsets<plan::Kernel> kernels;
    std::map<std::string, uint32_t> kernelIndex;
    for (auto op : program_.getOps<exec::KernelOp>()) {
      auto at = static_cast<uint32_t>(kernels.size());
      if (at == code.kernels.size()) break;  // GPU-only kernels come last
      kernelIndex[op.getSymName().str()] = at;
      kernels.push_back(kernel(contents_.units[at], code.kernels[at]));
    }
    for (const LargerKernel& one : code.extra.larger) kernels.push_back(kernel(one.unit, one.code));
    if (const auto& one = code.extra.persistent) kernels.push_back(kernel(one->unit, one->code));
    Offsets<plan::Step> steps;
    for (auto op : program_.getOps<exec::StepOp>())
      if (auto kernel = kernelIndex.find(op.getKernel().str()); kernel != kernelIndex.end()) addStep(op, code, kernel->second, steps);
    Offsets<plan::Slot> slots;
    for (auto [bytes, extent] : slots_) slots.push_back(plan::CreateSlot(b_, bytes, extent));
    std::vector<uint32_t> weights(weights_.size());
    for (uint32_t i = 0; i < weights.size(); ++i) weights[i] = i;

    auto cacheType = cacheTypeOf(contents_.cacheType);
    auto pageBytes = static_cast<uint64_t>(layerPageBytes(cache_));
    auto target = b_.CreateString(code.target);
    auto features = b_.CreateVectorOfStrings(code.features);
    auto kernelVector = b_.CreateVector(kernels);
    auto slotVector = b_.CreateVector(slots);
    auto weightVector = b_.CreateVector(weights);
    auto stepVector = b_.CreateVector(steps);
    auto persistent = persistentOf(code, kernelIndex);
    bool choosesTokens = hasGpuKernels(code);
    auto resultSlot = [&](exec::BufferOp buffer) { return choosesTokens ? static_cast<int32_t>(buffer.getSlot()) : -1; };
    return plan::CreateVariant(b_, target, features, static_cast<uint32_t>(index), kernelVector, slotVector, weightVector, stepVector,
                               static_cast<uint32_t>(logits_.getSlot()), logits_.getRowBytes(), cacheType, pageBytes, pageBytes, code.cudaVersion,
                               resultSlot(chosen_), resultSlot(logprobs_), persistent,
                               choosesTokens ? static_cast<uint32_t>(allowed_.getRowBytes() / sizeof(float)) : 0);
  }

  Offset<plan::Filling> filling(const PlacedWeight& weight) {
    if (!weight.filling) return 0;
    return plan::CreateFilling(b_, weight.filling->element, weight.filling->unitBytes, weight.filling->headerBytes, weight.filling->seed);
  }

  Offset<flatbuffers::Vector<Offset<plan::Weight>>> weights() {
    Offsets<plan::Weight> offsets;
    for (const PlacedWeight& w : weights_)
      offsets.push_back(plan::CreateWeight(b_, b_.CreateString(w.name), b_.CreateVectorOfStrings(w.sources), b_.CreateString(w.format),
                                           b_.CreateVector(w.shape), w.offset, w.bytes, filling(w)));
    return b_.CreateVector(offsets);
  }

  Offset<plan::Model> model() {
    const DecoderSpec& s = contents_.spec;
    uint64_t parameters = 0;
    for (const PlacedWeight& w : weights_)
      if (!w.sources.empty()) parameters += std::accumulate(w.shape.begin(), w.shape.end(), uint64_t{1}, std::multiplies<>());
    auto u32 = [](int64_t value) { return static_cast<uint32_t>(value); };
    return plan::CreateModel(b_, b_.CreateString(s.family), u32(s.layers), u32(s.kvHeads), u32(s.headDim), u32(s.hidden), u32(s.heads), u32(s.vocab),
                             u32(s.maxPositions), INGOT_PAGE_TOKENS, kQueryBlock, parameters);
  }

  Offset<plan::Generation> generation() {
    const GenerationConfig& g = contents_.generation;
    return plan::CreateGeneration(b_, b_.CreateVector(g.eosTokenIds), g.bosTokenId.value_or(-1), g.padTokenId.value_or(-1),
                                  g.temperature.value_or(-1), g.topP.value_or(-1), g.topK.value_or(-2), g.minP.value_or(-1),
                                  g.repetitionPenalty.value_or(-1), g.maxNewTokens.value_or(-1));
  }

  Offset<plan::Text> text(int32_t tokenizerSegment) {
    Offsets<plan::ChatTemplate> templates;
    for (const auto& one : contents_.text.templates)
      templates.push_back(plan::CreateChatTemplate(b_, b_.CreateString(one.name), b_.CreateString(one.source)));
    std::vector<std::string> specials;
    std::string bos, eos;
    for (const auto& [name, value] : contents_.text.specialTokens) {
      specials.insert(specials.end(), {name, value});
      if (name == "bos_token") bos = value;
      if (name == "eos_token") eos = value;
    }
    auto templateVector = b_.CreateVector(templates);
    auto bosString = b_.CreateString(bos), eosString = b_.CreateString(eos);
    auto specialVector = b_.CreateVectorOfStrings(specials);
    return plan::CreateText(b_, tokenizerSegment, templateVector, bosString, eosString, specialVector, contents_.text.cleanUpSpaces);
  }

  Offset<plan::Provenance> provenance() {
    Offsets<plan::Input> inputs;
    for (const InputFile& input : contents_.inputs)
      inputs.push_back(plan::CreateInput(b_, b_.CreateString(input.name), input.bytes, b_.CreateVector(input.sha256.data(), input.sha256.size())));
    auto inputVector = b_.CreateVector(inputs);
    auto compiler = b_.CreateString("ingotc " INGOT_VERSION);
    auto flags = b_.CreateString(contents_.flags);
    return plan::CreateProvenance(b_, compiler, flags, inputVector);
  }

  const Contents& contents_;
  const std::vector<PlacedWeight>& weights_;
  exec::ProgramOp program_;
  flatbuffers::FlatBufferBuilder b_;
  std::map<std::string, plan::Operand> operands_;
  std::vector<std::pair<uint64_t, plan::Extent>> slots_;
  exec::BufferOp logits_, chosen_, logprobs_, allowed_;
  exec::CacheOp cache_;  // of any layer
};

}  // namespace

Result<std::vector<std::byte>> buildPlan(const Contents& contents, const std::vector<PlacedSegment>& segments,
                                         const std::vector<PlacedWeight>& weights) {
  return PlanBuilder(contents, weights).build(segments);
}

}  // namespace ingot
