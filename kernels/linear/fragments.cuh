// What linear's kernels on tensor cores have in common: fragments of the products' two sides. Every kernel makes the same products in the same order,
// so that its tile does not show in the bits.
#pragma once

#include "kernels/linear/formats.cuh"

namespace linear {

// 16-bit floats: a product is 16 columns. x is rounded to f16, or split into two bf16 of which the second holds what the first one
// lost: eight bits alone move log-probabilities by 0.1 (docs/architecture.md). The parts' products are added smallest first.
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

// Of 32 chunks, those in the second and fourth group of eight are read in one go with the first and third: they move by two.
INGOT_INLINE int swizzle(int chunk) { return chunk ^ (chunk >> 2 & 2); }

// A lane's channels in a tile of one or two blocks: a quad of a block, or two of its channels. It reads no more than what those have in a unit's
// chunks (Unit::part, source.cuh).
template <int Blocks>
struct LaneOf {
  int lane;
  INGOT_MEMBER int quad() const { return lane / (Blocks == 2 ? 4 : 8) % 4; }
  INGOT_MEMBER int upper() const { return lane / 4 % 2; }  // of one block
  // Of a chunk that is a quad's, the words of the lane's channels; there are two of one block.
  template <class Unit>
  INGOT_MEMBER Words wordsOf(const Unit& unit, int chunk, int further = 0) const {
    if constexpr (Blocks == 2) return unit.template part<Words>(chunk, further, 0);
    TwoWords half = unit.template part<TwoWords>(chunk, further, upper());
    return {{half.at[0], half.at[1], 0, 0}};
  }
  // Of two chunks that have halves of all 16 channels, those of the lane's, a word for two.
  template <class Unit>
  INGOT_MEMBER TwoWords halvesOf(const Unit& unit, int chunk, int further = 0) const {
    int own = chunk + quad() / 2;
    if constexpr (Blocks == 2) return unit.template part<TwoWords>(own, further, quad() % 2);
    return {{unit.template part<unsigned>(own, further, quad() % 2 * 2 + upper()), 0}};
  }
};

// f16 lies channel by channel: of two neighbouring columns, the lower (0) or upper (1) of two channels.
INGOT_INLINE unsigned pairHalves(unsigned column, unsigned next, int channel) { return pickBytes(column, next, channel == 0 ? 0x5410 : 0x7632); }

// Codes: a product is 32 columns. The fragment of its two channels 2m and 2m + 1 out of a lane's four; bytes have a second half.
template <WeightFormat F>
INGOT_INLINE void codeFragments(const Words& first, const Words& second, int m, unsigned (&a)[4]) {
  for (int i = 0; i < 4; ++i) {
    unsigned word = i < 2 ? first.at[2 * m + i] : second.at[2 * m + i - 2];
    a[i] = hasByteCodes(F) ? byteCodes<F>(word) : (i < 2 ? word : word >> 4) & 0x0f0f0f0fu;
  }
}
// x's fragment out of 32 codes of a row: the words that meet those.
template <WeightFormat F>
INGOT_INLINE TwoWords codesAt(const char* codes, int t) {
  if constexpr (hasByteCodes(F)) return {{load<unsigned>(codes + 4 * t), load<unsigned>(codes + 16 + 4 * t)}};
  else return load<TwoWords>(codes + 8 * t);
}

}  // namespace linear
