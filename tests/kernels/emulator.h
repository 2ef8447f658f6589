// Runs kernels of another architecture under qemu-user: a guest process that has operands and code at the addresses
// that they have here. One thread; which kernel to run and what it means is the harness's business.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "compiler/codegen/cpu/target.h"
#include "kernels/abi/abi.h"

namespace ingot::test {

// Operands of kernels. While an Emulator lives they are allocated in memory that guests share, otherwise on the heap.
std::byte* allocateOperand(size_t bytes);  // 64-byte aligned
void freeOperand(std::byte* operand);

template <class T>
struct OperandAllocator {
  using value_type = T;
  OperandAllocator() = default;
  template <class U>
  OperandAllocator(const OperandAllocator<U>&) {}
  T* allocate(size_t count) { return reinterpret_cast<T*>(allocateOperand(count * sizeof(T))); }
  void deallocate(T* operand, size_t) { freeOperand(reinterpret_cast<std::byte*>(operand)); }
  bool operator==(const OperandAllocator&) const = default;
};
// What a kernel reads or writes, where it is not a Poisoned.
template <class T>
using OperandVector = std::vector<T, OperandAllocator<T>>;

// A guest with one code image. Thread-compatible; aborts where the guest dies.
class Emulator {
 public:
  // Whether targets of this architecture are emulated, and whether the emulator is installed.
  static bool emulates(const CpuTarget& target);
  static bool isInstalled();

  static Result<std::unique_ptr<Emulator>> start(std::span<const std::byte> image, const CpuTarget& target);
  ~Emulator();
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  // Where the image begins, here and in the guest.
  const std::byte* code() const { return code_; }
  // All that is behind the pointers was allocated by allocateOperand.
  void call(IngotTileFunction function, const IngotKernelArgs* args, int64_t first, int64_t last, void* scratch) const;

 private:
  Emulator() = default;
  std::byte* code_ = nullptr;
  int socket_ = -1;
  int process_ = -1;
};

}  // namespace ingot::test
