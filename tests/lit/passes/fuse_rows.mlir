// RUN: ingot-opt --fuse-rows %s | FileCheck %s
// Twice is once:
// RUN: ingot-opt --fuse-rows %s -o %t.once && ingot-opt --fuse-rows %t.once -o %t.twice && diff %t.once %t.twice

// Fires: a norm, what follows it element by element, and the quantisation.
// CHECK-LABEL: @norm_to_q8
// CHECK: llm.rows layer %arg0 weight(%arg1) bias(%arg1) extras(%arg1) {eps = {{.*}} : f64}
// CHECK-SAME: -> !llm.q8<32, 32> {
// CHECK-NEXT: ^bb0(%[[VALUE:.*]]: f32, %[[EXTRA:.*]]: f32):
// CHECK-NEXT: %[[A:.*]] = llm.mul %[[VALUE]], %[[EXTRA]]
// CHECK-NEXT: %[[B:.*]] = llm.scale %[[A]] by 2.000000e+00 : f32
// CHECK-NEXT: llm.yield %[[B]]
func.func @norm_to_q8(%x: tensor<?x32xf32>, %w: tensor<32xf32>) -> !llm.q8<32, 32> {
  %0 = llm.norm layer %x, %w, %w {eps = 1.0e-5 : f64} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %1 = llm.mul %0, %w : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %2 = llm.scale %1 by 2.0 : tensor<?x32xf32>
  %3 = llm.quantize %2 : (tensor<?x32xf32>) -> !llm.q8<32, 32>
  return %3 : !llm.q8<32, 32>
}

// Fires: the selection moves into the norm behind it.
// CHECK-LABEL: @select_norm
// CHECK: llm.rows rms %arg0 weight(%arg1) {eps = {{.*}} : f64, select}
// CHECK-NEXT: return
func.func @select_norm(%x: tensor<?x32xf32>, %w: tensor<32xf32>) -> tensor<?x32xf32> {
  %0 = llm.select_rows %x : tensor<?x32xf32>
  %1 = llm.norm rms %0, %w {eps = 1.0e-5 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// Fires alone: the sum of two embeddings; quantisation of rows that others read.
// CHECK-LABEL: @alone
// CHECK: %[[SUM:.*]] = llm.rows none %arg0 extras(%arg1) : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32> {
// CHECK: llm.add
// CHECK: llm.rows none %[[SUM]] : (tensor<?x32xf32>) -> !llm.q8<32, 32>{{$}}
func.func @alone(%x: tensor<?x32xf32>, %y: tensor<?x32xf32>) -> (tensor<?x32xf32>, !llm.q8<32, 32>) {
  %0 = llm.add %x, %y : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %1 = llm.quantize %0 : (tensor<?x32xf32>) -> !llm.q8<32, 32>
  return %0, %1 : tensor<?x32xf32>, !llm.q8<32, 32>
}

// Does not join: the extras of an op behind a selection are of the selected rows.
// CHECK-LABEL: @behind_selection
// CHECK: %[[S:.*]] = llm.rows none %arg0 {select}
// CHECK: llm.rows none %[[S]] extras(%arg1)
func.func @behind_selection(%x: tensor<?x32xf32>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  %0 = llm.select_rows %x : tensor<?x32xf32>
  %1 = llm.add %0, %b : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// Does not fire: head norms are of parts of rows.
// CHECK-LABEL: @head_norm
// CHECK: llm.norm
// CHECK-NOT: llm.rows
func.func @head_norm(%x: tensor<?x32xf32>, %w: tensor<16xf32>) -> tensor<?x32xf32> {
  %0 = llm.norm rms %x, %w {eps = 1.0e-5 : f64, heads = 2 : i64} : (tensor<?x32xf32>, tensor<16xf32>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// Fires: a linear and an attention round their own rows.
// CHECK-LABEL: @into_producers
// CHECK: %[[A:.*]] = llm.attention {{.*}} -> !llm.q8<64, 32>
// CHECK-NEXT: %[[L:.*]] = llm.linear %[[A]], {{.*}} -> !llm.q8<64, 32>
// CHECK-NEXT: return %[[L]]
func.func @into_producers(%q: tensor<?x64xf32>, %c: !llm.cached, %w: tensor<64x64xf32>) -> !llm.q8<64, 32> {
  %0 = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 1.0 : f64} : (tensor<?x64xf32>, !llm.cached) -> tensor<?x64xf32>
  %1 = llm.quantize %0 : (tensor<?x64xf32>) -> !llm.q8<64, 32>
  %2 = llm.linear %1, %w : (!llm.q8<64, 32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %3 = llm.quantize %2 : (tensor<?x64xf32>) -> !llm.q8<64, 32>
  return %3 : !llm.q8<64, 32>
}

// Moves into a linear, not into an attention: 8-bit floats. Nor groups of which a linear with two sums would need 256 channels.
// CHECK-LABEL: @floats
// CHECK: llm.attention {{.*}} -> tensor<?x64xf32>
// CHECK-NEXT: llm.rows none {{.*}} -> !llm.q8<64, 32, f8>
// CHECK-NEXT: llm.linear {{.*}} -> !llm.q8<128, 128, f8>
// CHECK-NEXT: llm.linear {{.*}} -> tensor<?x128xf32>
// CHECK: llm.rows none
func.func @floats(%q: tensor<?x64xf32>, %c: !llm.cached, %w: tensor<128x64xf32>, %v: tensor<256x128xf32>) -> !llm.q8<128, 128, f8> {
  %0 = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 1.0 : f64} : (tensor<?x64xf32>, !llm.cached) -> tensor<?x64xf32>
  %1 = llm.quantize %0 : (tensor<?x64xf32>) -> !llm.q8<64, 32, f8>
  %2 = llm.linear %1, %w : (!llm.q8<64, 32, f8>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %3 = llm.quantize %2 : (tensor<?x128xf32>) -> !llm.q8<128, 128, f8>
  %4 = llm.linear %3, %v : (!llm.q8<128, 128, f8>, tensor<256x128xf32>) -> tensor<?x128xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = llm.mul %a, %b : (f32, f32) -> f32
    llm.yield %s : f32
  }
  %5 = llm.quantize %4 : (tensor<?x128xf32>) -> !llm.q8<128, 128, f8>
  return %5 : !llm.q8<128, 128, f8>
}

// Does not move in: heads smaller than a group; rows that somebody else reads.
// CHECK-LABEL: @stays_outside
// CHECK: llm.attention {{.*}} -> tensor<?x64xf32>
// CHECK-NEXT: llm.rows none
// CHECK-NEXT: %[[L:.*]] = llm.linear {{.*}} -> tensor<?x64xf32>
// CHECK-NEXT: llm.rows none %[[L]]
func.func @stays_outside(%q: tensor<?x64xf32>, %c: !llm.cached, %w: tensor<64x64xf32>) -> (tensor<?x64xf32>, !llm.q8<64, 32>) {
  %0 = llm.attention %q, %c {heads = 4 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 1.0 : f64} : (tensor<?x64xf32>, !llm.cached) -> tensor<?x64xf32>
  %1 = llm.quantize %0 : (tensor<?x64xf32>) -> !llm.q8<64, 32>
  %2 = llm.linear %1, %w : (!llm.q8<64, 32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %3 = llm.quantize %2 : (tensor<?x64xf32>) -> !llm.q8<64, 32>
  return %2, %3 : tensor<?x64xf32>, !llm.q8<64, 32>
}
