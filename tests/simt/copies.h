// cp.async: copies to shared memory arrive when their thread has waited for them, and not before. Until then the destination is poisoned and must
// not be accessed. Other threads need a barrier after that wait.
#pragma once

#include "tests/simt/shared.h"

namespace simt {

constexpr int kCopyBytes = 16;

static inline void beginCopy(void* to, Shadow& shadow, long long element, const void* from) {
  Thread& thread = self();
  noteWrite(shadow, element);
  if (thread.numCopies == kMaxCopies) fault(*thread.block, thread.threadIndex.x, "has more copies under way than the emulator keeps");
  __builtin_memset(to, 0xff, kCopyBytes);
  shadow.copier = (unsigned short)thread.threadIndex.x;
  thread.copies[thread.numCopies++] = {to, from, &shadow, element, thread.copyGroups};
}

// Completes all commit groups but the last `most`; an open group stays in flight.
static inline void finishCopies(unsigned most) {
  Thread& thread = self();
  unsigned left = 0;
  for (unsigned i = 0; i < thread.numCopies; ++i) {
    Copy copy = thread.copies[i];
    if (copy.group + most >= thread.copyGroups) {
      thread.copies[left++] = copy;
      continue;
    }
    Shadow& shadow = *(Shadow*)copy.shadow;
    shadow.copier = kNobody;
    noteWrite(shadow, copy.element);
    __builtin_memcpy(copy.to, copy.from, kCopyBytes);
  }
  thread.numCopies = left;
}

}  // namespace simt

template <class T, int N>
static inline void copyAsync(SharedArray<T, N>& to, int i, const void* from) {
  static_assert(sizeof(T) == simt::kCopyBytes, "copies are of 16 bytes");
  to.expectInside(i);
  if ((unsigned long long)from % simt::kCopyBytes)
    simt::fault(*simt::self().block, simt::self().threadIndex.x, "copies from an address that is no multiple of 16");
  simt::beginCopy(&to.values[i], to.shadows[i], i, from);
}
template <class Array>
struct SharedAddress {
  Array* array;
  int i;
};
template <class Array>
static inline SharedAddress<Array> addressIn(Array& array, int i) {
  return {&array, i};
}
template <class Part, class T, int N>
static inline Part loadPart(SharedArray<T, N>& from, int i, int part) {
  T whole = from[i];
  Part one;
  __builtin_memcpy(&one, (const char*)&whole + part * sizeof one, sizeof one);
  return one;
}
template <class Part, class Array>
static inline Part loadPart(const SharedAddress<Array>& from, int further, int part) {
  return loadPart<Part>(*from.array, from.i + further, part);
}
template <class Array>
static inline void copyAsync(const SharedAddress<Array>& to, int further, const void* from) {
  copyAsync(*to.array, to.i + further, from);
}
static inline void commitCopies() { ++simt::self().copyGroups; }
template <int Most>
static inline void waitForCopies() {
  simt::finishCopies(Most);
}
