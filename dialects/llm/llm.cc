// Verifiers and folders of the llm dialect. `// norm_c1` is constraint 1 of norm in README.md.
#include "dialects/llm/llm.h"

#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/DialectImplementation.h"

#include "dialects/llm/llm_dialect.cc.inc"
#include "dialects/llm/llm_enums.cc.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/llm/llm_attrs.cc.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/llm/llm_types.cc.inc"
#define GET_OP_CLASSES
#include "dialects/llm/llm_ops.cc.inc"

namespace ingot::llm {

using mlir::LogicalResult;
using mlir::RankedTensorType;
using mlir::success;

void LlmDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/llm/llm_types.cc.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/llm/llm_ops.cc.inc"
      >();
}

int64_t columnsOf(mlir::Type type) {
  if (auto quantized = llvm::dyn_cast<QuantizedRowsType>(type)) return quantized.getColumns();
  return llvm::cast<RankedTensorType>(type).getShape().back();
}

int64_t fittingGroup(int64_t columns, int64_t group) {
  constexpr int64_t kLeast = 32;
  while (group > kLeast && columns % group != 0) group /= 2;
  return columns % group == 0 ? group : 0;
}

llvm::StringRef widerStorage(llvm::StringRef a, llvm::StringRef b) {
  constexpr llvm::StringLiteral kOrder[] = {"",      "i4g128", "i4g64",  "i4g32", "i4mg128", "i4mg64", "i4mg32", "i8g128", "i8g64",
                                            "i8g32", "i8g16",  "f8g128", "f8g64", "f8g32",   "bf16",   "f16",    "f32"};
  return llvm::find(kOrder, a) < llvm::find(kOrder, b) ? b : a;
}

namespace {

int64_t rankOf(mlir::Type type) { return llvm::cast<RankedTensorType>(type).getRank(); }
int64_t dim(mlir::Type type, int64_t i) { return llvm::cast<RankedTensorType>(type).getDimSize(i); }

// A body takes `numSums` values, then one per extra, and yields one f32. Extras have `columns` columns.
LogicalResult verifyBody(mlir::Operation* op, mlir::Region& body, int64_t numSums, mlir::OperandRange extras, int64_t columns) {
  for (mlir::Value extra : extras)  // body_c1
    if (columnsOf(extra.getType()) != columns)
      return op->emitOpError("extra operand ") << extra.getType() << " does not have " << columns << " columns";
  if (body.empty()) {
    if (!extras.empty()) return op->emitOpError("extra operands need a body that uses them");  // body_c2
    return success();
  }
  if (body.getNumArguments() != numSums + extras.size())  // body_c3
    return op->emitOpError("body takes ") << body.getNumArguments() << " values, expected " << numSums + extras.size();
  if (body.front().getTerminator()->getNumOperands() != 1) return op->emitOpError("body must yield one value");  // body_c4
  for (mlir::Operation& inner : body.front().without_terminator())
    if (!llvm::isa<AddOp, MulOp, ScaleOp, SoftcapOp, ActivationOp>(inner) || !inner.getResult(0).getType().isF32())  // body_c5
      return inner.emitOpError("does not stand in a body: only element-wise ops on f32 do");
  return success();
}

LogicalResult verifyNormOperands(mlir::Operation* op, NormKind kind, mlir::Value weight, mlir::Value bias, int64_t columns) {
  if (weight && (rankOf(weight.getType()) != 1 || columnsOf(weight.getType()) != columns))  // norm_c1
    return op->emitOpError("weight ") << weight.getType() << " does not have " << columns << " elements";
  if (bias && kind != NormKind::layer) return op->emitOpError("only a layer norm has a bias");               // norm_c2
  if (bias && bias.getType() != weight.getType()) return op->emitOpError("bias and weight differ in type");  // norm_c3
  return success();
}

LogicalResult verifyBinary(mlir::Operation* op, mlir::Type lhs, mlir::Type rhs, mlir::Type result) {
  if (lhs != result) return op->emitOpError("result must have the type of lhs");  // elementwise_c1
  if (lhs == rhs) return success();
  if (lhs.isF32() || rhs.isF32() || rankOf(rhs) != 1 || columnsOf(rhs) != columnsOf(lhs))  // elementwise_c2
    return op->emitOpError("rhs must be like lhs, or one value per column of it");
  return success();
}

// A rope table for heads of `headDim` columns.
LogicalResult verifyTable(mlir::Operation* op, mlir::Type table, int64_t headDim) {
  if (rankOf(table) != 3 || dim(table, 2) != 2 || dim(table, 1) * 2 > headDim)  // table_c1
    return op->emitOpError("table must be [positions, at most half a head of ") << headDim << ", 2], found " << table;
  return success();
}

bool hasWholeGroups(QuantizedRowsType type) { return type.getGroup() > 0 && type.getColumns() % type.getGroup() == 0; }

LogicalResult verifyHeads(mlir::Operation* op, int64_t columns, int64_t heads) {
  if (heads <= 0 || columns % heads != 0)  // heads_c1
    return op->emitOpError() << columns << " columns do not divide into " << heads << " heads";
  return success();
}

// The cache entry that an attention reads is of its own layer and heads.
LogicalResult verifyEntry(AttentionOp op) {
  uint64_t layer = op.getLayer();
  int64_t headDim = columnsOf(op.getQ().getType()) / static_cast<int64_t>(op.getHeads());
  int64_t expected = headDim * static_cast<int64_t>(op.getKvHeads()), columns = expected;
  if (auto append = op.getCached().getDefiningOp<AppendKvOp>()) {
    layer = append.getLayer();
    columns = columnsOf(append.getK().getType());
  } else if (auto append = op.getCached().getDefiningOp<RopeAppendOp>()) {
    layer = append.getLayer();
    int64_t kvHeads = static_cast<int64_t>(append.getKvHeads());
    columns = columnsOf(append.getQkv().getType()) / (static_cast<int64_t>(append.getHeads()) + 2 * kvHeads) * kvHeads;
  }
  if (layer != op.getLayer()) return op.emitOpError("reads layer ") << op.getLayer() << ", its entry is of layer " << layer;  // attention_c3
  if (columns != expected) return op.emitOpError("needs keys of ") << expected << " columns, they have " << columns;          // attention_c4
  return success();
}

}  // namespace

