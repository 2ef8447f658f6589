// Loads for a host, which has no cache operators; opaque() has no effect.
#pragma once

#include "kernels/prim/bytes.h"
#include "kernels/prim/words.h"

INGOT_INLINE Words loadStream(const void* from) { return load<Words>(from); }
INGOT_INLINE float loadFresh(const float* from) { return *from; }
INGOT_INLINE FourFloats loadFreshFour(const float* from) { return load<FourFloats>(from); }
INGOT_INLINE void prefetchLine(const void*) {}
INGOT_INLINE void opaque(float&) {}
INGOT_INLINE void opaque(int&) {}
INGOT_INLINE void opaque(const char*&) {}
INGOT_INLINE void opaqueShared(const char*&) {}
