// ingot bench: prompt and decode speed of a model, next to what the machine can do at most, measured in the same run.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime/device/cpu/topology.h"
#include "runtime/exec/program.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"
#include "tools/ingot/machine.h"
#include "tools/ingot/work.h"

namespace ingot::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct BenchFlags {
  std::string model;
  std::string device = "auto";
  int promptTokens = 512, outputTokens = 64, batch = 1, threads = 0, rounds = 3, chunk = 512;
  bool json = false, profile = false, noMachine = false;
};

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

uint64_t hashOf(std::span<const float> values, uint64_t hash) {
  for (float value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    hash = (hash ^ bits) * 0x100000001b3ull;
  }
  return hash;
}

struct Figures {
  double promptSeconds = 1e9, decodeSeconds = 1e9;
  uint64_t hash = 0;
  std::vector<StepProfile> promptSteps, decodeSteps;  // of the last round
};

class Bench {
 public:
  static Result<Figures> run(const Artifact& artifact, const Choice& choice, const BenchFlags& flags) {
    int32_t pageTokens = static_cast<int32_t>(artifact.plan().model()->page_tokens());
    int32_t pagesEach = (flags.promptTokens + flags.outputTokens + pageTokens) / pageTokens;
    BatchLimits limits{.tokens = std::max(flags.chunk, flags.batch),
                       .sequences = flags.batch,
                       .rows = flags.batch,
                       .pagesPerSequence = pagesEach,
                       .queryBlock = static_cast<int32_t>(artifact.plan().model()->query_block()),
                       .partials = partialsFor(flags.batch, int64_t{pagesEach} * flags.batch)};
    INGOT_ASSIGN(auto program, Program::load(artifact, choice, limits, pagesEach * flags.batch, flags.threads));
    Bench bench(*program, limits, flags, static_cast<int32_t>(artifact.plan().model()->vocab()), pagesEach);
    Figures best;
    for (int round = -1; round < flags.rounds; ++round) {  // the first one warms up
      if (interrupted) return Status::cancelled("interrupted");
      INGOT_ASSIGN(Figures one, bench.round());
      if (round < 0) continue;
      one.promptSeconds = std::min(best.promptSeconds, one.promptSeconds);
      one.decodeSeconds = std::min(best.decodeSeconds, one.decodeSeconds);
      best = std::move(one);
    }
    return best;
  }

 private:
  Bench(Program& program, const BatchLimits& limits, const BenchFlags& flags, int32_t vocab, int32_t pagesEach)
      : program_(program), batch_(limits), flags_(flags), vocab_(vocab), pagesEach_(pagesEach) {}

  // Prompts of pseudo-random ids, then `outputTokens` decoding steps of the whole batch.
  Result<Figures> round() {
    Figures figures{.promptSeconds = 0, .decodeSeconds = 0, .hash = 0xcbf29ce484222325ull};
    uint32_t state = 1;
    auto nextId = [&] { return static_cast<int32_t>((state = state * 1664525u + 1013904223u) >> 8) % vocab_; };
    std::vector<int32_t> ids;
    if (flags_.profile) program_.startProfile();
    auto start = Clock::now();
    for (int s = 0; s < flags_.batch; ++s)
      for (int at = 0; at < flags_.promptTokens;) {
        int count = std::min(flags_.chunk, flags_.promptTokens - at);
        ids.clear();
        for (int i = 0; i < count; ++i) ids.push_back(nextId());
        batch_.clear();
        batch_.readLogits(batch_.add(ids, at, at + count == flags_.promptTokens ? 1 : 0, pagesOf(s)));
        INGOT_TRY(program_.run(batch_));
        at += count;
      }
    figures.promptSeconds = secondsSince(start) / flags_.batch;
    figures.hash = hashOf(program_.logits(0), figures.hash);
    if (flags_.profile) {
      figures.promptSteps = program_.profile();
      program_.startProfile();
    }
    start = Clock::now();
    for (int step = 0; step < flags_.outputTokens; ++step) {
      batch_.clear();
      for (int s = 0; s < flags_.batch; ++s) {
        int32_t id = nextId();
        RowRange row = batch_.add({&id, 1}, flags_.promptTokens + step, 1, pagesOf(s));
        if (step + 1 == flags_.outputTokens) batch_.readLogits(row);
      }
      INGOT_TRY(program_.run(batch_));
    }
    figures.decodeSeconds = secondsSince(start) / std::max(1, flags_.outputTokens);
    figures.hash = hashOf(program_.logits(0), figures.hash);
    if (flags_.profile) figures.decodeSteps = program_.profile();
    return figures;
  }

