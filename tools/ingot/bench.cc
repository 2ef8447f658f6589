// ingot bench: prompt and decode speed of a model, next to what the machine can do at most, measured in the same run.
#include <fmt/format.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "runtime/device/cpu/topology.h"
#include "runtime/engine/sizes.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/bench_rounds.h"
#include "tools/ingot/commands.h"
#include "tools/ingot/gpu_limits.h"
#include "tools/ingot/machine.h"
#include "tools/ingot/tune.h"
#include "tools/ingot/work.h"

namespace ingot::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchFlags {
  std::string model;
  std::string device = "auto";
  RoundOptions rounds;
  std::optional<int> chunk;  // instead of the engine's own
  bool json = false, noMachine = false, tune = false;
};

// What was run, and what it comes to.
struct Measured {
  const plan::Plan& plan;
  const plan::Variant& variant;
  const RoundOptions& options;
  const Figures& figures;
  Load prompt = loadOfPrompts(options.batch, options.promptTokens, options.chunk);
  Load decode = loadOfSteps(options.batch, options.promptTokens, options.outputTokens);
  double readPerStep = bytesRead(plan, variant, decode) / options.outputTokens;
  double opsPerSecond = matrixOps(plan, variant, prompt) / options.batch / figures.promptSeconds;
};

Json figuresOf(const Measured& m, double openSeconds) {
  const RoundOptions& o = m.options;
  const Figures& f = m.figures;
  return {{"target", m.variant.target()->str()},
          {"threads", o.threads},
          {"batch", o.batch},
          {"prompt_tokens", o.promptTokens},
          {"output_tokens", o.outputTokens},
          {"prompt_tokens_per_s", o.promptTokens / f.promptSeconds},
          {"decode_tokens_per_s", o.batch / f.decodeSeconds},
          {"time_to_first_token_s", f.promptSeconds},
          {"load_s", openSeconds},
          {"open_to_first_token_s", f.firstTokenSeconds},
          {"bytes_read_per_step", static_cast<uint64_t>(m.readPerStep)},
          {"bytes_read_per_token", static_cast<uint64_t>(m.readPerStep / o.batch)},
          {"decode_bytes_per_s", m.readPerStep / f.decodeSeconds},
          {"prompt_ops_per_s", m.opsPerSecond},
          {"logits_hash", fmt::format("{:016x}", f.hash)}};
}

void addMemoryLimit(const Measured& m, double bytesPerSecond, Json& json) {
  json["read_bandwidth_bytes_per_s"] = bytesPerSecond;
  json["decode_share_of_bandwidth"] = m.readPerStep / m.figures.decodeSeconds / bytesPerSecond;
}

Limits addCpu(const Measured& m, Json& json) {
  int threads = m.options.threads;
  Limits limits{readBandwidth(threads), int8Peak(threads), float32Peak(threads)};
  addMemoryLimit(m, limits.bytes, json);
  json["int8_peak_ops_per_s"] = limits.int8;
  json["float32_peak_ops_per_s"] = limits.floats;
  if (limits.int8 > 0) json["prompt_share_of_int8_peak"] = m.opsPerSecond / limits.int8;
  return limits;
}

// Weights that the file has as a recipe were made on the GPU: to read them from a file, they would have gone up.
Result<Limits> addGpu(const Measured& m, const Choice& choice, Json& json) {
  INGOT_ASSIGN(GpuLimits gpu, measureGpu(choice, hasInt8(m.plan, m.variant)));
  WeightRange weights = weightRange(m.plan);
  double made = weights.filled ? static_cast<double>(weights.bytes) : 0;
  addMemoryLimit(m, gpu.copiedBytes, json);
  json["weights_made_bytes"] = static_cast<uint64_t>(made);
  json["upload_bytes_per_s"] = gpu.uploadedBytes;
  json["file_to_first_token_s"] = m.figures.firstTokenSeconds + made / gpu.uploadedBytes;
  Limits limits{.bytes = gpu.copiedBytes, .int8 = gpu.int8, .floats = gpu.f16, .floatType = "f16"};
  if (gpu.f16 > 0) json["f16_peak_ops_per_s"] = gpu.f16;
  if (gpu.int8 > 0) json["int8_peak_ops_per_s"] = gpu.int8;
  if (!gpu.notMeasured.empty()) json["matrix_peak"] = "not measured: " + gpu.notMeasured;
  if (double least = matrixSeconds(m.plan, m.variant, m.prompt, limits); least > 0)
    json["prompt_share_of_matrix_peak"] = least / (m.figures.promptSeconds * m.options.batch);
  return limits;
}

