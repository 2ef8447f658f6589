#include "compiler/lower/lower.h"

#include "kernels/abi/abi.h"
#include "kernels/attention/attention.spec.h"
#include "kernels/kvcache/layout.h"
#include "kernels/prim/quantized_row.h"
#include "kernels/sample/sample.spec.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "runtime/base/checked.h"

namespace ingot {
namespace {

using mlir::NamedAttribute;
using mlir::Value;

// Lowers one function, op by op, into the body of a program.
class Lowering {
 public:
  Lowering(mlir::ModuleOp module, exec::ProgramOp program, const LowerOptions& options)
      : module_(module), b_(module.getContext()), options_(options) {
    b_.setInsertionPointToEnd(&program.getBody().front());
  }

  Status run(mlir::func::FuncOp function) {
    function.walk([&](llm::AttentionOp) { ++layers_; });
    for (mlir::Operation& op : function.getBody().front()) INGOT_TRY(lower(op));
    return {};
  }

 private:
  Status lower(mlir::Operation& op) {
    if (auto get = llvm::dyn_cast<llm::GetOp>(op)) return lowerGet(get);
    if (auto embedding = llvm::dyn_cast<llm::EmbeddingOp>(op)) return lowerEmbedding(embedding);
    if (auto linear = llvm::dyn_cast<llm::LinearOp>(op)) return lowerLinear(linear);
    if (auto rows = llvm::dyn_cast<llm::RowsOp>(op)) return lowerRows(rows);
    if (auto rope = llvm::dyn_cast<llm::RopeAppendOp>(op)) return lowerRopeAppend(rope);
    if (auto attention = llvm::dyn_cast<llm::AttentionOp>(op)) return lowerAttention(attention);
    if (auto result = llvm::dyn_cast<mlir::func::ReturnOp>(op)) return lowerResult(result);
    return Status::internal("{}: cannot be lowered; a pass should have fused it", op.getName().getStringRef().str());
  }

  Status lowerGet(llm::GetOp get) {
    auto param = mlir::SymbolTable(module_).lookup<llm::ParamOp>(get.getName());
    mlir::StringAttr name = param.getSymNameAttr();
    if (weights_.insert(name).second) {
      auto shape = llvm::cast<mlir::RankedTensorType>(param.getType()).getShape();
      b_.create<exec::WeightOp>(get.getLoc(), name, b_.getStringAttr(param.getStorage().empty() ? "plain" : param.getStorage()),
                                b_.getDenseI64ArrayAttr(shape));
    }
    names_[get.getValue()] = mlir::FlatSymbolRefAttr::get(name);
    return {};
  }

  Status lowerEmbedding(llm::EmbeddingOp op) {
    auto positions = llvm::cast<mlir::BlockArgument>(op.getIds()).getArgNumber() == 1;
    auto table = llvm::cast<mlir::RankedTensorType>(op.getTable().getType());
    auto kernel = kernelOf("embedding",
                           {integer("n", table.getDimSize(0)), integer("k", table.getDimSize(1)), format(op.getTable()),
                            integer("offset", op.getOffset()), flag("positions", positions)},
                           nullptr);
    return step(kernel, {nameOf(op.getTable())}, op.getRows(), exec::Extent::tokens);
  }

  Status lowerLinear(llm::LinearOp op) {
    auto weight = llvm::cast<mlir::RankedTensorType>(op.getWeight().getType());
    bool selected = extentOf(op.getX()) == exec::Extent::rows;
    llvm::SmallVector<NamedAttribute> constants = {
        integer("n", weight.getDimSize(0)), integer("k", weight.getDimSize(1)),          format(op.getWeight()),     integer("sums", op.numSums()),
        code("result_code", op.getY()),     integer("result_group", groupOf(op.getY())), flag("selected", selected), extras(op.getExtras())};
    if (isNarrow(op.getX())) constants.push_back(b_.getNamedAttr("narrow", b_.getUnitAttr()));
    addNarrowResult(op.getY(), constants);
    auto kernel = kernelOf("linear", constants, &op.getBody());
    llvm::SmallVector<mlir::Attribute> operands = {nameOf(op.getX()), nameOf(op.getWeight())};
    for (Value extra : op.getExtras()) operands.push_back(nameOf(extra));
    // The number of tiles is the kernel's own: codegen fills it in from the spec.
    return step(kernel, operands, op.getY(), exec::Extent::one, extentOf(op.getX()));
  }

