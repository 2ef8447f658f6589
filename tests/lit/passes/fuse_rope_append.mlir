// RUN: ingot-opt --fuse-rope-append %s | FileCheck %s
// Twice is once:
// RUN: ingot-opt --fuse-rope-append %s -o %t.once && ingot-opt --fuse-rope-append %t.once -o %t.twice && diff %t.once %t.twice

llm.param @rope : tensor<8x8x2xf32> from [] {rope = {frequencies = array<f32: 1.0>, scale = 1.0 : f64}}

// Fires: head norms, rope and the KV write, on q, k and v as the split gave them.
// CHECK-LABEL: @everything
// CHECK: %[[Q:.*]], %[[CACHED:.*]] = llm.rope_append %arg0, %arg1 table(%{{.*}}) q_norm(%arg2) k_norm(%arg3)
// CHECK-SAME: heads = 2 : i64, kv_heads = 1 : i64, layer = 4 : i64
// CHECK-NEXT: llm.attention %[[Q]], %[[CACHED]]
// CHECK-NEXT: return
func.func @everything(%x: tensor<?x64xf32>, %positions: tensor<?xi32>, %qn: tensor<16xf32>, %kn: tensor<16xf32>) -> tensor<?x32xf32> {
  %p:3 = llm.split %x : (tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>)
  %q0 = llm.norm rms %p#0, %qn {eps = 1.0e-6 : f64, heads = 2 : i64} : (tensor<?x32xf32>, tensor<16xf32>) -> tensor<?x32xf32>
  %k0 = llm.norm rms %p#1, %kn {eps = 1.0e-6 : f64, heads = 1 : i64} : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %t0 = llm.get @rope : tensor<8x8x2xf32>
  %q = llm.rope %q0, %positions, %t0 {heads = 2 : i64} : (tensor<?x32xf32>, tensor<?xi32>, tensor<8x8x2xf32>) -> tensor<?x32xf32>
  %t1 = llm.get @rope : tensor<8x8x2xf32>
  %k = llm.rope %k0, %positions, %t1 {heads = 1 : i64} : (tensor<?x16xf32>, tensor<?xi32>, tensor<8x8x2xf32>) -> tensor<?x16xf32>
  %c = llm.append_kv %k, %p#2 {layer = 4 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  %y = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 4 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// Fires without rope: learned positions.
// CHECK-LABEL: @plain
// CHECK-NOT: llm.split
// CHECK: llm.rope_append %arg2, %arg1 {heads = 2 : i64, kv_heads = 2 : i64, layer = 0 : i64}
func.func @plain(%ids: tensor<?xi32>, %positions: tensor<?xi32>, %x: tensor<?x96xf32>) -> tensor<?x32xf32> {
  %p:3 = llm.split %x : (tensor<?x96xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>)
  %c = llm.append_kv %p#1, %p#2 {layer = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>) -> !llm.cached
  %y = llm.attention %p#0, %c {heads = 2 : i64, kv_heads = 2 : i64, layer = 0 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// Does not fire: only q is rotated.
// CHECK-LABEL: @uneven
// CHECK: llm.split
// CHECK: llm.append_kv
// CHECK-NOT: llm.rope_append
func.func @uneven(%x: tensor<?x64xf32>, %positions: tensor<?xi32>) -> tensor<?x32xf32> {
  %p:3 = llm.split %x : (tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>)
  %t = llm.get @rope : tensor<8x8x2xf32>
  %q = llm.rope %p#0, %positions, %t {heads = 2 : i64} : (tensor<?x32xf32>, tensor<?xi32>, tensor<8x8x2xf32>) -> tensor<?x32xf32>
  %c = llm.append_kv %p#1, %p#2 {layer = 0 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  %y = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// Does not fire: k and v have changed places.
// CHECK-LABEL: @other_order
// CHECK: llm.append_kv
// CHECK-NOT: llm.rope_append
func.func @other_order(%x: tensor<?x64xf32>, %positions: tensor<?xi32>) -> tensor<?x32xf32> {
  %p:3 = llm.split %x : (tensor<?x64xf32>) -> (tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>)
  %c = llm.append_kv %p#2, %p#1 {layer = 0 : i64} : (tensor<?x16xf32>, tensor<?x16xf32>) -> !llm.cached
  %y = llm.attention %p#0, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 0.25 : f64} : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
