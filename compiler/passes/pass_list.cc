#include "compiler/passes/passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace ingot {

void addLlmPasses(mlir::OpPassManager& passes, const std::string& linearStorage, const std::string& headStorage) {
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());    // one get for each parameter
  passes.addPass(createPackProjections());  // first: later passes see one linear for q, k, v and one for gate, up
  passes.addPass(createFuseEpilogues());    // before quantisation hides which op reads a linear
  passes.addPass(createQuantizeWeights({linearStorage, headStorage}));
  passes.addPass(createFuseRopeAppend());  // before norms of rows: that of a key with one head looks like one
  passes.addPass(createFuseRows());        // after quantisation: that of rows fuses into norms
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
}

}  // namespace ingot
