// Small vectors, and the warp size.
#pragma once

constexpr int kWarp = 32;
constexpr unsigned kFullWarp = 0xffffffffu;

struct alignas(16) Words {
  unsigned at[4];
};
struct alignas(8) TwoWords {
  unsigned at[2];
};
struct alignas(8) TwoFloats {
  float at[2];
};
struct alignas(16) FourFloats {
  float at[4];
};
