#include "compiler/import/build_graph.h"

#include <cmath>

#include <set>

#include "llvm/ADT/StringSet.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace ingot {
namespace {

using mlir::RankedTensorType;
using mlir::Value;

std::string inLayer(const std::string& pattern, int64_t layer) {
  auto at = pattern.find("{}");
  return at == std::string::npos ? pattern : pattern.substr(0, at) + std::to_string(layer) + pattern.substr(at + 2);
}

// Emits ops at the end of @forward and parameters in front of it.
class GraphBuilder {
 public:
  GraphBuilder(const DecoderSpec& spec, mlir::MLIRContext& context)
      : spec_(spec), b_(mlir::UnknownLoc::get(&context), &context), module_(mlir::ModuleOp::create(b_.getLoc())) {}

  mlir::OwningOpRef<mlir::ModuleOp> build() {
    auto ids = RankedTensorType::get({mlir::ShapedType::kDynamic}, b_.getI32Type());
    b_.setInsertionPointToEnd(module_->getBody());
    auto function = b_.create<mlir::func::FuncOp>("forward", b_.getFunctionType({ids, ids}, {rowsOf(spec_.vocab)}));
    b_.setInsertionPointToStart(function.addEntryBlock());
    ids_ = function.getArgument(0);
    positions_ = function.getArgument(1);
    function_ = function;

    Value x = embed();
    for (int64_t layer = 0; layer < spec_.layers; ++layer) {
      x = branch(x, inLayer(spec_.names.attentionNorm, layer), [&](Value in) { return attention(in, layer); });
      x = branch(x, inLayer(spec_.names.mlpNorm, layer), [&](Value in) { return mlp(in, layer); });
    }
    b_.create<mlir::func::ReturnOp>(logits(x));
    return std::move(module_);
  }

 private:
  RankedTensorType rowsOf(int64_t columns) { return RankedTensorType::get({mlir::ShapedType::kDynamic, columns}, b_.getF32Type()); }

  // The parameter of a checkpoint tensor, declared at its first use.
  Value param(const std::string& name, std::vector<int64_t> shape, bool transposed = false) {
    auto type = RankedTensorType::get(shape, b_.getF32Type());
    if (declared_.insert(name).second) {
      mlir::OpBuilder::InsertionGuard guard(b_);
      b_.setInsertionPoint(function_);
      b_.create<llm::ParamOp>(name, type, b_.getStrArrayAttr({name}), llm::Arrangement::concat, "", transposed, mlir::DictionaryAttr());
    }
    return b_.create<llm::GetOp>(type, name);
  }

  Value norm(Value x, const std::string& name, int64_t heads = 1) {
    int64_t size = llm::columnsOf(x.getType()) / heads;
    bool layerNorm = spec_.norm == Norm::layer && heads == 1;
    Value weight = param(name + ".weight", {size}), bias = layerNorm ? param(name + ".bias", {size}) : Value();
    auto kind = layerNorm ? llm::NormKind::layer : llm::NormKind::rms;
    return b_.create<llm::NormOp>(x.getType(), x, weight, bias, kind, llvm::APFloat(spec_.epsilon), heads);
  }

  Value linear(Value x, const std::string& name, int64_t columns, bool bias, bool transposed) {
    Value weight = param(name + ".weight", {columns, llm::columnsOf(x.getType())}, transposed);
    Value y = b_.create<llm::LinearOp>(x, weight);
    return bias ? Value(b_.create<llm::AddOp>(y, param(name + ".bias", {columns}))) : y;
  }
  Value layerLinear(Value x, const std::string& pattern, int64_t layer, int64_t columns, bool bias) {
    return linear(x, inLayer(pattern, layer), columns, bias, spec_.transposedLinear);
  }

