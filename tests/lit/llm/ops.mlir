// Every op, printed and read again.
// RUN: ingot-opt %s | ingot-opt | FileCheck %s
// RUN: ingot-opt --mlir-print-op-generic %s | ingot-opt | FileCheck %s

// CHECK: llm.param @embed : tensor<96x32xf32> from ["model.embed"] {storage = "i4g32"}
llm.param @embed : tensor<96x32xf32> from ["model.embed"] {storage = "i4g32"}
// CHECK: llm.param @w : tensor<32x32xf32> from ["w"]
llm.param @w : tensor<32x32xf32> from ["w"]
// CHECK: llm.param @turned : tensor<32x32xf32> from ["c"] {transposed}
llm.param @turned : tensor<32x32xf32> from ["c"] {transposed}
// CHECK: llm.param @gated : tensor<64x32xf32> from ["gate", "up"] {arrangement = 1 : i32}
llm.param @gated : tensor<64x32xf32> from ["gate", "up"] {arrangement = 1 : i32}
llm.param @vector : tensor<32xf32> from ["n"]
llm.param @head_vector : tensor<16xf32> from ["h"]
// CHECK: llm.param @rope : tensor<8x8x2xf32> from [] {rope = {frequencies = array<f32: 1.000000e+00>, scale = 1.000000e+00 : f64}}
llm.param @rope : tensor<8x8x2xf32> from [] {rope = {frequencies = array<f32: 1.0>, scale = 1.0 : f64}}

// CHECK-LABEL: @get
func.func @get() -> tensor<32xf32> {
  // CHECK: llm.get @vector : tensor<32xf32>
  %0 = llm.get @vector : tensor<32xf32>
  return %0 : tensor<32xf32>
}

