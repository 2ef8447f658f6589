// A whole GGUF file: the same model as the folder, with its tokenizer, and for token ids only without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/command.h"

namespace ingot::test {
namespace {

using ::testing::HasSubstr;

enum ValueType : uint32_t { kI32 = 5, kU32 = 4, kF32 = 6, kText = 8, kList = 9 };

std::string entry(const std::string& key, ValueType type, const std::string& value) { return ggufText(key) + bytesOf<uint32_t>(type) + value; }
std::string listOf(ValueType type, const std::vector<std::string>& values) {
  std::string bytes = bytesOf<uint32_t>(type) + bytesOf<uint64_t>(values.size());
  for (const auto& value : values) bytes += value;
  return bytes;
}

std::vector<std::string> metadataOf(const nlohmann::ordered_json& config) {
  std::vector<std::string> entries = {entry("general.architecture", kText, ggufText("llama"))};
  for (auto [key, name] : {std::pair{"block_count", "num_hidden_layers"},
                           {"embedding_length", "hidden_size"},
                           {"feed_forward_length", "intermediate_size"},
                           {"attention.head_count", "num_attention_heads"},
                           {"attention.head_count_kv", "num_key_value_heads"},
                           {"context_length", "max_position_embeddings"}})
    entries.push_back(entry(std::string("llama.") + key, kU32, bytesOf<uint32_t>(config[name].get<uint32_t>())));
  entries.push_back(entry("llama.attention.layer_norm_rms_epsilon", kF32, bytesOf(1e-5f)));
  return entries;
}

// 64 pieces: three special ones, the space, small letters and digits, and enough words to fill up.
std::vector<std::string> tokenizer() {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "\u2581"}, texts, scores, types;
  for (char c = 'a'; c <= 'z'; ++c) tokens.emplace_back(1, c);
  for (char c = '0'; c <= '9'; ++c) tokens.emplace_back(1, c);
  while (tokens.size() < 64) tokens.push_back("word" + std::to_string(tokens.size()));
  for (size_t id = 0; id < tokens.size(); ++id) {
    texts.push_back(ggufText(tokens[id]));
    scores.push_back(bytesOf(-static_cast<float>(id)));
    types.push_back(bytesOf<int32_t>(id == 0 ? 2 : id < 3 ? 3 : 1));  // unknown, control, normal
  }
  return {entry("tokenizer.ggml.model", kText, ggufText("llama")),          entry("tokenizer.ggml.tokens", kList, listOf(kText, texts)),
          entry("tokenizer.ggml.scores", kList, listOf(kF32, scores)),      entry("tokenizer.ggml.token_type", kList, listOf(kI32, types)),
          entry("tokenizer.ggml.bos_token_id", kU32, bytesOf<uint32_t>(1)), entry("tokenizer.ggml.eos_token_id", kU32, bytesOf<uint32_t>(2))};
}

// Rows 2 i and 2 i + 1 of a head of 16 are its rows i and i + 8 in the folder.
std::vector<float> paired(const TinyTensor& tensor) {
  auto columns = static_cast<size_t>(tensor.shape[1]);
  std::vector<float> values;
  for (size_t row = 0; row < static_cast<size_t>(tensor.shape[0]); ++row) {
    size_t from = row / 16 * 16 + row % 16 / 2 + row % 2 * 8;
    values.insert(values.end(), tensor.values.begin() + static_cast<std::ptrdiff_t>(from * columns),
                  tensor.values.begin() + static_cast<std::ptrdiff_t>((from + 1) * columns));
  }
  return values;
}

std::string ggufName(std::string name) {
  for (auto [from, to] : {std::pair{"model.layers.", "blk."},
                          {"model.embed_tokens", "token_embd"},
                          {"model.norm", "output_norm"},
                          {"lm_head", "output"},
                          {"input_layernorm", "attn_norm"},
                          {"post_attention_layernorm", "ffn_norm"},
                          {"self_attn.o_proj", "attn_output"},
                          {"self_attn.", "attn_"},
                          {"mlp.", "ffn_"},
                          {"_proj", ""}})
    if (auto at = name.find(from); at != std::string::npos) name.replace(at, std::string_view(from).size(), to);
  return name;
}

std::string ggufOf(const TinyCheckpoint& tiny, const std::vector<std::string>& metadata) {
  std::string head = "GGUF" + bytesOf<uint32_t>(3) + bytesOf<uint64_t>(tiny.tensors.size()) + bytesOf<uint64_t>(metadata.size()), data;
  for (const auto& one : metadata) head += one;
  for (const auto& [name, tensor] : tiny.tensors) {
    bool isPaired = name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos;
    std::vector<float> values = isPaired ? paired(tensor) : tensor.values;
    head += ggufText(ggufName(name)) + bytesOf<uint32_t>(static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) head += bytesOf<uint64_t>(static_cast<uint64_t>(tensor.shape[i]));
    head += bytesOf<uint32_t>(0) + bytesOf<uint64_t>(data.size());  // F32
    data.append(reinterpret_cast<const char*>(values.data()), values.size() * 4);
    data.resize((data.size() + 31) / 32 * 32);
  }
  head.resize((head.size() + 31) / 32 * 32);
  return head + data;
}

class Gguf : public ::testing::Test, protected Workplace {
 protected:
  std::string file = folder / "x.gguf";

