// Scaling by one is nothing; any other scaling stays.
// RUN: ingot-opt --canonicalize %s | FileCheck %s

// CHECK-LABEL: @by_one
// CHECK-NOT: llm.scale
// CHECK: return %arg0
func.func @by_one(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = llm.scale %x by 1.0 : tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// CHECK-LABEL: @by_two
// CHECK: llm.scale
func.func @by_two(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = llm.scale %x by 2.0 : tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// Pure ops that nobody reads go; a KV write stays.
// CHECK-LABEL: @unused
// CHECK-NOT: llm.add
// CHECK: llm.append_kv
func.func @unused(%x: tensor<?x32xf32>) {
  %0 = llm.add %x, %x : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  %1 = llm.append_kv %x, %x {layer = 0 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>) -> !llm.cached
  return
}