LogicalResult ParamOp::verify() {
  if (getSources().empty() == !getRope().has_value())  // param_c1
    return emitOpError("needs either sources or a rope description");
  if (getArrangement() == Arrangement::interleave && getSources().size() != 2)  // param_c2
    return emitOpError("interleave takes two sources, found ") << getSources().size();
  auto type = llvm::cast<RankedTensorType>(getType());
  if (!type.hasStaticShape()) return emitOpError("must have a static shape");       // param_c3
  if (getArrangement() == Arrangement::interleave && type.getDimSize(0) % 32 != 0)  // param_c4
    return emitOpError("interleaved channels come in pairs of 16, found ") << type.getDimSize(0);
  return success();
}

LogicalResult GetOp::verifySymbolUses(mlir::SymbolTableCollection& symbols) {
  auto param = symbols.lookupNearestSymbolFrom<ParamOp>(*this, getNameAttr());
  if (!param) return emitOpError("no parameter ") << getNameAttr();  // get_c1
  if (param.getType() != getValue().getType())                       // get_c2
    return emitOpError("has type ") << getValue().getType() << ", the parameter " << param.getType();
  return success();
}

LogicalResult EmbeddingOp::verify() {
  if (rankOf(getTable().getType()) != 2 || columnsOf(getTable().getType()) != columnsOf(getRows().getType()))  // embedding_c1
    return emitOpError("table must be [entries, ") << columnsOf(getRows().getType()) << "]";
  if (static_cast<int64_t>(getOffset()) < 0) return emitOpError("offset must not be negative");  // embedding_c2
  return success();
}

LogicalResult NormOp::verify() {
  if (getX().getType() != getY().getType()) return emitOpError("keeps the type of its rows");  // norm_c4
  if (getKind() == NormKind::none) return emitOpError("is rms or layer");                      // norm_c5
  if (failed(verifyHeads(*this, columnsOf(getX().getType()), getHeads()))) return mlir::failure();
  return verifyNormOperands(*this, getKind(), getWeight(), getBias(), columnsOf(getX().getType()) / getHeads());
}

int64_t LinearOp::numSums() { return columnsOf(getY().getType()) * 2 == dim(getWeight().getType(), 0) ? 2 : 1; }

void LinearOp::build(mlir::OpBuilder& builder, mlir::OperationState& state, mlir::Value x, mlir::Value weight) {
  auto weightType = llvm::cast<RankedTensorType>(weight.getType());
  build(builder, state, RankedTensorType::get({mlir::ShapedType::kDynamic, weightType.getDimSize(0)}, builder.getF32Type()), x, weight,
        mlir::ValueRange());
}

LogicalResult LinearOp::verify() {
  if (rankOf(getWeight().getType()) != 2 || columnsOf(getWeight().getType()) != columnsOf(getX().getType()))  // linear_c1
    return emitOpError("weight must be [columns out, ") << columnsOf(getX().getType()) << "], found " << getWeight().getType();
  int64_t out = columnsOf(getY().getType()), channels = dim(getWeight().getType(), 0);
  if (channels != out * numSums()) return emitOpError() << channels << " channels cannot give " << out << " columns";  // linear_c2
  if (numSums() == 2 && getBody().empty()) return emitOpError("two sums need a body");                                 // linear_c3
  if (auto type = llvm::dyn_cast<QuantizedRowsType>(getY().getType()); type && !hasWholeGroups(type))                  // linear_c4
    return emitOpError() << out << " columns do not divide into groups of " << type.getGroup();
  return verifyBody(*this, getBody(), numSums(), getExtras(), out);
}

