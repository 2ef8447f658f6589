// Meaning of embedding: one table row per id.
#pragma once

namespace ingot::ref {

// y[t, :] = table[ids[t] + offset, :]. The caller guarantees that every row is there.
template <class Real, class Table>
void embedding(const int* ids, long long tokens, const Table* table, long long columns, long long offset, Real* y) {
  for (long long t = 0; t < tokens; ++t)
    for (long long c = 0; c < columns; ++c) y[t * columns + c] = static_cast<Real>(table[(ids[t] + offset) * columns + c]);
}

}  // namespace ingot::ref
