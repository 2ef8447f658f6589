// The interpreter against transformers' log probabilities of tiny checkpoints (tests/golden/models/make_tiny.py).
#include <gtest/gtest.h>

#include <cmath>

#include "compiler/reference/checkpoint_params.h"
#include "compiler/support/file.h"
#include "tests/support/reference_model.h"

namespace ingot {
namespace {

const std::string kData = INGOT_SOURCE_DIR "/tests/golden/models/data/";

struct Expected {
  std::vector<int> ids;
  std::vector<double> logprobs;  // [ids, vocabulary]
};

Expected readExpected(const std::string& name) {
  auto json = readJsonFile(kData + name + "/expected.json");
  EXPECT_TRUE(json.ok()) << json.status().message();
  Expected expected;
  if (!json.ok()) return expected;
  expected.ids = (*json)["prompts"][0].get<std::vector<int>>();
  for (const auto& row : (*json)["logprobs"][0])
    for (double value : row) expected.logprobs.push_back(value);
  return expected;
}

template <class A, class B>
double largestDifference(const std::vector<A>& a, const std::vector<B>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    largest = difference <= largest ? largest : difference;  // NaN counts
  }
  return largest;
}

template <class Real>
std::vector<Real> logprobsOf(const std::string& name, const ReferenceOptions& options, const std::vector<int>& ids, int64_t chunk = 0) {
  auto model = openReferenceModel(kData + name, options);
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return {};
  auto values = referenceLogprobs<Real>(*model, ids, chunk);
  EXPECT_TRUE(values.ok()) << values.status().message();
  return values.ok() ? *values : std::vector<Real>();
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, ImportedModuleGivesTransformersLogprobs) {
  Expected expected = readExpected(GetParam());
  EXPECT_LT(largestDifference(logprobsOf<float>(GetParam(), {}, expected.ids), expected.logprobs), 1e-4);
}

TEST_P(Golden, SoDoesTheModuleAfterThePasses) {
  Expected expected = readExpected(GetParam());
  EXPECT_LT(largestDifference(logprobsOf<float>(GetParam(), {.passes = true}, expected.ids), expected.logprobs), 1e-4);
  EXPECT_LT(largestDifference(logprobsOf<double>(GetParam(), {.passes = true}, expected.ids), expected.logprobs), 2e-5);
}

TEST_P(Golden, PassesKeepTheMeaning) {
  Expected expected = readExpected(GetParam());
  auto before = logprobsOf<double>(GetParam(), {}, expected.ids), after = logprobsOf<double>(GetParam(), {.passes = true}, expected.ids);
  EXPECT_LT(largestDifference(before, after), 1e-12);
}

TEST_P(Golden, ChunksAreTheWhole) {
  Expected expected = readExpected(GetParam());
  auto whole = logprobsOf<float>(GetParam(), {.passes = true}, expected.ids);
  for (int64_t chunk : {1, 7, 19}) EXPECT_EQ(whole, logprobsOf<float>(GetParam(), {.passes = true}, expected.ids, chunk)) << chunk;
}

TEST_P(Golden, QuantisedWeightsStayNear) {
  Expected expected = readExpected(GetParam());
  ReferenceOptions options{.passes = true, .linear = "i8g16", .head = "i8g16"};
  double difference = largestDifference(logprobsOf<float>(GetParam(), options, expected.ids), expected.logprobs);
  EXPECT_GT(difference, 1e-4);  // it does quantise
  EXPECT_LT(difference, 1.0);
}

INSTANTIATE_TEST_SUITE_P(Families, Golden,
                         testing::Values("llama-yarn", "mistral", "qwen3", "opt-projected", "gpt2", "bloom", "llama-fp8", "qwen3-fp8"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Storing bf16 values as bf16 changes nothing; storing f16 values as bf16 does.
TEST(Storage, RoundsAsTheArtifactDoes) {
  Expected expected = readExpected("llama-yarn");
  auto exact = logprobsOf<double>("llama-yarn", {.passes = true}, expected.ids);
  EXPECT_EQ(exact, logprobsOf<double>("llama-yarn", {.passes = true, .linear = "bf16"}, expected.ids));
  expected = readExpected("mistral");
  EXPECT_NE(logprobsOf<double>("mistral", {.passes = true}, expected.ids),
            logprobsOf<double>("mistral", {.passes = true, .linear = "bf16"}, expected.ids));
}

// Codes and scales of a checkpoint stay what they are, with the largest groups that its columns and scales allow.
TEST(Storage, KeepsEightBitFloats) {
  for (auto [name, attention, down] : {std::tuple("llama-fp8", "f8g64", "f8g128"), {"qwen3-fp8", "f8g32", "f8g32"}}) {
    auto model = openReferenceModel(kData + name, {.keep = true});
    ASSERT_TRUE(model.ok()) << model.status().message();
    auto storageOf = [&](const char* param) { return model->module->lookupSymbol<llm::ParamOp>(param).getStorage().str(); };
    EXPECT_EQ(storageOf("layers.0.self_attn.q_proj.weight"), attention);
    EXPECT_EQ(storageOf("layers.1.mlp.down_proj.weight"), down);
    EXPECT_EQ(storageOf("embed_tokens.weight"), "");
    Expected expected = readExpected(name);
    EXPECT_EQ(logprobsOf<double>(name, {.keep = true}, expected.ids), logprobsOf<double>(name, {}, expected.ids));
  }
}

TEST(Interpreter, RefusesGapsIdsAndPositionsOutside) {
  auto model = openReferenceModel(kData + "gpt2", {});
  ASSERT_TRUE(model.ok()) << model.status().message();
  Interpreter<float> interpreter(*model->module, checkpointParams(model->source.checkpoint));
  auto message = [&](std::vector<int> ids, std::vector<int> positions) { return interpreter.run(ids, positions).status().message(); };
  EXPECT_NE(message({1, 2}, {0, 2}).find("position 2 of token 1, expected 1"), std::string::npos);
  EXPECT_NE(message({1}, {1}).find("expected 0"), std::string::npos);
  EXPECT_NE(message({}, {}).find("at least one"), std::string::npos);
  EXPECT_NE(message({96}, {0}).find("id 96 is outside a table of 96 rows"), std::string::npos);
  EXPECT_EQ(message({95}, {0}), "");
  EXPECT_EQ(interpreter.tokens(), 1);
}

TEST(Interpreter, GivesOnlyTheWantedRows) {
  auto model = openReferenceModel(kData + "gpt2", {.passes = true});
  ASSERT_TRUE(model.ok()) << model.status().message();
  Interpreter<float> interpreter(*model->module, checkpointParams(model->source.checkpoint));
  std::vector<int> ids = {5, 6, 7}, positions = {0, 1, 2};
  auto all = interpreter.run(ids, positions);
  interpreter.reset();
  auto last = interpreter.run(ids, positions, std::vector<int64_t>{2});
  ASSERT_TRUE(all.ok() && last.ok());
  EXPECT_EQ(*last, std::vector<float>(all->end() - 96, all->end()));
}

}  // namespace
}  // namespace ingot
