// One op a constraint of dialects/exec/README.md, in a program named after it.
// RUN: ingot-opt --verify-diagnostics --split-input-file %s

exec.program @weight_c1 {
  // expected-error@+1 {{'exec.weight' op has an empty dimension}}
  exec.weight @w "f32" [4, 0]
}

// -----

exec.program @buffer_c1 {
  // expected-error@+1 {{'exec.buffer' op has no bytes}}
  exec.buffer @b 0 per tokens
}

// -----

exec.program @cache_c1 {
  // expected-error@+1 {{'exec.cache' op element type i4 is not f32, f16, bf16, f8 or i8}}
  exec.cache @c "i4" [1, 16] layer 0
}

// -----

exec.program @step_c1 {
  exec.kernel @k "rows" {}
  // expected-error@+1 {{'exec.step' op writes more operands than it has}}
  exec.step @k [] per tokens
}

// -----

exec.program @step_c2 {
  exec.buffer @b 64 per tokens
  // expected-error@+1 {{'exec.step' op no kernel @nothing}}
  exec.step @nothing [@b] per tokens
}

// -----

exec.program @step_c3 {
  exec.kernel @k "rows" {}
  // expected-error@+1 {{'exec.step' op no buffer, weight or cache @nothing}}
  exec.step @k [@nothing] per tokens
}

// -----

exec.program @step_c3_kernel {
  exec.kernel @k "rows" {}
  // expected-error@+1 {{'exec.step' op no buffer, weight or cache @k}}
  exec.step @k [@k] per tokens
}
