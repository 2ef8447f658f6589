#include "compiler/emit/emit.h"

#include <cstring>
#include <mutex>

#include "compiler/emit/output_file.h"
#include "compiler/emit/plan_builder.h"
#include "compiler/pack/pack.h"
#include "compiler/support/parallel.h"
#include "runtime/base/checked.h"
#include "runtime/format/header.h"

namespace ingot {
namespace {

constexpr uint64_t kWeightAlignment = 64;

class Emitter {
 public:
  Emitter(const Contents& contents, const EmitOptions& options)
      : contents_(contents), options_(options), module_(contents.module), program_(contents.program) {}

  Status run(const std::filesystem::path& path) {
    INGOT_TRY(placeAll(0));
    INGOT_ASSIGN(std::vector<std::byte> plan, buildPlan(contents_, segments_, weights_));
    uint64_t chunks = chunkCount(bodyBytes_);
    bodyOffset_ = roundUp(sizeof(FileHeader) + plan.size() + chunks * sizeof(Sha256), kPageBytes);
    INGOT_TRY(placeAll(bodyOffset_));
    INGOT_ASSIGN(std::vector<std::byte> placed, buildPlan(contents_, segments_, weights_));
    if (placed.size() != plan.size()) return Status::internal("the plan changed its size from {} to {}", plan.size(), placed.size());

    INGOT_ASSIGN(OutputFile file, OutputFile::create(path, bodyOffset_ + bodyBytes_));
    INGOT_TRY(writeTables(file));
    for (const PlacedWeight& weight : weights_)
      if (!weight.filling) INGOT_TRY(writeWeight(file, weight));
    INGOT_TRY(writeFront(file, placed));
    return file.commit();
  }

 private:
  Status placeAll(uint64_t origin) {
    uint64_t at = origin;
    segments_.clear();
    weights_.clear();
    auto place = [&](plan::SegmentKind kind, uint64_t bytes) {
      segments_.push_back({kind, at, bytes});
      at = roundUp(at + bytes, kPageBytes);
    };
    for (const VariantCode& variant : contents_.variants) place(plan::SegmentKind::code, variant.bytes.size());
    if (!contents_.text.tokenizer.empty()) place(plan::SegmentKind::tokenizer, contents_.text.tokenizer.size());
    uint64_t first = at;
    if (contents_.filled) at = 0;
    mlir::SymbolTable symbols(module_);
    for (auto weight : program_.getOps<exec::WeightOp>()) {
      INGOT_ASSIGN(StorageFormat format, StorageFormat::parse(weight.getFormat().str()));
      auto shape = weight.getShape();
      int64_t columns = shape.back(), rows = 1;
      for (int64_t size : shape.drop_back()) rows *= size;
      uint64_t bytes = roundUp(format.bytes(rows, columns), kWeightAlignment);
      PlacedWeight placed{weight.getSymName().str(), weight.getFormat().str(), {}, shape.vec(), at, bytes};
      auto param = symbols.lookup<llm::ParamOp>(weight.getSymName());
      for (auto source : param.getSources().getAsValueRange<mlir::StringAttr>()) placed.sources.push_back(source.str());
      if (contents_.filled) placed.filling = fillingOf(format);
      weights_.push_back(std::move(placed));
      at += bytes;
    }
    if (contents_.filled) at = first;
    segments_.push_back({plan::SegmentKind::weights, first, at - first});
    bodyBytes_ = roundUp(at, kPageBytes) - origin;
    weightBytes_ = at - first;
    return {};
  }

  WeightFilling fillingOf(const StorageFormat& format) const {
    auto unit = static_cast<uint32_t>(groupBytes(format.format, format.group));
    if (format.plain) return {plan::FillElement::ones, 4, 0, contents_.seed};
    switch (format.format) {
      case WeightFormat::f32: return {plan::FillElement::f32, 4, 0, contents_.seed};
      case WeightFormat::f16: return {plan::FillElement::f16, 2, 0, contents_.seed};
      case WeightFormat::bf16: return {plan::FillElement::bf16, 2, 0, contents_.seed};
      case WeightFormat::i8:
      case WeightFormat::i4:
      case WeightFormat::i4m: return {plan::FillElement::codes, unit, static_cast<uint32_t>(headerBytes(format.format)), contents_.seed};
      case WeightFormat::f8: return {plan::FillElement::float_codes, unit, static_cast<uint32_t>(headerBytes(format.format)), contents_.seed};
    }
    return {};
  }

