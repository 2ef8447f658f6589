// The exec dialect: what the runtime does. Straight-line steps over planned buffers; sizes are symbolic in the step's rows.
#ifndef INGOT_EXEC_TD
#define INGOT_EXEC_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"

def Exec_Dialect : Dialect {
  let name = "exec";
  let cppNamespace = "::ingot::exec";
}

// The unknown that a size or a tile count is a multiple of.
def Exec_Extent : I32EnumAttr<"Extent", "what a count is a multiple of", [
    I32EnumAttrCase<"one", 0>,       // a constant
    I32EnumAttrCase<"tokens", 1>,    // T
    I32EnumAttrCase<"rows", 2>,      // R, the rows whose logits are wanted
    I32EnumAttrCase<"blocks", 3>,    // query blocks
    I32EnumAttrCase<"splits", 4>]> { // of sequences, for attention on GPUs; as a buffer it holds zeros at first
  let cppNamespace = "::ingot::exec";
}

// Batches that run a step, as plan.fbs has them: GPUs have other steps where there is one token, and where every token is of another sequence.
def Exec_Batches : I32EnumAttr<"Batches", "the batches that a step is run for", [
    I32EnumAttrCase<"any", 0>,
    I32EnumAttrCase<"alone", 1>,      // of one token
    I32EnumAttrCase<"several", 2>,    // of more, and on CPUs of one
    I32EnumAttrCase<"apart", 4>,      // of tokens that are apart (kernels/abi/abi.h)
    I32EnumAttrCase<"together", 5>]> { // others, and on CPUs all
  let cppNamespace = "::ingot::exec";
}

class Exec_Op<string mnemonic, list<Trait> traits = []> : Op<Exec_Dialect, mnemonic, traits>;

def Exec_ProgramOp : Exec_Op<"program", [Symbol, SymbolTable, NoTerminator, SingleBlock, IsolatedFromAbove]> {
  let summary = "everything one target needs to run a step";
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
}

def Exec_WeightOp : Exec_Op<"weight", [Symbol]> {
  let summary = "a packed parameter in the artifact";
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$format, DenseI64ArrayAttr:$shape);
  let assemblyFormat = "$sym_name $format $shape attr-dict";
  let hasVerifier = 1;
}

def Exec_BufferOp : Exec_Op<"buffer", [Symbol]> {
  let summary = "an activation: `row_bytes` for each row of `extent`; buffers with the same slot share memory";
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$row_bytes, Exec_Extent:$extent, DefaultValuedAttr<I64Attr, "-1">:$slot);
  let assemblyFormat = "$sym_name $row_bytes `per` $extent attr-dict";
  let hasVerifier = 1;
}

def Exec_CacheOp : Exec_Op<"cache", [Symbol]> {
  let summary = "the pages of one layer: keys and values of `kv_heads` heads of `head_dim` elements";
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$layer, I64Attr:$kv_heads, I64Attr:$head_dim, StrAttr:$dtype);
  let assemblyFormat = "$sym_name $dtype `[` $kv_heads `,` $head_dim `]` `layer` $layer attr-dict";
  let hasVerifier = 1;
}

def Exec_KernelOp : Exec_Op<"kernel", [Symbol]> {
  let summary = "a tile function: operation, compile-time constants, and the body to generate into it";
  let description = "The body is an llm body (f32 scalars), cloned from the fused llm op; empty where the operation has none. Kernels "
      "with `gpu_only` stand behind all others; CPUs have neither them nor their steps.";
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$function, DictionaryAttr:$constants, UnitAttr:$gpu_only);
  let regions = (region AnyRegion:$body);
  let assemblyFormat = "$sym_name $function $constants attr-dict-with-keyword ($body^)?";
}

def Exec_StepOp : Exec_Op<"step", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run the tiles of a kernel, then a barrier; the last `results` operands are written";
  let description = "A target cuts the step into tiles for so many rows of `extent`, or of an extent of its own (codegen's StepTiles).";
  let arguments = (ins FlatSymbolRefAttr:$kernel, ArrayAttr:$operands_, Exec_Extent:$extent,
      DefaultValuedAttr<I64Attr, "1">:$results, DefaultValuedAttr<Exec_Batches, "Batches::any">:$batches);
  let assemblyFormat = "$kernel $operands_ `per` $extent (`when` $batches^)? attr-dict";
  let hasVerifier = 1;
}

#endif
