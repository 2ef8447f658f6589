// Unaligned loads and stores. INGOT_INLINE is the includer's.
#pragma once

template <class T>
INGOT_INLINE T load(const void* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof(T));
  return value;
}
template <class T>
INGOT_INLINE void store(void* to, T value) {
  __builtin_memcpy(to, &value, sizeof(T));
}