  Status lowerRows(llm::RowsOp op) {
    bool hasBias = static_cast<bool>(op.getBias());
    bool selected = extentOf(op.getX()) == exec::Extent::rows;
    llvm::SmallVector<NamedAttribute> constants = {integer("columns", llm::columnsOf(op.getX().getType())),
                                                   text("norm", llm::stringifyNormKind(op.getKind())),
                                                   b_.getNamedAttr("eps", op.getEpsAttr() ? op.getEpsAttr() : b_.getF64FloatAttr(0)),
                                                   flag("bias", hasBias),
                                                   integer("group", groupOf(op.getY())),
                                                   code("code", op.getY()),
                                                   flag("select", op.getSelect()),
                                                   flag("selected", selected),
                                                   extras(op.getExtras())};
    addNarrowResult(op.getY(), constants);
    auto kernel = kernelOf("rows", constants, &op.getBody());
    llvm::SmallVector<mlir::Attribute> operands = {nameOf(op.getX())};
    if (op.getWeight()) operands.push_back(nameOf(op.getWeight()));
    if (op.getBias()) operands.push_back(nameOf(op.getBias()));
    for (Value extra : op.getExtras()) operands.push_back(nameOf(extra));
    return step(kernel, operands, op.getY(), op.getSelect() || selected ? exec::Extent::rows : exec::Extent::tokens);
  }

  Status lowerRopeAppend(llm::RopeAppendOp op) {
    int64_t headDim = llm::columnsOf(op.getQkv().getType()) / static_cast<int64_t>(op.getHeads() + 2 * op.getKvHeads());
    auto table = op.getTable() ? llvm::cast<mlir::RankedTensorType>(op.getTable().getType()) : mlir::RankedTensorType();
    auto kernel =
        kernelOf("rope_append",
                 {integer("layers", layers_), integer("heads", op.getHeads()), integer("kv_heads", op.getKvHeads()), integer("head_dim", headDim),
                  integer("rotary", table ? table.getDimSize(1) * 2 : 0), flag("head_norm", static_cast<bool>(op.getQNorm())),
                  b_.getNamedAttr("eps", b_.getF64FloatAttr(op.getEps().convertToDouble())), text("cache", options_.cacheType)},
                 nullptr);
    llvm::SmallVector<mlir::Attribute> operands = {nameOf(op.getQkv())};
    for (Value optional : {op.getTable(), op.getQNorm(), op.getKNorm()})
      if (optional) operands.push_back(nameOf(optional));
    auto cache = b_.getStringAttr("cache" + llvm::Twine(op.getLayer()));
    b_.create<exec::CacheOp>(op.getLoc(), cache, b_.getI64IntegerAttr(op.getLayer()), b_.getI64IntegerAttr(op.getKvHeads()),
                             b_.getI64IntegerAttr(headDim), b_.getStringAttr(options_.cacheType));
    operands.push_back(mlir::FlatSymbolRefAttr::get(cache));
    names_[op.getCached()] = mlir::FlatSymbolRefAttr::get(cache);
    return step(kernel, operands, op.getQ(), exec::Extent::tokens);
  }

  Status lowerAttention(llm::AttentionOp op) {
    int64_t headDim = llm::columnsOf(op.getQ().getType()) / static_cast<int64_t>(op.getHeads());
    llvm::SmallVector<NamedAttribute> constants = {integer("layers", layers_),
                                                   integer("heads", op.getHeads()),
                                                   integer("kv_heads", op.getKvHeads()),
                                                   integer("head_dim", headDim),
                                                   b_.getNamedAttr("scale", op.getScaleAttr()),
                                                   integer("window", op.getWindow()),
                                                   integer("result_group", groupOf(op.getY())),
                                                   b_.getNamedAttr("softcap", b_.getF64FloatAttr(op.getSoftcap().convertToDouble())),
                                                   text("cache", options_.cacheType)};
    if (op.getAlibi()) constants.push_back(b_.getNamedAttr("alibi", b_.getUnitAttr()));
    addNarrowResult(op.getY(), constants);
    auto kernel = kernelOf("attention", constants, nullptr);
    int64_t bytes = attentionPartialBytes(static_cast<int>(op.getHeads()), static_cast<int>(op.getKvHeads()), static_cast<int>(headDim));
    INGOT_ASSIGN(auto partials, partialsOf(op.getLoc(), bytes));
    return step(kernel, {nameOf(op.getQ()), nameOf(op.getCached())}, op.getY(), exec::Extent::blocks, exec::Extent::tokens, partials);
  }

  // GPUs sample the next token from each row of logits and compute the data for log-probabilities, so that logits stay on the device. The next
  // batch's embedding reads the sampled tokens, before any step overwrites them.
  Status lowerResult(mlir::func::ReturnOp op) {
    Value logits = op.getOperand(0);
    auto kernel = kernelOf("sample", {integer("columns", llm::columnsOf(logits.getType()))}, nullptr, true);
    auto rows = exec::ExtentAttr::get(b_.getContext(), exec::Extent::rows);
    auto result = [&](llvm::StringRef name, int64_t rowBytes) {
      auto symbol = mlir::FlatSymbolRefAttr::get(b_.getContext(), name);
      b_.create<exec::BufferOp>(op.getLoc(), symbol.getAttr(), b_.getI64IntegerAttr(rowBytes), rows, b_.getI64IntegerAttr(-1));
      return symbol;
    };
    auto chosen = result("chosen", sizeof(ingot_i32)), logprobs = result("logprobs", sizeof(IngotLogprobs));
    auto allowed = result("allowed", kCudaSampleAllowed * sizeof(float));
    b_.create<exec::StepOp>(op.getLoc(), mlir::FlatSymbolRefAttr::get(kernel), b_.getArrayAttr({nameOf(logits), chosen, logprobs, allowed}), rows,
                            b_.getI64IntegerAttr(1));
    return {};
  }

  // Partial results of splits on GPUs: one buffer for all layers. Each layer leaves its counters at zero for the next one, so counters must have the
  // same offsets in all layers.
  Result<mlir::FlatSymbolRefAttr> partialsOf(mlir::Location at, int64_t bytes) {
    auto name = mlir::FlatSymbolRefAttr::get(b_.getContext(), "partials");
    if (!partials_)
      partials_ = b_.create<exec::BufferOp>(at, name.getAttr(), b_.getI64IntegerAttr(0), exec::ExtentAttr::get(b_.getContext(), exec::Extent::splits),
                                            b_.getI64IntegerAttr(-1));
    if (uint64_t others = partials_.getRowBytes(); others != 0 && others != static_cast<uint64_t>(bytes))
      return Status::unsupported("attention: partial results of {} and of {} bytes in one model; layers have to agree on heads and their size",
                                 others, bytes);
    partials_.setRowBytes(static_cast<uint64_t>(bytes));
    return name;
  }

  // Emits the step and the buffer of its result. Operands: inputs, result, workspace if there is one.
  Status step(mlir::StringAttr kernel, llvm::ArrayRef<mlir::Attribute> inputs, Value result, exec::Extent extent,
              std::optional<exec::Extent> resultExtent = std::nullopt, mlir::FlatSymbolRefAttr workspace = {}) {
    exec::Extent rows = resultExtent.value_or(extent);
    auto name = b_.getStringAttr("b" + llvm::Twine(nextBuffer_++));
    b_.create<exec::BufferOp>(result.getLoc(), name, b_.getI64IntegerAttr(rowBytes(result.getType())), exec::ExtentAttr::get(b_.getContext(), rows),
                              b_.getI64IntegerAttr(-1));
    names_[result] = mlir::FlatSymbolRefAttr::get(name);
    extents_[result] = rows;
    llvm::SmallVector<mlir::Attribute> operands(inputs);
    operands.push_back(names_[result]);
    if (workspace) operands.push_back(workspace);
    b_.create<exec::StepOp>(result.getLoc(), mlir::FlatSymbolRefAttr::get(kernel), b_.getArrayAttr(operands),
                            exec::ExtentAttr::get(b_.getContext(), extent), b_.getI64IntegerAttr(workspace ? 2 : 1));
    return {};
  }

  // The kernel with these constants and this body; equal ones are declared once.
  mlir::StringAttr kernelOf(llvm::StringRef function, llvm::ArrayRef<NamedAttribute> constants, mlir::Region* body, bool gpuOnly = false) {
    auto dictionary = b_.getDictionaryAttr(constants);
    std::string key;
    llvm::raw_string_ostream stream(key);
    stream << function << dictionary;
    if (body)
      for (mlir::Block& block : *body) block.print(stream);
    auto [found, isNew] = kernels_.try_emplace(key);
    if (!isNew) return found->second;
    auto name = mlir::StringAttr::get(b_.getContext(), (function + "." + llvm::Twine(kernels_.size() - 1)).str());
    auto kernel =
        b_.create<exec::KernelOp>(b_.getUnknownLoc(), name, b_.getStringAttr(function), dictionary, gpuOnly ? b_.getUnitAttr() : mlir::UnitAttr());
    if (body) {
      mlir::IRMapping mapping;
      body->cloneInto(&kernel.getBody(), mapping);
    }
    return found->second = name;
  }

  NamedAttribute integer(llvm::StringRef name, int64_t value) { return b_.getNamedAttr(name, b_.getI64IntegerAttr(value)); }
  NamedAttribute flag(llvm::StringRef name, bool value) { return b_.getNamedAttr(name, b_.getBoolAttr(value)); }
  NamedAttribute text(llvm::StringRef name, llvm::StringRef value) { return b_.getNamedAttr(name, b_.getStringAttr(value)); }

