// One row a model family: which config keys fill which fields, with the defaults of transformers, and the tensor names.
#include "compiler/import/config.h"

namespace ingot {
namespace {

constexpr int64_t kMaxWidth = 1 << 20;

const TensorNames kLlamaNames = {
    .prefixes = {"model."},
    .embedding = "embed_tokens",
    .finalNorm = "norm",
    .head = "lm_head",
    .attentionNorm = "layers.{}.input_layernorm",
    .q = "layers.{}.self_attn.q_proj",
    .k = "layers.{}.self_attn.k_proj",
    .v = "layers.{}.self_attn.v_proj",
    .qNorm = "layers.{}.self_attn.q_norm",
    .kNorm = "layers.{}.self_attn.k_norm",
    .o = "layers.{}.self_attn.o_proj",
    .mlpNorm = "layers.{}.post_attention_layernorm",
    .gate = "layers.{}.mlp.gate_proj",
    .up = "layers.{}.mlp.up_proj",
    .down = "layers.{}.mlp.down_proj",
    .ignorable = {"rotary_emb.inv_freq", "rope_freqs.weight"},
};

const TensorNames kOptNames = {
    .prefixes = {"model.decoder.", "decoder."},
    .embedding = "embed_tokens",
    .positions = "embed_positions",
    .projectIn = "project_in",
    .projectOut = "project_out",
    .finalNorm = "final_layer_norm",
    .head = "lm_head",
    .attentionNorm = "layers.{}.self_attn_layer_norm",
    .q = "layers.{}.self_attn.q_proj",
    .k = "layers.{}.self_attn.k_proj",
    .v = "layers.{}.self_attn.v_proj",
    .o = "layers.{}.self_attn.out_proj",
    .mlpNorm = "layers.{}.final_layer_norm",
    .up = "layers.{}.fc1",
    .down = "layers.{}.fc2",
};

const TensorNames kGpt2Names = {
    .prefixes = {"transformer.", ""},
    .embedding = "wte",
    .positions = "wpe",
    .finalNorm = "ln_f",
    .head = "lm_head",
    .attentionNorm = "h.{}.ln_1",
    .qkv = "h.{}.attn.c_attn",
    .o = "h.{}.attn.c_proj",
    .mlpNorm = "h.{}.ln_2",
    .up = "h.{}.mlp.c_fc",
    .down = "h.{}.mlp.c_proj",
    .ignorable = {".attn.bias", ".attn.masked_bias"},
};

const TensorNames kBloomNames = {
    .prefixes = {"transformer.", ""},
    .embedding = "word_embeddings",
    .embeddingNorm = "word_embeddings_layernorm",
    .finalNorm = "ln_f",
    .head = "lm_head",
    .attentionNorm = "h.{}.input_layernorm",
    .qkv = "h.{}.self_attention.query_key_value",
    .o = "h.{}.self_attention.dense",
    .mlpNorm = "h.{}.post_attention_layernorm",
    .up = "h.{}.mlp.dense_h_to_4h",
    .down = "h.{}.mlp.dense_4h_to_h",
};

Status readActivation(ConfigReader& config, const std::string& key, const std::string& fallback, DecoderSpec& spec) {
  INGOT_ASSIGN(std::string name, config.text(key, fallback));
  if (name == "silu" || name == "swish") spec.activation = Activation::silu;
  else if (name == "relu") spec.activation = Activation::relu;
  else if (name == "gelu") spec.activation = Activation::gelu;
  else if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") spec.activation = Activation::geluTanh;
  else return config.wrong(key, "silu, relu, gelu, gelu_new or gelu_pytorch_tanh");
  return {};
}

Status checkHeads(ConfigReader& config, const DecoderSpec& spec) {
  if (spec.heads % spec.kvHeads != 0)
    return Status::invalidInput("{}: {} attention heads do not divide over {} key/value heads", config.where(), spec.heads, spec.kvHeads);
  if (spec.headDim % 16 != 0 || spec.headDim > 256)
    return Status::unsupported("{}: head dimension {} is not a multiple of 16 up to 256", config.where(), spec.headDim);
  return {};
}

// What Llama, Mistral and Qwen configs share.
Status fillLlamaLike(ConfigReader& config, DecoderSpec& spec, int64_t defaultPositions, double defaultTheta) {
  spec.names = kLlamaNames;
  INGOT_ASSIGN(spec.hidden, config.integer("hidden_size", std::nullopt, 16, kMaxWidth));
  INGOT_ASSIGN(spec.layers, config.integer("num_hidden_layers", std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.heads, config.integer("num_attention_heads", std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.kvHeads, config.integer("num_key_value_heads", spec.heads, 1, spec.heads));
  if (spec.hidden % spec.heads != 0 && !config.has("head_dim"))
    return config.wrong("head_dim", fmt::format("a value, for hidden_size {} does not divide into {} heads", spec.hidden, spec.heads));
  INGOT_ASSIGN(spec.headDim, config.integer("head_dim", spec.hidden / spec.heads, 1, 1024));
  INGOT_ASSIGN(spec.intermediate, config.integer("intermediate_size", std::nullopt, 1, kMaxWidth));
  INGOT_ASSIGN(spec.vocab, config.integer("vocab_size", std::nullopt, 1, 1 << 24));
  INGOT_ASSIGN(spec.maxPositions, config.integer("max_position_embeddings", defaultPositions, 1, 1 << 24));
  INGOT_ASSIGN(spec.epsilon, config.number("rms_norm_eps", 1e-6));
  INGOT_ASSIGN(spec.tiedHead, config.boolean("tie_word_embeddings", false));
  INGOT_TRY(readActivation(config, "hidden_act", "silu", spec));
  INGOT_TRY(checkHeads(config, spec));
  return readRope(config, spec, defaultTheta);
}

// `layer_types` says of every layer whether it slides; without it, layers from `firstSliding` on do.
Status readWindows(ConfigReader& config, DecoderSpec& spec, int64_t window, int64_t firstSliding) {
  spec.windows.assign(static_cast<size_t>(spec.layers), 0);
  const auto* types = config.value("layer_types");
  if (types && (!types->is_array() || types->size() != static_cast<size_t>(spec.layers)))
    return config.wrong("layer_types", fmt::format("a list of {} names", spec.layers));
  for (int64_t layer = 0; layer < spec.layers; ++layer) {
    bool slides = layer >= firstSliding;
    if (types) {
      const auto& type = (*types)[static_cast<size_t>(layer)];
      if (type != "full_attention" && type != "sliding_attention")
        return config.wrong("layer_types", "full_attention or sliding_attention for every layer");
      slides = type == "sliding_attention";
      if (slides && window == 0) return config.wrong("sliding_window", "a window, for layer_types has sliding layers");
    }
    if (slides) spec.windows[static_cast<size_t>(layer)] = window;
  }
  return {};
}

Status fillLlama(ConfigReader& config, DecoderSpec& spec) {
  INGOT_TRY(fillLlamaLike(config, spec, 2048, 10000));
  INGOT_ASSIGN(spec.qkvBias, config.boolean("attention_bias", false));
  spec.outputBias = spec.qkvBias;
  INGOT_ASSIGN(spec.mlpBias, config.boolean("mlp_bias", false));
  return readWindows(config, spec, 0, spec.layers);
}

Status fillMistral(ConfigReader& config, DecoderSpec& spec) {
  INGOT_TRY(fillLlamaLike(config, spec, 4096 * 32, 10000));
  INGOT_ASSIGN(int64_t window, config.integer("sliding_window", 0, 0, 1 << 24));
  return readWindows(config, spec, window, 0);
}

Status readQwenWindows(ConfigReader& config, DecoderSpec& spec) {
  INGOT_ASSIGN(bool slides, config.boolean("use_sliding_window", false));
  INGOT_ASSIGN(int64_t window, config.integer("sliding_window", 4096, 0, 1 << 24));
  INGOT_ASSIGN(int64_t firstSliding, config.integer("max_window_layers", 28, 0, 1 << 24));
  return readWindows(config, spec, slides ? window : 0, firstSliding);
}

Status fillQwen2(ConfigReader& config, DecoderSpec& spec) {
  INGOT_TRY(fillLlamaLike(config, spec, 32768, 10000));
  spec.qkvBias = true;
  return readQwenWindows(config, spec);
}

Status fillQwen3(ConfigReader& config, DecoderSpec& spec) {
  INGOT_TRY(config.has("head_dim") ? Status() : config.wrong("head_dim", "a value: Qwen3 does not derive it"));
  INGOT_TRY(fillLlamaLike(config, spec, 32768, 10000));
  INGOT_ASSIGN(spec.qkvBias, config.boolean("attention_bias", false));
  spec.outputBias = spec.qkvBias;
  spec.headNorm = true;
  return readQwenWindows(config, spec);
}

Status fillOpt(ConfigReader& config, DecoderSpec& spec) {
  spec.names = kOptNames;
  spec.norm = Norm::layer;
  spec.epsilon = 1e-5;
  spec.gatedMlp = false;
  spec.learnedPositions = true;
  spec.positionOffset = 2;
  INGOT_ASSIGN(spec.hidden, config.integer("hidden_size", std::nullopt, 16, kMaxWidth));
  INGOT_ASSIGN(spec.layers, config.integer("num_hidden_layers", std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.heads, config.integer("num_attention_heads", std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.intermediate, config.integer("ffn_dim", std::nullopt, 1, kMaxWidth));
  INGOT_ASSIGN(spec.vocab, config.integer("vocab_size", std::nullopt, 1, 1 << 24));
  INGOT_ASSIGN(spec.maxPositions, config.integer("max_position_embeddings", 2048, 1, 1 << 24));
  INGOT_ASSIGN(int64_t embeddingDim, config.integer("word_embed_proj_dim", spec.hidden, 16, kMaxWidth));
  spec.embeddingDim = embeddingDim == spec.hidden ? 0 : embeddingDim;
  INGOT_ASSIGN(bool before, config.boolean("do_layer_norm_before", true));
  spec.normPlace = before ? NormPlace::before : NormPlace::after;
  INGOT_ASSIGN(bool removed, config.boolean("_remove_final_layer_norm", false));
  spec.finalNorm = before && !removed;
  INGOT_ASSIGN(bool bias, config.boolean("enable_bias", true));
  spec.qkvBias = spec.outputBias = spec.mlpBias = bias;
  INGOT_ASSIGN(bool affine, config.boolean("layer_norm_elementwise_affine", true));
  if (!affine) return config.wrong("layer_norm_elementwise_affine", "true");
  INGOT_ASSIGN(spec.tiedHead, config.boolean("tie_word_embeddings", true));
  INGOT_TRY(readActivation(config, "activation_function", "relu", spec));
  if (spec.hidden % spec.heads) return config.wrong("num_attention_heads", "a divisor of hidden_size");
  spec.kvHeads = spec.heads;
  spec.headDim = spec.hidden / spec.heads;
  return checkHeads(config, spec);
}

Status fillGpt2(ConfigReader& config, DecoderSpec& spec) {
  spec.names = kGpt2Names;
  spec.norm = Norm::layer;
  spec.gatedMlp = false;
  spec.learnedPositions = true;
  spec.transposedLinear = true;
  spec.qkvBias = spec.outputBias = spec.mlpBias = true;
  INGOT_ASSIGN(spec.hidden, config.integer("n_embd", std::nullopt, 16, kMaxWidth));
  INGOT_ASSIGN(spec.layers, config.integer("n_layer", std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.heads, config.integer("n_head", std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.intermediate, config.integer("n_inner", 4 * spec.hidden, 1, kMaxWidth));
  INGOT_ASSIGN(spec.vocab, config.integer("vocab_size", std::nullopt, 1, 1 << 24));
  INGOT_ASSIGN(spec.maxPositions, config.integer("n_positions", 1024, 1, 1 << 24));
  INGOT_ASSIGN(spec.epsilon, config.number("layer_norm_epsilon", 1e-5));
  INGOT_ASSIGN(spec.tiedHead, config.boolean("tie_word_embeddings", true));
  INGOT_ASSIGN(bool scaled, config.boolean("scale_attn_weights", true));
  if (!scaled) spec.attentionScale = 1;
  INGOT_ASSIGN(spec.scaleByLayer, config.boolean("scale_attn_by_inverse_layer_idx", false));
  INGOT_TRY(readActivation(config, "activation_function", "gelu_new", spec));
  if (spec.hidden % spec.heads) return config.wrong("n_head", "a divisor of n_embd");
  spec.kvHeads = spec.heads;
  spec.headDim = spec.hidden / spec.heads;
  return checkHeads(config, spec);
}

// Files spell the sizes in one of two ways. Biases know no last position, but the model was trained on so many: they are the limit, as
// with vLLM.
Status fillBloom(ConfigReader& config, DecoderSpec& spec) {
  spec.names = kBloomNames;
  spec.norm = Norm::layer;
  spec.gatedMlp = false;
  spec.alibi = spec.qkvByHead = true;
  spec.qkvBias = spec.outputBias = spec.mlpBias = true;
  spec.activation = Activation::geluTanh;
  auto named = [&](const char* name, const char* other) { return config.has(name) ? name : other; };
  INGOT_ASSIGN(spec.hidden, config.integer(named("n_embed", "hidden_size"), std::nullopt, 16, kMaxWidth));
  INGOT_ASSIGN(spec.layers, config.integer(named("num_hidden_layers", "n_layer"), std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.heads, config.integer(named("num_attention_heads", "n_head"), std::nullopt, 1, 4096));
  INGOT_ASSIGN(spec.vocab, config.integer("vocab_size", std::nullopt, 1, 1 << 24));
  INGOT_ASSIGN(spec.maxPositions, config.integer("seq_length", 2048, 1, 1 << 24));
  INGOT_ASSIGN(spec.epsilon, config.number("layer_norm_epsilon", 1e-5));
  INGOT_ASSIGN(spec.tiedHead, config.boolean("tie_word_embeddings", true));
  INGOT_ASSIGN(bool behindNorm, config.boolean("apply_residual_connection_post_layernorm", false));
  if (behindNorm) return config.wrong("apply_residual_connection_post_layernorm", "false");
  if (spec.hidden % spec.heads) return config.wrong(named("num_attention_heads", "n_head"), "a divisor of the hidden size");
  spec.intermediate = 4 * spec.hidden;
  spec.kvHeads = spec.heads;
  spec.headDim = spec.hidden / spec.heads;
  return checkHeads(config, spec);
}

constexpr Family kFamilies[] = {
    {"llama", "LlamaForCausalLM", fillLlama}, {"mistral", "MistralForCausalLM", fillMistral},
    {"qwen2", "Qwen2ForCausalLM", fillQwen2}, {"qwen3", "Qwen3ForCausalLM", fillQwen3},
    {"opt", "OPTForCausalLM", fillOpt},       {"gpt2", "GPT2LMHeadModel", fillGpt2},
    {"bloom", "BloomForCausalLM", fillBloom},
};

}  // namespace

std::span<const Family> families() { return kFamilies; }

}  // namespace ingot
