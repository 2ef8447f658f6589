#include "tools/ingot/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tools/cli/terminal.h"
#include "tools/ingot/bench_rounds.h"

namespace ingot::cli {
namespace {

// One row more than whole tiles, which is where a kernel with larger ones gains most: of 16 rows, of 32, then of some of them.
constexpr int32_t kRows[] = {17,  33,  65,  97,  129, 161, 193, 225, 257,  289,  321,  353,  385,  417,
                             449, 481, 513, 577, 641, 705, 769, 897, 1025, 1153, 1281, 1537, 1793, 2049};
constexpr int32_t kMost = kRows[std::size(kRows) - 1], kNever = kMost + 1;
constexpr int32_t kMostLogits = 513;  // rows of the model's head: a row of logits is large, and batches want few
constexpr int kRounds = 3;
constexpr double kAlike = 1.02;  // of two times that measure the same

// A linear's larger kernels by their names, and of all steps that have them the seconds: of their own kernel, then of each larger one.
using Kernels = std::vector<std::string>;
using Times = std::map<Kernels, std::vector<double>>;

Kernels largerOf(const plan::Variant& variant, const plan::Step& step) {
  Kernels kernels;
  for (uint32_t i = 0; step.larger() && i < step.larger()->size(); ++i)
    kernels.push_back(variant.kernels()->Get(step.larger()->Get(i)->kernel())->name()->str());
  return kernels;
}

// The best round's, with the `kernel`-th in every step.
Status measure(Program& program, const Batch& batch, size_t kernel, Times& times) {
  std::map<Kernels, double> best;
  for (int round = 0; round <= kRounds; ++round) {  // the first one warms up
    if (interrupted) return Status::cancelled("interrupted");
    program.startProfile(static_cast<int>(kernel));
    INGOT_TRY(program.run(batch));
    std::map<Kernels, double> seconds;
    for (const StepProfile& one : program.profile())
      if (Kernels kernels = largerOf(program.variant(), *one.step); kernel <= kernels.size() && !kernels.empty()) seconds[kernels] += one.seconds;
    for (const auto& [kernels, own] : seconds)
      if (round > 0) best[kernels] = round > 1 ? std::min(best[kernels], own) : own;
  }
  for (const auto& [kernels, own] : best) times[kernels].push_back(own);
  return {};
}

// Where a larger kernel is faster than all before it: from so many rows on, and slower at no number of rows above.
struct Pays {
  int32_t from = kNever;
  bool isOver = false;
};
using Findings = std::map<Kernels, std::vector<Pays>>;

// Of ever fewer rows.
void extend(const Times& times, int32_t rows, Findings& findings) {
  for (const auto& [kernels, seconds] : times) {
    std::vector<Pays>& found = findings.try_emplace(kernels, kernels.size()).first->second;
    double best = seconds[0];
    for (size_t i = 0; i < kernels.size(); ++i) {
      double own = seconds[i + 1];
      found[i].isOver |= own > best * kAlike;
      if (own < best && !found[i].isOver) found[i].from = rows;
      best = std::min(best, own);
    }
  }
}

std::string lineOf(const plan::Variant& variant, std::string_view kernel, int32_t rows) {
  std::string_view target = variant.target()->string_view();
  return fmt::format("{{\"{}\", \"{}\", {}}},", target.substr(target.find(':') + 1), kernel, rows);
}

// Steps of one token behind some, as one kernel and as launches.
Result<std::string> tuneProgram(const Artifact& artifact, Choice choice) {
  int longest = static_cast<int>(artifact.plan().model()->max_len());
  RoundOptions options{.promptTokens = std::min(512, longest / 2), .outputTokens = std::min(64, longest / 4), .threads = 1};
  double seconds[2];
  for (bool walks : {false, true}) {
    choice.walks = walks;
    INGOT_ASSIGN(Figures figures, runRounds(artifact, choice, options, BenchClock::now()));
    seconds[walks] = figures.decodeSeconds;
  }
  const plan::Variant& variant = *choice.variant;
  return lineOf(variant, variant.kernels()->Get(variant.persistent()->kernel())->name()->string_view(), seconds[1] < seconds[0] ? 1 : 2);
}

}  // namespace

Result<std::vector<std::string>> tune(const Artifact& artifact, const Choice& choice) {
  const plan::Model& model = *artifact.plan().model();
  auto pages = static_cast<int32_t>((kMost + model.page_tokens() - 1) / model.page_tokens());
  BatchLimits limits{
      .tokens = kMost, .sequences = 1, .rows = kMostLogits, .pagesPerSequence = pages, .queryBlock = static_cast<int32_t>(model.query_block())};
  INGOT_ASSIGN(auto program, Program::load(artifact, choice, limits, {pages, pages}, 1));
  program->settle();
  Batch batch(program->limits());
  std::vector<int32_t> ids(kMost, 1), pageIds(static_cast<size_t>(pages));
  for (int32_t i = 0; i < pages; ++i) pageIds[static_cast<size_t>(i)] = i;
  size_t most = 0;
  for (const auto* step : *choice.variant->steps()) most = std::max(most, largerOf(*choice.variant, *step).size());
  Findings findings;
  for (size_t i = std::size(kRows); i-- > 0;) {
    if (kRows[i] > static_cast<int64_t>(model.max_len())) continue;
    batch.clear();
    batch.add(std::span(ids).first(static_cast<size_t>(kRows[i])), 0, std::min(kRows[i], kMostLogits), pageIds);
    Times times;
    for (size_t kernel = 0; kernel <= most; ++kernel) INGOT_TRY(measure(*program, batch, kernel, times));
    extend(times, kRows[i], findings);
  }
  program.reset();
  std::vector<std::string> lines;
  for (const auto& [kernels, found] : findings)
    for (size_t i = 0; i < kernels.size(); ++i) lines.push_back(lineOf(*choice.variant, kernels[i], found[i].from));
  if (choice.variant->persistent()) {
    INGOT_ASSIGN(std::string line, tuneProgram(artifact, choice));
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace ingot::cli
