#include "runtime/exec/batch.h"

#include <algorithm>

namespace ingot {

Batch::Batch(const BatchLimits& limits) : limits_(limits) {
  auto tokens = static_cast<size_t>(limits.tokens), sequences = static_cast<size_t>(limits.sequences);
  tokenIds_.resize(tokens);
  positions_.resize(tokens);
  sequenceOf_.resize(tokens);
  rows_.resize(static_cast<size_t>(limits.rows));
  samplings_.resize(static_cast<size_t>(limits.rows));
  edits_.resize(static_cast<size_t>(limits.edits));
  blocks_.resize(tokens);
  logitRows_.reserve(static_cast<size_t>(limits.rows));
  splits_.resize(tokens + static_cast<size_t>(limits.partials));
  pageTable_.resize(sequences * static_cast<size_t>(limits.pagesPerSequence));
  view_.max_pages = limits.pagesPerSequence;
  view_.token_ids = tokenIds_.data();
  view_.positions = positions_.data();
  view_.sequence_of = sequenceOf_.data();
  view_.rows = rows_.data();
  view_.blocks = blocks_.data();
  view_.splits = splits_.data();
  view_.samplings = samplings_.data();
  view_.edits = edits_.data();
  view_.page_table = pageTable_.data();
}

void Batch::clear() {
  logitRows_.clear();
  logprobRows_ = {};
  view_.num_tokens = view_.num_sequences = view_.num_rows = view_.num_blocks = view_.num_splits = view_.num_edits = partials_ = 0;
  view_.are_apart = 1;
}

RowRange Batch::add(std::span<const int32_t> tokens, int32_t position, int32_t rows, std::span<const int32_t> pages) {
  int32_t sequence = view_.num_sequences++, first = view_.num_tokens, count = static_cast<int32_t>(tokens.size());
  std::copy(pages.begin(), pages.end(), pageTable_.begin() + static_cast<std::ptrdiff_t>(sequence) * limits_.pagesPerSequence);
  for (int32_t i = 0; i < count; ++i) {
    auto at = static_cast<size_t>(first + i);
    tokenIds_[at] = tokens[static_cast<size_t>(i)];
    positions_[at] = position + i;
    sequenceOf_[at] = sequence;
  }
  RowRange added{view_.num_rows, rows};
  for (int32_t i = count - rows; i < count; ++i) {
    auto row = static_cast<size_t>(view_.num_rows++);
    rows_[row] = first + i;
    samplings_[row] = kMostLikely;
  }
  for (int32_t i = 0; i < count; i += limits_.queryBlock) {
    int32_t block = view_.num_blocks++, blockTokens = std::min(limits_.queryBlock, count - i);
    blocks_[static_cast<size_t>(block)] = {sequence, first + i, blockTokens};
    split(block, blockTokens, position + i + blockTokens - 1);
  }
  view_.num_tokens += count;
  if (count > 1) view_.are_apart = 0;
  return added;
}

void Batch::readLogits(RowRange rows) {
  if (rows.count == 0) return;
  if (!logitRows_.empty() && logitRows_.back().first + logitRows_.back().count == rows.first) logitRows_.back().count += rows.count;
  else logitRows_.push_back(rows);
}

void Batch::choose(int32_t row, const IngotSampling& sampling, std::span<const IngotEdit> edits) {
  IngotSampling& own = samplings_[static_cast<size_t>(row)];
  own = sampling;
  own.first_edit = view_.num_edits;
  own.num_edits = static_cast<ingot_i32>(edits.size());
  std::copy(edits.begin(), edits.end(), edits_.begin() + view_.num_edits);
  view_.num_edits += own.num_edits;
  if (sampling.logprobs == 0) return;
  if (logprobRows_.count == 0) logprobRows_.first = row;
  logprobRows_.count = row + 1 - logprobRows_.first;
}

// Only the context of a single token is split, one tile per split; query blocks of prompts make enough tiles without.
void Batch::split(int32_t block, int32_t tokens, int32_t lastPosition) {
  int32_t count = lastPosition / INGOT_SPLIT_TOKENS + 1, kept = count > 1 ? count : 0;
  if (tokens > 1 || partials_ + kept > limits_.partials) {
    splits_[static_cast<size_t>(view_.num_splits++)] = {block, -1, 0};
    view_.are_apart = 0;
    return;
  }
  for (int32_t i = 0; i < count; ++i) splits_[static_cast<size_t>(view_.num_splits++)] = {block, i, partials_};
  partials_ += kept;
}

}  // namespace ingot
