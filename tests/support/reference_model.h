// A checkpoint as an llm module for the interpreter: imported and, on request, transformed by the passes.
#pragma once

#include <memory>

#include "compiler/import/source.h"
#include "compiler/reference/interpreter.h"
#include "mlir/IR/BuiltinOps.h"

namespace ingot {

struct ReferenceOptions {
  bool passes = false;                    // run the compiler's passes on the module
  std::string linear = "f32", head = "";  // storage of matrices, for the passes
  bool keep = false;                      // keep GGUF blocks and 8-bit floats as they are
  int64_t maxModelLen = 0;                // 0: the checkpoint's
};

struct ReferenceModel {
  std::unique_ptr<mlir::MLIRContext> context;
  CheckpointSource source;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

// `storages` as ingotc's --dtype and --quantize choose them.
Result<ReferenceModel> openReferenceModel(const std::string& checkpoint, const ReferenceOptions& options);

// Log-probabilities [ids, vocabulary] after every id, computed in `Real`, `chunk` tokens at a time; 0: all in one batch.
template <class Real>
Result<std::vector<Real>> referenceLogprobs(ReferenceModel& model, std::span<const int> ids, int64_t chunk, DType cache = DType::f32);

}  // namespace ingot
