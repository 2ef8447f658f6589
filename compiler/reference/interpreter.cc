#include "compiler/reference/interpreter.h"

#include <numeric>

#include "compiler/reference/body.h"
#include "compiler/reference/products.h"
#include "compiler/support/parallel.h"
#include "kernels/ref/attention.h"
#include "kernels/ref/embedding.h"
#include "kernels/ref/linear.h"
#include "kernels/ref/norm.h"
#include "kernels/ref/quantize.h"
#include "kernels/ref/rope.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace ingot {

using reference::Body;
using reference::Elementwise;

template <class Real>
Interpreter<Real>::Interpreter(mlir::ModuleOp module, LoadParam load, const InterpreterOptions& options, LinearObserver observer)
    : module_(module), load_(std::move(load)), options_(options), observer_(std::move(observer)) {}

template <class Real>
void Interpreter<Real>::reset() {
  history_.clear();
  tokens_ = 0;
}

template <class Real>
Status Interpreter<Real>::check(std::span<const int> ids, std::span<const int> positions) const {
  if (ids.empty() || ids.size() != positions.size())
    return Status::invalidArgument("{} ids and {} positions, expected as many, and at least one", ids.size(), positions.size());
  for (size_t i = 0; i < ids.size(); ++i)
    if (positions[i] != tokens_ + static_cast<int64_t>(i))
      return Status::invalidArgument("position {} of token {}, expected {}: one sequence, in order", positions[i], i,
                                     tokens_ + static_cast<int64_t>(i));
  return {};
}

template <class Real>
Result<std::vector<Real>> Interpreter<Real>::run(std::span<const int> ids, std::span<const int> positions,
                                                 std::optional<std::vector<int64_t>> wanted) {
  INGOT_TRY(check(ids, positions));
  auto function = module_.lookupSymbol<mlir::func::FuncOp>("forward");
  if (!function || function.getNumArguments() != 2) return Status::invalidArgument("the module has no @forward(ids, positions)");
  values_.clear();
  positions_.assign(positions.begin(), positions.end());
  integers_[function.getArgument(0)].assign(ids.begin(), ids.end());
  integers_[function.getArgument(1)] = positions_;
  wanted_.resize(ids.size());
  std::iota(wanted_.begin(), wanted_.end(), 0);
  if (wanted) wanted_ = *wanted;
  for (mlir::Operation& op : function.getBody().front()) {
    if (llvm::isa<mlir::func::ReturnOp>(op)) {
      tokens_ += static_cast<int64_t>(ids.size());
      return std::move(values_.find(op.getOperand(0))->second.data);
    }
    INGOT_TRY(execute(op).at(op.getName().getStringRef().str()));
    release(op);
  }
  return Status::internal("@forward does not return");
}

template <class Real>
Status Interpreter<Real>::execute(mlir::Operation& op) {
  return llvm::TypeSwitch<mlir::Operation*, Status>(&op)
      .Case([&](llm::GetOp get) { return load(get); })
      .Case([&](llm::EmbeddingOp embed) { return embedding(embed); })
      .Case([&](llm::NormOp normalise) { return norm(normalise); })
      .Case([&](llm::LinearOp product) { return linear(product); })
      .Case([&](llm::RowsOp fused) { return fusedRows(fused); })
      .Case([&](llm::QuantizeOp round) { return quantize(round); })
      .Case([&](llm::SelectRowsOp choose) { return select(choose); })
      .Case([&](llm::SplitOp parts) { return split(parts); })
      .Case([&](llm::RopeOp rotation) { return rope(rotation); })
      .Case([&](llm::AppendKvOp appending) { return appendKv(appending); })
      .Case([&](llm::RopeAppendOp appending) { return ropeAppend(appending); })
      .Case([&](llm::AttentionOp attend) { return attention(attend); })
      .Default([&](mlir::Operation* other) { return elementwise(*other); });
}

template <class Real>
void Interpreter<Real>::release(mlir::Operation& op) {
  for (mlir::Value operand : op.getOperands()) {
    if (!llvm::all_of(operand.getUsers(), [&](mlir::Operation* user) { return user == &op || user->isBeforeInBlock(&op); })) continue;
    values_.erase(operand);
    gets_.erase(operand);
  }
}

//===- Parameters -----------------------------------------------------------------------------------------===//

