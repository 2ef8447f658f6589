// Every kernel of the fixture models through NVRTC for every GPU that it offers: it compiles, spills nothing, and can be launched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "compiler/pipeline/pipeline.h"
#include "runtime/format/artifact.h"
#include "tests/support/temporary_folder.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;

// Limits of every architecture from 7.5 on, without the shared memory that a kernel must ask for.
constexpr uint32_t kMostSharedBytes = 48 << 10, kRegistersOfBlock = 64 << 10;
// What one of sm_90a may ask for.
constexpr uint32_t kMostOfHopper = 227 << 10;

void expectLaunchable(const plan::Variant& variant, const std::string& where) {
  bool isPtx = variant.target()->str().find("compute_") != std::string::npos;
  for (const auto* kernel : *variant.kernels()) {
    SCOPED_TRACE(where + ": " + variant.target()->str() + ": " + kernel->name()->str());
    EXPECT_GT(kernel->code_bytes(), 500u);
    EXPECT_EQ(kernel->spill_bytes(), 0u);
    EXPECT_LE(kernel->shared_bytes() + kernel->dynamic_bytes(), kernel->dynamic_bytes() ? kMostOfHopper : kMostSharedBytes);
    EXPECT_LE(kernel->registers() * kernel->threads(), kRegistersOfBlock);
    if (!isPtx) {
      EXPECT_GT(kernel->registers(), 0u);
    }
  }
}

// NVRTC with a memory: models share most of their kernels but for their symbols' numbers.
class Remembering {
 public:
  explicit Remembering(std::shared_ptr<const Nvrtc> nvrtc) : nvrtc_(std::move(nvrtc)) {}

  Result<NvrtcOutput> operator()(const SourceUnit& unit, const std::string& architecture) {
    auto key = std::pair(unit.source, architecture);
    {
      std::lock_guard lock(mutex_);
      if (auto found = outputs_.find(key); found != outputs_.end()) return found->second;
    }
    INGOT_ASSIGN(NvrtcOutput output, nvrtc_->compile(unit.symbol, unit.source, architecture));
    EXPECT_THAT(output.log, ::testing::Not(::testing::HasSubstr("serialized"))) << "products of warpgroups wait for each other";
    std::lock_guard lock(mutex_);
    return outputs_[key] = std::move(output);
  }

 private:
  std::shared_ptr<const Nvrtc> nvrtc_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, NvrtcOutput> outputs_;
};

Remembering& remembering(const std::shared_ptr<const Nvrtc>& nvrtc) {
  static Remembering one(nvrtc);
  return one;
}

class NvrtcTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Nvrtc::open("");
    if (!opened.ok()) GTEST_SKIP() << opened.status().message();
    nvrtc_ = *opened;
  }
  static std::string fixture(const std::string& name) { return (fs::path(INGOT_SOURCE_DIR) / "tests/golden/models/data" / name).string(); }

  // Compiles the model; every kernel of every target can be launched. Calls visit(variant) too.
  template <class Visit>
  void expectLaunchable(CompileOptions options, const std::string& what, const Visit& visit) {
    options.output = folder_ / "out";
    options.jobs = 2;
    options.code.cudaCompile = std::ref(remembering(nvrtc_));
    Status status = compileModel(options);
    ASSERT_TRUE(status.ok()) << status.message();
    auto artifact = Artifact::open(options.output);
    ASSERT_TRUE(artifact.ok()) << artifact.status().message();
    for (const auto* variant : *(*artifact)->plan().variants()) {
      ingot::expectLaunchable(*variant, what);
      visit(*variant);
    }
  }

  std::shared_ptr<const Nvrtc> nvrtc_;
  test::TemporaryFolder folder_;
};

class EveryFixture : public NvrtcTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(EveryFixture, CompilesForEveryGpu) {
  CompileOptions options;
  options.checkpoint = fixture(GetParam());
  options.targets = {"cuda"};
  expectLaunchable(options, GetParam(), [](const plan::Variant&) {});
}

