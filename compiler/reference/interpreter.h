// Runs @forward of an llm module in plain loops, before or after any pass: what the dialect means. One sequence, no pages.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "dialects/llm/llm.h"
#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

namespace ingot {

// Values of a parameter, row-major in the order of its type, as the artifact would hold them (rounded to its storage).
using LoadParam = std::function<Result<std::vector<float>>(llm::ParamOp)>;

namespace reference {

// Rows of some columns; a quantised row holds the values that its codes stand for.
template <class Real>
struct Rows {
  int64_t columns = 0;
  std::vector<Real> data;

  int64_t count() const { return columns ? static_cast<int64_t>(data.size()) / columns : 0; }
  Real* row(int64_t i) { return data.data() + i * columns; }
  const Real* row(int64_t i) const { return data.data() + i * columns; }
};

// Keys and values of one layer, [positions, kv heads, head dim].
template <class Real>
struct History {
  std::vector<Real> keys, values;
};

}  // namespace reference

struct InterpreterOptions {
  DType cache = DType::f32;  // keys and values are rounded to it
  int jobs = 1;              // threads; the values do not depend on it
  bool keepMatrices = true;  // false: each is let go of once it was read, and loaded anew for the next op or run
};

// `Real`, float or double, is the type of every value between parameters and logits. Thread-compatible.
template <class Real>
class Interpreter {
 public:
  // Hears of every linear that runs, with the rows it reads.
  using LinearObserver = std::function<void(llm::LinearOp, const reference::Rows<Real>&)>;

  // The module must outlive the interpreter.
  Interpreter(mlir::ModuleOp module, LoadParam load, const InterpreterOptions& options = {}, LinearObserver observer = {});

  // Appends tokens to the sequence; positions must go on from its end. Logits [ids, vocabulary], or of `wanted` ids only.
  Result<std::vector<Real>> run(std::span<const int> ids, std::span<const int> positions, std::optional<std::vector<int64_t>> wanted = std::nullopt);
  // Forgets the sequence, keeps the parameters.
  void reset();
  int64_t tokens() const { return tokens_; }

 private:
  using Rows = reference::Rows<Real>;
  using Values = std::shared_ptr<const std::vector<float>>;

  // What an op reads beside its rows: one vector for all of them, or a row for each.
  struct Extra {
    const std::vector<float>* vector;
    const Rows* rows;
    Real at(int64_t row, int64_t column) const { return vector ? static_cast<Real>((*vector)[static_cast<size_t>(column)]) : rows->row(row)[column]; }
  };

  Status check(std::span<const int> ids, std::span<const int> positions) const;
  Status execute(mlir::Operation& op);
  // Lets go of what no later op reads.
  void release(mlir::Operation& op);
  Status embedding(llm::EmbeddingOp op);
  Status norm(llm::NormOp op);
  Status linear(llm::LinearOp op);
  Result<Rows> sumsOf(llm::LinearOp op, const Rows& x) const;
  Status fusedRows(llm::RowsOp op);
  Status elementwise(mlir::Operation& op);
  Status quantize(llm::QuantizeOp op);
  Status select(llm::SelectRowsOp op);
  Status split(llm::SplitOp op);
  Status rope(llm::RopeOp op);
  Status appendKv(llm::AppendKvOp op);
  Status ropeAppend(llm::RopeAppendOp op);
  Status attention(llm::AttentionOp op);

  Status load(llm::GetOp op);
  void normRow(llm::NormKind kind, const Real* x, const std::vector<float>* weight, const std::vector<float>* bias, int64_t columns, double eps,
               Real* y) const;
  Status rotate(Rows& rows, mlir::Value table, int64_t heads) const;
  void append(int64_t layer, const Rows& keys, const Rows& values);
  Rows selected(const Rows& rows) const;
  Rows part(const Rows& rows, int64_t first, int64_t columns) const;
  std::vector<Extra> extrasOf(mlir::ValueRange values) const;
  const std::vector<float>* paramOf(mlir::Value value) const { return value ? gets_.lookup(value).get() : nullptr; }
  const Rows& rowsOf(mlir::Value value) const { return values_.find(value)->second; }
  // The value of an op; rounded where its type is quantised.
  void setRows(mlir::Value value, Rows rows);

  mlir::ModuleOp module_;
  LoadParam load_;
  InterpreterOptions options_;
  LinearObserver observer_;
  std::map<std::string, Values> params_;  // that are kept
  llvm::DenseMap<mlir::Value, Values> gets_;
  std::map<int64_t, reference::History<Real>> history_;
  int64_t tokens_ = 0;
  // Of the step that runs.
  llvm::DenseMap<mlir::Value, Rows> values_;
  llvm::DenseMap<mlir::Value, std::vector<int>> integers_;
  std::vector<int> positions_;
  std::vector<int64_t> wanted_;
};

extern template class Interpreter<float>;
extern template class Interpreter<double>;

}  // namespace ingot
