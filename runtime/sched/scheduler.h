// Decides what the next step computes: which sequences, how many tokens of each, on which pages. Integers only.
// Continuous batching: sequences join and leave between steps; prompt chunks and decoding rows share a step.
// When pages run out the youngest running sequence gives up its pages and is computed again later.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/kv/prefix_index.h"

namespace ingot {

struct SchedulerLimits {
  int32_t pages = 0;
  int32_t pageTokens = 16;
  int32_t maxBatchedTokens = 512;  // T of a step, at most
  int32_t maxSequences = 64;       // S of a step, at most
  int32_t maxRows = 64;            // logits rows of a step, at most; at least maxSequences
  bool prefixCaching = true;
};

using SequenceId = int64_t;

// One token sequence on its way. The scheduler owns it from add() to remove().
struct Sequence {
  SequenceId id = 0;
  std::vector<int32_t> tokens;  // prompt, then what was generated; negative at the end: in the making, and known before the step after next
  int32_t promptTokens = 0;
  int32_t maxTokens = 0;         // prompt + output, at most
  bool wantsPromptRows = false;  // prompt logprobs: every prompt token's logits
  int32_t computed = 0;          // tokens whose keys and values are in pages
  int32_t cachedTokens = 0;      // of them, found in the prefix index
  int32_t indexedPages = 0;      // of `pages`, those that the prefix index knows
  uint64_t indexedHash = PrefixIndex::kRoot;
  std::vector<PageHandle> pages;
};

// Part of a step: tokens [first, first + count) of a sequence.
struct ScheduledChunk {
  Sequence* sequence;
  int32_t first, count;
  int32_t firstRow, rows;  // logits rows of the step; the last of them, if `samples`, gives the next token
  bool samples;            // the chunk ends at the sequence's last token
  int32_t lastRow() const { return firstRow + rows - 1; }
};

struct BatchPlan {
  std::vector<ScheduledChunk> chunks;
  int32_t tokens = 0, rows = 0;
};

// Thread-compatible.
class Scheduler {
 public:
  explicit Scheduler(const SchedulerLimits& limits);

  // Refuses, with both numbers, a sequence whose longest form could never fit into all pages.
  Status add(std::unique_ptr<Sequence> sequence);
  void remove(SequenceId id);
  bool idle() const { return running_.empty() && waiting_.empty(); }

  // The next step; empty only when there is nothing to compute: all that is left are sequences at their longest, whose last token is in the
  // making. Every chunk's pages are reserved.
  const BatchPlan& next();
  // Notes that the plan is computed, before anything that comes behind it. New tokens are appended to the sequences by the caller before the
  // next next().
  void commit();

  int32_t freePages() const { return pool_.freePages(); }
  int64_t preemptions() const { return preemptions_; }
  bool isConsistent() const { return pool_.isConsistent(); }

 private:
  bool reserve(Sequence& sequence, int32_t tokens);  // pages for its first `tokens` tokens
  bool makeRoomFor(Sequence& sequence, int32_t tokens);
  void preempt(Sequence& sequence);
  void admitWaiting();
  void index(Sequence& sequence);
  int32_t addChunk(Sequence& sequence, int32_t count);  // tokens scheduled
  int32_t chunkLimit(const Sequence& sequence) const;

  SchedulerLimits limits_;
  PagePool pool_;
  PrefixIndex prefixes_;
  std::deque<std::unique_ptr<Sequence>> waiting_;   // in order of arrival; preempted ones first
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of arrival
  BatchPlan plan_;
  int64_t preemptions_ = 0;
};

}  // namespace ingot
