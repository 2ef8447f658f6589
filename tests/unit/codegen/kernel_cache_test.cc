// Kernels come from the cache with the bytes that compiling gives; a cache that is damaged, full or out of reach changes nothing else.
#include "compiler/codegen/kernel_cache.h"

#include <gtest/gtest.h>

#include "compiler/codegen/cpu/compile.h"
#include "compiler/codegen/cuda/compile.h"
#include "compiler/pipeline/pipeline.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_checkpoint.h"

namespace ingot::test {
namespace {

namespace fs = std::filesystem;

std::vector<SourceUnit> units() {
  std::vector<SourceUnit> all;
  for (std::string name : {"one", "two"})
    all.push_back({name, "#include \"kernels/prim/math.h\"\nextern \"C\" void " + name + "(float* x) { store(x, exponential(load<F32x16>(x))); }\n"});
  return all;
}

CodeImage compile(const std::string& target, KernelCache* cache) {
  auto image = compileUnits(units(), CpuTarget::parse(target).value(), 2, cache);
  if (!image.ok()) ADD_FAILURE() << image.status().message();
  return image.ok() ? *std::move(image) : CodeImage();
}

std::vector<fs::path> entriesOf(const fs::path& folder) { return {fs::directory_iterator(folder), {}}; }

class Cache : public ::testing::Test {
 protected:
  TemporaryFolder temporary_;
  fs::path folder_ = temporary_ / "deep/kernels";
  CodeImage compiled_ = compile("x86-64-v3", nullptr);

  // Compiles; so many kernels come from the cache and so many are kept, and the bytes are those of compiling.
  void expectUse(int found, int kept) {
    KernelCache cache(folder_);
    EXPECT_EQ(compile("x86-64-v3", &cache).bytes, compiled_.bytes);
    EXPECT_EQ(cache.found(), found);
    EXPECT_EQ(cache.kept(), kept);
  }
};

TEST_F(Cache, HasWhatWasCompiledBefore) {
  expectUse(0, 2);
  expectUse(2, 0);
  EXPECT_EQ(entriesOf(folder_).size(), 2u);
}

TEST_F(Cache, HasCudaKernelsByCompilerArchitectureAndSource) {
  int compiled = 0;
  auto compileNow = [&](const SourceUnit& unit, const std::string& architecture) -> Result<NvrtcOutput> {
    ++compiled;
    if (unit.source == "refused") return Status::internal("does not compile");
    return NvrtcOutput{std::string("\0code\n", 6) + unit.source + architecture, "ptxas info\n: Used 40 registers", 13010};
  };
  auto expectCompiled = [&](const char* compiler, const SourceUnit& unit, const char* architecture, int times) {
    KernelCache cache(folder_);
    compiled = 0;
    auto output = cachedCompile(compileNow, KernelKey().add(compiler), cache)(unit, architecture);
    EXPECT_EQ(compiled, times) << compiler << " " << unit.source << " " << architecture;
    auto expected = compileNow(unit, architecture);
    ASSERT_EQ(output.ok(), expected.ok());
    if (!output.ok()) return;
    EXPECT_EQ(output->code, expected->code);
    EXPECT_EQ(output->log, expected->log);
    EXPECT_EQ(output->version, expected->version);
  };
  for (int times : {1, 0}) {
    expectCompiled("13.0", {"k", "a"}, "sm_80", times);
    expectCompiled("13.0", {"k", "a"}, "sm_90a", times);
    expectCompiled("13.0", {"k", "b"}, "sm_80", times);
    expectCompiled("13.1", {"k", "a"}, "sm_80", times);
    expectCompiled("13.0", {"k", "refused"}, "sm_80", 1);
  }
}

TEST_F(Cache, HasAllKernelsOfAModel) {
  writeCheckpoint(temporary_ / "model", makeTinyLlama());
  auto compileTo = [&](const std::string& name, KernelCache* cache) {
    CompileOptions options;
    options.checkpoint = temporary_ / "model";
    options.output = temporary_ / name;
    options.targets = {"cpu:x86-64-v3"};
    options.jobs = 2;
    options.code.kernelCache = cache;
    Status status = compileModel(options);
    EXPECT_TRUE(status.ok()) << status.message();
    return readFile(options.output);
  };
  std::string model = compileTo("without", nullptr);
  KernelCache first(folder_), second(folder_);
  EXPECT_EQ(compileTo("first", &first), model);
  EXPECT_EQ(compileTo("second", &second), model);
  EXPECT_EQ(first.found(), 0);
  EXPECT_GT(first.kept(), 4);
  EXPECT_EQ(second.found(), first.kept());
  EXPECT_EQ(second.kept(), 0);
}

TEST_F(Cache, TellsTargetsApart) {
  expectUse(0, 2);
  for (const char* target : {"x86-64-v4", "x86-64-v4+vnni", "aarch64"}) {
    KernelCache cache(folder_);
    EXPECT_EQ(compile(target, &cache).bytes, compile(target, nullptr).bytes);
    EXPECT_EQ(cache.found(), 0) << target;
  }
}

TEST_F(Cache, CompilesWhatIsDamagedAnew) {
  expectUse(0, 2);
  fs::path entry = entriesOf(folder_)[0], other = entriesOf(folder_)[1];
  std::string whole = readFile(entry), damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  for (const std::string& bytes : {damaged, whole.substr(0, whole.size() - 1), whole.substr(0, 7), std::string(), readFile(other)}) {
    writeFile(entry, bytes);
    expectUse(1, 1);
    EXPECT_EQ(readFile(entry), whole);
  }
  fs::remove(entry);
  fs::create_directory(entry);
  expectUse(1, 0);
}

TEST_F(Cache, NeedsNoFolder) {
  writeFile(temporary_ / "deep", "a file");
  expectUse(0, 0);
}

TEST_F(Cache, ForgetsWhatWasUsedLongestAgo) {
  auto keyOf = [](int i) { return KernelKey().add(std::to_string(i)).finish(); };
  auto age = [&](int i, int hours) { fs::last_write_time(folder_ / toHex(keyOf(i)), fs::file_time_type::clock::now() - std::chrono::hours(hours)); };
  std::string kilobyte(1024 - sizeof(Sha256), 'x');
  {
    KernelCache cache(folder_, 4096);
    for (int i = 0; i < 4; ++i) cache.keep(keyOf(i), kilobyte);
  }
  EXPECT_EQ(entriesOf(folder_).size(), 4u);
  for (int i = 0; i < 4; ++i) age(i, 9 - i);
  {
    KernelCache cache(folder_, 4096);
    EXPECT_EQ(cache.find(keyOf(0)), kilobyte);
    cache.keep(keyOf(4), kilobyte);
  }
  KernelCache cache(folder_, 4096);
  for (int i : {0, 2, 3, 4}) EXPECT_TRUE(cache.find(keyOf(i))) << i;
  EXPECT_FALSE(cache.find(keyOf(1)));
}

TEST(KernelKeys, DependOnTheBoundsOfTheirParts) {
  EXPECT_NE(KernelKey().add("ab").add("c").finish(), KernelKey().add("a").add("bc").finish());
  EXPECT_NE(KernelKey().add("a").add("").finish(), KernelKey().add("a").finish());
}

}  // namespace
}  // namespace ingot::test
