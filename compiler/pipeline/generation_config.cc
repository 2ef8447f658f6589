#include "compiler/pipeline/generation_config.h"

#include "compiler/import/config.h"

namespace ingot {
namespace {

Status readIds(ConfigReader& config, const std::string& key, std::vector<int32_t>& ids) {
  const auto* value = config.value(key);
  if (!value) return {};
  auto take = [&](const nlohmann::ordered_json& one) -> Status {
    if (!one.is_number_integer() || one.get<int64_t>() < 0 || one.get<int64_t>() > 1 << 28) return config.wrong(key, "a token id, or a list of them");
    ids.push_back(one.get<int32_t>());
    return {};
  };
  if (!value->is_array()) return take(*value);
  for (const auto& one : *value) INGOT_TRY(take(one));
  return {};
}

template <class T>
Status readNumber(ConfigReader& config, const std::string& key, std::optional<T>& out) {
  if (!config.has(key)) return {};
  INGOT_ASSIGN(double number, config.number(key, std::nullopt));
  out = static_cast<T>(number);
  return {};
}

}  // namespace

Result<GenerationConfig> readGenerationConfig(const CheckpointSource& source) {
  GenerationConfig result;
  nlohmann::ordered_json empty = nlohmann::ordered_json::object();
  bool own = source.generation.is_object();
  ConfigReader config(own                         ? source.generation
                      : source.config.is_object() ? source.config
                                                  : empty,
                      own ? (source.folder / "generation_config.json").string() : source.where);
  INGOT_TRY(readIds(config, "eos_token_id", result.eosTokenIds));
  if (own && result.eosTokenIds.empty()) {
    ConfigReader fallback(source.config, source.where);
    INGOT_TRY(readIds(fallback, "eos_token_id", result.eosTokenIds));
  }
  INGOT_TRY(readNumber(config, "bos_token_id", result.bosTokenId));
  INGOT_TRY(readNumber(config, "pad_token_id", result.padTokenId));
  if (source.gguf.is_object()) {
    ConfigReader metadata(source.gguf, source.where);
    INGOT_TRY(readIds(metadata, "tokenizer.ggml.eos_token_id", result.eosTokenIds));
    INGOT_TRY(readIds(metadata, "tokenizer.ggml.eot_token_id", result.eosTokenIds));
    INGOT_TRY(readNumber(metadata, "tokenizer.ggml.bos_token_id", result.bosTokenId));
  }
  // Sampling defaults count only where the file says so: config.json repeats transformers' own defaults.
  if (!own) return result;
  INGOT_TRY(readNumber(config, "temperature", result.temperature));
  INGOT_TRY(readNumber(config, "top_p", result.topP));
  INGOT_TRY(readNumber(config, "top_k", result.topK));
  INGOT_TRY(readNumber(config, "min_p", result.minP));
  INGOT_TRY(readNumber(config, "repetition_penalty", result.repetitionPenalty));
  INGOT_TRY(readNumber(config, "max_new_tokens", result.maxNewTokens));
  return result;
}

}  // namespace ingot
