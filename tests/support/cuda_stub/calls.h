// What the stub's calls share: errors, the counts of a CudaStub, and the GPU's state. For the files of this folder only.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "tests/support/cuda_stub/cuda_stub.h"
#include "tests/support/cuda_stub/emulator.h"

#define INGOT_EXPORT extern "C" __attribute__((visibility("default")))

namespace ingot::test {

// Written to the result of a call that fails: nothing may use it.
constexpr uintptr_t kGarbage = 24;

constexpr int kInvalidValue = 1, kNoDevice = 100, kTooManyBlocks = 720;
constexpr int kMultiprocessors = 4;

// Null: launches do nothing.
inline std::unique_ptr<Emulator> emulator;
inline std::map<uint64_t, uint64_t> allocations;  // of GPU memory: address -> bytes

inline int enter(const std::string& call) { return cudaStub().enter(call); }
inline void report(const std::string& problem) { cudaStub().problems.push_back(problem); }
inline void count(int64_t objects) { std::atomic_ref(cudaStub().live) += objects; }

// Reports a range that is not within one allocation.
int checkRange(uint64_t address, size_t bytes, const char* what);

// For calls that the driver answers only when the GPU is idle.
void waitUnlessItHangs(const char* call);

template <class T>
int create(T** out, const char* call) {
  *out = reinterpret_cast<T*>(kGarbage);
  if (int error = enter(call)) return error;
  *out = new T;
  count(1);
  return kCudaSuccess;
}
// Frees even when it reports a failure, as the driver does.
template <class T>
int destroy(T* one, const char* call) {
  int error = enter(call);
  delete one;
  count(-1);
  return error;
}

}  // namespace ingot::test
