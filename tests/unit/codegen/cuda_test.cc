// CUDA targets without NVRTC: names, refusals, and how code of many kernels lies in a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/codegen/cuda/measured.h"
#include "compiler/pipeline/pipeline.h"
#include "kernels/linear/wide.spec.h"
#include "runtime/format/artifact.h"
#include "tests/support/tiny_artifact.h"

namespace ingot {
namespace {

using ::testing::HasSubstr;

Result<NvrtcOutput> fakeCompile(const SourceUnit& unit, const std::string& architecture) {
  return NvrtcOutput{
      unit.symbol + " for " + architecture,
      "ptxas info    : Function properties for k\nptxas         .     16 bytes stack frame, 8 bytes spill stores, 8 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 1 barriers, 512 bytes smem, 624 bytes cmem[0]\n",
      13000};
}

TEST(CudaTarget, UnknownNamesAreRefusedWithTheList) {
  for (const char* name : {"cuda:sm_42", "cuda:", "cuda:90a"}) {
    auto parsed = parseTarget(name, {.cudaCompile = fakeCompile});
    ASSERT_FALSE(parsed.ok()) << name;
    EXPECT_THAT(parsed.status().message(), HasSubstr("cuda:sm_75, cuda:sm_80, cuda:sm_86, cuda:sm_89, cuda:sm_90a"));
  }
  EXPECT_THAT(parseTarget("gpu").status().message(), HasSubstr("cuda:sm_90a"));
}

TEST(CudaTarget, CudaAloneIsAllOfThem) {
  auto parsed = parseTarget("cuda", {.cudaCompile = fakeCompile});
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed->size(), cudaArchitectures().size());
  EXPECT_EQ(parsed->front().name, "cuda:sm_75");
  EXPECT_EQ(parsed->back().name, "cuda:compute_90");
}

TEST(CudaTarget, EveryKernelHasItsCodeAndSizes) {
  test::TemporaryFolder folder;
  CompileOptions options = test::tinyOptions(test::tinyCheckpoint(), folder / "out");
  options.targets = {"cuda:sm_80", "cuda-emulated", "cuda:sm_90a"};
  options.code.cudaCompile = fakeCompile;
  Status status = compileModel(options);
  ASSERT_TRUE(status.ok()) << status.message();
  auto artifact = Artifact::open(options.output);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  const auto* variant = (*artifact)->plan().variants()->Get(2);
  EXPECT_EQ(variant->target()->str(), "cuda:sm_90a");
  EXPECT_EQ(variant->cuda_version(), 13000u);
  auto code = (*artifact)->segment(variant->code_segment());
  for (const auto* kernel : *variant->kernels()) {
    auto bytes = code.subspan(kernel->code_offset(), kernel->code_bytes());
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), kernel->entry()->str() + " for sm_90a");
    EXPECT_EQ(kernel->code_offset() % 64, 0u);
    EXPECT_EQ(kernel->registers(), 40u);
    EXPECT_EQ(kernel->shared_bytes(), 512u);
    EXPECT_EQ(kernel->spill_bytes(), 16u);
    EXPECT_EQ(kernel->threads() % 32, 0u);
  }
}

// Kernels that multiply by warpgroups: sm_90a's alone, with a map of their rows, and memory of which launches must ask for.
TEST(CudaTarget, OnlyHopperHasWideKernels) {
  for (auto [quantize, function] : {std::pair{"none", "wide"}, {"int8", "wide_codes"}, {"int4", "wide_codes"}}) {
    test::TemporaryFolder folder;
    CompileOptions options = test::tinyOptions(test::tinyCheckpoint(), folder / "out");
    options.targets = {"cuda:sm_80", "cuda:sm_90a", "cuda:sm_100a", "cuda:compute_90"};
    options.dtype = "float16";
    options.quantize = quantize;
    options.code.cudaCompile = fakeCompile;
    Status status = compileModel(options);
    ASSERT_TRUE(status.ok()) << status.message();
    auto artifact = Artifact::open(options.output);
    ASSERT_TRUE(artifact.ok()) << artifact.status().message();
    for (const auto* variant : *(*artifact)->plan().variants()) {
      size_t wide = 0;
      for (const auto* kernel : *variant->kernels()) {
        bool isWide = kernel->function()->str().starts_with("wide");
        EXPECT_EQ(kernel->map() != nullptr, isWide);
        EXPECT_EQ(kernel->dynamic_bytes() > 48 << 10, isWide);
        wide += kernel->function()->str() == function;
      }
      EXPECT_EQ(wide > 0, variant->target()->str() == "cuda:sm_90a") << variant->target()->str() << ", " << quantize;
    }
  }
}

// Rows only grow from shape to shape, and begin where small tiles are slower.
TEST(CudaTarget, WideShapesFollowEachOther) {
  for (int64_t channels : {16, 576, 4096, 6144, 28672, 128256}) {
    int64_t least = 16, rows = 0;
    for (int shape = 0; shape < kCudaWideShapes; ++shape) {
      if (!hasCudaWideShape(shape, channels)) continue;
      EXPECT_GT(kCudaWide[shape].rows, rows) << "two of as many rows, " << channels << " channels";
      EXPECT_TRUE(least == 16 ? cudaWideLeastRows(shape, channels) == 17 : cudaWideLeastRows(shape, channels) >= least) << "shape " << shape;
      least = cudaWideLeastRows(shape, channels), rows = kCudaWide[shape].rows;
    }
    for (auto [format, group] : {std::pair{WeightFormat::i8, 32}, {WeightFormat::i4, 64}, {WeightFormat::i4m, 32}, {WeightFormat::i8, 128}})
      for (int64_t resultGroup : {0, 32, 64, 128}) {
        int64_t before = 16;
        for (int shape = 0; shape < kCudaWideCodesShapes; ++shape) {
          if (!hasCudaWideCodes(shape, format, group, channels, 1, resultGroup)) continue;
          int64_t least = cudaWideCodesLeastRows(shape, format, group, channels, 1, resultGroup);
          EXPECT_TRUE(before == 16 ? least == 17 : least >= before) << "shape " << shape << ", " << channels << " channels";
          before = least;
        }
      }
  }
}

