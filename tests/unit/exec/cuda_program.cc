#include "tests/unit/exec/cuda_program.h"

namespace ingot::test {
namespace {

const std::string kStub = std::string(INGOT_BINARY_DIR) + "/stub/libcuda.so.1";

}  // namespace

std::string compileForStub(CompileOptions options, const std::string& target, const CudaChoices& choices) {
  options.targets = {target, "cuda-emulated"};
  options.code.cuda = choices;
  options.code.cudaCompile = [](const SourceUnit& unit, const std::string&) { return NvrtcOutput{unit.symbol, "", 13000}; };
  Status status = compileModel(options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str()), std::abort();
  return options.output.string();
}
std::string compileTiny(const std::filesystem::path& path, const std::string& target, const CudaChoices& choices) {
  return compileForStub(tinyOptions(tinyCheckpoint(), path), target, choices);
}
const std::string& cudaArtifact() {
  static const TemporaryFolder folder;
  static const std::string path = compileTiny(folder / "cuda.ingot", "cuda:sm_80", {});
  return path;
}
const std::string& persistentArtifact() {
  static const TemporaryFolder folder;
  static const std::string path = compileTiny(folder / "persistent.ingot", "cuda:sm_90a", {.persistent = true});
  return path;
}

Result<std::vector<RequestOutput>> generateShort(Engine& engine) {
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = 2;
  params.ignore_eos = true;
  return engine.generate({Prompt(std::vector<int32_t>{5, 6, 7})}, {params});
}

CudaProgramTest::~CudaProgramTest() {
  EXPECT_EQ(stub.live, 0);
  EXPECT_EQ(stub.usedBytes, 0u);
  EXPECT_THAT(stub.problems, ::testing::IsEmpty());
}

EngineOptions CudaProgramTest::optionsFor(const std::string& device) {
  EngineOptions options;
  options.device = device;
  options.cuda_library = kStub;
  options.threads = 1;
  options.kv_cache_memory = 8 * kTinyPageBytes;
  options.max_num_seqs = 4;
  options.max_num_batched_tokens = 64;
  options.wait_for_graphs = true;
  return options;
}

std::string CudaProgramTest::refusal(const EngineOptions& options) {
  auto engine = Engine::open(cudaArtifact(), options);
  return engine.ok() ? "" : engine.status().message();
}

int64_t CudaProgramTest::callsOf(std::string_view name) const {
  return std::count_if(stub.calls.begin(), stub.calls.end(), [&](const std::string& call) { return call.starts_with(name); });
}

std::string CudaProgramTest::answersOf(const std::string& artifact, const std::string& device) {
  Random random(11);
  std::vector<Prompt> prompts;
  for (int64_t length : {1, 3, 16, 17, 40}) prompts.push_back(randomPrompt(random, length));
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = 6;
  params.ignore_eos = true;
  params.logprobs = 4;
  params.prompt_logprobs = 2;
  EngineOptions options = optionsFor(device);
  options.kv_cache_memory = 64 * kTinyPageBytes;
  auto engine = Engine::open(artifact, options);
  if (!engine.ok()) return engine.status().message();
  auto results = (*engine)->generate(prompts, {params});
  if (!results.ok()) return results.status().message();
  std::string answers = (*engine)->stats().target + "\n";
  for (const RequestOutput& one : *results) answers += bitsOf(one) + "\n";
  return answers;
}

void CudaProgramTest::failEveryCall(const std::string& artifact) {
  EngineOptions options = optionsFor("cuda");
  options.max_num_batched_tokens = options.max_num_seqs;
  int64_t captures = 0, opened = 0, calls = 0;        // calls before captures, before generation, in all
  ASSERT_TRUE(Engine::open(artifact, options).ok());  // some calls, such as cuInit, are made once per process
  {
    stub.calls.clear();
    auto engine = Engine::open(artifact, options);
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    auto first = std::find(stub.calls.begin(), stub.calls.end(), "cuDevicePrimaryCtxRetain");
    captures = std::find(first + 1, stub.calls.end(), "cuDevicePrimaryCtxRetain") - stub.calls.begin();
    opened = static_cast<int64_t>(stub.calls.size());
    ASSERT_TRUE(generateShort(**engine).ok());
    calls = static_cast<int64_t>(stub.calls.size());
  }
  for (int64_t at = 0; at < calls; ++at) {
    int major = stub.major;
    stub.reset();
    stub.major = major;
    stub.failAt = at;
    auto engine = Engine::open(artifact, options);
    Status status = engine.status();
    if (engine.ok()) {
      status = generateShort(**engine).status();
      if (!status.ok()) {
        stub.failAt = -1;  // the device stays lost
        EXPECT_EQ(generateShort(**engine).status().message(), status.message());
      }
    }
    auto nameOf = [&](int64_t call) { return call < std::ssize(stub.calls) ? stub.calls[static_cast<size_t>(call)] : ""; };
    std::string name = nameOf(at).substr(0, nameOf(at).find(' '));
    if (name == "cuGraphDestroy" || name == "cuInit") continue;  // the former's error is ignored; the latter is not called again
    bool isCapture = at >= captures && at < opened;
    // Errors while freeing memory are ignored too.
    bool givesBack = nameOf(at).starts_with("cuMemFree") || (name == "cuCtxSetCurrent" && nameOf(at + 1).starts_with("cuMemFree"));
    EXPECT_EQ(status.ok(), isCapture || givesBack) << "call " << at << ", " << name;
    if (!givesBack) {
      EXPECT_THAT(isCapture ? (*engine)->stats().warning : status.message(), AllOf(HasSubstr(name), HasSubstr("CUDA_ERROR_UNKNOWN")))
          << "call " << at;
    }
    if (engine.ok()) engine->reset();
    EXPECT_EQ(stub.live, 0) << "after call " << at << ", " << name;
  }
}

}  // namespace ingot::test
