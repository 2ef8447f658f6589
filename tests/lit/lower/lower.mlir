// A model of one layer, through the passes and into steps.
// RUN: ingot-opt --pack-projections --fuse-epilogues --quantize-weights --fuse-rows --fuse-rope-append --lower-to-exec="cache=f16" %s | FileCheck %s
// An op that no pass fused is refused by name:
// RUN: not ingot-opt --lower-to-exec %s 2>&1 | FileCheck %s --check-prefix=UNFUSED
// UNFUSED: llm.norm: cannot be lowered; a pass should have fused it

llm.param @embed : tensor<96x32xf32> from ["embed"]
llm.param @norm : tensor<32xf32> from ["norm"]
llm.param @q : tensor<32x32xf32> from ["q"]
llm.param @k : tensor<16x32xf32> from ["k"]
llm.param @v : tensor<16x32xf32> from ["v"]
llm.param @o : tensor<32x32xf32> from ["o"]

// CHECK: exec.program @cpu
// CHECK: exec.weight @embed "f32" [96, 32]
// CHECK: exec.kernel @embedding.0 "embedding"
// CHECK: exec.buffer @b0 128 per tokens {slot = 0 : i64}
// CHECK: exec.step @embedding.0 [@embed, @b0] per tokens
// CHECK: exec.weight @norm "plain" [32]
// CHECK: exec.kernel @rows.1 "rows"
// CHECK: exec.buffer @b1 128 per tokens {slot = 1 : i64}
// CHECK: exec.step @rows.1 [@b0, @norm, @b1] per tokens when several
// CHECK: exec.weight @"q+k+v" "f32" [64, 32]
// CHECK: exec.buffer @b2 256 per tokens {slot = 2 : i64}
// CHECK: exec.step @linear.2 [@b1, @"q+k+v", @b2] per one when several
// For a token alone one step does both, and reads what both read.
// CHECK: exec.step @linear.2_alone1 [@b0, @norm, @"q+k+v", @b2] per one when alone
// CHECK: exec.cache @cache0 "f16"[1, 16] layer 0
// The normalised rows are not needed any more; the residual in slot 0 is.
// CHECK: exec.buffer @b3 128 per tokens {slot = 1 : i64}
// CHECK: exec.step @rope_append.3 [@b2, @cache0, @b3] per tokens when together
// GPUs keep partial results of attention besides: one KV head's counter, scores, totals and outputs of two rows.
// CHECK: exec.buffer @partials 208 per splits {slot = 4 : i64}
// CHECK: exec.step @attention.4 [@b3, @cache0, @b4, @partials] per blocks when together {results = 2 : i64}
// CHECK: exec.step @attention.4_alone2 [@b2, @cache0, @b4, @partials] per blocks when apart {results = 2 : i64}
// The residual is an operand of the fused body.
// CHECK: exec.kernel @linear.5 "linear" {extras = "e"
// CHECK: llm.add
// CHECK: exec.step @linear.5 [@b4, @o, @b0, @b5] per one{{$}}
// The wanted rows are chosen by the last norm; the head runs over them alone.
// CHECK: exec.kernel @rows.6 "rows" {{.*}}select = true
// CHECK: exec.buffer @b6 128 per rows
// CHECK: exec.step @rows.6 [@b5, @norm, @b6] per rows when several
// CHECK: exec.buffer @b7 384 per rows
// CHECK: exec.step @linear.7 [@b6, @embed, @b7] per one when several
// CHECK: exec.step @linear.7_alone3 [@b5, @norm, @embed, @b7] per one when alone
// Kernels of a token alone stand behind all others, with the constants of what they also do.
// CHECK: exec.kernel @sample.8
// CHECK: exec.kernel @linear.2_alone1 "linear" {before = {{.*}}norm = "rms"{{.*}} attributes {gpu_only}
func.func @forward(%ids: tensor<?xi32>, %positions: tensor<?xi32>) -> tensor<?x96xf32> {
  %table = llm.get @embed : tensor<96x32xf32>
  %x = llm.embedding %ids, %table : (tensor<?xi32>, tensor<96x32xf32>) -> tensor<?x32xf32>
  %n = llm.get @norm : tensor<32xf32>
  %h = llm.norm rms %x, %n {eps = 1.0e-5 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %wq = llm.get @q : tensor<32x32xf32>
  %q = llm.linear %h, %wq : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %wk = llm.get @k : tensor<16x32xf32>
  %k = llm.linear %h, %wk : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %wv = llm.get @v : tensor<16x32xf32>
  %v = llm.linear %h, %wv : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %c = llm.append_kv %k, %v {layer = 0 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  %a = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  %wo = llm.get @o : tensor<32x32xf32>
  %o = llm.linear %a, %wo : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %y = llm.add %o, %x : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %s = llm.select_rows %y : tensor<?x32xf32>
  %n1 = llm.get @norm : tensor<32xf32>
  %z = llm.norm rms %s, %n1 {eps = 1.0e-5 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %head = llm.get @embed : tensor<96x32xf32>
  %logits = llm.linear %z, %head : (tensor<?x32xf32>, tensor<96x32xf32>) -> tensor<?x96xf32>
  return %logits : tensor<?x96xf32>
}
