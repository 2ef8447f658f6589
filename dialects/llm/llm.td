// The llm dialect: what a decoder-only language model computes, on rows of new tokens.
// One row is one token of some sequence; the KV cache stands behind append_kv and attention. Constraints: README.md.
#ifndef INGOT_LLM_TD
#define INGOT_LLM_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Llm_Dialect : Dialect {
  let name = "llm";
  let cppNamespace = "::ingot::llm";
  let useDefaultTypePrinterParser = 1;
}

//===- Types and enums ------------------------------------------------------------------------------------===//

def Llm_RowCode : I32EnumAttr<"RowCode", "what a quantised value is", [
    I32EnumAttrCase<"i8", 0>,
    I32EnumAttrCase<"f8", 1>]> { // e4m3
  let cppNamespace = "::ingot::llm";
}
def Llm_QuantizedRows : TypeDef<Llm_Dialect, "QuantizedRows"> {
  let mnemonic = "q8";
  let summary = "rows of `columns` 8-bit values, i8 unless said otherwise, with one f32 scale per row and `group` columns";
  let parameters = (ins "int64_t":$columns, "int64_t":$group, DefaultValuedParameter<"RowCode", "RowCode::i8">:$code);
  let assemblyFormat = "`<` $columns `,` $group (`,` $code^)? `>`";
}

def Llm_CacheEntry : TypeDef<Llm_Dialect, "CacheEntry"> {
  let mnemonic = "cached";
  let summary = "proof that this step's keys and values of a layer are in the KV cache";
}

def Llm_NormKind : I32EnumAttr<"NormKind", "normalisation of a row", [
    I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"rms", 1>, I32EnumAttrCase<"layer", 2>]> {
  let cppNamespace = "::ingot::llm";
}
def Llm_ActivationKind : I32EnumAttr<"ActivationKind", "element-wise activation", [
    I32EnumAttrCase<"silu", 0>, I32EnumAttrCase<"relu", 1>, I32EnumAttrCase<"gelu", 2>,
    I32EnumAttrCase<"gelu_tanh", 3>]> {
  let cppNamespace = "::ingot::llm";
}
// How the sources of a parameter are put together, along output channels.
def Llm_Arrangement : I32EnumAttr<"Arrangement", "arrangement of a parameter's sources", [
    I32EnumAttrCase<"concat", 0>,        // one after the other
    I32EnumAttrCase<"interleave", 1>]> { // 16 channels of the first, 16 of the second, 16 of the first ...
  let cppNamespace = "::ingot::llm";
}

def Rows : ConfinedType<RankedTensorOf<[F32]>, [HasAnyRankOfPred<[2]>], "rows [tokens, columns] of f32">;
def RowsOrQuantized : AnyTypeOf<[Rows, Llm_QuantizedRows]>;
def Extra : ConfinedType<RankedTensorOf<[F32]>, [HasAnyRankOfPred<[1, 2]>], "rows, or a vector of one f32 per column">;
def ElementOrRows : AnyTypeOf<[F32, Extra]>;
def Param : ConfinedType<RankedTensorOf<[AnyFloat]>, [HasAnyRankOfPred<[1, 2, 3]>], "vector, matrix or rope table of floats">;
def Ids : ConfinedType<RankedTensorOf<[I32]>, [HasAnyRankOfPred<[1]>], "vector of i32">;

class Llm_Op<string mnemonic, list<Trait> traits = []> : Op<Llm_Dialect, mnemonic, traits>;

//===- Parameters -----------------------------------------------------------------------------------------===//

