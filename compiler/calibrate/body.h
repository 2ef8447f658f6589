// A model without its ends, which are the largest of its matrices: rows of the embedding for the tokens at hand, and no logits.
#pragma once

#include <vector>

#include "compiler/import/checkpoint.h"
#include "compiler/reference/interpreter.h"

namespace ingot {

// A copy of an imported module. Thread-compatible.
class ModelBody {
 public:
  // `ids` become places in the copy's embedding. `checkpoint` must outlive the body.
  static Result<ModelBody> of(mlir::ModuleOp module, const Checkpoint& checkpoint, std::vector<int>& ids);

  mlir::ModuleOp module() { return *module_; }
  llm::ParamOp paramOf(mlir::Value weight);
  Result<std::vector<float>> load(llm::ParamOp param) const;

 private:
  ModelBody(mlir::ModuleOp module, const Checkpoint& checkpoint) : module_(module.clone()), checkpoint_(&checkpoint) {}
  void dropLogits();
  Status keepEmbeddingsOf(std::vector<int>& ids);

  mlir::OwningOpRef<mlir::ModuleOp> module_;
  const Checkpoint* checkpoint_;
  std::string embedding_;  // its parameter
  std::vector<int> kept_;  // rows of the checkpoint's embedding, ascending
};

}  // namespace ingot
