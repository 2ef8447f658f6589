// A tiny random Llama as a Hugging Face folder, written from C++: f32, no tokenizer. Tests also write damaged ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ingot::test {

struct TinyTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};
using TinyTensors = std::map<std::string, TinyTensor>;

struct TinyCheckpoint {
  nlohmann::ordered_json config;
  TinyTensors tensors;
};

// Hidden 32, 2 layers, 2 heads of 16 over 1 KV head, vocabulary 64, up to 128 tokens.
TinyCheckpoint makeTinyLlama(uint64_t seed = 1);

// The bytes of a safetensors file: 8 bytes of size, header, data.
std::string safetensorsOf(const TinyTensors& tensors);
std::string safetensorsOf(const std::string& header, const std::string& data);

// config.json and model.safetensors.
void writeCheckpoint(const std::filesystem::path& folder, const TinyCheckpoint& checkpoint);

// Little-endian values, for files that tests assemble.
template <class T>
std::string bytesOf(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
inline std::string ggufText(const std::string& text) { return bytesOf<uint64_t>(text.size()) + text; }

// A zip file of stored entries, as torch.save writes them.
std::string zipOf(const std::vector<std::pair<std::string, std::string>>& entries);

}  // namespace ingot::test
