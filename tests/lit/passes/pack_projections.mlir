// RUN: ingot-opt --pack-projections %s | FileCheck %s
// Twice is once:
// RUN: ingot-opt --pack-projections %s -o %t.once && ingot-opt --pack-projections %t.once -o %t.twice && diff %t.once %t.twice

// The parts of a packed parameter are gone; parameters that others read stay.
// CHECK-DAG: llm.param @"q+k+v" : tensor<64x32xf32> from ["q", "k", "v"]
// CHECK-DAG: llm.param @"qb+kb+vb" : tensor<64xf32> from ["qb", "kb", "vb"]
// CHECK-DAG: llm.param @"gate+up" : tensor<96x32xf32> from ["gate", "up"] {arrangement = 1 : i32}
// CHECK-DAG: llm.param @"bgate+bup" : tensor<96x32xf32> from ["bgate", "bup"] {arrangement = 1 : i32}
// CHECK-DAG: llm.param @"wide+narrow" : tensor<48x32xf32> from ["wide", "narrow"] {storage = "i8g32"}
// CHECK-DAG: llm.param @tied
// CHECK-DAG: llm.param @odd_gate
// CHECK-DAG: llm.param @odd_up
llm.param @q : tensor<32x32xf32> from ["q"]
llm.param @k : tensor<16x32xf32> from ["k"]
llm.param @v : tensor<16x32xf32> from ["v"]
llm.param @qb : tensor<32xf32> from ["qb"]
llm.param @kb : tensor<16xf32> from ["kb"]
llm.param @vb : tensor<16xf32> from ["vb"]
llm.param @gate : tensor<48x32xf32> from ["gate"]
llm.param @up : tensor<48x32xf32> from ["up"]
llm.param @bgate : tensor<48x32xf32> from ["bgate"]
llm.param @bup : tensor<48x32xf32> from ["bup"]
llm.param @gateb : tensor<48xf32> from ["gateb"]
llm.param @upb : tensor<48xf32> from ["upb"]
llm.param @odd_gate : tensor<40x32xf32> from ["odd_gate"]
llm.param @odd_up : tensor<40x32xf32> from ["odd_up"]
llm.param @tied : tensor<16x32xf32> from ["tied"]
llm.param @wide : tensor<32x32xf32> from ["wide"] {storage = "i4g32"}
llm.param @narrow : tensor<16x32xf32> from ["narrow"] {storage = "i8g32"}

