#include "tests/support/reference_model.h"

#include <numeric>

#include "compiler/import/build_graph.h"
#include "compiler/pack/kept_storage.h"
#include "compiler/passes/passes.h"
#include "compiler/reference/checkpoint_params.h"
#include "kernels/ref/softmax.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

namespace ingot {

Result<ReferenceModel> openReferenceModel(const std::string& checkpoint, const ReferenceOptions& options) {
  ReferenceModel model;
  model.context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
  INGOT_ASSIGN(model.source, openSource(checkpoint, {}, false));
  if (options.maxModelLen) model.source.spec.maxPositions = options.maxModelLen;
  model.module = buildGraph(model.source.spec, *model.context);
  INGOT_TRY(bindCheckpoint(*model.module, model.source.spec, model.source.checkpoint));
  if (options.keep) keepStorage(*model.module, model.source.checkpoint, [](const std::string&) {});
  if (mlir::failed(mlir::verify(*model.module))) return Status::internal("the imported module is not valid");
  if (!options.passes) return model;
  mlir::PassManager passes(model.context.get());
  addLlmPasses(passes, options.linear, options.head);
  if (mlir::failed(passes.run(*model.module))) return Status::internal("a pass failed");
  return model;
}

template <class Real>
Result<std::vector<Real>> referenceLogprobs(ReferenceModel& model, std::span<const int> ids, int64_t chunk, DType cache) {
  Interpreter<Real> interpreter(*model.module, checkpointParams(model.source.checkpoint), {.cache = cache});
  std::vector<int> positions(ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  std::vector<Real> all;
  size_t step = chunk > 0 ? static_cast<size_t>(chunk) : ids.size();
  for (size_t at = 0; at < ids.size(); at += step) {
    size_t count = std::min(step, ids.size() - at);
    INGOT_ASSIGN(std::vector<Real> logits, interpreter.run(ids.subspan(at, count), std::span(positions).subspan(at, count)));
    all.insert(all.end(), logits.begin(), logits.end());
  }
  int64_t vocabulary = static_cast<int64_t>(all.size() / ids.size());
  for (size_t i = 0; i < ids.size(); ++i) ref::logSoftmax(all.data() + i * static_cast<size_t>(vocabulary), vocabulary);
  return all;
}

template Result<std::vector<float>> referenceLogprobs(ReferenceModel&, std::span<const int>, int64_t, DType);
template Result<std::vector<double>> referenceLogprobs(ReferenceModel&, std::span<const int>, int64_t, DType);

}  // namespace ingot
