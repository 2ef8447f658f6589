#include "compiler/import/config.h"

#include <algorithm>
#include <cmath>

#include "compiler/import/checkpoint.h"

namespace ingot {
namespace {

// Keys that never change what a forward pass computes, whatever their value.
constexpr std::string_view kIgnored[] = {
    "_commit_hash",
    "_model_name_or_path",
    "_name_or_path",
    "_attn_implementation_autoset",
    "_sliding_window_pattern",
    "architectures",
    "attention_dropout",
    "attention_softmax_in_fp32",
    "attention_probs_dropout_prob",
    "attn_pdrop",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bias_dropout_fusion",
    "bos_token_id",
    "chunk_size_feed_forward",
    "cross_attention_hidden_size",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dropout",
    "early_stopping",
    "embd_pdrop",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "id2label",
    "init_std",
    "initializer_range",
    "is_llama_config",
    "keys_to_ignore_at_inference",
    "label2id",
    "layerdrop",
    "length_penalty",
    "masked_softmax_fusion",
    "max_length",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "offset_alibi",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "output_scores",
    "pad_token_id",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "remove_invalid_values",
    "repetition_penalty",
    "resid_pdrop",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "skip_bias_add",
    "skip_bias_add_qkv",
    "slow_but_exact",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "use_bfloat16",
    "use_cache",
    "gradient_checkpointing",
    "n_ctx",
    "reorder_and_upcast_attn",
    "auto_map",
    "mask_token_id",
    "model_name",
    "name_or_path",
    "unk_token_id",
    "unsloth_version",
    "unsloth_fixed",
    "mlp_dropout",
    "hidden_dropout",
    "classifier_dropout",
    "num_labels",
};

// Keys that would change what is computed; only this value is what we compute.
const std::pair<std::string_view, nlohmann::ordered_json> kFixed[] = {
    {"is_decoder", true},
    {"is_encoder_decoder", false},
    {"add_cross_attention", false},
    {"rope_interleaved", false},
    {"pruned_heads", nlohmann::ordered_json::object()},
    {"tie_encoder_decoder", false},
};

bool isIgnored(const std::string& key) { return std::find(std::begin(kIgnored), std::end(kIgnored), key) != std::end(kIgnored); }

bool isFixedAt(const std::string& key, const nlohmann::ordered_json& value) {
  if (key == "is_decoder") return value.is_boolean();  // older files say false of plain decoders
  for (const auto& [name, fixed] : kFixed)
    if (name == key) return value == fixed || value.is_null();
  return false;
}

}  // namespace

const nlohmann::ordered_json* ConfigReader::value(const std::string& key) {
  read_.insert(key);
  auto found = json_.find(key);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

bool ConfigReader::has(const std::string& key) { return value(key) != nullptr; }

Status ConfigReader::wrong(const std::string& key, std::string_view expected) const {
  auto found = json_.find(key);
  return Status::invalidInput("{}: {} is {}, expected {}", where_, key, found == json_.end() ? "missing" : describe(*found), expected);
}

Result<int64_t> ConfigReader::integer(const std::string& key, std::optional<int64_t> fallback, int64_t low, int64_t high) {
  const auto* found = value(key);
  if (!found && fallback) return *fallback;
  auto expected = fmt::format("an integer from {} to {}", low, high);
  if (!found || !found->is_number_integer()) return wrong(key, expected);
  if (found->is_number_unsigned() && found->get<uint64_t>() > static_cast<uint64_t>(high)) return wrong(key, expected);
  int64_t number = found->get<int64_t>();
  return number < low || number > high ? Result<int64_t>(wrong(key, expected)) : Result<int64_t>(number);
}

Result<double> ConfigReader::number(const std::string& key, std::optional<double> fallback) {
  const auto* found = value(key);
  if (!found && fallback) return *fallback;
  if (!found || !found->is_number() || !std::isfinite(found->get<double>())) return wrong(key, "a finite number");
  return found->get<double>();
}

Result<bool> ConfigReader::boolean(const std::string& key, bool fallback) {
  const auto* found = value(key);
  if (!found) return fallback;
  return found->is_boolean() ? Result<bool>(found->get<bool>()) : Result<bool>(wrong(key, "true or false"));
}

Result<std::string> ConfigReader::text(const std::string& key, std::optional<std::string> fallback) {
  const auto* found = value(key);
  if (!found && fallback) return *fallback;
  return found && found->is_string() ? Result<std::string>(found->get<std::string>()) : Result<std::string>(wrong(key, "a string"));
}

Status ConfigReader::refuseUnknown() const {
  for (const auto& [key, value] : json_.items()) {
    if (value.is_null() || read_.count(key) || isIgnored(key) || isFixedAt(key, value)) continue;
    return Status::unsupported("{}: key \"{}\": {} is not known to this compiler and could change what the model computes", where_, key,
                               describe(value));
  }
  return {};
}

Status readRope(ConfigReader& config, DecoderSpec& spec, double defaultTheta) {
  RopeSpec& rope = spec.rope;
  INGOT_ASSIGN(double partial, config.number("partial_rotary_factor", 1.0));
  const auto* scaling = config.value("rope_parameters");
  if (!scaling) scaling = config.value("rope_scaling");
  nlohmann::ordered_json empty = nlohmann::ordered_json::object();
  if (scaling && !scaling->is_object()) return config.wrong("rope_parameters", "an object");
  ConfigReader reader(scaling ? *scaling : empty, config.where() + ": rope_parameters");

  INGOT_ASSIGN(double outerTheta, config.number("rope_theta", defaultTheta));
  INGOT_ASSIGN(rope.theta, reader.number("rope_theta", outerTheta));
  INGOT_ASSIGN(partial, reader.number("partial_rotary_factor", partial));
  rope.rotaryDim = static_cast<int64_t>(static_cast<double>(spec.headDim) * partial);
  if (rope.rotaryDim <= 0 || rope.rotaryDim % 2 || rope.rotaryDim > spec.headDim)
    return Status::invalidInput("{}: rotates {} of {} columns of a head, expected an even number", config.where(), rope.rotaryDim, spec.headDim);
  if (!(rope.theta > 0)) return config.wrong("rope_theta", "a positive number");

  INGOT_ASSIGN(std::string oldType, reader.text("type", "default"));
  INGOT_ASSIGN(std::string type, reader.text("rope_type", oldType));
  double positions = static_cast<double>(spec.maxPositions);
  if (type != "default") {
    INGOT_ASSIGN(rope.factor, reader.number("factor", std::nullopt));
    if (!(rope.factor >= 1)) return reader.wrong("factor", "a number of at least 1");
  }
  INGOT_ASSIGN(rope.originalMaxPositions, reader.number("original_max_position_embeddings", positions));
  if (type == "default") {
    rope.kind = RopeKind::plain;
  } else if (type == "linear") {
    rope.kind = RopeKind::linear;
  } else if (type == "dynamic") {
    rope.kind = RopeKind::dynamic;
  } else if (type == "llama3") {
    rope.kind = RopeKind::llama3;
    INGOT_ASSIGN(rope.lowFrequencyFactor, reader.number("low_freq_factor", std::nullopt));
    INGOT_ASSIGN(rope.highFrequencyFactor, reader.number("high_freq_factor", std::nullopt));
  } else if (type == "yarn") {
    rope.kind = RopeKind::yarn;
    INGOT_ASSIGN(rope.betaFast, reader.number("beta_fast", 32));
    INGOT_ASSIGN(rope.betaSlow, reader.number("beta_slow", 1));
    INGOT_ASSIGN(rope.truncate, reader.boolean("truncate", true));
    auto mscale = [&](double m) { return rope.factor <= 1 ? 1.0 : 0.1 * m * std::log(rope.factor) + 1.0; };
    INGOT_ASSIGN(double m, reader.number("mscale", 0));
    INGOT_ASSIGN(double mAll, reader.number("mscale_all_dim", 0));
    INGOT_ASSIGN(rope.attentionFactor, reader.number("attention_factor", m != 0 && mAll != 0 ? mscale(m) / mscale(mAll) : mscale(1)));
  } else {
    return reader.wrong("rope_type", "default, linear, dynamic, llama3 or yarn");
  }
  return reader.refuseUnknown();
}

Result<DecoderSpec> readConfig(const nlohmann::ordered_json& json, const std::string& where) {
  if (!json.is_object()) return Status::invalidInput("{}: is not an object", where);
  ConfigReader config(json, where);
  INGOT_ASSIGN(std::string modelType, config.text("model_type", std::nullopt));
  for (const Family& family : families()) {
    if (family.modelType != modelType) continue;
    DecoderSpec spec{.family = modelType};
    INGOT_ASSIGN(std::string oldDtype, config.text("torch_dtype", "float32"));
    INGOT_ASSIGN(std::string dtype, config.text("dtype", oldDtype));
    spec.dtype = dtype == "bfloat16" ? DType::bf16 : dtype == "float16" ? DType::f16 : DType::f32;
    INGOT_TRY(family.fill(config, spec));
    if (const auto* quantization = config.value("quantization_config"))
      INGOT_TRY(readQuantization(*quantization, where + ": quantization_config", spec));
    INGOT_TRY(config.refuseUnknown());
    spec.tablePositions = spec.maxPositions;
    return spec;
  }
  std::string known;
  for (const Family& family : families()) known += fmt::format(" {}", family.modelType);
  return Status::unsupported("{}: model_type \"{}\" is not supported; the families are{}", where, modelType, known);
}

}  // namespace ingot