def Llm_ParamOp : Llm_Op<"param", [Symbol]> {
  let summary = "a tensor of the checkpoint, or several put together";
  let description = [{
    `sources` name tensors of the checkpoint. `storage` is the format of the packed weight in the artifact
    (`f32 f16 bf16 f8g128 i8g32 i4g32 i4mg32 ...`), empty for a plain f32 vector or table. `transposed`: the checkpoint
    stores [in, out] (GPT-2's Conv1D). A parameter without sources is computed: `rope` says how.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Param>:$type, StrArrayAttr:$sources,
      DefaultValuedAttr<Llm_Arrangement, "Arrangement::concat">:$arrangement,
      DefaultValuedAttr<StrAttr, "\"\"">:$storage, UnitAttr:$transposed, OptionalAttr<DictionaryAttr>:$rope);
  let assemblyFormat = "$sym_name `:` $type `from` $sources attr-dict";
  let hasVerifier = 1;
}

def Llm_GetOp : Llm_Op<"get", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a parameter";
  let arguments = (ins FlatSymbolRefAttr:$name);
  let results = (outs Param:$value);
  let assemblyFormat = "$name `:` type($value) attr-dict";
}

//===- Rows ----------------------------------------------------------------------------------------------===//

def Llm_EmbeddingOp : Llm_Op<"embedding", [Pure]> {
  let summary = "one table row per id, plus `offset` on the ids";
  let arguments = (ins Ids:$ids, Param:$table, DefaultValuedAttr<I64Attr, "0">:$offset);
  let results = (outs Rows:$rows);
  let assemblyFormat = "$ids `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Llm_NormOp : Llm_Op<"norm", [Pure]> {
  let summary = "RMS or layer normalisation of each row, or of each of `heads` equal parts of it";
  let description = [{rms: x / sqrt(mean(x^2) + eps) * w (Zhang & Sennrich 2019); layer: (x - mean) / sqrt(var + eps) * w + b
    (Ba et al. 2016).}];
  let arguments = (ins Rows:$x, Param:$weight, Optional<Param>:$bias, Llm_NormKind:$kind, F64Attr:$eps,
      DefaultValuedAttr<I64Attr, "1">:$heads);
  let results = (outs Rows:$y);
  let assemblyFormat = "$kind $x `,` $weight (`,` $bias^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Llm_LinearOp : Llm_Op<"linear", [Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "y[r, n] = body(sum_k x[r, k] * weight[n, k], extras)";
  let description = [{
    The body sees f32 scalars: one sum, or two when the weight interleaves two matrices (the result then has half as
    many columns), then one value per extra operand: of column n for a rank-1 extra, of element [r, n] for rank 2.
    An empty region yields the sum. The result may be rounded to quantised rows.
  }];
  let arguments = (ins RowsOrQuantized:$x, Param:$weight, Variadic<Extra>:$extras);
  let regions = (region MaxSizedRegion<1>:$body);
  let results = (outs RowsOrQuantized:$y);
  let assemblyFormat = "$x `,` $weight (`extras` `(` $extras^ `)`)? attr-dict `:` functional-type(operands, results) ($body^)?";
  let hasVerifier = 1;
  let extraClassDeclaration = [{ int64_t numSums(); }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$weight)>];
}

def Llm_RowsOp : Llm_Op<"rows", [Pure, AttrSizedOperandSegments, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "per row: normalise, apply the body to each element, optionally quantise";
  let description = [{The body sees the normalised element and one value per extra (rank 1: per column; rank 2: per
    element). `select`: only the rows whose logits are wanted.}];
  let arguments = (ins Rows:$x, Optional<Param>:$weight, Optional<Param>:$bias, Variadic<Extra>:$extras,
      Llm_NormKind:$kind, DefaultValuedAttr<F64Attr, "0.0">:$eps, UnitAttr:$select);
  let regions = (region MaxSizedRegion<1>:$body);
  let results = (outs RowsOrQuantized:$y);
  let assemblyFormat = [{$kind $x (`weight` `(` $weight^ `)`)? (`bias` `(` $bias^ `)`)? (`extras` `(` $extras^ `)`)? attr-dict
    `:` functional-type(operands, results) ($body^)?}];
  let hasVerifier = 1;
}