LogicalResult RowsOp::verify() {
  int64_t columns = columnsOf(getX().getType());
  if (columnsOf(getY().getType()) != columns) return emitOpError("keeps the number of columns");               // rows_c1
  if ((getKind() == NormKind::none) != !getWeight()) return emitOpError("a norm has a weight, none has not");  // rows_c2
  if (auto type = llvm::dyn_cast<QuantizedRowsType>(getY().getType()); type && !hasWholeGroups(type))          // rows_c3
    return emitOpError() << columns << " columns do not divide into groups of " << type.getGroup();
  if (failed(verifyNormOperands(*this, getKind(), getWeight(), getBias(), columns))) return mlir::failure();
  return verifyBody(*this, getBody(), 1, getExtras(), columns);
}

LogicalResult QuantizeOp::verify() {
  auto type = getY().getType();
  if (type.getColumns() != columnsOf(getX().getType())) return emitOpError("keeps the number of columns");  // quantize_c1
  if (!hasWholeGroups(type))                                                                                // quantize_c2
    return emitOpError() << type.getColumns() << " columns do not divide into groups of " << type.getGroup();
  return success();
}

LogicalResult SplitOp::verify() {
  int64_t sum = 0;
  for (mlir::Value part : getParts()) sum += columnsOf(part.getType());
  if (sum != columnsOf(getX().getType()))  // split_c1
    return emitOpError("parts have ") << sum << " columns, x has " << columnsOf(getX().getType());
  return success();
}

LogicalResult AddOp::verify() { return verifyBinary(*this, getLhs().getType(), getRhs().getType(), getType()); }
LogicalResult MulOp::verify() { return verifyBinary(*this, getLhs().getType(), getRhs().getType(), getType()); }

mlir::OpFoldResult ScaleOp::fold(FoldAdaptor) { return getFactor().convertToDouble() == 1.0 ? getX() : mlir::OpFoldResult(); }

LogicalResult RopeOp::verify() {
  if (getX().getType() != getY().getType()) return emitOpError("keeps the type of its rows");  // rope_c1
  if (failed(verifyHeads(*this, columnsOf(getX().getType()), getHeads()))) return mlir::failure();
  return verifyTable(*this, getTable().getType(), columnsOf(getX().getType()) / static_cast<int64_t>(getHeads()));
}

LogicalResult AppendKvOp::verify() {
  if (getK().getType() != getV().getType()) return emitOpError("keys and values differ in type");  // append_kv_c1
  return success();
}

LogicalResult RopeAppendOp::verify() {
  int64_t heads = getHeads() + 2 * getKvHeads();
  if (failed(verifyHeads(*this, columnsOf(getQkv().getType()), heads))) return mlir::failure();
  int64_t headDim = columnsOf(getQkv().getType()) / heads;
  if (columnsOf(getQ().getType()) != headDim * static_cast<int64_t>(getHeads()))  // rope_append_c1
    return emitOpError("q must have the columns of ") << getHeads() << " heads";
  if (!getQNorm() != !getKNorm()) return emitOpError("q_norm and k_norm come together");  // rope_append_c2
  for (mlir::Value norm : {getQNorm(), getKNorm()})
    if (norm && failed(verifyNormOperands(*this, NormKind::rms, norm, {}, headDim))) return mlir::failure();
  return getTable() ? verifyTable(*this, getTable().getType(), headDim) : success();
}

LogicalResult AttentionOp::verify() {
  if (columnsOf(getQ().getType()) != columnsOf(getY().getType())) return emitOpError("keeps the columns of its rows");  // attention_c1
  if (failed(verifyHeads(*this, columnsOf(getQ().getType()), getHeads()))) return mlir::failure();
  if (getKvHeads() == 0 || getHeads() % getKvHeads() != 0)  // attention_c2
    return emitOpError() << getHeads() << " heads do not divide over " << getKvHeads() << " KV heads";
  int64_t headDim = columnsOf(getQ().getType()) / static_cast<int64_t>(getHeads());
  if (auto type = llvm::dyn_cast<QuantizedRowsType>(getY().getType());
      type && (type.getGroup() <= 0 || headDim % type.getGroup() != 0))  // attention_c5
    return emitOpError() << "a head of " << headDim << " columns does not divide into groups of " << type.getGroup();
  return verifyEntry(*this);
}

}  // namespace ingot::llm
