// The tokens that GPUs draw, and their log-probabilities, against the CPU's sampler, bit for bit: ties, infinities, NaN, every filter, and
// vocabularies around a block's threads.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "kernels/linear/layout.h"
#include "kernels/sample/sample.spec.h"
#include "runtime/sample/logprobs.h"
#include "runtime/sample/processors.h"
#include "tests/kernels/harness.h"
#include "tests/support/sampling.h"

namespace ingot::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<std::vector<float>> rowsOf(Random& random, int64_t columns) {
  auto size = static_cast<size_t>(columns);
  std::vector<std::vector<float>> rows(3);
  for (auto& row : rows) row = random.normals(size);
  rows.emplace_back(size, 1.5f);  // all alike
  rows.emplace_back(size, -kInfinity);
  rows.emplace_back(size, NAN);
  rows.push_back(random.normals(size));
  for (float& x : rows.back()) x = std::round(x * 2);  // ties
  rows.push_back(random.normals(size));
  rows.back().front() = NAN;
  rows.back().back() = kInfinity;
  return rows;
}

class Sample : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::vector<KernelText> texts;
    for (int64_t columns : kColumns) texts.push_back({"sample", fmt::format("columns = {} : i64", columns), ""});
    auto library = KernelLibrary::build(texts, "cuda-emulated");
    ASSERT_TRUE(library.ok()) << library.status().message();
    library_ = std::move(library).value();
  }
  static void TearDownTestSuite() { library_.reset(); }

  // How rows are drawn from.
  struct Asked {
    std::vector<IngotSampling> samplings;
    std::vector<IngotEdit> edits;

    void add(const IngotSampling& sampling, std::span<const IngotEdit> own) {
      samplings.push_back(sampling);
      samplings.back().first_edit = static_cast<ingot_i32>(edits.size());
      samplings.back().num_edits = static_cast<ingot_i32>(own.size());
      edits.insert(edits.end(), own.begin(), own.end());
    }
  };
  static void expectDrawn(size_t i, const std::vector<std::vector<float>>& rows, const std::vector<IngotSampling>& samplings,
                          const std::vector<IngotEdit>& edits = {}) {
    expectDrawn(i, rows, {samplings, edits}, {samplings, edits}, {});
  }
  // The kernel of vocabulary i over rows, each with its own settings: tokens and log-probabilities. `tokens` are the rows' own, on which what is
  // `asked` may depend; `known` is the same where it does not.
  static void expectDrawn(size_t i, const std::vector<std::vector<float>>& rows, Asked asked, Asked known, std::vector<ingot_i32> tokens) {
    auto stride = static_cast<size_t>(paddedColumns(kColumns[i]));
    Poisoned logits(rows.size() * stride * 4), ids(rows.size() * 4), logprobs(rows.size() * sizeof(IngotLogprobs));
    Poisoned allowed(rows.size() * kCudaSampleAllowed * 4);
    for (size_t r = 0; r < rows.size(); ++r) std::copy(rows[r].begin(), rows[r].end(), logits.as<float>() + r * stride);
    IngotBatch batch{};
    batch.num_rows = static_cast<ingot_i32>(rows.size());
    batch.num_tokens = static_cast<ingot_i32>(tokens.size());
    batch.token_ids = tokens.data();
    std::vector<ingot_i32> places(rows.size());
    std::iota(places.begin(), places.end(), 0);
    batch.rows = places.data();
    batch.samplings = asked.samplings.data();
    batch.edits = asked.edits.data();
    library_->at(i).runBackwards(batch, {logits.data(), ids.data(), logprobs.data(), allowed.data()}, library_->at(i).tilesFor(batch.num_rows));
    EXPECT_TRUE(logits.guardsIntact() && ids.guardsIntact() && logprobs.guardsIntact() && allowed.guardsIntact());
    SamplerScratch scratch;
    const auto& samplings = known.samplings;
    for (size_t r = 0; r < rows.size(); ++r) {
      std::vector<float> row = rows[r];
      applyEditsOf(samplings[r], known.edits, row);
      EXPECT_EQ(ids.as<int32_t>()[r], draw(samplings[r], row, scratch))
          << "row " << r << " of " << kColumns[i] << " columns: scale " << samplings[r].scale << " floor " << samplings[r].floor << " top_k "
          << samplings[r].top_k << " top_p " << samplings[r].top_p << " uniform " << samplings[r].uniform;
      int32_t own = samplings[r].own < 0 ? ids.as<int32_t>()[r] : samplings[r].own;
      if (samplings[r].logprobs > 0 && own >= 0) {
        expectSame(topLogprobs(logprobs.as<IngotLogprobs>()[r], own), topLogprobs(rows[r], own, samplings[r].logprobs - 1, scratch));
        EXPECT_EQ(std::memcmp(logits.as<float>() + r * stride, rows[r].data(), rows[r].size() * sizeof(float)), 0) << "edits stay in row " << r;
      }
    }
  }

  // Those of allowed ids name places.
  static void applyEditsOf(const IngotSampling& sampling, std::span<IngotEdit> all, std::vector<float>& row) {
    auto edits = all.subspan(static_cast<size_t>(sampling.first_edit), static_cast<size_t>(sampling.num_edits));
    auto allowed = edits.first(static_cast<size_t>(sampling.num_allowed));
    LogitRules rules;
    for (const IngotEdit& edit : allowed) rules.allowed.push_back(edit.id);
    applyAllowed(rules, row);
    for (IngotEdit edit : edits.subspan(allowed.size())) {
      if (!allowed.empty()) edit.id = allowed[static_cast<size_t>(edit.id)].id;
      applyEdits({&edit, 1}, row);
    }
  }

  static void expectSame(const std::vector<TokenLogprob>& ours, const std::vector<TokenLogprob>& expected) {
    ASSERT_EQ(ours.size(), expected.size());
    for (size_t k = 0; k < ours.size(); ++k) {
      EXPECT_EQ(ours[k].id, expected[k].id) << "at " << k << " of " << ours.size();
      EXPECT_EQ(ours[k].rank, expected[k].rank);
      EXPECT_EQ(std::bit_cast<uint32_t>(ours[k].logprob), std::bit_cast<uint32_t>(expected[k].logprob))
          << ours[k].logprob << " " << expected[k].logprob;
    }
  }
  // Of none up to all that have room, and of an id or the one that is drawn.
  static void askForLogprobs(Random& random, int64_t columns, IngotSampling& sampling) {
    sampling.logprobs = static_cast<ingot_i32>(random.integer(0, 1 + INGOT_MAX_LOGPROBS));
    sampling.own = random.chance(0.5) ? -1 : static_cast<ingot_i32>(random.integer(0, columns - 1));
  }

  static inline const std::vector<int64_t> kColumns = {1, 2, 3, 5, 64, 1023, 4097, 9001, 16387, 32768};  // the last two have several blocks
  static inline std::unique_ptr<KernelLibrary> library_;
};