  // The storage of a matrix; empty storage is row-major f32.
  llvm::StringRef storageOf(Value weight) {
    auto param = mlir::SymbolTable(module_).lookup<llm::ParamOp>(weight.getDefiningOp<llm::GetOp>().getName());
    return param.getStorage().empty() ? "plain" : param.getStorage();
  }
  NamedAttribute format(Value weight) { return text("format", storageOf(weight)); }

  // Rows that only linear steps with f16 weights read: GPUs keep them as f16 (kernels/prim/narrow.cuh), CPUs as f32.
  bool isNarrow(Value rows) {
    mlir::Operation* producer = rows.getDefiningOp();
    if (llvm::isa<llm::QuantizedRowsType>(rows.getType()) || llm::columnsOf(rows.getType()) % 16 != 0 || rows.use_empty() || !producer ||
        !llvm::isa<llm::LinearOp, llm::RowsOp, llm::AttentionOp>(producer))
      return false;
    return llvm::all_of(rows.getUses(), [&](mlir::OpOperand& use) {
      auto linear = llvm::dyn_cast<llm::LinearOp>(use.getOwner());
      return linear && use.getOperandNumber() == linear.getXMutable().getOperandNumber() && storageOf(linear.getWeight()) == "f16";
    });
  }
  void addNarrowResult(Value rows, llvm::SmallVectorImpl<NamedAttribute>& constants) {
    if (isNarrow(rows)) constants.push_back(b_.getNamedAttr("narrow_result", b_.getUnitAttr()));
  }

  // One letter per extra: c, a value per column; e, a value per element.
  NamedAttribute extras(mlir::OperandRange values) {
    std::string kinds;
    for (Value value : values) kinds += llvm::cast<mlir::RankedTensorType>(value.getType()).getRank() == 1 ? 'c' : 'e';
    return text("extras", kinds);
  }

  // Columns that share a scale; 0 for f32 rows.
  static int64_t groupOf(Value rows) {
    auto quantized = llvm::dyn_cast<llm::QuantizedRowsType>(rows.getType());
    return quantized ? quantized.getGroup() : 0;
  }
  NamedAttribute code(llvm::StringRef name, Value rows) {
    auto quantized = llvm::dyn_cast<llm::QuantizedRowsType>(rows.getType());
    return text(name, llm::stringifyRowCode(quantized ? quantized.getCode() : llm::RowCode::i8));
  }

  mlir::Attribute nameOf(Value value) { return names_.lookup(value); }
  exec::Extent extentOf(Value value) { return extents_.lookup(value); }

  mlir::ModuleOp module_;
  mlir::OpBuilder b_;
  const LowerOptions& options_;
  llvm::DenseMap<Value, mlir::FlatSymbolRefAttr> names_;
  llvm::DenseMap<Value, exec::Extent> extents_;
  llvm::DenseSet<mlir::StringAttr> weights_;
  llvm::StringMap<mlir::StringAttr> kernels_;
  exec::BufferOp partials_;
  int64_t layers_ = 0, nextBuffer_ = 0;
};

}  // namespace

int64_t rowBytes(mlir::Type type) {
  if (auto quantized = llvm::dyn_cast<llm::QuantizedRowsType>(type)) {
    RowCode code = quantized.getCode() == llm::RowCode::f8 ? RowCode::f8 : RowCode::i8;
    return quantizedRowBytes(quantized.getColumns(), static_cast<int>(quantized.getGroup()), code);
  }
  return static_cast<int64_t>(roundUp(static_cast<uint64_t>(llm::columnsOf(type)), 16)) * 4;
}

int64_t layerPageBytes(exec::CacheOp cache) {
  CacheType type = llvm::StringSwitch<CacheType>(cache.getDtype())
                       .Case("f32", CacheType::f32)
                       .Case("f16", CacheType::f16)
                       .Case("bf16", CacheType::bf16)
                       .Case("f8", CacheType::f8)
                       .Case("i8", CacheType::i8);
  return layerElements(type, static_cast<int>(cache.getKvHeads()), static_cast<int>(cache.getHeadDim())) * elementBytes(type);
}

Result<exec::ProgramOp> lowerToExec(mlir::ModuleOp module, llvm::StringRef name, const LowerOptions& options) {
  module.getContext()->loadDialect<exec::ExecDialect>();
  auto function = module.lookupSymbol<mlir::func::FuncOp>("forward");
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(module.getBody());
  auto program = b.create<exec::ProgramOp>(module.getLoc(), name);
  program.getBody().emplaceBlock();
  INGOT_TRY(Lowering(module, program, options).run(function));
  addAloneSteps(program);
  planBuffers(program);
  return program;
}

}  // namespace ingot
