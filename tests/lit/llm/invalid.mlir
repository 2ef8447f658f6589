// One function a constraint of dialects/llm/README.md, named after it.
// RUN: ingot-opt --verify-diagnostics --split-input-file %s

// expected-error@+1 {{'llm.param' op needs either sources or a rope description}}
llm.param @param_c1 : tensor<4xf32> from []

// -----

// expected-error@+1 {{'llm.param' op needs either sources or a rope description}}
llm.param @param_c1_both : tensor<4x2x2xf32> from ["a"] {rope = {}}

// -----

// expected-error@+1 {{'llm.param' op interleave takes two sources, found 1}}
llm.param @param_c2 : tensor<32x4xf32> from ["a"] {arrangement = 1 : i32}

// -----

// expected-error@+1 {{'llm.param' op must have a static shape}}
llm.param @param_c3 : tensor<?x4xf32> from ["a"]

// -----

// expected-error@+1 {{'llm.param' op interleaved channels come in pairs of 16, found 48}}
llm.param @param_c4 : tensor<48x4xf32> from ["a", "b"] {arrangement = 1 : i32}

// -----

func.func @get_c1() {
  // expected-error@+1 {{'llm.get' op no parameter @nothing}}
  %0 = llm.get @nothing : tensor<4xf32>
  return
}

// -----

llm.param @w : tensor<4xf32> from ["w"]
func.func @get_c2() {
  // expected-error@+1 {{'llm.get' op has type 'tensor<5xf32>', the parameter 'tensor<4xf32>'}}
  %0 = llm.get @w : tensor<5xf32>
  return
}

// -----

