// What GGUF calls by other names than Hugging Face: architectures, config keys and tensors. One row each.
#include "compiler/import/gguf.h"

namespace ingot {
namespace {

using Json = nlohmann::ordered_json;

struct Architecture {
  std::string_view gguf, modelType;
  bool pairedHeads;  // q and k rows were interleaved for llama.cpp's rope
};
constexpr Architecture kArchitectures[] = {{"llama", "llama", true}, {"qwen2", "qwen2", false}, {"qwen3", "qwen3", false}};

// Keys behind "<architecture>.".
constexpr std::pair<std::string_view, std::string_view> kConfigKeys[] = {
    {"block_count", "num_hidden_layers"},
    {"embedding_length", "hidden_size"},
    {"feed_forward_length", "intermediate_size"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"context_length", "max_position_embeddings"},
    {"rope.freq_base", "rope_theta"},
};

constexpr std::pair<std::string_view, std::string_view> kTensors[] = {
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"rope_freqs", "rope_freqs"},
};

// blk.3.attn_q.weight -> model.layers.3.self_attn.q_proj.weight; empty when not known.
std::string hfName(const std::string& name) {
  std::string stem = name, prefix;
  if (stem.rfind("blk.", 0) == 0) {
    auto dot = stem.find('.', 4);
    if (dot == std::string::npos) return {};
    prefix = "model.layers." + stem.substr(4, dot - 4) + ".";
    stem = stem.substr(dot + 1);
  }
  auto dot = stem.rfind('.');
  if (dot == std::string::npos) return {};
  for (auto [gguf, hf] : kTensors)
    if (stem.substr(0, dot) == gguf) return prefix + std::string(hf) + stem.substr(dot);
  return {};
}

const Json* find(const Json& metadata, const std::string& key) {
  auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &*found;
}

Status readRopeScaling(const Json& metadata, const std::string& prefix, Json& config, const std::string& where) {
  const Json* type = find(metadata, prefix + "rope.scaling.type");
  if (!type || *type == "none") return {};
  Json scaling = {{"rope_type", *type}};
  if (const Json* factor = find(metadata, prefix + "rope.scaling.factor")) scaling["factor"] = *factor;
  if (const Json* length = find(metadata, prefix + "rope.scaling.original_context_length")) scaling["original_max_position_embeddings"] = *length;
  if (*type != "linear" && *type != "yarn")
    return Status::unsupported("{}: {}rope.scaling.type {}, expected none, linear or yarn", where, prefix, describe(*type));
  config["rope_scaling"] = scaling;
  return {};
}

}  // namespace

Result<Json> configOfGguf(const Json& metadata, const Checkpoint& checkpoint, const std::string& where) {
  const Json* architecture = find(metadata, "general.architecture");
  if (!architecture || !architecture->is_string()) return Status::invalidInput("{}: has no general.architecture", where);
  std::string known;
  for (const Architecture& row : kArchitectures) {
    known += fmt::format(" {}", row.gguf);
    if (*architecture != row.gguf) continue;
    std::string prefix = std::string(row.gguf) + ".";
    Json config = {{"model_type", row.modelType}};
    for (auto [gguf, hf] : kConfigKeys)
      if (const Json* value = find(metadata, prefix + std::string(gguf))) config[std::string(hf)] = *value;
    if (!config.contains("rope_theta")) config["rope_theta"] = 10000.0;
    if (find(metadata, prefix + "expert_count") && metadata[prefix + "expert_count"] != 0)
      return Status::unsupported("{}: {}expert_count: mixtures of experts are not supported", where, prefix);
    INGOT_TRY(readRopeScaling(metadata, prefix, config, where));
    const TensorInfo* embedding = checkpoint.find("token_embd.weight");
    if (!embedding || embedding->shape.size() != 2) return Status::invalidInput("{}: token_embd.weight is missing or no matrix", where);
    config["vocab_size"] = embedding->shape[0];
    config["tie_word_embeddings"] = checkpoint.find("output.weight") == nullptr;
    if (row.modelType == "llama") config["attention_bias"] = checkpoint.find("blk.0.attn_q.bias") != nullptr;
    if (row.modelType == "qwen3" && !config.contains("head_dim")) config["head_dim"] = 128;
    return config;
  }
  return Status::unsupported("{}: general.architecture {}, expected one of{}", where, describe(*architecture), known);
}

Result<Checkpoint> renameGgufTensors(Checkpoint&& checkpoint, const Json& config, const std::string& where) {
  bool paired = false;
  for (const Architecture& row : kArchitectures) paired |= config["model_type"] == row.modelType && row.pairedHeads;
  auto integer = [&](const char* key, int64_t fallback) {  // readConfig() refuses what is none
    const Json* value = find(config, key);
    return value && value->is_number_integer() ? value->get<int64_t>() : fallback;
  };
  int64_t heads = integer("num_attention_heads", 0), kvHeads = integer("num_key_value_heads", heads);
  Checkpoint renamed = std::move(checkpoint).withoutTensors();
  for (const auto& [name, info] : checkpoint.tensors()) {
    TensorInfo tensor = info;
    tensor.name = hfName(name);
    if (tensor.name.empty()) return Status::unsupported("{}: tensor {} has no place in a {} model", where, name, describe(config["model_type"]));
    bool isQ = tensor.name.find("q_proj.") != std::string::npos, isK = tensor.name.find("k_proj.") != std::string::npos;
    if (paired && (isQ || isK)) {
      int64_t count = isQ ? heads : kvHeads, rows = tensor.shape[0];
      if (tensor.shape.size() != 2) return Status::unsupported("{}: {}: a bias of q or k in a llama GGUF", where, name);
      if (count <= 0 || rows % (2 * count)) return Status::invalidInput("{}: {}: {} rows do not divide into {} heads", where, name, rows, count);
      tensor.pairedHeads = count;
    }
    INGOT_TRY(renamed.add(std::move(tensor)));
  }
  return renamed;
}

}  // namespace ingot