TEST_F(Sample, TakesTheMostLikely) {
  Random random(3);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    auto rows = rowsOf(random, kColumns[i]);
    std::vector<IngotSampling> samplings(rows.size(), samplingOf({.temperature = 0}, 0));
    expectDrawn(i, rows, samplings);
    for (ingot_i32 logprobs : {1, 2, 1 + INGOT_MAX_LOGPROBS})
      for (ingot_i32 own : {-1, 0, static_cast<ingot_i32>(kColumns[i]) - 1}) {
        for (IngotSampling& sampling : samplings) sampling.logprobs = logprobs, sampling.own = own;
        expectDrawn(i, rows, samplings);
      }
  }
}

// The worst order of a row: every id passes all before it; and fewer ids with a weight than are listed.
TEST_F(Sample, ListsTheMostLikelyOfRowsInAnyOrder) {
  for (size_t i = 0; i < kColumns.size(); ++i) {
    auto size = static_cast<size_t>(kColumns[i]);
    std::vector<std::vector<float>> rows(4, std::vector<float>(size));
    for (size_t c = 0; c < size; ++c) {
      rows[0][c] = static_cast<float>(c) * 0.25f;
      rows[1][c] = -rows[0][c];
      rows[2][c] = c % 7 ? -1e30f : static_cast<float>(c) * -20;
      rows[3][c] = c % 5 ? -kInfinity : static_cast<float>(c % 3) * 1e-3f;
    }
    IngotSampling sampling = samplingOf({.temperature = 0}, 0);
    sampling.logprobs = 1 + INGOT_MAX_LOGPROBS, sampling.own = static_cast<ingot_i32>(size / 2);
    expectDrawn(i, rows, std::vector<IngotSampling>(rows.size(), sampling));
  }
}

