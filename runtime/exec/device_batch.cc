#include "runtime/exec/device_batch.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/checked.h"

namespace ingot {
namespace {

constexpr size_t kAlignment = 16;
constexpr ingot_i32 kPageTokens = INGOT_PAGE_TOKENS;

// Width of the packed page table: the pages of the batch's longest sequence.
ingot_i32 widestTable(const IngotBatch& batch) {
  ingot_i32 last = 0;
  for (ingot_i32 t = 0; t < batch.num_tokens; ++t) last = std::max(last, batch.positions[t]);
  return last / kPageTokens + 1;
}

}  // namespace

size_t packedBatchBytes(const BatchLimits& limits) {
  auto size = [](int64_t count, size_t each) { return roundUp(static_cast<size_t>(count) * each, kAlignment); };
  return roundUp(sizeof(IngotBatch), kAlignment) + 3 * size(limits.tokens, sizeof(ingot_i32)) + size(limits.rows, sizeof(ingot_i32)) +
         size(limits.rows, sizeof(IngotSampling)) + size(limits.edits, sizeof(IngotEdit)) + size(limits.tokens, sizeof(IngotQueryBlock)) +
         size(int64_t{limits.tokens} + limits.partials, sizeof(IngotSplit)) +
         size(int64_t{limits.sequences} * limits.pagesPerSequence, sizeof(ingot_i32));
}

size_t packBatch(const IngotBatch& batch, uint64_t address, std::byte* to) {
  IngotBatch packed = batch;
  packed.max_pages = widestTable(batch);
  size_t at = roundUp(sizeof(IngotBatch), kAlignment);
  // Reserves room for `count` elements and points the struct at it.
  auto reserve = [&](auto*& pointer, int64_t count) {
    auto* here = to + at;
    pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(address + at);
    at = roundUp(at + static_cast<size_t>(count) * sizeof(*pointer), kAlignment);
    return here;
  };
  auto copy = [&](auto*& pointer, int64_t count) {
    const void* from = pointer;
    std::memcpy(reserve(pointer, count), from, static_cast<size_t>(count) * sizeof(*pointer));
  };
  copy(packed.token_ids, batch.num_tokens);
  copy(packed.positions, batch.num_tokens);
  copy(packed.sequence_of, batch.num_tokens);
  copy(packed.rows, batch.num_rows);
  copy(packed.blocks, batch.num_blocks);
  copy(packed.splits, batch.num_splits);
  copy(packed.samplings, batch.num_rows);
  copy(packed.edits, batch.num_edits);
  std::byte* table = reserve(packed.page_table, int64_t{batch.num_sequences} * packed.max_pages);
  size_t rowBytes = static_cast<size_t>(packed.max_pages) * sizeof(ingot_i32);
  for (ingot_i32 s = 0; s < batch.num_sequences; ++s)
    std::memcpy(table + static_cast<size_t>(s) * rowBytes, batch.page_table + int64_t{s} * batch.max_pages, rowBytes);
  std::memcpy(to, &packed, sizeof(packed));
  return at;
}

}  // namespace ingot
