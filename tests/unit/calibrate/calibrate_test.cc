// What calibration says of a tiny model: of the layers' matrices alone, the same for those that read the same rows, and for any threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "compiler/calibrate/calibrate.h"
#include "compiler/text/read_text.h"
#include "tests/support/reference_model.h"

namespace ingot {
namespace {

class Calibration : public ::testing::Test {
 protected:
  void SetUp() override {
    auto model = openReferenceModel(INGOT_SOURCE_DIR "/tests/package/tiny-chat", {.passes = false});
    ASSERT_TRUE(model.ok()) << model.status().message();
    model_ = std::move(model).value();
    auto text = readText(model_.source, {}, {});
    ASSERT_TRUE(text.ok()) << text.status().message();
    tokenizer_ = std::move(text->tokenizer);
  }

  Result<Importance> measure(const CalibrateOptions& options) { return calibrate(*model_.module, model_.source.checkpoint, tokenizer_, options); }
  Importance measured(int jobs, int64_t maxPositions = 512) {
    auto importance = measure({.maxPositions = maxPositions, .jobs = jobs});
    EXPECT_TRUE(importance.ok()) << importance.status().message();
    return importance.ok() ? *importance : Importance();
  }

  ReferenceModel model_;
  std::vector<std::byte> tokenizer_;
};

TEST_F(Calibration, IsOfEveryMatrixOfTheLayers) {
  Importance importance = measured(1);
  EXPECT_EQ(importance.size(), 2u * 7);
  for (const auto& [name, values] : importance) {
    const TensorInfo* tensor = model_.source.checkpoint.find(name);
    ASSERT_TRUE(tensor) << name;
    EXPECT_EQ(static_cast<int64_t>(values.size()), tensor->columns()) << name;
    EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.0), static_cast<double>(values.size()), 0.01 * static_cast<double>(values.size()))
        << name;
    EXPECT_GE(*std::min_element(values.begin(), values.end()), 1e-3f) << name;
  }
}

TEST_F(Calibration, IsTheSameForMatricesOfTheSameRows) {
  Importance importance = measured(1);
  const std::string layer = "model.layers.1.";
  EXPECT_EQ(importance.at(layer + "self_attn.q_proj.weight"), importance.at(layer + "self_attn.v_proj.weight"));
  EXPECT_EQ(importance.at(layer + "mlp.gate_proj.weight"), importance.at(layer + "mlp.up_proj.weight"));
  EXPECT_NE(importance.at(layer + "mlp.up_proj.weight"), importance.at(layer + "self_attn.q_proj.weight"));
}

TEST_F(Calibration, DoesNotDependOnThreads) { EXPECT_EQ(measured(1), measured(3)); }

TEST_F(Calibration, FitsShortModels) { EXPECT_EQ(measured(1, 7).size(), 2u * 7); }

TEST_F(Calibration, LeavesTheModuleAsItWas) {
  std::string before, after;
  llvm::raw_string_ostream(before) << *model_.module;
  measured(1);
  llvm::raw_string_ostream(after) << *model_.module;
  EXPECT_EQ(before, after);
}

TEST_F(Calibration, StopsWhenCancelled) {
  std::atomic<bool> cancelled{true};
  EXPECT_EQ(measure({.maxPositions = 512, .cancelled = &cancelled}).status().code(), StatusCode::cancelled);
}

}  // namespace
}  // namespace ingot
