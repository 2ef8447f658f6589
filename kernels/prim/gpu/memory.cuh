// Shared memory, copies to it, and global memory.
#pragma once

#include "kernels/prim/words.h"

// An array in shared memory. On a host every access is checked for bounds, for races and for never having been written.
template <class T, int N>
struct SharedArray {
  alignas(16) T values[N];
  INGOT_MEMBER T& operator[](int i) { return values[i]; }
};

// A place in shared memory that a thread keeps, since it copies to it, or to places a fixed way behind it, again and again.
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

// Part `part` of 16 bytes, which has the size of T.
template <class T, int N>
INGOT_INLINE T loadPart(SharedArray<Words, N>& from, int i, int part) {
  return ((const T*)&from.values[i])[part];
}
template <class T, class Array>
INGOT_INLINE T loadPart(const SharedAddress<Array>& from, int further, int part) {
  return *(const T*)__cvta_shared_to_generic(from.address + further * 16 + part * (int)sizeof(T));
}

// Adds, whatever other threads add meanwhile; returns what was there.
template <class T, int N>
INGOT_INLINE T addShared(SharedArray<T, N>& to, int i, T value) {
  return atomicAdd(&to.values[i], value);
}

// Copies to shared memory that go on while the thread does (PTX ISA, cp.async): 16 bytes to element i. A thread closes groups of
// its own copies and waits until at most so many groups are under way; other threads see them behind a barrier after that.
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
// 16 bytes that are read once: they pass the first-level cache by.
INGOT_INLINE Words loadStream(const void* from) {
  Words words;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
      : "=r"(words.at[0]), "=r"(words.at[1]), "=r"(words.at[2]), "=r"(words.at[3])
      : "l"(from));
  return words;
}
// What other blocks of this launch wrote before they said so: not from the first-level cache.
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
// The value is there before what comes next: a compiler that puts its sum off keeps all of its parts in registers until then.
INGOT_INLINE void opaque(float& value) { asm volatile("" : "+f"(value)); }
INGOT_INLINE void opaque(int& value) { asm volatile("" : "+r"(value)); }
// A place in global memory that would otherwise be computed wherever it is used.
INGOT_INLINE void opaque(const char*& place) {
  size_t address = __cvta_generic_to_global(place);
  asm volatile("" : "+l"(address));
  place = (const char*)__cvta_global_to_generic(address);
}
// In shared memory.
INGOT_INLINE void opaqueShared(const char*& place) {
  size_t address = __cvta_generic_to_shared(place);
  asm volatile("" : "+l"(address));
  place = (const char*)__cvta_shared_to_generic(address);
}
template <class T>
INGOT_INLINE void store(void* to, T value) {
  *(T*)to = value;
}
// Brings 128 bytes into the second-level cache.
INGOT_INLINE void prefetchLine(const void* from) { asm volatile("prefetch.global.L2 [%0];" ::"l"(from)); }
