// ingotc: checkpoint in, model.ingot out. Flags: docs/usage.md; the work: compiler/pipeline.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "compiler/codegen/targets.h"
#include "compiler/import/config.h"
#include "compiler/pipeline/pipeline.h"
#include "runtime/device/cpu/topology.h"
#include "tools/cli/terminal.h"

namespace {

using namespace ingot;

constexpr const char* kTool = "ingotc";

std::filesystem::path hubCache() {
  if (const char* home = std::getenv("HF_HUB_CACHE")) return home;
  if (const char* home = std::getenv("HF_HOME")) return std::filesystem::path(home) / "hub";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home ? home : ".") / ".cache" / "huggingface" / "hub";
}

// $XDG_CACHE_HOME/ingot/kernels; none where there is no home.
std::unique_ptr<KernelCache> kernelCache() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && cache[0] == '/') return std::make_unique<KernelCache>(std::filesystem::path(cache) / "ingot" / "kernels");
  if (home && home[0]) return std::make_unique<KernelCache>(std::filesystem::path(home) / ".cache" / "ingot" / "kernels");
  return nullptr;
}

int printTargets() {
  for (const auto& name : targetNames()) fmt::print("{}\n", name);
  return cli::kDone;
}

int printFamilies() {
  for (const Family& family : families()) fmt::print("{:<10} {}\n", family.modelType, family.architecture);
  return cli::kDone;
}

int compile(CompileOptions& options, bool quiet) {
  cli::catchInterrupts();
  cli::ProgressLine line(quiet);
  auto start = std::chrono::steady_clock::now();
  options.cancelled = &cli::interrupted;
  options.progress = [&](std::string_view phase, uint64_t done, uint64_t all) { line.show(phase, done, all); };
  options.note = [&](const std::string& message) {
    if (!quiet) line.note(kTool, message);
  };
  Status status = compileModel(options);
  line.clear();
  if (!status.ok()) return cli::fail(kTool, status);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::error_code ignored;
  if (!quiet && options.to == Phase::emit)
    fmt::print(stderr, "{}: {:.1f} MB in {:.1f} s\n", options.output.string(),
               static_cast<double>(std::filesystem::file_size(options.output, ignored)) / 1e6, seconds);
  return cli::kDone;
}

}  // namespace

int main(int argc, char** argv) {
  cli::expectWriteErrors();
  CLI::App app("Compiles a language model checkpoint into one file that ingot serves.", kTool);
  CompileOptions options;
  options.jobs = usableCores();
  options.hub_cache = hubCache();
  if (const char* toolkit = std::getenv("CUDA_HOME")) options.code.cudaToolkit = toolkit;
  std::string to = "emit", output;
  uint64_t seed = 0;
  bool quiet = false, noKernelCache = false, targets = false, familyNames = false;
  app.add_option("checkpoint", options.checkpoint, "Hugging Face folder, .gguf file, or hub id in the local cache");
  app.add_option("-o,--output", output, "the file to write");
  app.add_option("--target", options.targets, "what to generate code for; repeatable (default cpu:native)")->delimiter(',')->allow_extra_args(false);
  app.add_option("--dtype", options.dtype, "auto, float32, bfloat16 or float16: weights before quantisation");
  app.add_option("--quantize", options.quantize, "none, int8, int4 or fp8");
  app.add_option("--group-size", options.group_size, "columns that share a scale of --quantize: 32, 64 or 128 (default 32, fp8 128)");
  app.add_flag("--calibrate", options.calibrate, "run the model on a built-in text first, and choose int4 scales for what it multiplies there");
  app.add_option("--kv-cache-dtype", options.kv_cache_dtype,
                 "auto, float32, float16, bfloat16, fp8 (e4m3) or int8 (a step a token and head): keys and values");
  app.add_flag("--cuda-persistent,!--no-cuda-persistent", options.code.cuda.persistent,
               "GPUs run a token alone as one kernel, without launches between steps (default: where that was measured to be faster)");
  app.add_option("--max-model-len", options.max_model_len, "longest sequence (default the checkpoint's)");
  app.add_option("--chat-template", options.chat_template, "a file with the template to use instead of the checkpoint's");
  auto* random = app.add_flag("--random-weights{0}", seed, "take only shapes from config.json; --random-weights=SEED");
  app.add_option("--to", to, "last phase to run: import, passes, lower, codegen, emit");
  app.add_option("--dump-phases", options.dump_phases, "folder for the IR after each phase");
  app.add_option("--keep-kernels", options.keep_kernels, "folder for the kernels' sources");
  app.add_flag("--no-kernel-cache", noKernelCache, "compile every kernel, and keep none for the next time");
  app.add_option("--jobs", options.jobs, "threads (default: usable cores)");
  app.add_flag("--quiet", quiet, "say nothing but errors");
  app.add_flag("--print-targets", targets, "list the targets");
  app.add_flag("--print-families", familyNames, "list the model families");
  app.set_version_flag("--version", "ingotc " INGOT_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kDone : cli::kUsage;
  }
  if (targets) return printTargets();
  if (familyNames) return printFamilies();
  if (options.checkpoint.empty()) return cli::fail(kTool, Status::invalidArgument("CHECKPOINT is missing; see ingotc --help"));
  options.output = output;
  if (random->count()) options.random_weights = seed;
  auto phase = parsePhase(to);
  if (!phase.ok()) return cli::fail(kTool, phase.status());
  options.to = *phase;
  auto cache = noKernelCache ? nullptr : kernelCache();
  options.code.kernelCache = cache.get();
  return compile(options, quiet);
}
