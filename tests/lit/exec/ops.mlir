// Every op, printed and read again.
// RUN: ingot-opt %s | ingot-opt | FileCheck %s
// RUN: ingot-opt --mlir-print-op-generic %s | ingot-opt | FileCheck %s

// CHECK: exec.program @cpu {
exec.program @cpu {
  // CHECK: exec.weight @w "i4g32" [96, 64]
  exec.weight @w "i4g32" [96, 64]
  // CHECK: exec.buffer @x 256 per tokens {slot = 1 : i64}
  exec.buffer @x 256 per tokens {slot = 1 : i64}
  // CHECK: exec.buffer @logits 384 per rows
  exec.buffer @logits 384 per rows
  // CHECK: exec.cache @cache0 "f16"[1, 16] layer 0
  exec.cache @cache0 "f16" [1, 16] layer 0
  // CHECK: exec.kernel @linear.0 "linear" {k = 64 : i64, n = 96 : i64} {
  exec.kernel @linear.0 "linear" {k = 64 : i64, n = 96 : i64} {
  // CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32):
  ^bb0(%sum: f32):
    // CHECK: llm.softcap %[[SUM]] at 3.000000e+01 : f32
    %0 = llm.softcap %sum at 30.0 : f32
    llm.yield %0 : f32
  }
  // CHECK: exec.kernel @attention.0 "attention" {}{{$}}
  exec.kernel @attention.0 "attention" {}
  // CHECK: exec.step @linear.0 [@x, @w, @logits] per one
  exec.step @linear.0 [@x, @w, @logits] per one
  // CHECK: exec.step @attention.0 [@x, @cache0, @x] per blocks {results = 2 : i64}
  exec.step @attention.0 [@x, @cache0, @x] per blocks {results = 2 : i64}
}