TEST_F(Sample, DrawsAsTheSamplerDoes) {
  Random random(4);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    auto rows = rowsOf(random, kColumns[i]);
    for (int more = 0; more < 32; ++more) rows.push_back(randomLogits(random, static_cast<size_t>(kColumns[i])));
    std::vector<IngotSampling> samplings;
    for (size_t r = 0; r < rows.size(); ++r) {
      samplings.push_back(randomSampling(random, static_cast<int>(kColumns[i])));
      askForLogprobs(random, kColumns[i], samplings.back());
    }
    expectDrawn(i, rows, samplings);
  }
}

// Bias, penalties and masks, of the same ids; log-probabilities are of what was before them.
TEST_F(Sample, EditsLogitsFirst) {
  Random random(6);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    auto vocab = static_cast<int32_t>(kColumns[i]);
    std::vector<std::vector<float>> rows;
    std::vector<IngotSampling> samplings;
    std::vector<IngotEdit> edits;
    for (int r = 0; r < 12; ++r) {
      rows.push_back(randomLogits(random, static_cast<size_t>(vocab)));
      samplings.push_back(randomSampling(random, vocab));
      samplings.back().first_edit = static_cast<ingot_i32>(edits.size());
      for (int pass = 0; pass < INGOT_EDIT_PASSES && r % 4; ++pass)
        for (int32_t id = 0; id < vocab; id += static_cast<int32_t>(random.integer(1, 5)))
          edits.push_back({id, pass, pass == 1 ? 1.3f : 1, pass == 2 ? -kInfinity : random.normal(), 0, -1});
      if (r % 4 == 3) edits.push_back({vocab / 2, 2, 1, -kInfinity, 0, -1}), edits.push_back(edits.back());
      samplings.back().num_edits = static_cast<ingot_i32>(edits.size()) - samplings.back().first_edit;
      askForLogprobs(random, vocab, samplings.back());
    }
    expectDrawn(i, rows, samplings, edits);
  }
}

// One id, some, all or as many as there may be; with bias, penalties and masks, of ids that are not allowed too.
TEST_F(Sample, DrawsAmongAllowedIds) {
  Random random(7);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    auto vocab = static_cast<int32_t>(kColumns[i]);
    std::vector<std::vector<float>> rows = rowsOf(random, vocab);
    for (int more = 0; more < 12; ++more) rows.push_back(randomLogits(random, static_cast<size_t>(vocab)));
    Asked asked;
    TokenHistory history(vocab, std::vector<int32_t>{0, vocab / 2}, true);
    for (size_t r = 0; r < rows.size(); ++r) {
      LogitRules rules;
      double share = r % 3 ? 0.01 * static_cast<double>(random.integer(1, 60)) : 1;
      for (int32_t id = 0; id < vocab && std::ssize(rules.allowed) < kCudaSampleAllowed; ++id)
        if (random.chance(share)) rules.allowed.push_back(id);
      if (rules.allowed.empty()) rules.allowed.push_back(vocab - 1);
      for (int32_t id = 0; id < vocab && r % 2; id += static_cast<int32_t>(random.integer(1, 40))) rules.bias.emplace_back(id, random.normal());
      if (r % 4 == 1) rules.stopIds = {vocab / 2, vocab - 1}, rules.minTokens = 1;
      std::vector<IngotEdit> own;
      collectEditsOfAllowed(rules, {.repetitionPenalty = r % 4 == 3 ? 1.4f : 1}, history, 0, own);
      asked.add(randomSampling(random, vocab), own);
      asked.samplings.back().num_allowed = static_cast<ingot_i32>(rules.allowed.size());
      askForLogprobs(random, vocab, asked.samplings.back());
    }
    expectDrawn(i, rows, asked, asked, {});
  }
}