def Llm_QuantizeOp : Llm_Op<"quantize", [Pure]> {
  let summary = "8-bit rows: scale = max|x| / the largest code (i8 127, f8 448) per row and group, round to nearest even";
  let arguments = (ins Rows:$x);
  let results = (outs Llm_QuantizedRows:$y);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Llm_SelectRowsOp : Llm_Op<"select_rows", [Pure, SameOperandsAndResultType]> {
  let summary = "the rows whose logits are wanted, in order";
  let arguments = (ins Rows:$x);
  let results = (outs Rows:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Llm_SplitOp : Llm_Op<"split", [Pure]> {
  let summary = "the columns of x as consecutive parts";
  let arguments = (ins Rows:$x);
  let results = (outs Variadic<Rows>:$parts);
  let assemblyFormat = "$x attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===- Elements -------------------------------------------------------------------------------------------===//

class Llm_Binary<string mnemonic, string what> : Llm_Op<mnemonic, [Pure]> {
  let summary = what;
  let description = "On rows, rhs may be a vector of one value per column. On f32 scalars inside a body.";
  let arguments = (ins ElementOrRows:$lhs, ElementOrRows:$rhs);
  let results = (outs ElementOrRows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs), [{
    build($_builder, $_state, lhs.getType(), lhs, rhs);
  }]>];
}
def Llm_AddOp : Llm_Binary<"add", "lhs + rhs">;
def Llm_MulOp : Llm_Binary<"mul", "lhs * rhs">;

def Llm_ScaleOp : Llm_Op<"scale", [Pure, SameOperandsAndResultType]> {
  let summary = "x * factor";
  let arguments = (ins ElementOrRows:$x, F64Attr:$factor);
  let results = (outs ElementOrRows:$y);
  let assemblyFormat = "$x `by` $factor attr-dict `:` type($x)";
  let hasFolder = 1;
}

def Llm_SoftcapOp : Llm_Op<"softcap", [Pure, SameOperandsAndResultType]> {
  let summary = "cap * tanh(x / cap)";
  let arguments = (ins ElementOrRows:$x, F64Attr:$cap);
  let results = (outs ElementOrRows:$y);
  let assemblyFormat = "$x `at` $cap attr-dict `:` type($x)";
}

def Llm_ActivationOp : Llm_Op<"activation", [Pure, SameOperandsAndResultType]> {
  let summary = "silu x*sigmoid(x); relu; gelu with erf; gelu_tanh, its tanh form (Hendrycks & Gimpel 2016)";
  let arguments = (ins Llm_ActivationKind:$kind, ElementOrRows:$x);
  let results = (outs ElementOrRows:$y);
  let assemblyFormat = "$kind $x attr-dict `:` type($x)";
}

def Llm_YieldOp : Llm_Op<"yield", [Pure, Terminator]> {
  let summary = "the value of a body";
  let arguments = (ins Variadic<F32>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

//===- Attention ------------------------------------------------------------------------------------------===//

def Llm_RopeOp : Llm_Op<"rope", [Pure]> {
  let summary = "rotates the first `rotary_dim` columns of every head by its position (Su et al. 2021), halves paired";
  let description = "`table` is [positions, rotary_dim / 2, 2]: cosine and sine, attention scaling included.";
  let arguments = (ins Rows:$x, Ids:$positions, Param:$table, I64Attr:$heads);
  let results = (outs Rows:$y);
  let assemblyFormat = "$x `,` $positions `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Llm_AppendKvOp : Llm_Op<"append_kv", [MemoryEffects<[MemWrite]>]> {
  let summary = "writes this step's keys and values into the layer's pages";
  let arguments = (ins Rows:$k, Rows:$v, I64Attr:$layer);
  let results = (outs Llm_CacheEntry:$cached);
  let assemblyFormat = "$k `,` $v attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Llm_RopeAppendOp : Llm_Op<"rope_append", [MemoryEffects<[MemWrite]>, AttrSizedOperandSegments]> {
  let summary = "split, optional norm of each head, rope and append_kv of packed q, k, v in one; gives the rotated q";
  let arguments = (ins Rows:$qkv, Ids:$positions, Optional<Param>:$table, Optional<Param>:$q_norm, Optional<Param>:$k_norm,
      I64Attr:$layer, I64Attr:$heads, I64Attr:$kv_heads, DefaultValuedAttr<F64Attr, "0.0">:$eps);
  let results = (outs Rows:$q, Llm_CacheEntry:$cached);
  let assemblyFormat = [{$qkv `,` $positions (`table` `(` $table^ `)`)? (`q_norm` `(` $q_norm^ `)`)? (`k_norm` `(` $k_norm^ `)`)?
    attr-dict `:` functional-type(operands, results)}];
  let hasVerifier = 1;
}

def Llm_AttentionOp : Llm_Op<"attention", [MemoryEffects<[MemRead]>]> {
  let summary = "causal attention of every row over its own sequence, itself included";
  let description = [{softmax(scale * q k^T) v; query head h reads KV head h / (heads / kv_heads). `window` > 0: only the last
    `window` positions. `softcap` > 0: cap * tanh(score / cap). `alibi`: behind that, plus the head's slope times the key's position
    relative to the row's (Press et al. 2022, kernels/ref/attention.h).
    The result may be rounded to quantised rows, with groups within a head.}];
  let arguments = (ins Rows:$q, Llm_CacheEntry:$cached, I64Attr:$layer, I64Attr:$heads, I64Attr:$kv_heads, F64Attr:$scale,
      DefaultValuedAttr<I64Attr, "0">:$window, DefaultValuedAttr<F64Attr, "0.0">:$softcap, UnitAttr:$alibi);
  let results = (outs RowsOrQuantized:$y);
  let assemblyFormat = "$q `,` $cached attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif
