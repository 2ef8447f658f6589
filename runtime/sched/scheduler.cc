#include "runtime/sched/scheduler.h"

#include <algorithm>

namespace ingot {

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits), pool_(limits.pages), prefixes_(pool_, limits.pageTokens) {}

Status Scheduler::add(std::unique_ptr<Sequence> sequence) {
  int64_t needed = (static_cast<int64_t>(sequence->maxTokens) + limits_.pageTokens - 1) / limits_.pageTokens;
  if (needed > limits_.pages)
    return Status::resourceExhausted("request of up to {} tokens needs {} KV pages, the pool has {}; raise --kv-cache-memory or lower max_tokens",
                                     sequence->maxTokens, needed, limits_.pages);
  waiting_.push_back(std::move(sequence));
  return {};
}

void Scheduler::remove(SequenceId id) {
  auto is = [id](const auto& sequence) { return sequence->id == id; };
  auto found = std::find_if(running_.begin(), running_.end(), is);
  if (found != running_.end()) {
    if (limits_.prefixCaching) index(**found);
    running_.erase(found);
  }
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), is), waiting_.end());
}

bool Scheduler::reserve(Sequence& sequence, int32_t tokens) {
  size_t needed = static_cast<size_t>((tokens + limits_.pageTokens - 1) / limits_.pageTokens);
  while (sequence.pages.size() < needed) {
    if (pool_.freePages() == 0 && !prefixes_.evictOne()) return false;
    sequence.pages.push_back(pool_.take());
  }
  return true;
}

namespace {

void forget(Sequence& sequence) {
  sequence.pages.clear();
  sequence.computed = sequence.indexedPages = 0;
  sequence.indexedHash = PrefixIndex::kRoot;
}

}  // namespace

void Scheduler::preempt(Sequence& sequence) {
  forget(sequence);
  ++preemptions_;
}

// Takes pages from the youngest running sequences until `sequence` has what it needs; false when it is the youngest.
bool Scheduler::makeRoomFor(Sequence& sequence, int32_t tokens) {
  while (!reserve(sequence, tokens)) {
    Sequence* youngest = running_.back().get();
    preempt(*youngest);
    waiting_.push_front(std::move(running_.back()));
    running_.pop_back();
    if (youngest == &sequence) return false;
  }
  return true;
}

// Tokens that one chunk may add: the step's token and row budgets. A sequence at its longest needs no more.
int32_t Scheduler::chunkLimit(const Sequence& sequence) const {
  int32_t limit = limits_.maxBatchedTokens - plan_.tokens;
  int32_t rows = limits_.maxRows - plan_.rows;
  if (rows <= 0 || static_cast<int32_t>(sequence.tokens.size()) >= sequence.maxTokens) return 0;
  return sequence.wantsPromptRows && sequence.computed < sequence.promptTokens ? std::min(limit, rows) : limit;
}

int32_t Scheduler::addChunk(Sequence& sequence, int32_t count) {
  ScheduledChunk chunk{&sequence, sequence.computed, count, plan_.rows, 0, false};
  int32_t end = chunk.first + count, last = static_cast<int32_t>(sequence.tokens.size());
  chunk.samples = end == last;
  chunk.rows = chunk.samples ? 1 : 0;
  if (sequence.wantsPromptRows && chunk.first < sequence.promptTokens) {
    // Rows of prompt tokens in the chunk; a row that also samples is the chunk's last one either way.
    chunk.rows = std::min(end, sequence.promptTokens) - chunk.first;
    if (chunk.samples && end > sequence.promptTokens) ++chunk.rows;
  }
  plan_.tokens += count;
  plan_.rows += chunk.rows;
  plan_.chunks.push_back(chunk);
  return count;
}

const BatchPlan& Scheduler::next() {
  plan_.chunks.clear();
  plan_.tokens = plan_.rows = 0;
  // makeRoomFor() may shorten running_ from its end, never before the sequence in hand.
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    int32_t count = std::min(static_cast<int32_t>(sequence.tokens.size()) - sequence.computed, chunkLimit(sequence));
    if (count <= 0) continue;
    if (makeRoomFor(sequence, sequence.computed + count)) addChunk(sequence, count);
  }
  admitWaiting();
  return plan_;
}

void Scheduler::admitWaiting() {
  while (!waiting_.empty() && static_cast<int32_t>(running_.size()) < limits_.maxSequences && plan_.tokens < limits_.maxBatchedTokens) {
    Sequence& sequence = *waiting_.front();
    int32_t length = static_cast<int32_t>(sequence.tokens.size());
    if (limits_.prefixCaching && sequence.pages.empty() && !sequence.wantsPromptRows) {
      // The last token is always computed: its logits are wanted.
      sequence.pages = prefixes_.find(std::span(sequence.tokens).first(static_cast<size_t>(length - 1)));
      sequence.computed = static_cast<int32_t>(sequence.pages.size()) * limits_.pageTokens;
      sequence.cachedTokens = std::max(sequence.cachedTokens, std::min(sequence.computed, sequence.promptTokens));
    }
    int32_t count = std::min(length - sequence.computed, chunkLimit(sequence));
    if (count <= 0 || !reserve(sequence, sequence.computed + count)) {
      forget(sequence);
      return;
    }
    addChunk(sequence, count);
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void Scheduler::commit() {
  for (const ScheduledChunk& chunk : plan_.chunks) {
    chunk.sequence->computed += chunk.count;
    if (limits_.prefixCaching) index(*chunk.sequence);
  }
}

// Tells the prefix index of the pages that are full, of tokens that are known.
void Scheduler::index(Sequence& sequence) {
  int32_t known = sequence.computed;
  while (known > 0 && sequence.tokens[static_cast<size_t>(known - 1)] < 0) --known;
  for (; (sequence.indexedPages + 1) * limits_.pageTokens <= known; ++sequence.indexedPages) {
    auto first = static_cast<size_t>(sequence.indexedPages * limits_.pageTokens);
    auto tokens = std::span(sequence.tokens).subspan(first, static_cast<size_t>(limits_.pageTokens));
    sequence.indexedHash = prefixes_.insert(sequence.indexedHash, tokens, sequence.pages[static_cast<size_t>(sequence.indexedPages)]);
  }
}

}  // namespace ingot
