// RUN: ingot-opt --quantize-weights="linear=i4g32 head=i8g32" %s 2>&1 | FileCheck %s
// RUN: ingot-opt --quantize-weights="linear=f8g128" %s | FileCheck %s --check-prefix=FLOATS
// RUN: ingot-opt --quantize-weights="linear=f32" %s | FileCheck %s --check-prefix=PLAIN
// Twice is once:
// RUN: ingot-opt --quantize-weights="linear=i4g32 head=i8g32" %s -o %t.once && ingot-opt --quantize-weights="linear=i4g32 head=i8g32" %t.once -o %t.twice && diff %t.once %t.twice

// Fires: matrices get storage, the model's ends their own; vectors do not.
// CHECK: remark: keeps bf16: 48 columns do not divide into groups of 32
// CHECK-DAG: llm.param @embed {{.*}} {storage = "i8g32"}
// CHECK-DAG: llm.param @w {{.*}} {storage = "i4g32"}
// CHECK-DAG: llm.param @head {{.*}} {storage = "i8g32"}
// CHECK-DAG: llm.param @kept {{.*}} {storage = "f16"}
// CHECK-DAG: llm.param @odd {{.*}} {storage = "bf16"}
// CHECK-DAG: llm.param @bias : tensor<64xf32> from ["bias"]{{$}}
// PLAIN-DAG: llm.param @embed {{.*}} {storage = "f32"}
// PLAIN-DAG: llm.param @w {{.*}} {storage = "f32"}
// PLAIN-DAG: llm.param @kept {{.*}} {storage = "f16"}
llm.param @embed : tensor<96x64xf32> from ["embed"]
llm.param @w : tensor<64x64xf32> from ["w"]
llm.param @kept : tensor<64x64xf32> from ["kept"] {storage = "f16"}
llm.param @odd : tensor<64x48xf32> from ["odd"]
llm.param @head : tensor<96x64xf32> from ["head"]
llm.param @wide : tensor<64x256xf32> from ["wide"]
llm.param @bias : tensor<64xf32> from ["bias"]

// Fires: rows that meet quantised weights are quantised, once for all readers of the same group.
// CHECK-LABEL: @forward
// CHECK: %[[X:.*]] = llm.embedding
// CHECK: %[[Q:.*]] = llm.quantize %[[X]] : (tensor<?x64xf32>) -> !llm.q8<64, 32>
// CHECK: llm.linear %[[Q]], %{{.*}} : (!llm.q8<64, 32>
// CHECK: llm.linear %[[Q]], %{{.*}} : (!llm.q8<64, 32>
// Does not fire: f16 weights keep f32 rows.
// CHECK: %[[Z:.*]] = llm.linear %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64x64xf32>)
// CHECK: %[[H:.*]] = llm.quantize %[[Z]]
// CHECK: llm.linear %[[H]], %{{.*}} : (!llm.q8<64, 32>, tensor<96x64xf32>)
// 8-bit floats: the largest group that divides the columns, and rows of the same codes.
// FLOATS-DAG: llm.param @w {{.*}} {storage = "f8g64"}
// FLOATS-DAG: llm.param @wide {{.*}} {storage = "f8g128"}
// FLOATS-DAG: llm.param @odd {{.*}} {storage = "bf16"}
// FLOATS: llm.quantize %{{.*}} -> !llm.q8<64, 64, f8>
// PLAIN-LABEL: @forward
// PLAIN-NOT: llm.quantize
func.func @forward(%ids: tensor<?xi32>, %positions: tensor<?xi32>) -> tensor<?x96xf32> {
  %table = llm.get @embed : tensor<96x64xf32>
  %x = llm.embedding %ids, %table : (tensor<?xi32>, tensor<96x64xf32>) -> tensor<?x64xf32>
  %w = llm.get @w : tensor<64x64xf32>
  %a = llm.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %b = llm.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %y = llm.add %a, %b : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
  %kept = llm.get @kept : tensor<64x64xf32>
  %z = llm.linear %y, %kept : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %head = llm.get @head : tensor<96x64xf32>
  %logits = llm.linear %z, %head : (tensor<?x64xf32>, tensor<96x64xf32>) -> tensor<?x96xf32>
  return %logits : tensor<?x96xf32>
}

func.func @wide_columns(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %w = llm.get @wide : tensor<64x256xf32>
  %y = llm.linear %x, %w : (tensor<?x256xf32>, tensor<64x256xf32>) -> tensor<?x64xf32>
  return %y, %y : tensor<?x64xf32>, tensor<?x64xf32>
}

// Does not fire: 48 columns have no groups of 32.
// CHECK-LABEL: @odd_columns
// CHECK-NOT: llm.quantize
func.func @odd_columns(%x: tensor<?x48xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %w = llm.get @odd : tensor<64x48xf32>
  %y = llm.linear %x, %w : (tensor<?x48xf32>, tensor<64x48xf32>) -> tensor<?x64xf32>
  return %y, %y : tensor<?x64xf32>, tensor<?x64xf32>
}
