// Shared memory, asynchronous copies to it, and global memory.
#pragma once

#include "kernels/prim/words.h"

// An array in shared memory. The emulator checks every access for bounds, races and uninitialised reads.
template <class T, int N>
struct SharedArray {
  alignas(16) T values[N];
  INGOT_MEMBER T& operator[](int i) { return values[i]; }
};

// A shared-memory address that a thread keeps in a register, as the base of repeated copies or loads.
template <class Array>
struct SharedAddress {
  unsigned address;
};
template <class Array>
INGOT_INLINE SharedAddress<Array> addressIn(Array& array, int i) {
  unsigned address = (unsigned)__cvta_generic_to_shared(&array.values[i]);
  asm volatile("" : "+r"(address));
  return {address};
}

// Part `part` of 16 bytes, in parts of the size of T.
template <class T, int N>
INGOT_INLINE T loadPart(SharedArray<Words, N>& from, int i, int part) {
  return ((const T*)&from.values[i])[part];
}
template <class T, class Array>
INGOT_INLINE T loadPart(const SharedAddress<Array>& from, int further, int part) {
  return *(const T*)__cvta_shared_to_generic(from.address + further * 16 + part * (int)sizeof(T));
}

// Atomic addition; returns the previous value.
template <class T, int N>
INGOT_INLINE T addShared(SharedArray<T, N>& to, int i, T value) {
  return atomicAdd(&to.values[i], value);
}

// Asynchronous copies of 16 bytes to shared memory (PTX ISA, cp.async). A thread commits its copies in groups, and waits until at most `Most`
// groups are in flight; other threads see the data after a subsequent barrier.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
template <class Array>
INGOT_INLINE void copyAsync(const SharedAddress<Array>& to, int further, const void* from) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to.address + further * 16), "l"(from) : "memory");
}
template <int N>
INGOT_INLINE void copyAsync(SharedArray<Words, N>& to, int i, const void* from) {
  copyAsync(SharedAddress<SharedArray<Words, N>>{(unsigned)__cvta_generic_to_shared(to.values)}, i, from);
}
INGOT_INLINE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Most>
INGOT_INLINE void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Most) : "memory");
}
#else
template <class Array>
INGOT_INLINE void copyAsync(const SharedAddress<Array>&, int, const void*) {}
template <int N>
INGOT_INLINE void copyAsync(SharedArray<Words, N>&, int, const void*) {}
INGOT_INLINE void commitCopies() {}
template <int Most>
INGOT_INLINE void waitForCopies() {}
#endif

template <class T>
INGOT_INLINE T load(const void* from) {
  return *(const T*)from;
}
// 16 bytes that are read once: bypasses L1.
INGOT_INLINE Words loadStream(const void* from) {
  Words words;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
      : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
      : "l"(from));
  return words;
}
// Data that other blocks of this launch have written: bypasses L1, which may be stale.
INGOT_INLINE float loadFresh(const float* from) {
  float v;
  asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(v) : "l"(from) : "memory");
  return v;
}
INGOT_INLINE FourFloats loadFreshFour(const float* from) {
  FourFloats v;
  asm volatile("ld.global.cg.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(v.at[0]), "=f"(v.at[1]), "=f"(v.at[2]), "=f"(v.at[3]) : "l"(from) : "memory");
  return v;
}
// The optimiser must not look through this value: otherwise it may defer a sum and keep all of its terms in registers.
INGOT_INLINE void opaque(float& value) { asm volatile("" : "+f"(value)); }
INGOT_INLINE void opaque(int& value) { asm volatile("" : "+r"(value)); }
// An address in global memory that would otherwise be recomputed at each use.
INGOT_INLINE void opaque(const char*& place) {
  size_t address = __cvta_generic_to_global(place);
  asm volatile("" : "+l"(address));
  place = (const char*)__cvta_global_to_generic(address);
}
// The same in shared memory.
INGOT_INLINE void opaqueShared(const char*& place) {
  size_t address = __cvta_generic_to_shared(place);
  asm volatile("" : "+l"(address));
  place = (const char*)__cvta_shared_to_generic(address);
}
template <class T>
INGOT_INLINE void store(void* to, T value) {
  *(T*)to = value;
}
// Prefetches 128 bytes into L2.
INGOT_INLINE void prefetchLine(const void* from) { asm volatile("prefetch.global.L2 [%0];" ::"l"(from)); }