  std::span<const int32_t> pagesOf(int sequence) {
    pages_.resize(static_cast<size_t>(pagesEach_));
    for (int32_t i = 0; i < pagesEach_; ++i) pages_[static_cast<size_t>(i)] = sequence * pagesEach_ + i;
    return pages_;
  }

  Program& program_;
  Batch batch_;
  const BenchFlags& flags_;
  int32_t vocab_, pagesEach_;
  std::vector<int32_t> pages_;
};

Result<Json> report(const Artifact& artifact, const Choice& choice, const BenchFlags& flags, const Figures& f, double startSeconds) {
  const plan::Variant& variant = *choice.variant;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);  // before the machine is measured, which takes memory of its own
  const plan::Plan& plan = artifact.plan();
  Load prompt = loadOfPrompts(flags.batch, flags.promptTokens, flags.chunk),
       decode = loadOfSteps(flags.batch, flags.promptTokens, flags.outputTokens);
  double read = bytesRead(plan, variant, decode) / flags.outputTokens;
  double opsPerSecond = matrixOps(plan, variant, prompt) / flags.batch / f.promptSeconds;
  Json json = {{"target", variant.target()->str()},
               {"threads", flags.threads},
               {"batch", flags.batch},
               {"prompt_tokens", flags.promptTokens},
               {"output_tokens", flags.outputTokens},
               {"prompt_tokens_per_s", flags.promptTokens / f.promptSeconds},
               {"decode_tokens_per_s", flags.batch / f.decodeSeconds},
               {"time_to_first_token_s", f.promptSeconds},
               {"load_s", startSeconds},
               {"bytes_read_per_step", static_cast<uint64_t>(read)},
               {"bytes_read_per_token", static_cast<uint64_t>(read / flags.batch)},
               {"decode_bytes_per_s", read / f.decodeSeconds},
               {"prompt_ops_per_s", opsPerSecond},
               {"peak_memory_bytes", usage.ru_maxrss * 1024},
               {"logits_hash", fmt::format("{:016x}", f.hash)}};
  auto addProfile = [&](const Limits& limits) {
    if (!flags.profile) return;
    json["prompt_profile"] = profileOf(plan, variant, prompt, f.promptSteps, limits);
    json["decode_profile"] = profileOf(plan, variant, decode, f.decodeSteps, limits);
  };
  if (flags.noMachine) {
    addProfile({});
    return json;
  }
  if (choice.gpu) {
    json["gpu"] = choice.gpu->name;
    INGOT_ASSIGN(double copied, gpuCopyBandwidth(choice));
    json["read_bandwidth_bytes_per_s"] = copied;
    json["decode_share_of_bandwidth"] = read / f.decodeSeconds / copied;
    addProfile({.bytes = copied});
    return json;
  }
  Limits limits{readBandwidth(flags.threads), int8Peak(flags.threads), float32Peak(flags.threads)};
  json["read_bandwidth_bytes_per_s"] = limits.bytes;
  json["decode_share_of_bandwidth"] = read / f.decodeSeconds / limits.bytes;
  json["int8_peak_ops_per_s"] = limits.int8;
  json["float32_peak_ops_per_s"] = limits.float32;
  if (limits.int8 > 0) json["prompt_share_of_int8_peak"] = opsPerSecond / limits.int8;
  addProfile(limits);
  return json;
}