Result<Json> report(const Measured& m, const Choice& choice, const BenchFlags& flags, double openSeconds) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);  // before the machine is measured, which takes memory of its own
  Json json = figuresOf(m, openSeconds);
  json["peak_memory_bytes"] = usage.ru_maxrss * 1024;
  if (choice.gpu) {
    json["gpu"] = choice.gpu->name;
    if (!m.options.profile) json["host_s_per_step"] = m.figures.hostSeconds;
  }
  Limits limits;
  if (!flags.noMachine && choice.gpu) {
    INGOT_ASSIGN(limits, addGpu(m, choice, json));
  } else if (!flags.noMachine) {
    limits = addCpu(m, json);
  }
  if (m.options.profile) {
    json["prompt_profile"] = profileOf(m.plan, m.variant, m.prompt, m.figures.promptSteps, limits);
    json["decode_profile"] = profileOf(m.plan, m.variant, m.decode, m.figures.decodeSteps, limits);
  }
  return json;
}

double numberOf(const Json& j, const char* key) { return j.value(key, 0.0); }

void printPrompt(const Json& j) {
  fmt::print("prompt         {:.1f} tok/s ({} tokens, first token after {:.1f} ms)", numberOf(j, "prompt_tokens_per_s"),
             j["prompt_tokens"].get<int>(), numberOf(j, "time_to_first_token_s") * 1e3);
  if (j.contains("prompt_share_of_int8_peak"))
    fmt::print(", {:.0f} Gop/s, {:.1f} % of the int8 peak of {:.0f}", numberOf(j, "prompt_ops_per_s") / 1e9,
               numberOf(j, "prompt_share_of_int8_peak") * 100, numberOf(j, "int8_peak_ops_per_s") / 1e9);
  if (j.contains("prompt_share_of_matrix_peak"))
    fmt::print(", {:.0f} Gop/s, {:.1f} % of the peak of matrix products", numberOf(j, "prompt_ops_per_s") / 1e9,
               numberOf(j, "prompt_share_of_matrix_peak") * 100);
}

void printDecode(const Json& j) {
  fmt::print("\ndecode         {:.1f} tok/s (batch {}, {} steps)", numberOf(j, "decode_tokens_per_s"), j["batch"].get<int>(),
             j["output_tokens"].get<int>());
  fmt::print(", {:.1f} MB read a step, {:.1f} GB/s", numberOf(j, "bytes_read_per_step") / 1e6, numberOf(j, "decode_bytes_per_s") / 1e9);
  if (j.contains("read_bandwidth_bytes_per_s"))
    fmt::print(", {:.1f} % of the {:.1f} GB/s this machine reads", numberOf(j, "decode_share_of_bandwidth") * 100,
               numberOf(j, "read_bandwidth_bytes_per_s") / 1e9);
}

void printGpu(const Json& j) {
  if (j.contains("host_s_per_step"))
    fmt::print("\nhost           {:.1f} us a step, beside waiting for the GPU", numberOf(j, "host_s_per_step") * 1e6);
  if (j.contains("file_to_first_token_s"))
    fmt::print("\nfirst token    {:.2f} s from the opening of the file, {:.1f} GB/s up to the GPU", numberOf(j, "file_to_first_token_s"),
               numberOf(j, "upload_bytes_per_s") / 1e9);
  if (numberOf(j, "weights_made_bytes") > 0)
    fmt::print(", with {:.1f} s for weights that were made there", numberOf(j, "weights_made_bytes") / numberOf(j, "upload_bytes_per_s"));
  if (j.contains("matrix_peak")) fmt::print("\nmatrix peak    {}", j["matrix_peak"].get<std::string>());
}

void print(const Json& j) {
  fmt::print("target         {}, {} threads\n", j["target"].get<std::string>(), j["threads"].get<int>());
  printPrompt(j);
  printDecode(j);
  printGpu(j);
  fmt::print("\nload           {:.1f} ms\npeak memory    {:.1f} MB\nlogits hash    {}\n", numberOf(j, "load_s") * 1e3,
             numberOf(j, "peak_memory_bytes") / 1e6, j["logits_hash"].get<std::string>());
  if (!j.contains("prompt_profile")) return;
  printProfile("prompt", j["prompt_profile"]);
  printProfile("decode", j["decode_profile"]);
}

