// RUN: ingot-opt --fuse-epilogues %s | FileCheck %s
// Twice is once:
// RUN: ingot-opt --fuse-epilogues %s -o %t.once && ingot-opt --fuse-epilogues %t.once -o %t.twice && diff %t.once %t.twice

// Fires: bias, activation and residual, in this order, whichever side the sum stands on.
// CHECK-LABEL: @chain
// CHECK: llm.linear %arg0, %arg1 extras(%arg2, %arg0) : (tensor<?x32xf32>, tensor<32x32xf32>, tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32> {
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[BIAS:.*]]: f32, %[[REST:.*]]: f32):
// CHECK-NEXT: %[[A:.*]] = llm.add %[[SUM]], %[[BIAS]]
// CHECK-NEXT: %[[B:.*]] = llm.activation relu %[[A]]
// CHECK-NEXT: %[[C:.*]] = llm.add %[[REST]], %[[B]]
// CHECK-NEXT: llm.yield %[[C]]
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @chain(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %1 = llm.add %0, %b : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %2 = llm.activation relu %1 : tensor<?x32xf32>
  %3 = llm.add %x, %2 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %3 : tensor<?x32xf32>
}

// Fires on a linear that has a body already.
// CHECK-LABEL: @more
// CHECK: llm.activation silu
// CHECK-NEXT: llm.mul
// CHECK-NEXT: llm.scale %{{.*}} by 2.000000e+00 : f32
// CHECK-NEXT: llm.yield
func.func @more(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>) -> tensor<?x16xf32> {
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x16xf32> {
  ^bb0(%gate: f32, %up: f32):
    %1 = llm.activation silu %gate : f32
    %2 = llm.mul %1, %up : (f32, f32) -> f32
    llm.yield %2 : f32
  }
  %3 = llm.scale %0 by 2.0 : tensor<?x16xf32>
  return %3 : tensor<?x16xf32>
}

// Fires where the other operand is computed later than the linear: the fused op stands at the user.
// CHECK-LABEL: @late
// CHECK: %[[N:.*]] = llm.norm
// CHECK: llm.linear %arg0, %arg1 extras(%[[N]])
func.func @late(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>, %n: tensor<32xf32>) -> tensor<?x32xf32> {
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %1 = llm.norm rms %x, %n {eps = 0.0 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %2 = llm.mul %1, %0 : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// Does not fire: another op reads the sum.
// CHECK-LABEL: @two_readers
// CHECK: llm.linear %arg0, %arg1 : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>{{$}}
// CHECK: llm.activation gelu %{{.*}} : tensor<?x32xf32>
func.func @two_readers(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %1 = llm.activation gelu %0 : tensor<?x32xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}

// Does not fire: a norm is not element-wise.
// CHECK-LABEL: @not_elementwise
// CHECK: llm.linear %arg0, %arg1 : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>{{$}}
// CHECK: llm.norm
func.func @not_elementwise(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>, %n: tensor<32xf32>) -> tensor<?x32xf32> {
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  %1 = llm.norm rms %0, %n {eps = 0.0 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}
