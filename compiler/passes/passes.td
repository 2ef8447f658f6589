// Passes from llm to llm. Each has a file of its name and a lit test of its name; the order and its reasons: pass_list.cc.
include "mlir/Pass/PassBase.td"

def PackProjections : Pass<"pack-projections", "::mlir::ModuleOp"> {
  let summary = "linears of the same rows become one: q, k, v concatenated; gate and up interleaved, with their product";
}
def FuseEpilogues : Pass<"fuse-epilogues", "::mlir::ModuleOp"> {
  let summary = "element-wise ops on the only use of a linear move into its body";
}
def QuantizeWeights : Pass<"quantize-weights", "::mlir::ModuleOp"> {
  let summary = "chooses the storage of every matrix and quantises the rows that meet 4- and 8-bit weights";
  let options = [
    Option<"linear_", "linear", "std::string", "\"f32\"", "storage of the layers' matrices">,
    Option<"head_", "head", "std::string", "\"\"", "storage of embedding and output matrix; empty: as linear">];
}
def FuseRows : Pass<"fuse-rows", "::mlir::ModuleOp"> {
  let summary = "norms, row selection, quantisation and the element-wise ops left between them become llm.rows";
}
def FuseRopeAppend : Pass<"fuse-rope-append", "::mlir::ModuleOp"> {
  let summary = "split, head norms, rope and append_kv of packed q, k, v become llm.rope_append";
}