// CHECK-LABEL: @embedding
func.func @embedding(%ids: tensor<?xi32>, %table: tensor<96x32xf32>) -> tensor<?x32xf32> {
  // CHECK: llm.embedding %{{.*}}, %{{.*}} {offset = 2 : i64} : (tensor<?xi32>, tensor<96x32xf32>) -> tensor<?x32xf32>
  %0 = llm.embedding %ids, %table {offset = 2 : i64} : (tensor<?xi32>, tensor<96x32xf32>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// CHECK-LABEL: @norm
func.func @norm(%x: tensor<?x32xf32>, %w: tensor<32xf32>, %b: tensor<32xf32>, %h: tensor<16xf32>) -> tensor<?x32xf32> {
  // CHECK: llm.norm rms %{{.*}}, %{{.*}} {eps = {{.*}} : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %0 = llm.norm rms %x, %w {eps = 1.0e-5 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  // CHECK: llm.norm layer %{{.*}}, %{{.*}}, %{{.*}} {eps
  %1 = llm.norm layer %0, %w, %b {eps = 1.0e-5 : f64} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  // CHECK: llm.norm rms %{{.*}}, %{{.*}} {eps = {{.*}} : f64, heads = 2 : i64}
  %2 = llm.norm rms %1, %h {eps = 1.0e-5 : f64, heads = 2 : i64} : (tensor<?x32xf32>, tensor<16xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// CHECK-LABEL: @linear
func.func @linear(%x: tensor<?x32xf32>, %q: !llm.q8<32, 32>, %w: tensor<32x32xf32>, %gated: tensor<64x32xf32>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  // CHECK: llm.linear %{{.*}}, %{{.*}} : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>{{$}}
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  // CHECK: llm.linear %{{.*}}, %{{.*}} extras(%{{.*}}, %{{.*}}) : (!llm.q8<32, 32>, tensor<32x32xf32>, tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[BIAS:.*]]: f32, %[[REST:.*]]: f32):
  // CHECK: llm.yield %{{.*}} : f32
  %1 = llm.linear %q, %w extras(%b, %0) : (!llm.q8<32, 32>, tensor<32x32xf32>, tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%sum: f32, %bias: f32, %rest: f32):
    %2 = llm.add %sum, %bias : (f32, f32) -> f32
    %3 = llm.add %2, %rest : (f32, f32) -> f32
    llm.yield %3 : f32
  }
  // Two sums a column.
  // CHECK: llm.linear %{{.*}}, %{{.*}} : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x32xf32> {
  %4 = llm.linear %1, %gated : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%gate: f32, %up: f32):
    %5 = llm.activation silu %gate : f32
    %6 = llm.mul %5, %up : (f32, f32) -> f32
    llm.yield %6 : f32
  }
  return %4 : tensor<?x32xf32>
}

// CHECK-LABEL: @rows
func.func @rows(%x: tensor<?x32xf32>, %w: tensor<32xf32>, %b: tensor<32xf32>) -> !llm.q8<32, 16> {
  // CHECK: llm.rows none %{{.*}} {select} : (tensor<?x32xf32>) -> tensor<?x32xf32>{{$}}
  %0 = llm.rows none %x {select} : (tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: llm.rows layer %{{.*}} weight(%{{.*}}) bias(%{{.*}}) extras(%{{.*}}) {eps = {{.*}} : f64}
  // CHECK-SAME: -> !llm.q8<32, 16> {
  %1 = llm.rows layer %0 weight(%w) bias(%b) extras(%b) {eps = 1.0e-5 : f64}
      : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>) -> !llm.q8<32, 16> {
  ^bb0(%value: f32, %extra: f32):
    %2 = llm.add %value, %extra : (f32, f32) -> f32
    llm.yield %2 : f32
  }
  return %1 : !llm.q8<32, 16>
}

// CHECK-LABEL: @elements
func.func @elements(%x: tensor<?x32xf32>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  // CHECK: llm.add %{{.*}}, %{{.*}} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %0 = llm.add %x, %b : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  // CHECK: llm.mul %{{.*}}, %{{.*}} : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %1 = llm.mul %0, %x : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // CHECK: llm.scale %{{.*}} by 5.000000e-01 : tensor<?x32xf32>
  %2 = llm.scale %1 by 0.5 : tensor<?x32xf32>
  // CHECK: llm.softcap %{{.*}} at 3.000000e+01 : tensor<?x32xf32>
  %3 = llm.softcap %2 at 30.0 : tensor<?x32xf32>
  // CHECK: llm.activation silu
  %4 = llm.activation silu %3 : tensor<?x32xf32>
  // CHECK: llm.activation relu
  %5 = llm.activation relu %4 : tensor<?x32xf32>
  // CHECK: llm.activation gelu %
  %6 = llm.activation gelu %5 : tensor<?x32xf32>
  // CHECK: llm.activation gelu_tanh
  %7 = llm.activation gelu_tanh %6 : tensor<?x32xf32>
  return %7 : tensor<?x32xf32>
}

// CHECK-LABEL: @parts
func.func @parts(%x: tensor<?x64xf32>) -> (tensor<?x32xf32>, !llm.q8<64, 32>) {
  // CHECK: llm.select_rows %{{.*}} : tensor<?x64xf32>
  %0 = llm.select_rows %x : tensor<?x64xf32>
  // CHECK: llm.split %{{.*}} : (tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>)
  %1:3 = llm.split %0 : (tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>)
  // CHECK: llm.quantize %{{.*}} : (tensor<?x64xf32>) -> !llm.q8<64, 32>
  %2 = llm.quantize %0 : (tensor<?x64xf32>) -> !llm.q8<64, 32>
  return %1#0, %2 : tensor<?x32xf32>, !llm.q8<64, 32>
}

// CHECK-LABEL: @attention
func.func @attention(%q: tensor<?x32xf32>, %k: tensor<?x16xf32>, %positions: tensor<?xi32>, %table: tensor<8x8x2xf32>) -> tensor<?x32xf32> {
  // CHECK: llm.rope %{{.*}}, %{{.*}}, %{{.*}} {heads = 2 : i64} : (tensor<?x32xf32>, tensor<?xi32>, tensor<8x8x2xf32>) -> tensor<?x32xf32>
  %0 = llm.rope %q, %positions, %table {heads = 2 : i64} : (tensor<?x32xf32>, tensor<?xi32>, tensor<8x8x2xf32>) -> tensor<?x32xf32>
  // CHECK: llm.append_kv %{{.*}}, %{{.*}} {layer = 3 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  %1 = llm.append_kv %k, %k {layer = 3 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  // CHECK: llm.attention %{{.*}}, %{{.*}} {heads = 2 : i64, kv_heads = 1 : i64, layer = 3 : i64, scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64, window = 8 : i64}
  %2 = llm.attention %0, %1 {heads = 2 : i64, kv_heads = 1 : i64, layer = 3 : i64, scale = 0.25 : f64, softcap = 50.0 : f64, window = 8 : i64}
      : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  // CHECK: llm.attention %{{.*}}, %{{.*}} {alibi, heads = 2 : i64
  %3 = llm.attention %2, %1 {alibi, heads = 2 : i64, kv_heads = 1 : i64, layer = 3 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return %3 : tensor<?x32xf32>
}

// CHECK-LABEL: @rope_append
func.func @rope_append(%qkv: tensor<?x64xf32>, %positions: tensor<?xi32>, %table: tensor<8x8x2xf32>, %n: tensor<16xf32>) -> tensor<?x32xf32> {
  // CHECK: llm.rope_append %{{.*}}, %{{.*}} table(%{{.*}}) q_norm(%{{.*}}) k_norm(%{{.*}}) {eps = {{.*}} : f64, heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64}
  %q, %cached = llm.rope_append %qkv, %positions table(%table) q_norm(%n) k_norm(%n)
      {eps = 1.0e-6 : f64, heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64}
      : (tensor<?x64xf32>, tensor<?xi32>, tensor<8x8x2xf32>, tensor<16xf32>, tensor<16xf32>) -> (tensor<?x32xf32>, !llm.cached)
  // CHECK: llm.rope_append %{{.*}}, %{{.*}} {heads = 2 : i64, kv_heads = 1 : i64, layer = 1 : i64}
  %q1, %cached1 = llm.rope_append %qkv, %positions {heads = 2 : i64, kv_heads = 1 : i64, layer = 1 : i64}
      : (tensor<?x64xf32>, tensor<?xi32>) -> (tensor<?x32xf32>, !llm.cached)
  return %q1 : tensor<?x32xf32>
}