template <class Real>
Status Interpreter<Real>::load(llm::GetOp op) {
  std::string name = op.getName().str();
  Values values = params_[name];
  if (!values) {
    auto param = module_.lookupSymbol<llm::ParamOp>(name);
    if (!param) return Status::internal("no parameter {}", name);
    INGOT_ASSIGN(std::vector<float> loaded, load_(param));
    auto type = llvm::cast<mlir::RankedTensorType>(param.getType());
    if (static_cast<int64_t>(loaded.size()) != type.getNumElements())
      return Status::internal("{}: has {} values, expected {}", name, loaded.size(), type.getNumElements());
    values = std::make_shared<const std::vector<float>>(std::move(loaded));
    if (options_.keepMatrices || type.getRank() != 2) params_[name] = values;
  }
  gets_[op.getValue()] = std::move(values);
  return {};
}

//===- Rows -----------------------------------------------------------------------------------------------===//

template <class Real>
Status Interpreter<Real>::embedding(llm::EmbeddingOp op) {
  auto table = llvm::cast<mlir::RankedTensorType>(op.getTable().getType());
  const std::vector<int>& ids = integers_.find(op.getIds())->second;
  int64_t offset = static_cast<int64_t>(op.getOffset());
  for (int id : ids)
    if (id + offset < 0 || id + offset >= table.getDimSize(0))
      return Status::invalidArgument("id {} is outside a table of {} rows", id + offset, table.getDimSize(0));
  Rows y{table.getDimSize(1), {}};
  y.data.resize(ids.size() * static_cast<size_t>(y.columns));
  ref::embedding(ids.data(), static_cast<int64_t>(ids.size()), paramOf(op.getTable())->data(), y.columns, offset, y.data.data());
  values_[op.getRows()] = std::move(y);
  return {};
}

template <class Real>
void Interpreter<Real>::normRow(llm::NormKind kind, const Real* x, const std::vector<float>* weight, const std::vector<float>* bias, int64_t columns,
                                double eps, Real* y) const {
  if (kind == llm::NormKind::none) std::copy_n(x, columns, y);
  if (kind == llm::NormKind::rms) ref::rmsNorm(x, weight->data(), columns, static_cast<Real>(eps), y);
  if (kind == llm::NormKind::layer) ref::layerNorm(x, weight->data(), bias ? bias->data() : nullptr, columns, static_cast<Real>(eps), y);
}

template <class Real>
Status Interpreter<Real>::norm(llm::NormOp op) {
  Rows y = rowsOf(op.getX());
  int64_t columns = y.columns / static_cast<int64_t>(op.getHeads());
  for (Real* at = y.data.data(); at < y.data.data() + y.data.size(); at += columns)
    normRow(op.getKind(), at, paramOf(op.getWeight()), paramOf(op.getBias()), columns, op.getEps().convertToDouble(), at);
  values_[op.getY()] = std::move(y);
  return {};
}

template <class Real>
std::vector<typename Interpreter<Real>::Extra> Interpreter<Real>::extrasOf(mlir::ValueRange values) const {
  std::vector<Extra> extras;
  for (mlir::Value value : values) {
    const std::vector<float>* vector = paramOf(value);
    extras.push_back({vector, vector ? nullptr : &rowsOf(value)});
  }
  return extras;
}

template <class Real>
Result<reference::Rows<Real>> Interpreter<Real>::sumsOf(llm::LinearOp op, const Rows& x) const {
  int64_t channels = llvm::cast<mlir::RankedTensorType>(op.getWeight().getType()).getDimSize(0);
  Rows sums{channels, std::vector<Real>(static_cast<size_t>(x.count() * channels))};
  const float* weight = paramOf(op.getWeight())->data();
  if constexpr (std::is_same_v<Real, float>) {
    INGOT_TRY(reference::products(x.data.data(), x.count(), x.columns, weight, channels, options_.jobs, sums.data.data()));
  } else {
    ref::linear(x.data.data(), x.count(), x.columns, weight, channels, sums.data.data());
  }
  return sums;
}