func.func @embedding_c1(%ids: tensor<?xi32>, %table: tensor<96x16xf32>) {
  // expected-error@+1 {{'llm.embedding' op table must be [entries, 32]}}
  %0 = llm.embedding %ids, %table : (tensor<?xi32>, tensor<96x16xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @embedding_c2(%ids: tensor<?xi32>, %table: tensor<96x32xf32>) {
  // expected-error@+1 {{'llm.embedding' op offset must not be negative}}
  %0 = llm.embedding %ids, %table {offset = -1 : i64} : (tensor<?xi32>, tensor<96x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @norm_c1(%x: tensor<?x32xf32>, %w: tensor<16xf32>) {
  // expected-error@+1 {{'llm.norm' op weight 'tensor<16xf32>' does not have 32 elements}}
  %0 = llm.norm rms %x, %w {eps = 0.0 : f64} : (tensor<?x32xf32>, tensor<16xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @norm_c2(%x: tensor<?x32xf32>, %w: tensor<32xf32>) {
  // expected-error@+1 {{'llm.norm' op only a layer norm has a bias}}
  %0 = llm.norm rms %x, %w, %w {eps = 0.0 : f64} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @norm_c3(%x: tensor<?x32xf32>, %w: tensor<32xf32>, %b: tensor<16xf32>) {
  // expected-error@+1 {{'llm.norm' op bias and weight differ in type}}
  %0 = llm.norm layer %x, %w, %b {eps = 0.0 : f64} : (tensor<?x32xf32>, tensor<32xf32>, tensor<16xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @norm_c4(%x: tensor<?x32xf32>, %w: tensor<32xf32>) {
  // expected-error@+1 {{'llm.norm' op keeps the type of its rows}}
  %0 = llm.norm rms %x, %w {eps = 0.0 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @norm_c5(%x: tensor<?x32xf32>, %w: tensor<32xf32>) {
  // expected-error@+1 {{'llm.norm' op is rms or layer}}
  %0 = llm.norm none %x, %w {eps = 0.0 : f64} : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @heads_c1(%x: tensor<?x32xf32>, %w: tensor<16xf32>) {
  // expected-error@+1 {{'llm.norm' op 32 columns do not divide into 3 heads}}
  %0 = llm.norm rms %x, %w {eps = 0.0 : f64, heads = 3 : i64} : (tensor<?x32xf32>, tensor<16xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_c1(%x: tensor<?x32xf32>, %w: tensor<16x16xf32>) {
  // expected-error@+1 {{'llm.linear' op weight must be [columns out, 32], found 'tensor<16x16xf32>'}}
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<?x32xf32>, %w: tensor<48x32xf32>) {
  // expected-error@+1 {{'llm.linear' op 48 channels cannot give 16 columns}}
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<48x32xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>) {
  // expected-error@+1 {{'llm.linear' op two sums need a body}}
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @linear_c4(%x: tensor<?x32xf32>, %w: tensor<48x32xf32>) {
  // expected-error @+1 {{48 columns do not divide into groups of 32}}
  %0 = llm.linear %x, %w : (tensor<?x32xf32>, tensor<48x32xf32>) -> !llm.q8<48, 32>
  return
}

// -----

func.func @body_c1(%x: tensor<?x32xf32>, %w: tensor<32x32xf32>, %b: tensor<16xf32>) {
  // expected-error@+1 {{'llm.linear' op extra operand 'tensor<16xf32>' does not have 32 columns}}
  %0 = llm.linear %x, %w extras(%b) : (tensor<?x32xf32>, tensor<32x32xf32>, tensor<16xf32>) -> tensor<?x32xf32> {
  ^bb0(%sum: f32, %extra: f32):
    llm.yield %sum : f32
  }
  return
}

// -----

func.func @body_c2(%x: tensor<?x32xf32>, %b: tensor<32xf32>) {
  // expected-error@+1 {{'llm.rows' op extra operands need a body that uses them}}
  %0 = llm.rows none %x extras(%b) : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @body_c3(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.rows' op body takes 2 values, expected 1}}
  %0 = llm.rows none %x : (tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%value: f32, %extra: f32):
    llm.yield %value : f32
  }
  return
}

// -----

func.func @body_c4(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.rows' op body must yield one value}}
  %0 = llm.rows none %x : (tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%value: f32):
    llm.yield
  }
  return
}

// -----

func.func @body_c5(%x: tensor<?x32xf32>) {
  %0 = llm.rows none %x : (tensor<?x32xf32>) -> tensor<?x32xf32> {
  ^bb0(%value: f32):
    // expected-error@+1 {{'llm.add' op does not stand in a body: only element-wise ops on f32 do}}
    %1 = llm.add %x, %x : (tensor<?x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    llm.yield %value : f32
  }
  return
}

// -----

func.func @rows_c1(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.rows' op keeps the number of columns}}
  %0 = llm.rows none %x : (tensor<?x32xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @rows_c2(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.rows' op a norm has a weight, none has not}}
  %0 = llm.rows rms %x : (tensor<?x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @rows_c3(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.rows' op 32 columns do not divide into groups of 24}}
  %0 = llm.rows none %x : (tensor<?x32xf32>) -> !llm.q8<32, 24>
  return
}

// -----

func.func @quantize_c1(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.quantize' op keeps the number of columns}}
  %0 = llm.quantize %x : (tensor<?x32xf32>) -> !llm.q8<64, 32>
  return
}

// -----

func.func @quantize_c2(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.quantize' op 32 columns do not divide into groups of 24}}
  %0 = llm.quantize %x : (tensor<?x32xf32>) -> !llm.q8<32, 24>
  return
}

// -----

func.func @split_c1(%x: tensor<?x32xf32>) {
  // expected-error@+1 {{'llm.split' op parts have 24 columns, x has 32}}
  %0:2 = llm.split %x : (tensor<?x32xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>)
  return
}

// -----

func.func @elementwise_c1(%x: tensor<?x32xf32>, %b: tensor<32xf32>) {
  // expected-error@+1 {{'llm.add' op result must have the type of lhs}}
  %0 = llm.add %b, %x : (tensor<32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @elementwise_c2(%x: tensor<?x32xf32>, %b: tensor<16xf32>) {
  // expected-error@+1 {{'llm.mul' op rhs must be like lhs, or one value per column of it}}
  %0 = llm.mul %x, %b : (tensor<?x32xf32>, tensor<16xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @rope_c1(%x: tensor<?x32xf32>, %p: tensor<?xi32>, %t: tensor<8x8x2xf32>) {
  // expected-error@+1 {{'llm.rope' op keeps the type of its rows}}
  %0 = llm.rope %x, %p, %t {heads = 2 : i64} : (tensor<?x32xf32>, tensor<?xi32>, tensor<8x8x2xf32>) -> tensor<?x16xf32>
  return
}

// -----

func.func @table_c1(%x: tensor<?x32xf32>, %p: tensor<?xi32>, %t: tensor<8x9x2xf32>) {
  // expected-error@+1 {{'llm.rope' op table must be [positions, at most half a head of 16, 2], found 'tensor<8x9x2xf32>'}}
  %0 = llm.rope %x, %p, %t {heads = 2 : i64} : (tensor<?x32xf32>, tensor<?xi32>, tensor<8x9x2xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @append_kv_c1(%k: tensor<?x32xf32>, %v: tensor<?x16xf32>) {
  // expected-error@+1 {{'llm.append_kv' op keys and values differ in type}}
  %0 = llm.append_kv %k, %v {layer = 0 : i64} : (tensor<?x32xf32>, tensor<?x16xf32>) -> !llm.cached
  return
}

// -----

func.func @rope_append_c1(%x: tensor<?x64xf32>, %p: tensor<?xi32>) {
  // expected-error@+1 {{'llm.rope_append' op q must have the columns of 2 heads}}
  %q, %c = llm.rope_append %x, %p {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64}
      : (tensor<?x64xf32>, tensor<?xi32>) -> (tensor<?x16xf32>, !llm.cached)
  return
}

// -----

func.func @rope_append_c2(%x: tensor<?x64xf32>, %p: tensor<?xi32>, %n: tensor<16xf32>) {
  // expected-error@+1 {{'llm.rope_append' op q_norm and k_norm come together}}
  %q, %c = llm.rope_append %x, %p q_norm(%n) {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64}
      : (tensor<?x64xf32>, tensor<?xi32>, tensor<16xf32>) -> (tensor<?x32xf32>, !llm.cached)
  return
}

// -----

func.func @attention_c1(%q: tensor<?x32xf32>, %c: !llm.cached) {
  // expected-error@+1 {{'llm.attention' op keeps the columns of its rows}}
  %0 = llm.attention %q, %c {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64, scale = 1.0 : f64}
      : (tensor<?x32xf32>, !llm.cached) -> tensor<?x16xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<?x64xf32>, %c: !llm.cached) {
  // expected-error@+1 {{'llm.attention' op 4 heads do not divide over 3 KV heads}}
  %0 = llm.attention %q, %c {heads = 4 : i64, kv_heads = 3 : i64, layer = 0 : i64, scale = 1.0 : f64}
      : (tensor<?x64xf32>, !llm.cached) -> tensor<?x64xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<?x32xf32>) {
  %c = llm.append_kv %q, %q {layer = 1 : i64} : (tensor<?x32xf32>, tensor<?x32xf32>) -> !llm.cached
  // expected-error@+1 {{'llm.attention' op reads layer 0, its entry is of layer 1}}
  %0 = llm.attention %q, %c {heads = 2 : i64, kv_heads = 2 : i64, layer = 0 : i64, scale = 1.0 : f64}
      : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return
}

// -----

func.func @attention_c4(%x: tensor<?x64xf32>, %p: tensor<?xi32>) {
  %q, %c = llm.rope_append %x, %p {heads = 2 : i64, kv_heads = 1 : i64, layer = 0 : i64}
      : (tensor<?x64xf32>, tensor<?xi32>) -> (tensor<?x32xf32>, !llm.cached)
  // expected-error@+1 {{'llm.attention' op needs keys of 32 columns, they have 16}}
  %0 = llm.attention %q, %c {heads = 2 : i64, kv_heads = 2 : i64, layer = 0 : i64, scale = 1.0 : f64}
      : (tensor<?x32xf32>, !llm.cached) -> tensor<?x32xf32>
  return
}

// -----

func.func @type_rows(%x: tensor<32xf32>) {
  // expected-error@+1 {{'llm.select_rows' op operand #0 must be rows [tokens, columns] of f32, but got 'tensor<32xf32>'}}
  %0 = llm.select_rows %x : tensor<32xf32>
  return
}

// -----

func.func @type_elements(%x: tensor<f32>) {
  // expected-error@+1 {{'llm.add' op operand #0 must be 32-bit float or rows, or a vector of one f32 per column, but got 'tensor<f32>'}}
  %0 = llm.add %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @attention_c5(%q: tensor<?x32xf32>, %c: !llm.cached) {
  // expected-error @+1 {{a head of 16 columns does not divide into groups of 32}}
  %0 = llm.attention %q, %c {heads = 2 : i64, kv_heads = 2 : i64, layer = 0 : i64, scale = 1.0 : f64} : (tensor<?x32xf32>, !llm.cached) -> !llm.q8<32, 32>
  return
}
