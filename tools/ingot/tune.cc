#include "tools/ingot/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>

#include "tools/cli/terminal.h"

namespace ingot::cli {
namespace {

// One row more than whole tiles of 32 rows, which is where a kernel with larger tiles gains most.
constexpr int32_t kFirst = 33, kApart = 32, kLast = 513;
constexpr int kRounds = 5;

struct Shape {
  std::string format, channels, columns;
  auto operator<=>(const Shape&) const = default;
};
using Times = std::map<Shape, double>;  // seconds of all its steps

// linear.i4g32.n1536.k576 -> i4g32, 1536, 576.
Shape shapeOf(std::string_view name) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= name.size();) {
    size_t end = std::min(name.find('.', start), name.size());
    parts.emplace_back(name.substr(start, end - start));
    start = end + 1;
  }
  parts.resize(std::max<size_t>(parts.size(), 4), "?");
  return {parts[1], parts[2].substr(1), parts[3].substr(1)};
}

// The best round's times, with larger kernels from `largerRows` on.
Result<Times> timesOf(Program& program, const Batch& batch, int64_t largerRows) {
  Times best;
  for (int round = 0; round <= kRounds; ++round) {  // the first one warms up
    if (interrupted) return Status::cancelled("interrupted");
    program.startProfile(largerRows);
    INGOT_TRY(program.run(batch));
    Times times;
    for (const StepProfile& one : program.profile())
      if (one.step->larger()) times[shapeOf(program.variant().kernels()->Get(one.step->kernel())->name()->string_view())] += one.seconds;
    if (round == 0) continue;
    for (const auto& [shape, seconds] : times) {
      auto [at, isNew] = best.try_emplace(shape, seconds);
      if (!isNew) at->second = std::min(at->second, seconds);
    }
  }
  return best;
}

}  // namespace

Result<std::vector<std::string>> tune(const Artifact& artifact, const Choice& choice) {
  const plan::Model& model = *artifact.plan().model();
  auto pages = static_cast<int32_t>((kLast + model.page_tokens() - 1) / model.page_tokens());
  BatchLimits limits{.tokens = kLast,
                     .sequences = 1,
                     .rows = kLast,
                     .pagesPerSequence = pages,
                     .queryBlock = static_cast<int32_t>(model.query_block()),
                     .partials = partialsFor(1, pages)};
  INGOT_ASSIGN(auto program, Program::load(artifact, choice, limits, pages, 1));
  program->settle();
  Batch batch(limits);
  std::vector<int32_t> ids(kLast, 1), pageIds(static_cast<size_t>(pages));
  for (int32_t i = 0; i < pages; ++i) pageIds[static_cast<size_t>(i)] = i;
  std::map<Shape, int32_t> leastRows;
  // Downwards: a larger kernel that pays at some rows pays at more of them too, or the rows do not count.
  for (int32_t rows = kLast; rows >= kFirst; rows -= kApart) {
    batch.clear();
    batch.add(std::span(ids).first(static_cast<size_t>(rows)), 0, rows, pageIds);
    INGOT_ASSIGN(Times small, timesOf(*program, batch, std::numeric_limits<int64_t>::max()));
    INGOT_ASSIGN(Times large, timesOf(*program, batch, 1));
    for (const auto& [shape, seconds] : large) {
      int32_t& least = leastRows.try_emplace(shape, kLast + kApart).first->second;
      if (seconds < small[shape] && least == rows + kApart) least = rows;
    }
  }
  std::string_view target = choice.variant->target()->string_view();
  std::vector<std::string> lines;
  for (const auto& [shape, rows] : leastRows)
    lines.push_back(
        fmt::format("{{\"{}\", \"{}\", {}, {}, {}}},", target.substr(target.find(':') + 1), shape.format, shape.channels, shape.columns, rows));
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace ingot::cli
