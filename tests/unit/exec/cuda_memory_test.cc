// How much of a GPU's memory a model takes: by default, by share and by bytes. And the errors if it does not fit.
#include "tests/unit/exec/cuda_program.h"

namespace ingot::test {
namespace {

// The tiny model's longest sequence has 128 tokens.
constexpr int64_t kLongestPages = 128 / 16, kUsualPages = (1 << 17) / 16;

class CudaMemoryTest : public CudaProgramTest {
 protected:
  // The pages of an engine, or 0 if it does not open. Expects it to stay within its share of memory.
  int64_t pagesOf(const EngineOptions& options, double share) {
    auto engine = Engine::open(cudaArtifact(), options);
    if (!engine.ok()) return 0;
    EXPECT_LE(static_cast<double>(stub.usedBytes), share * static_cast<double>(stub.memoryBytes));
    EXPECT_TRUE(generateShort(**engine).ok());
    return (*engine)->stats().kv_pages;
  }
  static EngineOptions unnamed() {
    EngineOptions options = optionsFor("cuda");
    options.kv_cache_memory = 0;
    return options;
  }
};

TEST_F(CudaMemoryTest, UsualPagesAsFarAsNineTenthsGo) {
  EXPECT_EQ(pagesOf(unnamed(), 0.9), kUsualPages);
  stub.memoryBytes = 16 << 20;
  int64_t some = pagesOf(unnamed(), 0.9);
  EXPECT_GT(some, kUsualPages / 4);
  EXPECT_LT(some, kUsualPages);
  stub.usedBytes = 8 << 20;  // by another process
  int64_t fewer = pagesOf(unnamed(), 0.9);
  EXPECT_LT(fewer, some / 2);
  EXPECT_GE(fewer, kLongestPages);
  stub.usedBytes = 0;
}

TEST_F(CudaMemoryTest, OneLongestSequenceMayTakeTheLastTenthToo) {
  EngineOptions options = unnamed();
  int64_t pages = 0;
  for (stub.memoryBytes = 64 << 10; pages == 0; stub.memoryBytes += 16 << 10) pages = pagesOf(options, 1);
  EXPECT_EQ(pages, kLongestPages);
}

TEST_F(CudaMemoryTest, AShareIsFilled) {
  EngineOptions options = unnamed();
  options.gpu_memory_utilization = 0.5;
  stub.memoryBytes = 128 << 20;
  int64_t half = pagesOf(options, 0.5);
  EXPECT_GT(half, kUsualPages);  // as many as there is room for
  options.gpu_memory_utilization = 0.25;
  EXPECT_LT(pagesOf(options, 0.25), half * 6 / 10);
}

TEST_F(CudaMemoryTest, AGpuThatSharesTheHostsMemoryTakesLess) {
  stub.sharesMemory = 1;
  EXPECT_EQ(pagesOf(unnamed(), 0.9), static_cast<int64_t>((256 << 20) / kTinyPageBytes));
}

TEST_F(CudaMemoryTest, TooLittleIsSaidBeforeTheWork) {
  stub.memoryBytes = 1424 << 10;
  EngineOptions options = optionsFor("cuda");
  options.kv_cache_memory = 1 << 20;
  EXPECT_THAT(refusal(options), AllOf(HasSubstr("weights"), HasSubstr("KV cache 1.0 MiB"), HasSubstr("would fit")));
  EXPECT_EQ(callsOf("cuMemAlloc"), 0);
  stub.memoryBytes = 1000;
  EXPECT_THAT(refusal(options), HasSubstr("quantise it"));
  stub.memoryBytes = 16 << 20;
  options.kv_cache_memory = 0;
  options.gpu_memory_utilization = 0.01;
  EXPECT_THAT(refusal(options), AllOf(HasSubstr("16.0 MiB free, of which 0.2 MiB may be used"), HasSubstr("would fit")));
  // The advised size fits.
  std::string advised = refusal(options);
  options.gpu_memory_utilization = 0;
  options.kv_cache_memory = std::stoull(advised.substr(advised.find("--kv-cache-memory=") + 18));
  EXPECT_EQ(refusal(options), "");
  // Also after a request for far too much.
  options.kv_cache_memory = 1ull << 40;
  advised = refusal(options);
  options.kv_cache_memory = std::stoull(advised.substr(advised.find("--kv-cache-memory=") + 18));
  EXPECT_EQ(refusal(options), "");
  // Large limits of a step make large buffers.
  stub.memoryBytes = 1 << 20;
  options.max_num_seqs = options.max_num_batched_tokens = 4096;
  EXPECT_THAT(refusal(options), HasSubstr("lower --max-num-batched-tokens (4096) or --max-num-seqs (4096)"));
}

}  // namespace
}  // namespace ingot::test