  Value embed() {
    int64_t width = spec_.embeddingDim ? spec_.embeddingDim : spec_.hidden;
    Value table = param(spec_.names.embedding + ".weight", {spec_.vocab, width});
    Value x = b_.create<llm::EmbeddingOp>(rowsOf(width), ids_, table, 0);
    if (!spec_.names.embeddingNorm.empty()) x = norm(x, spec_.names.embeddingNorm);
    if (spec_.embeddingDim) x = linear(x, spec_.names.projectIn, spec_.hidden, false, false);
    if (!spec_.learnedPositions) return x;
    Value places = param(spec_.names.positions + ".weight", {spec_.tablePositions + spec_.positionOffset, spec_.hidden});
    return b_.create<llm::AddOp>(x, b_.create<llm::EmbeddingOp>(rowsOf(spec_.hidden), positions_, places, spec_.positionOffset));
  }

  // x + f(norm(x)), or norm(x + f(x)).
  template <class F>
  Value branch(Value x, const std::string& normName, F f) {
    bool before = spec_.normPlace == NormPlace::before;
    Value sum = b_.create<llm::AddOp>(f(before ? norm(x, normName) : x), x);
    return before ? sum : norm(sum, normName);
  }

  Value attention(Value x, int64_t layer) {
    int64_t queryColumns = spec_.heads * spec_.headDim, kvColumns = spec_.kvHeads * spec_.headDim;
    const TensorNames& names = spec_.names;
    Value q, k, v;
    if (!names.qkv.empty()) {
      Value packed = layerLinear(x, names.qkv, layer, queryColumns + 2 * kvColumns, spec_.qkvBias);
      auto parts = b_.create<llm::SplitOp>(mlir::TypeRange{rowsOf(queryColumns), rowsOf(kvColumns), rowsOf(kvColumns)}, packed);
      q = parts.getResult(0), k = parts.getResult(1), v = parts.getResult(2);
    } else {
      q = layerLinear(x, names.q, layer, queryColumns, spec_.qkvBias);
      k = layerLinear(x, names.k, layer, kvColumns, spec_.qkvBias);
      v = layerLinear(x, names.v, layer, kvColumns, spec_.qkvBias);
    }
    if (spec_.headNorm) {
      q = norm(q, inLayer(names.qNorm, layer), spec_.heads);
      k = norm(k, inLayer(names.kNorm, layer), spec_.kvHeads);
    }
    if (!spec_.learnedPositions && !spec_.alibi) {
      q = b_.create<llm::RopeOp>(q.getType(), q, positions_, ropeTable(), spec_.heads);
      k = b_.create<llm::RopeOp>(k.getType(), k, positions_, ropeTable(), spec_.kvHeads);
    }
    Value cached = b_.create<llm::AppendKvOp>(llm::CacheEntryType::get(b_.getContext()), k, v, layer);
    double scale = spec_.attentionScale ? spec_.attentionScale : 1 / std::sqrt(static_cast<double>(spec_.headDim));
    if (spec_.scaleByLayer) scale /= static_cast<double>(layer + 1);
    Value y = b_.create<llm::AttentionOp>(q.getType(), q, cached, layer, spec_.heads, spec_.kvHeads, llvm::APFloat(scale), spec_.windowOf(layer),
                                          llvm::APFloat(0.0), spec_.alibi);
    return layerLinear(y, names.o, layer, spec_.hidden, spec_.outputBias);
  }

  Value ropeTable() {
    auto type = RankedTensorType::get({spec_.maxPositions, spec_.rope.rotaryDim / 2, 2}, b_.getF32Type());
    if (declared_.insert("rope").second) {
      mlir::OpBuilder::InsertionGuard guard(b_);
      b_.setInsertionPoint(function_);
      auto frequencies = b_.getDenseF32ArrayAttr(spec_.rope.inverseFrequencies(spec_.maxPositions));
      auto description = b_.getDictionaryAttr(
          {b_.getNamedAttr("frequencies", frequencies), b_.getNamedAttr("scale", b_.getF64FloatAttr(spec_.rope.attentionFactor))});
      b_.create<llm::ParamOp>("rope", type, b_.getStrArrayAttr({}), llm::Arrangement::concat, "", false, description);
    }
    return b_.create<llm::GetOp>(type, "rope");
  }

