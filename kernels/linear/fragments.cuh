// Fragments of both mma operands, common to all of linear's tensor-core kernels. They all issue the same products in the same order, so results do
// not depend on the tile shape.
#pragma once

#include "kernels/linear/formats.cuh"

namespace linear {

// 16-bit floats: an mma covers 16 columns. x is rounded to f16, or split into two bf16, the second of which holds the rounding error of the first:
// eight bits alone move log-probabilities by 0.1 (docs/architecture.md). Products of the smaller part are added first.
struct Bfloats {
  static constexpr int kParts = 2;
  INGOT_INLINE void partsOf(TwoFloats v, unsigned (&parts)[kParts]) {
    parts[1] = packBfloats(v.at[0], v.at[1]);
    parts[0] = packBfloats(v.at[0] - asFloat(parts[1] << 16), v.at[1] - asFloat(parts[1] & 0xffff0000u));
  }
  INGOT_INLINE void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiplyBfloats(d, a, b); }
};
struct Halves {
  static constexpr int kParts = 1;
  INGOT_INLINE void partsOf(TwoFloats v, unsigned (&parts)[kParts]) { parts[0] = packSaturated(v.at[0], v.at[1]); }
  INGOT_INLINE void partsOf(unsigned v, unsigned (&parts)[kParts]) { parts[0] = v; }  // of a narrow row
  INGOT_INLINE void multiply(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { multiplyHalves(d, a, b); }
};
template <WeightFormat F>
struct NarrowOf {
  typedef Bfloats Type;
};
template <>
struct NarrowOf<WeightFormat::f16> {
  typedef Halves Type;
};

// Bank swizzle: of 32 chunks of 16 bytes, groups of eight are read in pairs, (0, 1) and (2, 3). The odd groups are XORed with 2.
INGOT_INLINE int swizzle(int chunk) { return chunk ^ (chunk >> 2 & 2); }

// Which channels a lane has in a tile of one or two blocks: one quad (four neighbouring channels) of a block, or with a single block two channels
// of a quad. It loads only those parts of a unit's chunks (Unit::part, source.cuh).
template <int Blocks>
struct LaneOf {
  int lane;
  INGOT_MEMBER int quad() const { return lane / (Blocks == 2 ? 4 : 8) % 4; }
  INGOT_MEMBER int upper() const { return lane / 4 % 2; }  // half of the quad, with one block
  // The words of the lane's channels in the chunk of a quad; two words with one block.
  template <class Unit>
  INGOT_MEMBER Words wordsOf(const Unit& unit, int chunk, int further = 0) const {
    if constexpr (Blocks == 2) return unit.template part<Words>(chunk, further, 0);
    TwoWords half = unit.template part<TwoWords>(chunk, further, upper());
    return {{half.at[0], half.at[1], 0, 0}};
  }
  // The lane's halves in two chunks that hold one half for each of 16 channels; two halves per word.
  template <class Unit>
  INGOT_MEMBER TwoWords halvesOf(const Unit& unit, int chunk, int further = 0) const {
    int own = chunk + quad() / 2;
    if constexpr (Blocks == 2) return unit.template part<TwoWords>(own, further, quad() % 2);
    return {{unit.template part<unsigned>(own, further, quad() % 2 * 2 + upper()), 0}};
  }
};

// f16 weights are stored channel by channel: pairs two neighbouring columns of the lower (0) or upper (1) channel of a word.
INGOT_INLINE unsigned pairHalves(unsigned column, unsigned next, int channel) { return pickBytes(column, next, channel == 0 ? 0x5410 : 0x7632); }

// Codes: an mma covers 32 columns. A fragment of channels 2m and 2m + 1 of the lane's four; byte codes have the second half of k in `second`.
template <WeightFormat F>
INGOT_INLINE void codeFragments(const Words& first, const Words& second, int m, unsigned (&a)[4]) {
  for (int i = 0; i < 4; ++i) {
    unsigned word = i < 2 ? first.at[2 * m + i] : second.at[2 * m + i - 2];
    a[i] = hasByteCodes(F) ? byteCodes<F>(word) : (i < 2 ? word : word >> 4) & 0x0f0f0f0fu;
  }
}
// B fragment from 32 codes of a row, in the k order of the weights' words.
template <WeightFormat F>
INGOT_INLINE TwoWords codesAt(const char* codes, int t) {
  if constexpr (hasByteCodes(F)) return {{load<unsigned>(codes + 4 * t), load<unsigned>(codes + 16 + 4 * t)}};
  else return load<TwoWords>(codes + 8 * t);
}

}  // namespace linear
