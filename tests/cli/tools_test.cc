// Statuses of the tools themselves: usage, output that cannot be written, interrupts, damaged artifacts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/cli/command.h"

namespace ingot::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Tools : public ::testing::Test, protected Workplace {};

TEST_F(Tools, MessagesKeepToOneLineWhateverTheNames) { expectRefusal(1, {"no\\nsuch\\x1b[31m\\x7f\\tmodel"}, {}, "no\nsuch\x1b[31m\x7f\tmodel"); }

TEST_F(Tools, WrongUsageIsTwo) {
  EXPECT_EQ(runCommand({INGOTC}, temporary).status, 2);
  EXPECT_EQ(runCommand({INGOTC, "--no-such-flag"}, temporary).status, 2);
  EXPECT_EQ(runCommand({INGOT}, temporary).status, 2);
  EXPECT_EQ(runCommand({INGOT, "fly"}, temporary).status, 2);
  expectRefusal(2, {"--dtype"}, {"--dtype=float8"});
  expectRefusal(2, {"--quantize"}, {"--quantize=int3"});
  expectRefusal(2, {"--group-size=48", "32, 64 or 128"}, {"--quantize=int8", "--group-size=48"});
  expectRefusal(2, {"--group-size=64", "found none"}, {"--group-size=64"});
  expectRefusal(2, {"--jobs"}, {"--jobs=0"});
  expectRefusal(2, {"128"}, {"--max-model-len=129"});
  EXPECT_EQ(runCommand({INGOTC, checkpoint}, temporary).status, 2) << "no -o";
}

TEST_F(Tools, HelpAndVersionAreFine) {
  for (const char* flag : {"--help", "--version", "--print-targets", "--print-families"}) {
    Ran ran = runCommand({INGOTC, flag}, temporary);
    EXPECT_EQ(ran.status, 0) << flag;
    EXPECT_NE(ran.out, "") << flag;
  }
}

TEST_F(Tools, OutputThatCannotBeWritten) {
  for (const char* place : {"/proc/model.ingot", "/no/such/folder/model.ingot"}) {
    Ran ran = runCommand({INGOTC, checkpoint, "-o", place, "--quiet"}, temporary);
    EXPECT_EQ(ran.status, 1);
    EXPECT_THAT(ran.err, HasSubstr(place));
    EXPECT_THAT(ran.err, HasSubstr("cannot be written"));
    EXPECT_TRUE(fs::is_empty(temporary));
  }
}

TEST_F(Tools, FlagsOutsideTheirRangeAreRefused) {
  ASSERT_EQ(compile().status, 0);
  std::string model = output.string();
  auto refused = [&](std::vector<std::string> arguments, const char* words) {
    arguments.insert(arguments.begin() + 1, model);
    arguments.insert(arguments.begin(), INGOT);
    Ran ran = runCommand(arguments, temporary);
    EXPECT_EQ(ran.status, 2) << words;
    EXPECT_THAT(ran.err, HasSubstr(words));
  };
  for (const char* size : {"-1", "0", "2XiB", "18446744073709551616", "16777216TiB"})
    refused({"generate", "hi", std::string("--kv-cache-memory=") + size}, "expected bytes, such as 2GiB");
  refused({"generate", "hi", "--device-timeout=0"}, "device_timeout is 0");
  refused({"bench", "--threads=-2"}, "--threads is -2, expected 0 to 1024");
  refused({"bench", "--threads=40000"}, "--threads is 40000");
  refused({"bench", "--batch=2000000000"}, "--batch is 2000000000");
  refused({"bench", "--prompt-tokens=1000000000", "--output-tokens=500000000"}, "this model takes 128 in all");
}

TEST_F(Tools, ThreadsThatTheSystemDoesNotStartAreRefused) {
  ASSERT_EQ(compile().status, 0);
  std::string command = "ulimit -v 2000000; exec " + std::string(INGOT) + " generate " + output.string() + " hi --max-tokens=1 --threads=1000";
  Ran ran = runCommand({"/bin/sh", "-c", command}, temporary);
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("--threads 1000: the system starts no more than"));
}

TEST_F(Tools, DevicesAreListed) {
  Ran ran = runCommand({INGOT, "devices"}, temporary);
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, ::testing::AllOf(HasSubstr("cpu "), HasSubstr("cores"), HasSubstr("cuda")));
  EXPECT_THAT(runCommand({INGOT, "devices", "--json"}, temporary).out, ::testing::AllOf(HasSubstr("\"cores\":"), HasSubstr("\"gpus\":[")));
}

TEST_F(Tools, KernelsAreKeptUnlessToldNotTo) {
  fs::path cache = folder / "cache";
  setenv("XDG_CACHE_HOME", cache.c_str(), 1);
  EXPECT_EQ(compile({"--no-kernel-cache"}).status, 0);
  std::string model = readFile(output);
  EXPECT_FALSE(fs::exists(cache));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(compile().status, 0);
    EXPECT_TRUE(readFile(output) == model);
    EXPECT_FALSE(fs::is_empty(cache / "ingot/kernels"));
  }
  unsetenv("XDG_CACHE_HOME");
}