Status check(const RoundOptions& options) {
  auto inRange = [](int value, int least, int most, const char* name) {
    return value >= least && value <= most ? Status() : Status::invalidArgument("--{} is {}, expected {} to {}", name, value, least, most);
  };
  INGOT_TRY(inRange(options.promptTokens, 1, 1 << 30, "prompt-tokens"));
  INGOT_TRY(inRange(options.outputTokens, 1, 1 << 29, "output-tokens"));
  INGOT_TRY(inRange(options.batch, 1, kMostSequences, "batch"));
  INGOT_TRY(inRange(options.rounds, 1, 1000, "rounds"));
  INGOT_TRY(inRange(options.threads, 0, kMostThreads, "threads"));
  const SamplerSettings& sampling = options.sampling;
  if (!(sampling.temperature >= 0 && sampling.topK >= 0 && sampling.topP > 0 && sampling.topP <= 1))
    return Status::invalidArgument("temperature {}, top-k {}, top-p {}: expected 0 or more, 0 or more, and (0, 1]", sampling.temperature,
                                   sampling.topK, sampling.topP);
  return inRange(options.chunk, 1, kMostBatchedTokens, "max-num-batched-tokens");
}

Status printTuned(const Artifact& artifact, const Choice& choice) {
  if (!choice.gpu) return Status::invalidArgument("--tune: only GPUs have larger kernels; give --device cuda");
  INGOT_ASSIGN(std::vector<std::string> lines, tune(artifact, choice));
  for (const std::string& line : lines) fmt::print("{}\n", line);
  return {};
}

Status bench(BenchFlags flags) {
  RoundOptions& options = flags.rounds;
  if (flags.chunk) options.chunk = *flags.chunk;
  INGOT_TRY(check(options));
  if (options.threads == 0) options.threads = usableCores();
  catchInterrupts();
  auto start = BenchClock::now();
  INGOT_ASSIGN(auto artifact, Artifact::open(flags.model));
  INGOT_ASSIGN(Choice choice, chooseVariant(*artifact, {.device = flags.device}));
  warn(kTool, choice.warning);
  if (flags.tune) return printTuned(*artifact, choice);
  if (!flags.chunk) {
    INGOT_ASSIGN(Sizes sizes, chooseSizes({}, artifact->plan(), choice));
    options.chunk = sizes.batchedTokens;
  }
  double openSeconds = secondsSince(start);
  if (!choice.gpu && !options.sampling.greedy())
    return Status::invalidArgument("--temperature: only GPUs draw tokens within a step; give --device cuda");
  int longest = static_cast<int>(artifact->plan().model()->max_len());
  if (options.promptTokens + options.outputTokens > longest)
    return Status::invalidArgument("{} prompt and {} output tokens, this model takes {} in all", options.promptTokens, options.outputTokens, longest);
  INGOT_ASSIGN(Figures figures, runRounds(*artifact, choice, options, start));
  Measured measured{artifact->plan(), *choice.variant, options, figures};
  INGOT_ASSIGN(Json json, report(measured, choice, flags, openSeconds));
  if (flags.json) fmt::print("{}\n", json.dump());
  else print(json);
  return {};
}

}  // namespace

Command benchCommand(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Measure a model, and the machine in the same run.");
  command->add_option("model", flags->model, "a file that ingotc wrote")->required();
  command->add_option("--prompt-tokens", flags->rounds.promptTokens, "length of the prompts");
  command->add_option("--output-tokens", flags->rounds.outputTokens, "decoding steps");
  command->add_option("--batch", flags->rounds.batch, "sequences side by side");
  command->add_option("--device", flags->device, "auto, cpu or cuda[:i]");
  command->add_option("--threads", flags->rounds.threads, "default: physical cores");
  command->add_option("--rounds", flags->rounds.rounds, "the best of these counts");
  command->add_option("--temperature", flags->rounds.sampling.temperature, "GPUs: how decoding steps draw their tokens; 0 takes the likeliest one");
  command->add_option("--top-k", flags->rounds.sampling.topK, "of so many");
  command->add_option("--top-p", flags->rounds.sampling.topP, "of this total probability");
  command->add_option("--max-num-batched-tokens", flags->chunk, "prompt tokens in one step, at most (default: as for generate)");
  command->add_flag("!--no-async-scheduling", flags->rounds.asyncScheduling, "GPUs: begin a step when the one before it has ended");
  command->add_flag("--profile", flags->rounds.profile, "time, bytes, operations and share of the limit by kernel; slows the run");
  command->add_flag("--no-machine", flags->noMachine, "do not measure the machine's limits");
  command->add_flag("--tune", flags->tune, "instead: from how many rows on larger kernels pay, for compiler/codegen/cuda/measured.inc");
  command->add_flag("--json", flags->json, "one JSON object");
  return {command, [flags] {
            Status status = bench(*flags);
            return status.ok() ? kDone : fail(kTool, status);
          }};
}

}  // namespace ingot::cli
