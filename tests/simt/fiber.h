// Stacks and the switch between them: the callee-saved registers are pushed on one and popped from the other.
#pragma once

extern "C" __attribute__((visibility("hidden"))) void ingotSimtSwitch(void** save, void* load);

#if defined(__x86_64__)
asm(".text\n"
    "ingotSimtSwitch:\n"
    "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
    "  mov %rsp, (%rdi)\n"
    "  mov %rsi, %rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n"
    "  ret\n");
#elif defined(__aarch64__)
asm(".text\n"
    "ingotSimtSwitch:\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n  stp x25, x26, [sp, #48]\n"
    "  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x9, sp\n  str x9, [x0]\n  mov sp, x1\n"
    "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n  ldp x25, x26, [sp, #48]\n"
    "  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n  ret\n");
#endif

namespace simt {

constexpr unsigned long long kStackBytes = 16384;

// Makes a stack that ends at `top` (16-byte aligned) begin in `entry` when it is switched to.
static inline void* prepareStack(char* top, void (*entry)()) {
#if defined(__x86_64__)
  constexpr int kWords = 8;  // six registers, the entry, and the return address that it never uses
  void** words = (void**)top - kWords;
  for (int i = 0; i < kWords; ++i) words[i] = nullptr;
  words[6] = (void*)entry;
#else
  constexpr int kWords = 20;
  void** words = (void**)top - kWords;
  for (int i = 0; i < kWords; ++i) words[i] = nullptr;
  words[11] = (void*)entry;  // x30
#endif
  return words;
}

}  // namespace simt