// The row for the very architecture and kernel, else the cost model.
TEST(CudaTarget, MeasuredRowsStandBeforeTheCostModel) {
  KernelUnit unit;
  unit.function = "gemm";
  unit.name = "gemm.i4g32.n4096.k1024.q8g32";
  unit.channels = 4096;
  unit.format = WeightFormat::i4;
  const MeasuredRows measured[] = {
      {"sm_80", "gemm.i4g32.n4096.k1024", 1}, {"sm_80", "gemm.i4g32.n4096.k1024.q8g32", 321}, {"sm_90a", "wide.f16.n4096.k64.r192", 97}};
  EXPECT_EQ(leastRowsOf(unit, "sm_80", measured), 321);
  EXPECT_EQ(leastRowsOf(unit, "sm_90a", measured), cudaGemmLeastRows(unit.format, unit.channels));
  unit.function = "wide";
  unit.shape = kCudaWideShapes - 1;
  for (const char* name : {"wide.f16.n4096.k64.r192", "wide.f16.n4096.k128.r192"}) {
    unit.name = name;
    EXPECT_EQ(leastRowsOf(unit, "sm_90a", measured), name == measured[2].kernel ? 97 : cudaWideLeastRows(unit.shape, 4096));
  }
}

// Where a cache and its heads are such as warpgroups multiply.
TEST(CudaTarget, PromptsHaveAKernelBesideAttention) {
  KernelUnit unit;
  unit.function = "attention";
  unit.symbol = "one";
  unit.name = "attention.f16.h128.g4.p16";
  unit.kvHeads = 2, unit.groupHeads = 4, unit.headDim = 128, unit.halves = true;
  auto largerOn = [&](std::string_view architecture) { return extraKernels({&unit, 1}, {}, architecture).larger; };
  std::vector<LargerKernel> larger = largerOn("sm_90a");
  ASSERT_EQ(larger.size(), 1u);
  EXPECT_TRUE(larger[0].isBeside);
  EXPECT_EQ(larger[0].unit.name, "prompt.f16.h128.g4.p16");
  EXPECT_EQ(larger[0].code.tiles.count, 2);
  EXPECT_EQ(larger[0].code.tiles.extent, exec::Extent::blocks);
  EXPECT_EQ(larger[0].code.tiles.rowsPerTile, 2) << "query blocks of four heads for eight warps";
  for (std::string_view other : {"sm_80", "sm_100a", "compute_90"}) EXPECT_TRUE(largerOn(other).empty()) << other;
  unit.headDim = 96;
  EXPECT_TRUE(largerOn("sm_90a").empty());
  unit.headDim = 128, unit.halves = false;
  EXPECT_TRUE(largerOn("sm_90a").empty());
}

KernelUnit narrowLinear() {
  KernelUnit unit;
  unit.function = "linear";
  unit.symbol = "one";
  unit.name = "linear.f16.n4096.k64";
  unit.channels = 4096;
  unit.columns = 64;
  unit.format = WeightFormat::f16;
  unit.narrow = true;
  return unit;
}

// Shapes that others are faster than wherever they begin are not compiled.
TEST(CudaTarget, WideShapesThatNeverPayAreLeftOut) {
  KernelUnit unit = narrowLinear();
  const MeasuredRows measured[] = {{"sm_90a", "wide_runs.f16.n4096.k64.r32", 33},
                                   {"sm_90a", "wide_runs.f16.n4096.k64.r64", 129},
                                   {"sm_90a", "wide.f16.n4096.k64.r128", 65},
                                   {"sm_90a", "wide.f16.n4096.k64.r192", 257}};
  std::vector<std::string> kept;
  for (const LargerKernel& one : extraKernels({&unit, 1}, {.measured = measured}, "sm_90a").larger)
    kept.push_back(fmt::format("{} from {}", one.unit.name, one.code.leastRows));
  EXPECT_EQ(kept,
            (std::vector<std::string>{"wide_runs.f16.n4096.k64.r32 from 33", "wide.f16.n4096.k64.r128 from 65", "wide.f16.n4096.k64.r192 from 257"}));
}

TEST(CudaTarget, ATokenAloneIsOneKernelWhereThatIsFaster) {
  KernelUnit unit = narrowLinear();
  auto isOne = [&](int64_t leastRows, std::string_view architecture, std::optional<bool> asked) {
    const MeasuredRows measured[] = {{"sm_90a", "program.f16.n4096.k64", leastRows}};
    return extraKernels({&unit, 1}, {.persistent = asked, .measured = measured}, architecture).persistent.has_value();
  };
  EXPECT_TRUE(isOne(1, "sm_90a", {}));
  EXPECT_FALSE(isOne(1, "sm_80", {})) << "nobody measured it there";
  EXPECT_FALSE(isOne(2, "sm_90a", {}));
  EXPECT_FALSE(isOne(1, "sm_90a", false));
  EXPECT_TRUE(isOne(2, "sm_80", true));
}

}  // namespace
}  // namespace ingot