std::string nameOf(std::string fixture) {
  std::replace(fixture.begin(), fixture.end(), '-', '_');
  return fixture;
}
std::vector<std::string> fixtures() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(INGOT_SOURCE_DIR) / "tests/golden/models/data")) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}
INSTANTIATE_TEST_SUITE_P(Models, EveryFixture, ::testing::ValuesIn(fixtures()), [](const auto& info) { return nameOf(info.param); });

// Linear and its rows differ by the weights' type, and their epilogues by model: one with biases, one with gates and norms of heads.
class EveryType : public NvrtcTest, public ::testing::WithParamInterface<std::tuple<std::string, std::pair<const char*, const char*>>> {};

TEST_P(EveryType, CompilesForEveryGpu) {
  const auto& [model, type] = GetParam();
  CompileOptions options;
  options.checkpoint = fixture(model);
  options.targets = {"cuda"};
  options.dtype = type.first;
  options.quantize = type.second;
  expectLaunchable(options, fmt::format("{}, {}, {}", model, type.first, type.second), [](const plan::Variant&) {});
}

constexpr std::pair<const char*, const char*> kTypes[] = {{"float32", "none"}, {"bfloat16", "none"}, {"float16", "none"},
                                                          {"auto", "int8"},    {"auto", "int4"},     {"auto", "fp8"}};
std::string typeName(const ::testing::TestParamInfo<EveryType::ParamType>& info) {
  const auto& [model, type] = info.param;
  return fmt::format("{}_{}_{}", nameOf(model), type.first, type.second);
}
INSTANTIATE_TEST_SUITE_P(Types, EveryType, ::testing::Combine(::testing::Values("gpt2", "qwen3"), ::testing::ValuesIn(kTypes)), typeName);

// One kernel has all tiles of a token alone within 128 registers: of the shapes that it is for too.
TEST_F(NvrtcTest, PersistentKernelsCompile) {
  const std::string shape = INGOT_SOURCE_DIR "/tests/bench/shapes/llama-1b";
  for (auto [checkpoint, quantize, target] :
       {std::tuple(fixture("qwen3"), "none", "cuda:sm_90a"), {fixture("qwen3"), "int4", "cuda:sm_80"}, {shape, "none", "cuda:sm_90a"}}) {
    CompileOptions options;
    options.checkpoint = checkpoint;
    if (checkpoint == shape) options.random_weights = 1;
    options.targets = {target};
    options.dtype = checkpoint == shape ? "auto" : "bfloat16";
    options.quantize = quantize;
    options.code.cuda.persistent = true;
    expectLaunchable(options, checkpoint + " " + quantize, [](const plan::Variant& variant) {
      ASSERT_NE(variant.persistent(), nullptr);
      EXPECT_EQ(variant.persistent()->steps() + 1, variant.steps()->size()) << "all but the choice of tokens";
      EXPECT_EQ(variant.kernels()->Get(variant.persistent()->kernel())->name()->string_view().substr(0, 8), "program.");
    });
  }
}

// Real widths: runs of an odd number of steps (11008), or of fewer steps than results are stored in (3584), seven query heads for a key, scalar
// loops.
TEST_F(NvrtcTest, WidthsOfCommonModelsCompile) {
  struct Shape {
    const char* name;
    int hidden, intermediate, heads, kvHeads;
  };
  constexpr Shape kLlama2{"Llama-2-7B", 4096, 11008, 32, 32}, kQwen{"Qwen2.5-7B", 3584, 18944, 28, 4}, kMistral{"Mistral-7B", 4096, 14336, 32, 8};
  auto config = nlohmann::ordered_json::parse(std::ifstream(INGOT_SOURCE_DIR "/tests/bench/shapes/llama-8b/config.json"));
  config.update({{"num_hidden_layers", 1}, {"vocab_size", 32000}});
  for (auto [shape, dtype, quantize, target] : {std::tuple(kLlama2, "auto", "none", "cuda:sm_90a"),
                                                {kQwen, "auto", "none", "cuda:sm_90a"},
                                                {kQwen, "auto", "int8", "cuda:sm_90a"},
                                                {kMistral, "float32", "none", "cuda:sm_86"}}) {
    config.update({{"hidden_size", shape.hidden},
                   {"intermediate_size", shape.intermediate},
                   {"num_attention_heads", shape.heads},
                   {"num_key_value_heads", shape.kvHeads}});
    std::ofstream(folder_ / "config.json") << config;
    CompileOptions options;
    options.checkpoint = folder_.path().string();
    options.random_weights = 1;
    options.targets = {target};
    options.dtype = dtype;
    options.quantize = quantize;
    expectLaunchable(options, fmt::format("{}, {}, {}", shape.name, dtype, quantize), [](const plan::Variant&) {});
  }
}