  Value mlp(Value x, int64_t layer) {
    const TensorNames& names = spec_.names;
    auto kind = static_cast<llm::ActivationKind>(spec_.activation);
    Value up = layerLinear(x, names.up, layer, spec_.intermediate, spec_.mlpBias);
    Value gated = spec_.gatedMlp ? layerLinear(x, names.gate, layer, spec_.intermediate, spec_.mlpBias) : up;
    Value y = b_.create<llm::ActivationOp>(up.getType(), kind, gated);
    if (spec_.gatedMlp) y = b_.create<llm::MulOp>(y, up);
    return layerLinear(y, names.down, layer, spec_.hidden, spec_.mlpBias);
  }

  Value logits(Value x) {
    x = b_.create<llm::SelectRowsOp>(x.getType(), x);
    if (spec_.finalNorm) x = norm(x, spec_.names.finalNorm);
    if (spec_.embeddingDim) x = linear(x, spec_.names.projectOut, spec_.embeddingDim, false, false);
    return linear(x, spec_.tiedHead ? spec_.names.embedding : spec_.names.head, spec_.vocab, false, false);
  }

  const DecoderSpec& spec_;
  mlir::ImplicitLocOpBuilder b_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  mlir::func::FuncOp function_;
  Value ids_, positions_;
  llvm::StringSet<> declared_;
};

// The checkpoint's tensor for a name, under the first prefix that has it.
const TensorInfo* findTensor(const DecoderSpec& spec, const Checkpoint& checkpoint, const std::string& name) {
  for (const std::string& prefix : spec.names.prefixes)
    if (const TensorInfo* tensor = checkpoint.find(prefix + name)) return tensor;
  return checkpoint.find(name);
}

bool isIgnorable(const DecoderSpec& spec, const std::string& name) {
  for (const std::string& ending : spec.names.ignorable)
    if (name.size() >= ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0) return true;
  return spec.tiedHead && name == spec.names.head + ".weight";
}

}  // namespace

mlir::OwningOpRef<mlir::ModuleOp> buildGraph(const DecoderSpec& spec, mlir::MLIRContext& context) {
  context.loadDialect<llm::LlmDialect, mlir::func::FuncDialect>();
  return GraphBuilder(spec, context).build();
}

Status bindCheckpoint(mlir::ModuleOp module, const DecoderSpec& spec, const Checkpoint& checkpoint) {
  std::set<std::string> used;
  mlir::Builder builder(module.getContext());
  for (auto param : module.getOps<llm::ParamOp>()) {
    if (param.getSources().empty()) continue;
    std::string name = param.getSymName().str();
    const TensorInfo* tensor = findTensor(spec, checkpoint, name);
    auto expected = llvm::to_vector(llvm::cast<RankedTensorType>(param.getType()).getShape());
    if (param.getTransposed()) std::reverse(expected.begin(), expected.end());
    std::vector<int64_t> shape(expected.begin(), expected.end());
    if (!tensor)
      return Status::invalidInput("{}{}: the config asks for this tensor {}, and the checkpoint does not have it", spec.names.prefixes.front(), name,
                                  describeShape(shape));
    if (tensor->shape != shape)
      return Status::invalidInput("{}: expected {}, checkpoint has {}", tensor->name, describeShape(shape), describe(*tensor));
    used.insert(tensor->name);
    param.setSourcesAttr(builder.getStrArrayAttr({tensor->name}));
  }
  for (const auto& [name, tensor] : checkpoint.tensors())
    if (!used.count(name) && !isIgnorable(spec, name))
      return Status::invalidInput("{}: the checkpoint has this tensor {}, and a {} model of this config does not use it", name, describe(tensor),
                                  spec.family);
  return {};
}

}  // namespace ingot
