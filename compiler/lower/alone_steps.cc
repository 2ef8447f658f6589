// Fused steps for small batches, where a launch costs as much as the work it does: one step computes both a step and the one that produces its input
// rows. The two separate steps stay, and GPUs choose by the batch. Every block recomputes the part of the rows that it needs, with the same bits.
// Linear needs whole rows, so fusing pays only for a single one; attention needs only the heads of its own token.
#include "compiler/lower/lower.h"
#include "kernels/linear/linear.spec.h"
#include "mlir/IR/IRMapping.h"

namespace ingot {
namespace {

// A fused kernel is the second one, with the constants of the first as attribute `before`.
class AloneSteps {
 public:
  explicit AloneSteps(exec::ProgramOp program) : program_(program), symbols_(program), b_(program.getContext()) {}

  void run() {
    for (auto first : llvm::to_vector(program_.getOps<exec::StepOp>())) {
      llvm::SmallVector<exec::StepOp> readers = readersOf(first);
      if (readers.empty() || !llvm::all_of(readers, [&](exec::StepOp reader) { return joins(first, reader); })) continue;
      bool rotates = kernelOf(first).getFunction() == "rope_append";
      first.setBatches(rotates ? exec::Batches::together : exec::Batches::several);
      for (exec::StepOp reader : readers) join(first, reader, rotates ? exec::Batches::apart : exec::Batches::alone);
    }
  }

 private:
  exec::KernelOp kernelOf(exec::StepOp step) { return symbols_.lookup<exec::KernelOp>(step.getKernel()); }

  static mlir::Attribute resultOf(exec::StepOp step) { return step.getOperands_().getValue().back(); }
  // All other steps with the result of `step` as an operand.
  llvm::SmallVector<exec::StepOp> readersOf(exec::StepOp step) {
    mlir::Attribute rows = resultOf(step);
    llvm::SmallVector<exec::StepOp> readers;
    for (auto other : program_.getOps<exec::StepOp>())
      if (other != step && llvm::is_contained(other.getOperands_(), rows)) readers.push_back(other);
    return readers;
  }

  bool joins(exec::StepOp first, exec::StepOp reader) {
    exec::KernelOp making = kernelOf(first), reading = kernelOf(reader);
    mlir::Attribute rows = resultOf(first);
    if (llvm::count(reader.getOperands_(), rows) != 1 || reader.getOperands_()[0] != rows || reader.getBatches() != exec::Batches::any) return false;
    if (making.getFunction() == "rope_append") return reading.getFunction() == "attention";
    if (making.getFunction() != "rows" || reading.getFunction() != "linear") return false;
    return isNorm(making) && gpuRowBytes(first) <= kMostMadeRowBytes;
  }
  static bool isNorm(exec::KernelOp rows) {
    auto text = [&](llvm::StringRef name) { return rows.getConstants().getAs<mlir::StringAttr>(name).getValue(); };
    return text("norm") != "none" && text("extras").empty() && isIdentity(rows);
  }
  static bool isIdentity(exec::KernelOp kernel) { return kernel.getBody().empty() || llvm::hasSingleElement(kernel.getBody().front()); }

  // Of the step's result, in the element type of GPUs.
  int64_t gpuRowBytes(exec::StepOp step) {
    auto rows = symbols_.lookup<exec::BufferOp>(llvm::cast<mlir::FlatSymbolRefAttr>(resultOf(step)).getValue());
    return static_cast<int64_t>(rows.getRowBytes()) / (kernelOf(step).getConstants().contains("narrow_result") ? 2 : 1);
  }

  // Operands: those of `first` without its result, then those of `reader` without that input; the cache, if both have it, only once.
  void join(exec::StepOp first, exec::StepOp reader, exec::Batches batches) {
    llvm::SmallVector<mlir::Attribute> operands(first.getOperands_().getValue().drop_back());
    auto others = reader.getOperands_().getValue().drop_front();
    if (others.front() == operands.back()) others = others.drop_front();
    operands.append(others.begin(), others.end());
    llvm::StringRef kernel = joinedKernel(kernelOf(first), kernelOf(reader));
    b_.setInsertionPointAfter(reader);
    b_.create<exec::StepOp>(reader.getLoc(), kernel, b_.getArrayAttr(operands), reader.getExtent(), reader.getResults(), batches);
    reader.setBatches(first.getBatches());
  }

  mlir::StringAttr joinedKernel(exec::KernelOp first, exec::KernelOp reader) {
    auto [found, isNew] = joined_.try_emplace({first, reader});
    if (!isNew) return found->second;
    mlir::NamedAttrList constants(reader.getConstants());
    constants.append("before", first.getConstants());
    b_.setInsertionPointToEnd(&program_.getBody().front());
    auto name = b_.getStringAttr(reader.getSymName() + "_alone" + llvm::Twine(joined_.size()));
    auto kernel =
        b_.create<exec::KernelOp>(b_.getUnknownLoc(), name, reader.getFunctionAttr(), constants.getDictionary(b_.getContext()), b_.getUnitAttr());
    mlir::IRMapping mapping;
    reader.getBody().cloneInto(&kernel.getBody(), mapping);
    return found->second = name;
  }

  exec::ProgramOp program_;
  mlir::SymbolTable symbols_;
  mlir::OpBuilder b_;
  llvm::DenseMap<std::pair<exec::KernelOp, exec::KernelOp>, mlir::StringAttr> joined_;
};

}  // namespace

void addAloneSteps(exec::ProgramOp program) { AloneSteps(program).run(); }

}  // namespace ingot