  Status writeTables(const OutputFile& file) {
    for (size_t i = 0; i < contents_.variants.size(); ++i) INGOT_TRY(file.write(segments_[i].offset, contents_.variants[i].bytes));
    if (contents_.text.tokenizer.empty()) return {};
    return file.write(segments_[contents_.variants.size()].offset, contents_.text.tokenizer);
  }

  Status writeWeight(const OutputFile& file, const PlacedWeight& weight) {
    auto param = module_.lookupSymbol<llm::ParamOp>(weight.name);
    INGOT_ASSIGN(StorageFormat format, StorageFormat::parse(weight.format));
    auto type = llvm::cast<mlir::RankedTensorType>(param.getType());
    if (param.getRopeAttr() || (format.plain && contents_.checkpoint)) {
      static const Checkpoint kNone;
      INGOT_ASSIGN(std::vector<float> values, packPlain(param, contents_.checkpoint ? *contents_.checkpoint : kNone));
      INGOT_TRY(file.write(weight.offset, std::as_bytes(std::span(values))));
      return report(values.size() * 4);
    }
    std::unique_ptr<ParamRows> rows;
    if (contents_.checkpoint) {
      INGOT_ASSIGN(rows, openParam(param, *contents_.checkpoint));
    } else {
      rows = randomParam(param, contents_.seed);
    }
    if (format.plain) {
      std::vector<float> values(static_cast<size_t>(type.getNumElements()));
      INGOT_TRY(rows->read(0, type.getNumElements() / type.getShape().back(), values.data()));
      return file.write(weight.offset, std::as_bytes(std::span(values)));
    }
    Status status = packMatrix(*rows, type.getDimSize(0), type.getDimSize(1), format, importanceOf(contents_.importance, param), options_.jobs,
                               [&](uint64_t offset, std::span<const std::byte> bytes) -> Status {
                                 INGOT_TRY(file.write(weight.offset + offset, bytes));
                                 return report(bytes.size());
                               });
    rows->forget();
    if (status.code() == StatusCode::cancelled) return status;  // not a weight's error
    return std::move(status).at(param.getSymName().str());
  }

  Status report(uint64_t bytes) {
    if (options_.cancelled && *options_.cancelled) return Status::cancelled("interrupted");
    std::lock_guard lock(mutex_);
    done_ += bytes;
    if (options_.progress) options_.progress(done_, weightBytes_);
    return {};
  }

  // Writes header, plan and chunk hashes, once the body is complete.
  Status writeFront(const OutputFile& file, const std::vector<std::byte>& plan) {
    std::vector<std::byte> front(bodyOffset_);
    std::memcpy(front.data() + sizeof(FileHeader), plan.data(), plan.size());
    auto* hashes = reinterpret_cast<Sha256*>(front.data() + sizeof(FileHeader) + plan.size());
    INGOT_TRY(parallelFor(chunkCount(bodyBytes_), options_.jobs, [&](size_t chunk) -> Status {
      if (options_.cancelled && *options_.cancelled) return Status::cancelled("interrupted");
      uint64_t first = chunk * kChunkBytes;
      std::vector<std::byte> bytes(std::min(kChunkBytes, bodyBytes_ - first));
      INGOT_TRY(file.read(bodyOffset_ + first, bytes));
      hashes[chunk] = sha256(bytes);
      return {};
    }));
    FileHeader header{.magic = {},
                      .major = kFormatMajor,
                      .minor = kFormatMinor,
                      .planBytes = static_cast<uint32_t>(plan.size()),
                      .totalBytes = bodyOffset_ + bodyBytes_,
                      .bodyOffset = bodyOffset_,
                      .root = {}};
    std::memcpy(header.magic, kMagic, sizeof(kMagic));
    std::memcpy(front.data(), &header, sizeof(header));
    header.root = sha256(front);
    std::memcpy(front.data(), &header, sizeof(header));
    return file.write(0, front);
  }

  const Contents& contents_;
  const EmitOptions& options_;
  mlir::ModuleOp module_;
  exec::ProgramOp program_;
  std::vector<PlacedSegment> segments_;
  std::vector<PlacedWeight> weights_;
  uint64_t bodyOffset_ = 0, bodyBytes_ = 0, weightBytes_ = 0, done_ = 0;
  std::mutex mutex_;
};

}  // namespace

Status emitArtifact(const Contents& contents, const std::filesystem::path& path, const EmitOptions& options) {
  return Emitter(contents, options).run(path);
}

}  // namespace ingot