void print(const Json& j) {
  auto number = [&](const char* key) { return j.value(key, 0.0); };
  fmt::print("target         {}, {} threads\n", j["target"].get<std::string>(), j["threads"].get<int>());
  fmt::print("prompt         {:.1f} tok/s ({} tokens, first token after {:.1f} ms)", number("prompt_tokens_per_s"), j["prompt_tokens"].get<int>(),
             number("time_to_first_token_s") * 1e3);
  if (j.contains("prompt_share_of_int8_peak"))
    fmt::print(", {:.0f} Gop/s, {:.1f} % of the int8 peak of {:.0f}", number("prompt_ops_per_s") / 1e9, number("prompt_share_of_int8_peak") * 100,
               number("int8_peak_ops_per_s") / 1e9);
  fmt::print("\ndecode         {:.1f} tok/s (batch {}, {} steps)", number("decode_tokens_per_s"), j["batch"].get<int>(),
             j["output_tokens"].get<int>());
  fmt::print(", {:.1f} MB read a step, {:.1f} GB/s", number("bytes_read_per_step") / 1e6, number("decode_bytes_per_s") / 1e9);
  if (j.contains("read_bandwidth_bytes_per_s"))
    fmt::print(", {:.1f} % of the {:.1f} GB/s this machine reads", number("decode_share_of_bandwidth") * 100,
               number("read_bandwidth_bytes_per_s") / 1e9);
  fmt::print("\nload           {:.1f} ms\npeak memory    {:.1f} MB\nlogits hash    {}\n", number("load_s") * 1e3, number("peak_memory_bytes") / 1e6,
             j["logits_hash"].get<std::string>());
  if (!j.contains("prompt_profile")) return;
  printProfile("prompt", j["prompt_profile"]);
  printProfile("decode", j["decode_profile"]);
}

Status bench(BenchFlags flags) {
  auto positive = [](int value, const char* name) {
    return value >= 1 ? Status() : Status::invalidArgument("--{} is {}, expected at least 1", name, value);
  };
  INGOT_TRY(positive(flags.promptTokens, "prompt-tokens"));
  INGOT_TRY(positive(flags.outputTokens, "output-tokens"));
  INGOT_TRY(positive(flags.batch, "batch"));
  INGOT_TRY(positive(flags.rounds, "rounds"));
  INGOT_TRY(positive(flags.chunk, "max-num-batched-tokens"));
  if (flags.threads == 0) flags.threads = usableCores();
  catchInterrupts();
  auto start = Clock::now();
  INGOT_ASSIGN(auto artifact, Artifact::open(flags.model));
  INGOT_ASSIGN(Choice choice, chooseVariant(*artifact, {.device = flags.device}));
  warn(kTool, choice.warning);
  double startSeconds = secondsSince(start);
  int longest = static_cast<int>(artifact->plan().model()->max_len());
  if (flags.promptTokens + flags.outputTokens > longest)
    return Status::invalidArgument("{} prompt and {} output tokens, this model takes {} in all", flags.promptTokens, flags.outputTokens, longest);
  INGOT_ASSIGN(Figures figures, Bench::run(*artifact, choice, flags));
  INGOT_ASSIGN(Json json, report(*artifact, choice, flags, figures, startSeconds));
  if (flags.json) fmt::print("{}\n", json.dump());
  else print(json);
  return {};
}

}  // namespace

Command benchCommand(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Measure a model, and the machine in the same run.");
  command->add_option("model", flags->model, "a file that ingotc wrote")->required();
  command->add_option("--prompt-tokens", flags->promptTokens, "length of the prompts");
  command->add_option("--output-tokens", flags->outputTokens, "decoding steps");
  command->add_option("--batch", flags->batch, "sequences side by side");
  command->add_option("--device", flags->device, "auto, cpu or cuda[:i]");
  command->add_option("--threads", flags->threads, "default: physical cores");
  command->add_option("--rounds", flags->rounds, "the best of these counts");
  command->add_option("--max-num-batched-tokens", flags->chunk, "prompt tokens in one step, at most");
  command->add_flag("--profile", flags->profile, "time, bytes, operations and share of the limit by kernel; slows the run");
  command->add_flag("--no-machine", flags->noMachine, "do not measure the machine's limits");
  command->add_flag("--json", flags->json, "one JSON object");
  return {command, [flags] {
            Status status = bench(*flags);
            return status.ok() ? kDone : fail(kTool, status);
          }};
}

}  // namespace ingot::cli
