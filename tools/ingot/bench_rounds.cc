#include "tools/ingot/bench_rounds.h"

#include <algorithm>
#include <cstring>

#include "runtime/sample/sampler.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"

namespace ingot::cli {
namespace {

uint64_t hashOf(std::span<const float> values, uint64_t hash) {
  for (float value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    hash = (hash ^ bits) * 0x100000001b3ull;
  }
  return hash;
}

// Sequences of pseudo-random ids, the same in every round.
class Round {
 public:
  Round(Program& program, Batch& batch, const RoundOptions& options, int32_t vocab, int32_t pagesEach)
      : program_(program),
        batch_(batch),
        options_(options),
        mostBegun_(options.asyncScheduling && !options.profile ? program.mostBegun() : 1),
        vocab_(vocab),
        pages_(static_cast<size_t>(pagesEach)) {}

  // Prompts one after another, then `outputTokens` decoding steps of the whole batch.
  Result<Figures> run(BenchClock::time_point opened) {
    Figures figures{.promptSeconds = 0, .decodeSeconds = 0, .hash = 0xcbf29ce484222325ull};
    if (options_.profile) program_.startProfile();
    auto start = BenchClock::now();
    for (int sequence = 0; sequence < options_.batch; ++sequence) {
      INGOT_TRY(runPrompt(sequence));
      if (sequence == 0) figures.firstTokenSeconds = secondsSince(opened);
    }
    figures.promptSeconds = secondsSince(start) / options_.batch;
    figures.hash = hashOf(program_.logits(0), figures.hash);
    if (options_.profile) {
      figures.promptSteps = program_.profile();
      program_.startProfile();
    }
    start = BenchClock::now();
    waitedSeconds_ = 0;
    for (int step = 0; step < options_.outputTokens; ++step) INGOT_TRY(decode(step));
    INGOT_TRY(finishAll());
    double all = secondsSince(start);
    figures.decodeSeconds = all / options_.outputTokens;
    figures.hostSeconds = (all - waitedSeconds_) / options_.outputTokens;
    figures.hash = hashOf(program_.logits(0), figures.hash);
    if (options_.profile) figures.decodeSteps = program_.profile();
    return figures;
  }

 private:
  Status runPrompt(int sequence) {
    std::vector<int32_t> ids;
    for (int at = 0; at < options_.promptTokens;) {
      int count = std::min(options_.chunk, options_.promptTokens - at);
      ids.clear();
      for (int i = 0; i < count; ++i) ids.push_back(nextId());
      batch_.clear();
      batch_.readLogits(batch_.add(ids, at, at + count == options_.promptTokens ? 1 : 0, pagesOf(sequence)));
      INGOT_TRY(begin());
      at += count;
    }
    return finishAll();
  }

  Status decode(int step) {
    batch_.clear();
    for (int sequence = 0; sequence < options_.batch; ++sequence) {
      int32_t id = nextId();
      RowRange row = batch_.add({&id, 1}, options_.promptTokens + step, 1, pagesOf(sequence));
      batch_.choose(row.first, samplingOf(options_.sampling, 0.5));
      if (step + 1 == options_.outputTokens) batch_.readLogits(row);
    }
    return begin();
  }

  // The batch, once there is room for it.
  Status begin() {
    if (numBegun_ == mostBegun_) INGOT_TRY(finish());
    ++numBegun_;
    return program_.begin(batch_);
  }
  Status finish() {
    --numBegun_;
    INGOT_TRY(program_.finish());
    waitedSeconds_ += program_.waitedSeconds();
    return {};
  }
  Status finishAll() {
    while (numBegun_ > 0) INGOT_TRY(finish());
    return {};
  }

  int32_t nextId() { return static_cast<int32_t>((state_ = state_ * 1664525u + 1013904223u) >> 8) % vocab_; }

  std::span<const int32_t> pagesOf(int sequence) {
    auto first = static_cast<int32_t>(pages_.size()) * sequence;
    for (int32_t& page : pages_) page = first++;
    return pages_;
  }

  Program& program_;
  Batch& batch_;
  const RoundOptions& options_;
  const int mostBegun_;
  int numBegun_ = 0;  // and not finished
  double waitedSeconds_ = 0;
  int32_t vocab_;
  std::vector<int32_t> pages_;  // of the sequence that was asked for last
  uint32_t state_ = 1;
};

}  // namespace

double secondsSince(BenchClock::time_point start) { return std::chrono::duration<double>(BenchClock::now() - start).count(); }

Result<Figures> runRounds(const Artifact& artifact, const Choice& choice, const RoundOptions& options, BenchClock::time_point opened) {
  const plan::Model& model = *artifact.plan().model();
  auto pageTokens = static_cast<int32_t>(model.page_tokens());
  int32_t pagesEach = (options.promptTokens + options.outputTokens + pageTokens) / pageTokens;
  BatchLimits limits{.tokens = std::max(options.chunk, options.batch),
                     .sequences = options.batch,
                     .rows = options.batch,
                     .pagesPerSequence = pagesEach,
                     .queryBlock = static_cast<int32_t>(model.query_block())};
  int32_t pages = pagesEach * options.batch;
  INGOT_ASSIGN(auto program, Program::load(artifact, choice, limits, {pages, pages}, options.threads));
  Batch batch(program->limits());
  Figures best;
  double firstTokenSeconds = 0;
  for (int round = -1; round < options.rounds; ++round) {  // the first one warms up
    if (interrupted) return Status::cancelled("interrupted");
    INGOT_ASSIGN(Figures one, Round(*program, batch, options, static_cast<int32_t>(model.vocab()), pagesEach).run(opened));
    if (round < 0) {
      firstTokenSeconds = one.firstTokenSeconds;
      program->settle();
      warn(kTool, program->warning());
      continue;
    }
    if (one.decodeSeconds > best.decodeSeconds) {
      one.decodeSeconds = best.decodeSeconds;
      one.hostSeconds = best.hostSeconds;
    }
    one.promptSeconds = std::min(best.promptSeconds, one.promptSeconds);
    best = std::move(one);
  }
  best.firstTokenSeconds = firstTokenSeconds;
  return best;
}

}  // namespace ingot::cli
