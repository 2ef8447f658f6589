#include "compiler/pipeline/options.h"

#include <algorithm>

namespace ingot {
namespace {

constexpr std::string_view kPhases[] = {"import", "passes", "lower", "codegen", "emit"};

template <size_t N>
Status oneOf(std::string_view flag, const std::string& value, const std::string_view (&allowed)[N]) {
  if (std::find(std::begin(allowed), std::end(allowed), value) != std::end(allowed)) return {};
  return Status::invalidArgument("--{}={}: expected one of {}", flag, value, fmt::join(allowed, ", "));
}

}  // namespace

std::string_view phaseName(Phase phase) { return kPhases[static_cast<size_t>(phase)]; }

Result<Phase> parsePhase(std::string_view name) {
  for (size_t i = 0; i < std::size(kPhases); ++i)
    if (kPhases[i] == name) return static_cast<Phase>(i);
  return Status::invalidArgument("--to={}: expected one of {}", name, fmt::join(kPhases, ", "));
}

Result<std::string_view> parseCacheType(std::string_view spelling) {
  constexpr std::string_view kSpellings[] = {"auto", "float32", "float16", "bfloat16", "fp8", "int8"};
  constexpr std::string_view kTypes[] = {"", "f32", "f16", "bf16", "f8", "i8"};
  INGOT_TRY(oneOf("kv-cache-dtype", std::string(spelling), kSpellings));
  return kTypes[std::find(std::begin(kSpellings), std::end(kSpellings), spelling) - std::begin(kSpellings)];
}

Status validate(const CompileOptions& options) {
  constexpr std::string_view kDtypes[] = {"auto", "float32", "bfloat16", "float16"}, kQuantize[] = {"none", "int8", "int4", "fp8"};
  INGOT_TRY(oneOf("dtype", options.dtype, kDtypes));
  INGOT_TRY(oneOf("quantize", options.quantize, kQuantize));
  if (options.group_size != 0 && options.group_size != 32 && options.group_size != 64 && options.group_size != 128)
    return Status::invalidArgument("--group-size={}: expected 32, 64 or 128", options.group_size);
  if (options.group_size != 0 && options.quantize == "none")
    return Status::invalidArgument("--group-size={}: needs --quantize=int8, int4 or fp8, found none", options.group_size);
  // Codes of 8 bits take their scale from the largest value, whatever it is multiplied with.
  if (options.calibrate && options.quantize != "int4")
    return Status::invalidArgument("--calibrate: chooses the scales of --quantize=int4, found --quantize={}", options.quantize);
  if (options.calibrate && options.random_weights) return Status::invalidArgument("--calibrate: random weights have no text to be measured on");
  INGOT_TRY(parseCacheType(options.kv_cache_dtype).status());
  if (options.max_model_len < 0 || options.max_model_len > 1 << 24)
    return Status::invalidArgument("--max-model-len={}: expected 1 to {}", options.max_model_len, 1 << 24);
  if (options.jobs < 1 || options.jobs > 1024) return Status::invalidArgument("--jobs={}: expected 1 to 1024", options.jobs);
  if (options.to == Phase::emit && options.output.empty()) return Status::invalidArgument("-o FILE is missing");
  return {};
}

}  // namespace ingot
