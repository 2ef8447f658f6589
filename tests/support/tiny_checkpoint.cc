#include "tests/support/tiny_checkpoint.h"

#include <random>

#include "tests/support/temporary_folder.h"

namespace ingot::test {

TinyCheckpoint makeTinyLlama(uint64_t seed) {
  constexpr int64_t kHidden = 32, kMlp = 64, kVocab = 64;
  std::mt19937_64 engine(seed);
  TinyCheckpoint made;
  made.config = {{"architectures", {"LlamaForCausalLM"}},
                 {"model_type", "llama"},
                 {"hidden_size", kHidden},
                 {"intermediate_size", kMlp},
                 {"num_hidden_layers", 2},
                 {"num_attention_heads", 2},
                 {"num_key_value_heads", 1},
                 {"head_dim", 16},
                 {"vocab_size", kVocab},
                 {"max_position_embeddings", 128},
                 {"rms_norm_eps", 1e-5},
                 {"rope_theta", 10000.0},
                 {"hidden_act", "silu"},
                 {"tie_word_embeddings", false},
                 {"torch_dtype", "float32"},
                 {"bos_token_id", 1},
                 {"eos_token_id", 2}};
  auto add = [&](const std::string& name, std::vector<int64_t> shape, float deviation, float centre = 0) {
    TinyTensor tensor{std::move(shape), {}};
    int64_t count = 1;
    for (int64_t size : tensor.shape) count *= size;
    std::normal_distribution<float> values(centre, deviation);
    for (int64_t i = 0; i < count; ++i) tensor.values.push_back(values(engine));
    made.tensors[name] = std::move(tensor);
  };
  add("model.embed_tokens.weight", {kVocab, kHidden}, 1);
  for (int layer = 0; layer < 2; ++layer) {
    std::string at = "model.layers." + std::to_string(layer) + ".";
    add(at + "input_layernorm.weight", {kHidden}, 0.1f, 1);
    add(at + "self_attn.q_proj.weight", {32, kHidden}, 0.4f);
    add(at + "self_attn.k_proj.weight", {16, kHidden}, 0.4f);
    add(at + "self_attn.v_proj.weight", {16, kHidden}, 0.4f);
    add(at + "self_attn.o_proj.weight", {kHidden, 32}, 0.4f);
    add(at + "post_attention_layernorm.weight", {kHidden}, 0.1f, 1);
    add(at + "mlp.gate_proj.weight", {kMlp, kHidden}, 0.3f);
    add(at + "mlp.up_proj.weight", {kMlp, kHidden}, 0.3f);
    add(at + "mlp.down_proj.weight", {kHidden, kMlp}, 0.3f);
  }
  add("model.norm.weight", {kHidden}, 0.1f, 1);
  add("lm_head.weight", {kVocab, kHidden}, 0.5f);
  return made;
}

std::string safetensorsOf(const std::string& header, const std::string& data) { return bytesOf<uint64_t>(header.size()) + header + data; }

std::string safetensorsOf(const TinyTensors& tensors) {
  nlohmann::ordered_json header;
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    size_t first = data.size();
    data.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * 4);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {first, data.size()}}};
  }
  return safetensorsOf(header.dump(), data);
}

void writeCheckpoint(const std::filesystem::path& folder, const TinyCheckpoint& checkpoint) {
  std::filesystem::create_directories(folder);
  writeFile(folder / "config.json", checkpoint.config.dump());
  writeFile(folder / "model.safetensors", safetensorsOf(checkpoint.tensors));
}

std::string zipOf(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string file, directory;
  for (const auto& [name, data] : entries) {
    auto size = static_cast<uint32_t>(data.size());
    std::string common = bytesOf<uint16_t>(20) + bytesOf<uint16_t>(0) + bytesOf<uint16_t>(0) + bytesOf<uint32_t>(0) + bytesOf<uint32_t>(0) +
                         bytesOf(size) + bytesOf(size) + bytesOf(static_cast<uint16_t>(name.size())) + bytesOf<uint16_t>(0);
    directory += "PK\x01\x02" + bytesOf<uint16_t>(20) + common + std::string(6, '\0') + std::string(4, '\0') +
                 bytesOf(static_cast<uint32_t>(file.size())) + name;
    file += "PK\x03\x04" + common + name + data;
  }
  auto count = static_cast<uint16_t>(entries.size());
  return file + directory + "PK\x05\x06" + std::string(4, '\0') + bytesOf(count) + bytesOf(count) + bytesOf(static_cast<uint32_t>(directory.size())) +
         bytesOf(static_cast<uint32_t>(file.size())) + std::string(2, '\0');
}

}  // namespace ingot::test