// Units of more columns take registers of wide tiles.
TEST_F(NvrtcTest, LargerGroupsCompile) {
  for (auto [quantize, group] : {std::pair{"int8", 64}, {"int8", 128}, {"int4", 64}, {"fp8", 64}}) {
    CompileOptions options;
    options.checkpoint = INGOT_SOURCE_DIR "/tests/bench/shapes/llama-1b";
    options.random_weights = 1;
    options.targets = {"cuda:sm_90a"};
    options.quantize = quantize;
    options.group_size = group;
    const std::string expected = fmt::format("{}g{}",
                                             std::string_view(quantize) == "fp8"    ? "f8"
                                             : std::string_view(quantize) == "int8" ? "i8"
                                                                                    : "i4",
                                             group);
    expectLaunchable(options, expected, [&](const plan::Variant& variant) {
      int wide = 0;
      for (const auto* kernel : *variant.kernels()) wide += kernel->name()->string_view().starts_with("wide_codes." + expected + ".") ? 1 : 0;
      EXPECT_GT(wide, 0) << expected;
    });
  }
}

// Heads of a common size and of the largest, over caches whose bytes become halves, for two GPUs; bf16 is as f16.
TEST_F(NvrtcTest, CachesOfEveryTypeCompile) {
  auto config = nlohmann::ordered_json::parse(std::ifstream(fs::path(fixture("qwen3")) / "config.json"));
  const std::pair<int, const char*> kCaches[] = {{16, "fp8"},      {16, "int8"}, {128, "fp8"}, {128, "int8"},
                                                 {256, "float16"}, {256, "fp8"}, {256, "int8"}};
  for (auto [headDim, cache] : kCaches) {
    config["head_dim"] = headDim;
    std::ofstream(folder_ / "config.json") << config;
    CompileOptions options;
    options.checkpoint = folder_.path().string();
    options.targets = {"cuda:sm_80", "cuda:sm_90a"};
    options.kv_cache_dtype = cache;
    options.random_weights = 1;
    expectLaunchable(options, fmt::format("{} columns, {}", headDim, cache), [](const plan::Variant&) {});
  }
}

TEST_F(NvrtcTest, TheSameSourceGivesTheSameBytes) {
  std::string source = "#include \"kernels/prim/math.cuh\"\nextern \"C\" __global__ void k(float* y) { *y = gelu(*y); }\n";
  for (const char* architecture : {"sm_80", "sm_120a", "compute_90"}) {
    auto one = nvrtc_->compile("k", source, architecture), other = nvrtc_->compile("k", source, architecture);
    ASSERT_TRUE(one.ok() && other.ok()) << one.status().message();
    EXPECT_TRUE(one->code == other->code) << architecture;
  }
}

TEST_F(NvrtcTest, AMistakeIsShownWithItsPlace) {
  auto output = nvrtc_->compile("broken", "__global__ void k() { nonsense(); }", "sm_80");
  ASSERT_FALSE(output.ok());
  EXPECT_THAT(output.status().message(), ::testing::HasSubstr("broken.cu(1): error"));
}

}  // namespace
}  // namespace ingot
