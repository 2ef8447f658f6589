#include "runtime/exec/batch.h"

#include <algorithm>

namespace ingot {

Batch::Batch(const BatchLimits& limits) : limits_(limits) {
  auto tokens = static_cast<size_t>(limits.tokens), sequences = static_cast<size_t>(limits.sequences);
  tokenIds_.resize(tokens);
  positions_.resize(tokens);
  sequenceOf_.resize(tokens);
  rows_.resize(static_cast<size_t>(limits.rows));
  blocks_.resize(tokens);
  pageTable_.resize(sequences * static_cast<size_t>(limits.pagesPerSequence));
  view_.max_pages = limits.pagesPerSequence;
  view_.token_ids = tokenIds_.data();
  view_.positions = positions_.data();
  view_.sequence_of = sequenceOf_.data();
  view_.rows = rows_.data();
  view_.blocks = blocks_.data();
  view_.page_table = pageTable_.data();
}

void Batch::clear() { view_.num_tokens = view_.num_sequences = view_.num_rows = view_.num_blocks = 0; }

void Batch::add(std::span<const int32_t> tokens, int32_t position, int32_t rows, std::span<const int32_t> pages) {
  int32_t sequence = view_.num_sequences++, first = view_.num_tokens, count = static_cast<int32_t>(tokens.size());
  std::copy(pages.begin(), pages.end(), pageTable_.begin() + static_cast<std::ptrdiff_t>(sequence) * limits_.pagesPerSequence);
  for (int32_t i = 0; i < count; ++i) {
    auto at = static_cast<size_t>(first + i);
    tokenIds_[at] = tokens[static_cast<size_t>(i)];
    positions_[at] = position + i;
    sequenceOf_[at] = sequence;
  }
  for (int32_t i = count - rows; i < count; ++i) rows_[static_cast<size_t>(view_.num_rows++)] = first + i;
  for (int32_t i = 0; i < count; i += limits_.queryBlock)
    blocks_[static_cast<size_t>(view_.num_blocks++)] = {sequence, first + i, std::min(limits_.queryBlock, count - i)};
  view_.num_tokens += count;
}

}  // namespace ingot