// A limit on file size stands for a full disk: where the model goes, and where kernels are linked.
TEST_F(Tools, DiskFull) {
  ASSERT_EQ(compile().status, 0);
  rlim_t almost = fs::file_size(output) - 1;
  fs::remove(output);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  auto limit = [&](rlim_t bytes) {
    rlimit small{bytes, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  };
  limit(almost);
  expectRefusal(1, {"model.ingot", "File too large"});
  limit(4096);
  expectRefusal(1, {"temporary folder", "TMPDIR"}, {"--no-kernel-cache"});
  limit(old.rlim_cur);
}

TEST_F(Tools, InterruptWhileCompilingIs130) {
  auto config = makeTinyLlama().config;
  config["hidden_size"] = 1024;
  config["intermediate_size"] = 4096;
  config["num_attention_heads"] = 64;
  config["num_hidden_layers"] = 8;
  config["vocab_size"] = 32000;
  writeFile(checkpoint / "config.json", config.dump());
  // In the middle of writing: the temp file beside the output is there.
  bool sent = false;
  Ran ran =
      runCommand({INGOTC, checkpoint, "-o", output, "--random-weights", "--target=cpu:x86-64-v3", "--quantize=int4"}, temporary, [&](int process) {
        if (fs::is_empty(output.parent_path())) return false;
        kill(process, SIGINT);
        return sent = true;
      });
  ASSERT_TRUE(sent) << ran.err;
  EXPECT_EQ(ran.status, 130) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("ingotc: error: interrupted"));
  EXPECT_TRUE(fs::is_empty(output.parent_path()));
  EXPECT_TRUE(fs::is_empty(temporary));
}

TEST_F(Tools, BenchSaysWhatItCannotMeasure) {
  ASSERT_EQ(compile().status, 0);
  auto refused = [&](std::vector<std::string> flags) {
    std::vector<std::string> command = {INGOT, "bench", output, "--no-machine", "--device=cpu", "--prompt-tokens=4", "--output-tokens=2"};
    command.insert(command.end(), flags.begin(), flags.end());
    Ran ran = runCommand(command, temporary);
    EXPECT_EQ(ran.status == 0, ran.err.empty()) << ran.err;
    return ran.err;
  };
  EXPECT_EQ(refused({"--rounds=1"}), "");
  EXPECT_EQ(refused({"--rounds=1", "--no-async-scheduling"}), "");
  EXPECT_THAT(refused({"--rounds=0"}), HasSubstr("--rounds is 0, expected 1 to 1000"));
  EXPECT_THAT(refused({"--temperature=0.7"}), HasSubstr("only GPUs draw tokens within a step"));
  EXPECT_THAT(refused({"--top-p=1.5"}), HasSubstr("expected 0 or more, 0 or more, and (0, 1]"));
}

TEST_F(Tools, GenerateVerifyInspectAndADamagedFile) {
  ASSERT_EQ(compile().status, 0);
  Ran ran = runCommand(
      {INGOT, "generate", output, "--prompt-token-ids", "5,6,7", "--temperature", "0", "--max-tokens", "4", "--ignore-eos", "--json"}, temporary);
  EXPECT_EQ(ran.status, 0) << ran.err;
  auto json = nlohmann::json::parse(ran.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << ran.out;
  EXPECT_EQ(json["outputs"][0]["token_ids"].size(), 4u);
  EXPECT_EQ(json["outputs"][0]["finish_reason"], "length");
  EXPECT_EQ(runCommand({INGOT, "verify", output}, temporary).status, 0);
  EXPECT_EQ(runCommand({INGOT, "inspect", output}, temporary).status, 0);
  EXPECT_TRUE(nlohmann::json::accept(runCommand({INGOT, "inspect", output, "--json"}, temporary).out));
  EXPECT_EQ(runCommand({INGOT, "generate", output, "--prompt-token-ids", "5,x"}, temporary).status, 2);
  EXPECT_EQ(runCommand({INGOT, "generate", output, "--prompt-token-ids", "5", "--top-p", "1.5"}, temporary).status, 2);
  EXPECT_EQ(runCommand({INGOT, "generate", output, "--prompt-token-ids", "999"}, temporary).status, 2);
  EXPECT_EQ(runCommand({INGOT, "generate", output, "text"}, temporary).status, 2);

  std::string bytes = readFile(output);
  bytes[bytes.size() - 4097] ^= 1;  // a weight
  writeFile(output, bytes);
  ran = runCommand({INGOT, "verify", output}, temporary);
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("damaged"));
  writeFile(output, bytes.substr(0, bytes.size() / 2));
  for (const char* command : {"verify", "inspect"}) EXPECT_EQ(runCommand({INGOT, command, output}, temporary).status, 1);
  EXPECT_EQ(runCommand({INGOT, "generate", output, "--prompt-token-ids", "5"}, temporary).status, 1);
  EXPECT_EQ(runCommand({INGOT, "verify", folder / "missing"}, temporary).status, 1);
}

}  // namespace
}  // namespace ingot::test
