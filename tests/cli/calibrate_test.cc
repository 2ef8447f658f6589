// --calibrate: another file, the same each time; and where there is nothing to measure or to choose, the reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/command.h"

namespace ingot::test {
namespace {

class Calibrate : public ::testing::Test, protected Workplace {
 protected:
  const std::string chat = INGOT_SOURCE_DIR "/tests/package/tiny-chat";  // has a tokenizer

  std::string compiled(const std::vector<std::string>& more) {
    Ran ran = compile(more, chat);
    EXPECT_EQ(ran.status, 0) << ran.err;
    return readFile(output);
  }
};

TEST_F(Calibrate, GivesAnotherFileAndAlwaysTheSame) {
  std::string plain = compiled({"--quantize=int4"});
  std::string first = compiled({"--quantize=int4", "--calibrate", "--jobs=1"});
  std::string second = compiled({"--quantize=int4", "--calibrate", "--jobs=3"});
  EXPECT_FALSE(first == plain);
  EXPECT_TRUE(first == second);
  EXPECT_EQ(runCommand({INGOT, "verify", output}, temporary).status, 0);
  Ran ran = runCommand({INGOT, "generate", output, "--prompt-token-ids", "5,6,7", "--max-tokens", "4"}, temporary);
  EXPECT_EQ(ran.status, 0) << ran.err;
}

TEST_F(Calibrate, LongerThanTheModelAllows) { EXPECT_NE(compiled({"--quantize=int4", "--calibrate", "--max-model-len=17"}), ""); }

TEST_F(Calibrate, SaysWhyItCannot) {
  expectRefusal(2, {"--calibrate", "--quantize=int4", "found --quantize=none"}, {"--calibrate"}, chat);
  expectRefusal(2, {"--calibrate", "--quantize=int4", "found --quantize=int8"}, {"--calibrate", "--quantize=int8"}, chat);
  expectRefusal(2, {"--calibrate", "random weights"}, {"--calibrate", "--quantize=int4", "--random-weights"}, chat);
  expectRefusal(2, {"--calibrate", checkpoint.string(), "no tokenizer"}, {"--calibrate", "--quantize=int4"});
}

}  // namespace
}  // namespace ingot::test