template <class Real>
Status Interpreter<Real>::linear(llm::LinearOp op) {
  const Rows& x = rowsOf(op.getX());
  if (observer_) observer_(op, x);
  int64_t channels = llvm::cast<mlir::RankedTensorType>(op.getWeight().getType()).getDimSize(0);
  int sums = static_cast<int>(op.numSums());
  INGOT_ASSIGN(Rows products, sumsOf(op, x));
  if (op.getBody().empty()) {
    setRows(op.getY(), std::move(products));
    return {};
  }
  INGOT_ASSIGN(auto body, Body<Real>::of(op.getBody()));
  Rows y{channels / sums, {}};
  std::vector<Extra> extras = extrasOf(op.getExtras());
  std::vector<Real> slots;
  for (int64_t r = 0; r < x.count(); ++r)
    for (int64_t n = 0; n < y.columns; ++n) {
      slots.clear();
      for (int s = 0; s < sums; ++s) slots.push_back(products.row(r)[sums == 1 ? n : ref::interleavedChannel(n, s, sums)]);
      for (const Extra& extra : extras) slots.push_back(extra.at(r, n));
      y.data.push_back(body.apply(slots));
    }
  setRows(op.getY(), std::move(y));
  return {};
}

template <class Real>
Status Interpreter<Real>::fusedRows(llm::RowsOp op) {
  Rows y = op.getSelect() ? selected(rowsOf(op.getX())) : rowsOf(op.getX());
  INGOT_ASSIGN(auto body, Body<Real>::of(op.getBody()));
  std::vector<Extra> extras = extrasOf(op.getExtras());
  std::vector<Real> slots;
  for (int64_t r = 0; r < y.count(); ++r) {
    Real* row = y.row(r);
    normRow(op.getKind(), row, paramOf(op.getWeight()), paramOf(op.getBias()), y.columns, op.getEps().convertToDouble(), row);
    for (int64_t c = 0; c < y.columns; ++c) {
      slots.assign(1, row[c]);
      for (const Extra& extra : extras) slots.push_back(extra.at(r, c));
      row[c] = body.apply(slots);
    }
  }
  setRows(op.getY(), std::move(y));
  return {};
}

template <class Real>
Status Interpreter<Real>::elementwise(mlir::Operation& op) {
  INGOT_ASSIGN(auto function, Elementwise<Real>::of(&op));
  Rows y = rowsOf(op.getOperand(0));
  std::vector<Extra> rhs = extrasOf(op.getOperands().drop_front());
  for (int64_t r = 0; r < y.count(); ++r)
    for (int64_t c = 0; c < y.columns; ++c) y.row(r)[c] = function.apply(y.row(r)[c], rhs.empty() ? Real(0) : rhs[0].at(r, c));
  values_[op.getResult(0)] = std::move(y);
  return {};
}

template <class Real>
Status Interpreter<Real>::quantize(llm::QuantizeOp op) {
  setRows(op.getY(), rowsOf(op.getX()));
  return {};
}

template <class Real>
void Interpreter<Real>::setRows(mlir::Value value, Rows rows) {
  if (auto quantized = llvm::dyn_cast<llm::QuantizedRowsType>(value.getType()))
    for (int64_t r = 0; r < rows.count(); ++r)
      ref::roundRow(rows.row(r), rows.columns, quantized.getGroup(), quantized.getCode() == llm::RowCode::f8 ? RowCode::f8 : RowCode::i8,
                    rows.row(r));
  values_[value] = std::move(rows);
}

template <class Real>
reference::Rows<Real> Interpreter<Real>::selected(const Rows& rows) const {
  Rows y{rows.columns, {}};
  for (int64_t row : wanted_) y.data.insert(y.data.end(), rows.row(row), rows.row(row) + rows.columns);
  return y;
}

template <class Real>
Status Interpreter<Real>::select(llm::SelectRowsOp op) {
  values_[op.getY()] = selected(rowsOf(op.getX()));
  return {};
}

template <class Real>
reference::Rows<Real> Interpreter<Real>::part(const Rows& rows, int64_t first, int64_t columns) const {
  Rows y{columns, {}};
  for (int64_t r = 0; r < rows.count(); ++r) y.data.insert(y.data.end(), rows.row(r) + first, rows.row(r) + first + columns);
  return y;
}

template <class Real>
Status Interpreter<Real>::split(llm::SplitOp op) {
  Rows x = rowsOf(op.getX());  // a copy: new values may move the map's
  int64_t first = 0;
  for (mlir::Value result : op.getParts()) {
    int64_t columns = llm::columnsOf(result.getType());
    values_[result] = part(x, first, columns);
    first += columns;
  }
  return {};
}

//===- Attention ------------------------------------------------------------------------------------------===//

