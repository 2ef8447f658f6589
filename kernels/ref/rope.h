// Meaning of rotary embedding (Su et al. 2021), halves paired as transformers does.
#pragma once

namespace ingot::ref {

// Rotates columns (i, i + rotary / 2) of one head by the angles of its position. `table` is that position's
// [rotary / 2, 2]: cosine, sine. Columns from `rotary` on stay.
template <class Real, class Table>
void rotateHead(Real* head, const Table* table, long long rotary) {
  long long half = rotary / 2;
  for (long long i = 0; i < half; ++i) {
    Real cosine = static_cast<Real>(table[2 * i]), sine = static_cast<Real>(table[2 * i + 1]);
    Real a = head[i], b = head[i + half];
    head[i] = a * cosine - b * sine;
    head[i + half] = b * cosine + a * sine;
  }
}

}  // namespace ingot::ref
