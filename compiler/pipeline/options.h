// What a caller of the compiler chooses. Plain data; names follow ingotc's flags.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/codegen/targets.h"
#include "runtime/base/status.h"

namespace ingot {

enum class Phase : uint8_t { import, passes, lower, codegen, emit };
std::string_view phaseName(Phase phase);
Result<Phase> parsePhase(std::string_view name);

// The element type of keys and values in the exec program that --kv-cache-dtype asks for; empty for auto.
Result<std::string_view> parseCacheType(std::string_view spelling);

struct CompileOptions {
  std::string checkpoint;  // folder, .gguf file or hub id
  std::filesystem::path output;
  std::vector<std::string> targets;     // empty: cpu:native
  std::string dtype = "auto";           // auto, float32, bfloat16, float16
  std::string quantize = "none";        // none, int8, int4, fp8
  int64_t group_size = 0;               // columns that share a scale: 32, 64 or 128; 0: 32, of fp8 128
  bool calibrate = false;               // int4 scales by what the model multiplies on a text of ours
  std::string kv_cache_dtype = "auto";  // auto, float32, float16, bfloat16, fp8
  int64_t max_model_len = 0;            // 0: the checkpoint's
  std::filesystem::path chat_template;  // instead of the checkpoint's own
  std::optional<uint64_t> random_weights;
  Phase to = Phase::emit;
  std::filesystem::path dump_phases, keep_kernels;  // folders, or empty
  TargetOptions code;
  int jobs = 1;
  std::filesystem::path hub_cache;

  std::function<void(const std::string& message)> note;                               // what a user should know; never an error
  std::function<void(std::string_view phase, uint64_t done, uint64_t all)> progress;  // all = 0: no measure of it
  const std::atomic<bool>* cancelled = nullptr;
};

// Names, spellings and combinations, before any work.
Status validate(const CompileOptions& options);

}  // namespace ingot
