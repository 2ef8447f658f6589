// Checkpoints that lie or lack something: one clear line, the right status, nothing left behind.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "tests/cli/command.h"

namespace ingot::test {
namespace {

namespace fs = std::filesystem;

constexpr int kRefused = 1;

class BadCheckpoint : public ::testing::Test, protected Workplace {
 protected:
  void header(const std::string& text, const std::string& data = std::string(64, '\0')) {
    writeFile(checkpoint / "model.safetensors", safetensorsOf(text, data));
  }
  template <class Change>
  void config(Change change) {
    auto tiny = makeTinyLlama();
    change(tiny.config);
    writeFile(checkpoint / "config.json", tiny.config.dump());
  }
  template <class Change>
  void tensors(Change change) {
    auto tiny = makeTinyLlama();
    change(tiny.tensors);
    writeFile(checkpoint / "model.safetensors", safetensorsOf(tiny.tensors));
  }
};

TEST_F(BadCheckpoint, NamesCannotBreakTheLine) {
  tensors([](auto& t) { t["two\nlines\r\x1b[2J"] = t["lm_head.weight"]; });
  expectRefusal(kRefused, {"two\\nlines\\x0d\\x1b[2J"});
}

TEST_F(BadCheckpoint, GoodOneCompiles) {
  Ran ran = compile();
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(fs::exists(output));
  EXPECT_TRUE(fs::is_empty(temporary));
}

TEST_F(BadCheckpoint, Missing) {
  expectRefusal(kRefused, {"does not exist"}, {}, (folder / "nothing").string());
  expectRefusal(kRefused, {"hf download"}, {}, "nobody/nothing");
  expectRefusal(kRefused, {"x.gguf"}, {}, (folder / "x.gguf").string());
  fs::remove(checkpoint / "model.safetensors");
  expectRefusal(kRefused, {"no model.safetensors"});
  fs::remove(checkpoint / "config.json");
  expectRefusal(kRefused, {"has no config.json"});
}

TEST_F(BadCheckpoint, TruncatedShard) {
  for (uintmax_t size : {0, 7, 8, 100, 20000}) {
    fs::resize_file(checkpoint / "model.safetensors", size);
    expectRefusal(kRefused, {"model.safetensors"});
    writeCheckpoint(checkpoint, makeTinyLlama());
  }
}

TEST_F(BadCheckpoint, HeaderOverlaps) {
  header(R"({"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"b":{"dtype":"F32","shape":[10],"data_offsets":[24,64]}})");
  expectRefusal(kRefused, {"b", "overlap"});
}

TEST_F(BadCheckpoint, HeaderLeavesAHole) {
  header(R"({"a":{"dtype":"F32","shape":[8],"data_offsets":[32,64]}})");
  expectRefusal(kRefused, {"a", "hole"});
}

TEST_F(BadCheckpoint, HeaderOverflows) {
  header(R"({"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,64]}})");
  expectRefusal(kRefused, {"a", "64 bytes"});
  header(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[18446744073709551615,15]}})");
  expectRefusal(kRefused, {"data_offsets"});
  header(R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,64]}})");
  expectRefusal(kRefused, {"9223372036854775808"});
  header(R"({"a":{"dtype":"F32","shape":[-16],"data_offsets":[0,64]}})");
  expectRefusal(kRefused, {"-16"});
  for (uint64_t size : {~0ull, 1ull << 63, 100000001ull}) {
    writeFile(checkpoint / "model.safetensors", bytesOf(size) + std::string(100, ' '));
    expectRefusal(kRefused, {"header says " + std::to_string(size)});
  }
}

TEST_F(BadCheckpoint, HeaderNamesATensorTwice) {
  header(R"({"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"a":{"dtype":"F32","shape":[8],"data_offsets":[32,64]}})");
  expectRefusal(kRefused, {"\"a\"", "twice"});
}

TEST_F(BadCheckpoint, HeaderOfNonsense) {
  header("{");
  expectRefusal(kRefused, {"JSON"});
  header("[]");
  expectRefusal(kRefused, {"not an object"});
  header(std::string(100000, '['));
  expectRefusal(kRefused, {"deeper"});
  header(R"({"a":{"dtype":"Q9","shape":[8],"data_offsets":[0,32]}})");
  expectRefusal(kRefused, {"Q9", "F32"});
  header(std::string("{\"\xff\":1}"));
  expectRefusal(kRefused, {"JSON"});
}