// Fires: three linears with biases become one, and a split.
// CHECK-LABEL: @attention
// CHECK: %[[W:.*]] = llm.get @"q+k+v"
// CHECK: %[[Y:.*]] = llm.linear %arg0, %[[W]] : (tensor<?x32xf32>, tensor<64x32xf32>) -> tensor<?x64xf32>
// CHECK: %[[B:.*]] = llm.get @"qb+kb+vb"
// CHECK: %[[BIASED:.*]] = llm.add %[[Y]], %[[B]]
// CHECK: %[[PARTS:.*]]:3 = llm.split %[[BIASED]] : (tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>)
// CHECK: llm.append_kv %[[PARTS]]#1, %[[PARTS]]#2
// CHECK: llm.attention %[[PARTS]]#0
// CHECK-NOT: llm.linear
// CHECK: return
func.func @attention(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %wq = llm.get @q : tensor<32x32xf32>
  %q0 = llm.linear %x, %wq : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %bq = llm.get @qb : tensor<32xf32>
  %q = llm.add %q0, %bq : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %wk = llm.get @k : tensor<16x32xf32>
  %k0 = llm.linear %x, %wk : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %bk = llm.get @kb : tensor<16xf32>
  %k = llm.add %k0, %bk : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %wv = llm.get @v : tensor<16x32xf32>
  %v0 = llm.linear %x, %wv : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %bv = llm.get @vb : tensor<16xf32>
  %v = llm.add %v0, %bv : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %c = llm.append_kv %k, %v {layer = 0 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  %y = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// Fires: gate, activation, up and product become one linear with two sums.
// CHECK-LABEL: @gated
// CHECK: %[[W:.*]] = llm.get @"gate+up"
// CHECK: llm.linear %arg0, %[[W]] : (tensor<?x32xf32>, tensor<96x32xf32>) -> tensor<?x48xf32> {
// CHECK-NEXT: ^bb0(%[[GATE:.*]]: f32, %[[UP:.*]]: f32):
// CHECK-NEXT: %[[ACTIVE:.*]] = llm.activation silu %[[GATE]] : f32
// CHECK-NEXT: %[[PRODUCT:.*]] = llm.mul %[[ACTIVE]], %[[UP]]
// CHECK-NEXT: llm.yield %[[PRODUCT]]
func.func @gated(%x: tensor<?x32xf32>) -> tensor<?x48xf32> {
  %wg = llm.get @gate : tensor<48x32xf32>
  %g = llm.linear %x, %wg : (tensor<?x32xf32>, tensor<48x32xf32>) -> tensor<?x48xf32>
  %a = llm.activation silu %g : tensor<?x48xf32>
  %wu = llm.get @up : tensor<48x32xf32>
  %u = llm.linear %x, %wu : (tensor<?x32xf32>, tensor<48x32xf32>) -> tensor<?x48xf32>
  %y = llm.mul %a, %u : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}

// Fires with biases: each is added to its own sum, before the activation.
// CHECK-LABEL: @gated_with_biases
// CHECK: llm.linear %arg0, %{{.*}} extras(%{{.*}}, %{{.*}}) : (tensor<?x32xf32>, tensor<96x32xf32>, tensor<48xf32>, tensor<48xf32>) -> tensor<?x48xf32> {
// CHECK-NEXT: ^bb0(%[[GATE:.*]]: f32, %[[UP:.*]]: f32, %[[GB:.*]]: f32, %[[UB:.*]]: f32):
// CHECK-NEXT: %[[G:.*]] = llm.add %[[GATE]], %[[GB]]
// CHECK-NEXT: %[[U:.*]] = llm.add %[[UP]], %[[UB]]
// CHECK-NEXT: %[[A:.*]] = llm.activation gelu %[[G]]
// CHECK-NEXT: llm.mul %[[A]], %[[U]]
func.func @gated_with_biases(%x: tensor<?x32xf32>) -> tensor<?x48xf32> {
  %wg = llm.get @bgate : tensor<48x32xf32>
  %g0 = llm.linear %x, %wg : (tensor<?x32xf32>, tensor<48x32xf32>) -> tensor<?x48xf32>
  %bg = llm.get @gateb : tensor<48xf32>
  %g = llm.add %g0, %bg : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?x48xf32>
  %a = llm.activation gelu %g : tensor<?x48xf32>
  %wu = llm.get @bup : tensor<48x32xf32>
  %u0 = llm.linear %x, %wu : (tensor<?x32xf32>, tensor<48x32xf32>) -> tensor<?x48xf32>
  %bu = llm.get @upb : tensor<48xf32>
  %u = llm.add %u0, %bu : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?x48xf32>
  %y = llm.mul %a, %u : (tensor<?x48xf32>, tensor<?x48xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}

// Does not fire: 40 channels cannot interleave in runs of 16, and a split of them would reach no op that takes parts.
// CHECK-LABEL: @odd_width
// CHECK-COUNT-2: llm.linear %arg0, %{{.*}} : (tensor<?x32xf32>, tensor<40x32xf32>) -> tensor<?x40xf32>
func.func @odd_width(%x: tensor<?x32xf32>) -> tensor<?x40xf32> {
  %wg = llm.get @odd_gate : tensor<40x32xf32>
  %g = llm.linear %x, %wg : (tensor<?x32xf32>, tensor<40x32xf32>) -> tensor<?x40xf32>
  %a = llm.activation silu %g : tensor<?x40xf32>
  %wu = llm.get @odd_up : tensor<40x32xf32>
  %u = llm.linear %x, %wu : (tensor<?x32xf32>, tensor<40x32xf32>) -> tensor<?x40xf32>
  %y = llm.mul %a, %u : (tensor<?x40xf32>, tensor<?x40xf32>) -> tensor<?x40xf32>
  return %y : tensor<?x40xf32>
}

// Does not fire: the embedding reads the weight too.
// CHECK-LABEL: @shared
// CHECK: llm.append_kv
// CHECK-NOT: llm.split
// CHECK: return
func.func @shared(%ids: tensor<?xi32>, %x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %w = llm.get @tied : tensor<16x32xf32>
  %e = llm.embedding %ids, %w : (tensor<?xi32>, tensor<16x32xf32>) -> tensor<?x32xf32>
  %k = llm.linear %x, %w : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %v = llm.linear %x, %w : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %c = llm.append_kv %k, %v {layer = 0 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  return %e : tensor<?x32xf32>
}

// The wider storage holds both.
// CHECK-LABEL: @storages
func.func @storages(%x: tensor<?x32xf32>, %k: tensor<?x16xf32>) -> tensor<?x32xf32> {
  %w = llm.get @wide : tensor<32x32xf32>
  %q = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %n = llm.get @narrow : tensor<16x32xf32>
  %v = llm.linear %x, %n : (tensor<?x32xf32>, tensor<16x32xf32>) -> tensor<?x16xf32>
  %c = llm.append_kv %k, %v {layer = 0 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  %y = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