  // The tiny model, with `more` metadata.
  void write(const std::vector<std::string>& more) const {
    TinyCheckpoint tiny = makeTinyLlama();
    std::vector<std::string> metadata = metadataOf(tiny.config);
    metadata.insert(metadata.end(), more.begin(), more.end());
    writeFile(file, ggufOf(tiny, metadata));
  }
  // Compiles it, and gives what ingotc said.
  std::string compileWith(const std::vector<std::string>& more) const {
    write(more);
    Ran ran = runCommand({INGOTC, file, "-o", output, "--dtype=float32"}, temporary);
    EXPECT_EQ(ran.status, 0) << ran.err;
    return ran.err;
  }
  std::string ids() {
    Ran ran = runCommand(
        {INGOT, "generate", output, "--prompt-token-ids", "5,6,7", "--temperature", "0", "--max-tokens", "20", "--ignore-eos", "--json"}, temporary);
    EXPECT_EQ(ran.status, 0) << ran.err;
    return nlohmann::json::parse(ran.out)["outputs"][0]["token_ids"].dump();
  }
};

TEST_F(Gguf, IsTheModelOfTheFolder) {
  EXPECT_EQ(compile({"--dtype=float32"}).status, 0);
  std::string expected = ids();
  compileWith(tokenizer());
  EXPECT_EQ(ids(), expected);
  Ran ran = runCommand({INGOT, "generate", output, "abc 12", "--max-tokens", "3", "--json"}, temporary);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(R"("prompt_token_ids":[1,3,4,5,6,3,31,32])"));
}

TEST_F(Gguf, WithoutATokenizerTakesTokenIdsOnly) {
  EXPECT_EQ(compile({"--dtype=float32"}).status, 0);
  std::string expected = ids();
  EXPECT_THAT(compileWith({}), HasSubstr("x.gguf: has no tokenizer; the model takes and gives token ids only"));
  EXPECT_EQ(ids(), expected);
  Ran ran = runCommand({INGOT, "generate", output, "abc"}, temporary);
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("without a tokenizer"));
}

TEST_F(Gguf, WithHalfATokenizerIsRefused) {
  std::vector<std::string> entries = tokenizer();
  entries[2] = entry("tokenizer.ggml.scores", kList, listOf(kF32, {bytesOf(0.5f)}));
  write(entries);
  expectRefusal(1, {"x.gguf", "tokenizer.ggml.scores", "expected a list of 64"}, {}, file);
}

}  // namespace
}  // namespace ingot::test