// Penalties and words of several tokens where the host did not know the last token when it said what it wants.
TEST_F(Sample, LooksBackAtATokenThatNobodyKnew) {
  Random random(8);
  for (size_t i = 0; i < kColumns.size(); ++i) {
    auto vocab = static_cast<int32_t>(kColumns[i]);
    auto some = [&] { return static_cast<int32_t>(random.integer(0, std::min(vocab, 6) - 1)); };  // few, so that they meet
    std::vector<std::vector<float>> rows;
    std::vector<ingot_i32> tokens;
    Asked asked, known;
    for (int r = 0; r < 40; ++r) {
      rows.push_back(randomLogits(random, static_cast<size_t>(vocab)));
      for (int32_t id = 0; id < std::min(vocab, 8); ++id) rows.back()[static_cast<size_t>(id)] += 4;
      LogitRules rules;
      SamplerSettings settings{.repetitionPenalty = r % 3 ? 1.3f : 1, .presencePenalty = r % 4 ? 0.7f : 0, .frequencyPenalty = 0.3f};
      if (r % 5 == 4) settings = {};
      for (int word = 0; word < r % 6; ++word)
        for (auto& ids = rules.badWords.emplace_back(); std::ssize(ids) <= word % 3;) ids.push_back(some());
      for (int32_t id = 0; id < vocab && r % 3 == 1; ++id)
        if (random.chance(0.5) && std::ssize(rules.allowed) < kCudaSampleAllowed) rules.allowed.push_back(id);
      if (r % 7 == 3) rules.bias = {{0, 1.0f}}, rules.stopIds = {vocab - 1}, rules.minTokens = 3;
      TokenHistory history(vocab, std::vector<int32_t>{some(), some()}, settings.penalises());
      int position = 1 + r % 4;
      for (int k = 1; k < position; ++k) history.append(some());
      tokens.push_back(some());
      IngotSampling sampling = r % 2 ? randomSampling(random, vocab) : samplingOf({.temperature = 0}, 0);
      sampling.num_allowed = static_cast<ingot_i32>(rules.allowed.size());
      askForLogprobs(random, vocab, sampling);
      std::vector<IngotEdit> before, after;
      collectEditsOfAllowed(rules, settings, history, position, before);
      history.append(tokens.back());
      collectEditsOfAllowed(rules, settings, history, position, after);
      known.add(sampling, after);
      sampling.looks_back = 1;
      asked.add(sampling, before);
    }
    expectDrawn(i, rows, asked, known, tokens);
  }
}

// More ids in one bin than a block has threads: the search goes on by the bits of logits, then of ids.
TEST_F(Sample, FindsTheLastIdAmongManyThatAreClose) {
  Random random(5);
  size_t i = kColumns.size() - 1;
  auto size = static_cast<size_t>(kColumns[i]);
  std::vector<std::vector<float>> rows;
  for (float deviation : {0.0f, 1e-6f, 1e-3f}) {
    rows.push_back(random.normals(size, deviation));
    rows.push_back(rows.back());
    for (float& logit : rows.back()) logit += 3;
  }
  for (SamplerSettings settings : {SamplerSettings{.topP = 0.37f}, {.topK = 4000}, {.topP = 0.5f, .topK = 5000}, {.temperature = 100, .topP = 0.9f}})
    expectDrawn(i, rows, std::vector<IngotSampling>(rows.size(), samplingOf(settings, 0.999)));
}

}  // namespace
}  // namespace ingot::test
