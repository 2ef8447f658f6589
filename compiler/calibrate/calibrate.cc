#include "compiler/calibrate/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/calibrate/body.h"
#include "compiler/reference/checkpoint_params.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

constexpr std::string_view kText =
#include "compiler/calibrate/text.inc"
    ;
// The whole text for most tokenizers: 1024 of SmolLM2's 1677 tokens leave perplexity at 1.064 of float32's instead of 1.051.
// Attention in plain loops costs as much as all linears in windows of 512, half of that in these.
constexpr size_t kTokens = 2048, kWindow = 256;
// Of the mean: a column that the text never lit up keeps a scale that suits it.
constexpr double kLeastImportance = 1e-3;

// The text as the model reads it, BOS and all.
Result<std::vector<int>> calibrationIds(std::span<const std::byte> tables) {
  INGOT_ASSIGN(text::Tokenizer tokenizer, text::Tokenizer::open(tables));
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  tokenizer.encode(kText, {}, scratch, ids);
  if (ids.empty()) return Status::invalidInput("the tokenizer makes no tokens of the calibration text");
  ids.resize(std::min(ids.size(), kTokens));
  return std::vector<int>(ids.begin(), ids.end());
}

// Squares of input columns, added up by checkpoint tensor.
class Squares {
 public:
  void add(llm::ParamOp param, const reference::Rows<float>& x) {
    for (auto source : param.getSources().getAsValueRange<mlir::StringAttr>()) {
      std::vector<double>& sums = sums_[source.str()];
      sums.resize(static_cast<size_t>(x.columns));
      for (int64_t r = 0; r < x.count(); ++r)
        for (int64_t c = 0; c < x.columns; ++c) sums[static_cast<size_t>(c)] += static_cast<double>(x.row(r)[c]) * x.row(r)[c];
    }
  }

  Result<Importance> importance() const {
    Importance result;
    for (const auto& [name, sums] : sums_) {
      double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(sums.size());
      if (!std::isfinite(mean)) return Status::invalidInput("{}: what it multiplies overflows on the calibration text", name);
      if (mean == 0) continue;
      std::vector<float>& values = result[name];
      for (double sum : sums) values.push_back(static_cast<float>(std::max(sum / mean, kLeastImportance)));
    }
    return result;
  }

 private:
  std::map<std::string, std::vector<double>> sums_;
};

}  // namespace

Result<Importance> calibrate(mlir::ModuleOp module, const Checkpoint& checkpoint, std::span<const std::byte> tables,
                             const CalibrateOptions& options) {
  INGOT_ASSIGN(std::vector<int> ids, calibrationIds(tables));
  INGOT_ASSIGN(ModelBody body, ModelBody::of(module, checkpoint, ids));
  LoadParam load = [&](llm::ParamOp param) -> Result<std::vector<float>> {
    if (options.cancelled && *options.cancelled) return Status::cancelled("interrupted");
    return body.load(param);
  };
  Squares squares;
  auto observe = [&](llm::LinearOp op, const reference::Rows<float>& x) { squares.add(body.paramOf(op.getWeight()), x); };
  Interpreter<float> interpreter(body.module(), load, {.jobs = options.jobs, .keepMatrices = false}, observe);
  std::vector<int> positions(std::min<size_t>(kWindow, static_cast<size_t>(options.maxPositions)));
  std::iota(positions.begin(), positions.end(), 0);
  for (size_t at = 0; at < ids.size(); at += positions.size()) {
    size_t count = std::min(positions.size(), ids.size() - at);
    if (options.progress) options.progress(at, ids.size());
    interpreter.reset();
    INGOT_TRY(interpreter.run(std::span(ids).subspan(at, count), std::span(positions).first(count), std::vector<int64_t>{0}).status());
  }
  return squares.importance();
}

}  // namespace ingot