TEST_F(BadCheckpoint, IndexNamesAMissingShard) {
  fs::remove(checkpoint / "model.safetensors");
  writeFile(checkpoint / "model.safetensors.index.json", R"({"weight_map":{"a":"model-00001-of-00002.safetensors"}})");
  expectRefusal(kRefused, {"model-00001-of-00002.safetensors", "not in the folder"});
  for (const char* name : {"../x", "/etc/passwd", "", ".."}) {
    writeFile(checkpoint / "model.safetensors.index.json", std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    expectRefusal(kRefused, {"plain file name"});
  }
}

TEST_F(BadCheckpoint, ConfigKeys) {
  config([](auto& c) { c["mystery_factor"] = 2; });
  expectRefusal(kRefused, {"mystery_factor", "not known"});
  config([](auto& c) { c["model_type"] = "flux"; });
  expectRefusal(kRefused, {"flux", "llama"});
  config([](auto& c) { c["hidden_size"] = "32"; });
  expectRefusal(kRefused, {"hidden_size"});
  config([](auto& c) { c["num_attention_heads"] = 0; });
  expectRefusal(kRefused, {"num_attention_heads"});
  config([](auto& c) { c["vocab_size"] = 1e300; });
  expectRefusal(kRefused, {"vocab_size"});
  config([](auto& c) { c["num_key_value_heads"] = 3; });
  expectRefusal(kRefused, {"heads"});
  config([](auto& c) { c["quantization_config"] = {{"bits", 4}}; });
  expectRefusal(kRefused, {"quantization_config", "quant_method"});
  config([](auto& c) { c["quantization_config"] = {{"quant_method", "gptq"}, {"bits", 4}}; });
  expectRefusal(kRefused, {"quant_method is \"gptq\"", "expected fp8, or compressed-tensors", "float-quantized"});
  config([](auto& c) { c["quantization_config"] = {{"quant_method", "compressed-tensors"}, {"format", "pack-quantized"}}; });
  expectRefusal(kRefused, {"format is \"pack-quantized\"", "float-quantized"});
  config([](auto& c) { c["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {128}}}; });
  expectRefusal(kRefused, {"weight_block_size", "[128]"});
  config([](auto& c) { c["quantization_config"] = {{"quant_method", "fp8"}, {"surprise", 1}}; });
  expectRefusal(kRefused, {"quantization_config", "surprise"});
  config([](auto& c) {
    c = {{"model_type", "bloom"}, {"hidden_size", 64}, {"n_layer", 1},
         {"n_head", 4},           {"vocab_size", 96},  {"apply_residual_connection_post_layernorm", true}};
  });
  expectRefusal(kRefused, {"apply_residual_connection_post_layernorm is true", "expected false"});
  writeFile(checkpoint / "config.json", "{\"model_type\":");
  expectRefusal(kRefused, {"config.json", "JSON"});
}

TEST_F(BadCheckpoint, EightBitFloats) {
  const std::string name = "model.layers.0.mlp.down_proj.weight";
  auto tensors = makeTinyLlama().tensors;
  tensors.erase(name);
  // The matrix as [32, 64] codes of one, and `scales` of the shape given.
  auto write = [&](const std::string& scales, const std::vector<int64_t>& shape, size_t count, const std::string& code = "\x38") {
    auto all = tensors;
    if (count) all[scales] = {shape, std::vector<float>(count, 0.25f)};
    std::string file = safetensorsOf(all);
    uint64_t headerBytes;
    std::memcpy(&headerBytes, file.data(), 8);
    auto header = nlohmann::ordered_json::parse(file.substr(8, headerBytes));
    std::string data = file.substr(8 + headerBytes);
    header[name] = {{"dtype", "F8_E4M3"}, {"shape", {32, 64}}, {"data_offsets", {data.size(), data.size() + 2048}}};
    for (int i = 0; i < 2048; ++i) data += code;
    writeFile(checkpoint / "model.safetensors", safetensorsOf(header.dump(), data));
  };
  write("", {}, 0);
  expectRefusal(kRefused, {name, name + "_scale", "_scale_inv"});
  write(name + "_scale", {3}, 3);
  expectRefusal(kRefused, {name + "_scale", "[3]", "f8[32,64]"});
  write(name + "_scale", {1}, 1, "\x7f");
  expectRefusal(kRefused, {name, "nan"});
  for (auto [shape, count] : {std::pair(std::vector<int64_t>{}, 1), {{1}, 1}, {{32}, 32}, {{32, 1}, 32}}) {
    write(name + "_scale", shape, static_cast<size_t>(count));
    Ran ran = compile();
    EXPECT_EQ(ran.status, 0) << ran.err;
  }
  config([](auto& c) { c["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {16, 32}}}; });
  write(name + "_scale_inv", {2, 2}, 4);
  EXPECT_EQ(compile().status, 0);
  tensors["model.layers.0.mlp.down_proj.input_scale"] = {{1}, {1.0f}};
  write(name + "_scale_inv", {2, 2}, 4);
  Ran ran = runCommand({INGOTC, checkpoint.string(), "-o", output.string()}, temporary);
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.err.find("down_proj.input_scale"), std::string::npos) << ran.err;
}

TEST_F(BadCheckpoint, Tensors) {
  tensors([](auto& t) { t["model.layers.0.mlp.up_proj.weight"].shape = {32, 64}; });
  expectRefusal(kRefused, {"model.layers.0.mlp.up_proj.weight", "[64,32]", "[32,64]"});
  tensors([](auto& t) { t.erase("model.norm.weight"); });
  expectRefusal(kRefused, {"norm.weight", "does not have it"});
  tensors([](auto& t) { t["model.layers.2.mlp.up_proj.weight"] = {{64, 32}, std::vector<float>(2048)}; });
  expectRefusal(kRefused, {"model.layers.2.mlp.up_proj.weight", "does not use it"});
  for (const char* name : {"model.embed_tokens.weight", "model.layers.1.input_layernorm.weight", "lm_head.weight"})
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      tensors([&](auto& t) { t[name].values.back() = bad; });
      expectRefusal(kRefused, {name});
    }
}

TEST_F(BadCheckpoint, NanWeightsQuantised) {
  tensors([](auto& t) { t["model.layers.1.self_attn.q_proj.weight"].values[5] = std::numeric_limits<float>::quiet_NaN(); });
  expectRefusal(kRefused, {"q_proj.weight"}, {"--quantize=int4"});
}

}  // namespace
}  // namespace ingot::test