template <class Real>
Status Interpreter<Real>::rotate(Rows& rows, mlir::Value table, int64_t heads) const {
  auto type = llvm::cast<mlir::RankedTensorType>(table.getType());
  int64_t half = type.getDimSize(1), headDim = rows.columns / heads;
  for (int64_t r = 0; r < rows.count(); ++r) {
    int64_t position = positions_[static_cast<size_t>(r)];
    if (position >= type.getDimSize(0)) return Status::invalidArgument("position {}, the table has {}", position, type.getDimSize(0));
    for (int64_t h = 0; h < heads; ++h) ref::rotateHead(rows.row(r) + h * headDim, paramOf(table)->data() + position * half * 2, half * 2);
  }
  return {};
}

template <class Real>
Status Interpreter<Real>::rope(llm::RopeOp op) {
  Rows y = rowsOf(op.getX());
  INGOT_TRY(rotate(y, op.getTable(), static_cast<int64_t>(op.getHeads())));
  values_[op.getY()] = std::move(y);
  return {};
}

template <class Real>
void Interpreter<Real>::append(int64_t layer, const Rows& keys, const Rows& values) {
  auto rounded = [&](Real value) -> Real {
    float single = static_cast<float>(value);
    if (options_.cache == DType::f16) return f16ToFloat(floatToF16(single));
    if (options_.cache == DType::bf16) return bf16ToFloat(floatToBf16(single));
    return value;
  };
  for (Real key : keys.data) history_[layer].keys.push_back(rounded(key));
  for (Real value : values.data) history_[layer].values.push_back(rounded(value));
}

template <class Real>
Status Interpreter<Real>::appendKv(llm::AppendKvOp op) {
  append(static_cast<int64_t>(op.getLayer()), rowsOf(op.getK()), rowsOf(op.getV()));
  return {};
}

template <class Real>
Status Interpreter<Real>::ropeAppend(llm::RopeAppendOp op) {
  const Rows& qkv = rowsOf(op.getQkv());
  int64_t heads = static_cast<int64_t>(op.getHeads()), kvHeads = static_cast<int64_t>(op.getKvHeads());
  int64_t headDim = qkv.columns / (heads + 2 * kvHeads);
  auto prepared = [&](int64_t firstHead, int64_t count, mlir::Value normWeight, Rows& out) -> Status {
    out = part(qkv, firstHead * headDim, count * headDim);
    if (normWeight)
      for (Real* at = out.data.data(); at < out.data.data() + out.data.size(); at += headDim)
        normRow(llm::NormKind::rms, at, paramOf(normWeight), nullptr, headDim, op.getEps().convertToDouble(), at);
    return op.getTable() ? rotate(out, op.getTable(), count) : Status();
  };
  Rows q, k, v = part(qkv, (heads + kvHeads) * headDim, kvHeads * headDim);
  INGOT_TRY(prepared(0, heads, op.getQNorm(), q));
  INGOT_TRY(prepared(heads, kvHeads, op.getKNorm(), k));
  append(static_cast<int64_t>(op.getLayer()), k, v);
  values_[op.getQ()] = std::move(q);
  return {};
}

template <class Real>
Status Interpreter<Real>::attention(llm::AttentionOp op) {
  const Rows& q = rowsOf(op.getQ());
  int64_t heads = static_cast<int64_t>(op.getHeads());
  ref::AttentionShape<Real> shape{heads,
                                  static_cast<int64_t>(op.getKvHeads()),
                                  q.columns / heads,
                                  static_cast<Real>(op.getScale().convertToDouble()),
                                  static_cast<int64_t>(op.getWindow()),
                                  static_cast<Real>(op.getSoftcap().convertToDouble()),
                                  op.getAlibi()};
  const auto& past = history_[static_cast<int64_t>(op.getLayer())];
  if (static_cast<int64_t>(past.keys.size()) != (tokens_ + q.count()) * shape.kvHeads * shape.headDim)
    return Status::internal("layer {}: the cache does not hold this step's keys", op.getLayer());
  Rows y{q.columns, std::vector<Real>(q.data.size())};
  INGOT_TRY(parallelFor(static_cast<size_t>(q.count()), options_.jobs, [&](size_t r) -> Status {
    int64_t row = static_cast<int64_t>(r);
    ref::attention(shape, q.row(row), positions_[r], past.keys.data(), past.values.data(), y.row(row));
    return {};
  }));
  setRows(op.getY(), std::move(y));
  return {};
}

template class Interpreter<float>;
template class Interpreter<double>;

}  // namespace ingot
