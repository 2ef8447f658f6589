// tokenizer.ggml.* of GGUF files.
#include "compiler/text/foreign_vocabulary.h"
#include "compiler/text/tokenizer_json.h"

namespace ingot {
namespace {

using GgufJson = nlohmann::ordered_json;

// enum llama_token_type.
enum TokenType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByteType = 6 };

const GgufJson* find(const GgufJson& metadata, const std::string& key) {
  auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &*found;
}

struct GgufVocabulary {
  std::vector<std::string> tokens;
  std::vector<int> types;
  std::vector<double> scores;
};

Result<GgufVocabulary> readLists(const GgufJson& metadata) {
  GgufVocabulary vocabulary;
  const GgufJson* tokens = find(metadata, "tokenizer.ggml.tokens");
  for (const GgufJson& token : *tokens) {
    if (!token.is_string()) return Status::invalidInput("tokenizer.ggml.tokens: entry {} is no text", vocabulary.tokens.size());
    vocabulary.tokens.push_back(token.get<std::string>());
  }
  size_t count = vocabulary.tokens.size();
  vocabulary.types.assign(count, kNormal);
  vocabulary.scores.assign(count, 0);
  auto numbers = [&](const char* key, auto set) -> Status {
    const GgufJson* list = find(metadata, key);
    if (!list) return {};
    if (!list->is_array() || list->size() != count) return Status::invalidInput("{}: expected a list of {}", key, count);
    for (size_t i = 0; i < count; ++i) {
      if (!(*list)[i].is_number()) return Status::invalidInput("{}: entry {} is no number", key, i);
      set(i, (*list)[i].get<double>());
    }
    return {};
  };
  INGOT_TRY(numbers("tokenizer.ggml.token_type", [&](size_t i, double value) { vocabulary.types[i] = static_cast<int>(value); }));
  INGOT_TRY(numbers("tokenizer.ggml.scores", [&](size_t i, double value) { vocabulary.scores[i] = value; }));
  return vocabulary;
}

bool flag(const GgufJson& metadata, const char* key, bool fallback) {
  const GgufJson* value = find(metadata, key);
  return value && value->is_boolean() ? value->get<bool>() : fallback;
}

std::optional<std::string> contentOf(const GgufJson& metadata, const char* key) {
  const GgufJson *id = find(metadata, key), *tokens = find(metadata, "tokenizer.ggml.tokens");
  if (!id || !id->is_number_integer() || !tokens || !tokens->is_array()) return std::nullopt;
  auto index = id->get<int64_t>();
  if (index < 0 || index >= static_cast<int64_t>(tokens->size()) || !(*tokens)[static_cast<size_t>(index)].is_string()) return std::nullopt;
  return (*tokens)[static_cast<size_t>(index)].get<std::string>();
}

TextJson processor(const GgufJson& metadata) {
  TextJson single = TextJson::array();
  auto add = [&](const char* key, const char* id) {
    auto content = contentOf(metadata, id);
    if (flag(metadata, key, false) && content) single.push_back({{"SpecialToken", {{"id", *content}, {"type_id", 0}}}});
  };
  add("tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id");
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  add("tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id");
  return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", TextJson::object()}};
}

constexpr const char* kCl100kLike =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr const char* kOneDigit =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

struct PreTokenizer {
  TextJson steps = TextJson::array();
  bool ignoreMerges = false;
};

TextJson regexSplit(const char* pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}
TextJson byteLevel(bool regex) { return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", regex}}; }

// The `pre` names of GGUF, as its converter gives them to known tokenizers.
Result<PreTokenizer> preTokenizer(const std::string& name) {
  PreTokenizer result;
  if (name == "gpt-2" || name == "default" || name == "phi-2" || name == "mpt" || name == "olmo") {
    result.steps = {byteLevel(true)};
  } else if (name == "llama-bpe" || name == "llama3" || name == "llama-v3") {
    result.steps = {regexSplit(kCl100kLike), byteLevel(false)};
    result.ignoreMerges = true;
  } else if (name == "qwen2") {
    result.steps = {regexSplit(kOneDigit), byteLevel(false)};
  } else if (name == "smollm" || name == "starcoder" || name == "refact" || name == "command-r") {
    result.steps = {TextJson{{"type", "Digits"}, {"individual_digits", true}}, byteLevel(true)};
  } else {
    return Status::unsupported("tokenizer.ggml.pre: {} is not known", name);
  }
  return result;
}

Result<TokenizerTables> readGpt2(const GgufJson& metadata, const std::string& where, const Note& note) {
  INGOT_ASSIGN(GgufVocabulary vocabulary, readLists(metadata));
  const GgufJson *merges = find(metadata, "tokenizer.ggml.merges"), *pre = find(metadata, "tokenizer.ggml.pre");
  if (!merges || !merges->is_array()) return Status::invalidInput("tokenizer.ggml.merges: is not a list");
  INGOT_ASSIGN(PreTokenizer steps, preTokenizer(pre && pre->is_string() ? pre->get<std::string>() : "default"));
  TextJson vocab = TextJson::object(), added = TextJson::array(), mergeList = TextJson::array();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& content = vocabulary.tokens[id];
    if (!vocab.emplace(content, id).second) return Status::invalidInput("tokenizer.ggml.tokens: \"{}\" stands twice", content);
    int type = vocabulary.types[id];
    if (type == kControl || type == kUserDefined || type == kUnknown)
      added.push_back({{"id", id}, {"content", content}, {"special", type != kUserDefined}, {"normalized", false},
                       {"lstrip", false}, {"rstrip", false}, {"single_word", false}});
  }
  for (const GgufJson& merge : *merges) {
    if (!merge.is_string()) return Status::invalidInput("tokenizer.ggml.merges: entry {} is no text", mergeList.size());
    mergeList.push_back(merge.get<std::string>());
  }
  TextJson json = {{"model", {{"type", "BPE"}, {"vocab", std::move(vocab)}, {"merges", std::move(mergeList)}, {"ignore_merges", steps.ignoreMerges}}},
                   {"added_tokens", std::move(added)},
                   {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", std::move(steps.steps)}}},
                   {"post_processor", processor(metadata)},
                   {"decoder", {{"type", "ByteLevel"}}}};
  return readTokenizerJson(json, where, note);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ggufSpecialTokens(const GgufJson& metadata) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"bos_token", "tokenizer.ggml.bos_token_id"},     {"eos_token", "tokenizer.ggml.eos_token_id"}, {"unk_token", "tokenizer.ggml.unknown_token_id"},
      {"sep_token", "tokenizer.ggml.seperator_token_id"}, {"pad_token", "tokenizer.ggml.padding_token_id"}, {"cls_token", "tokenizer.ggml.cls_token_id"},
      {"mask_token", "tokenizer.ggml.mask_token_id"}};
  std::vector<std::pair<std::string, std::string>> tokens;
  for (auto [name, key] : kNames)
    if (auto content = contentOf(metadata, key)) tokens.emplace_back(name, *content);
  return tokens;
}

Result<std::optional<TokenizerTables>> readGgufVocabulary(const GgufJson& metadata, const std::string& where, const Note& note) {
  const GgufJson *model = find(metadata, "tokenizer.ggml.model"), *tokens = find(metadata, "tokenizer.ggml.tokens");
  if (!model || !tokens) return std::optional<TokenizerTables>();
  if (!model->is_string() || !tokens->is_array()) return Status::invalidInput("{}: tokenizer.ggml.model is no text, or its tokens are no list", where);
  auto kind = model->get<std::string>();
  if (kind == "none" || kind == "no_vocab") return std::optional<TokenizerTables>();
  auto tables = kind == "gpt2" ? readGpt2(metadata, where, note)
                               : Result<TokenizerTables>(Status::unsupported("tokenizer.ggml.model: {} is not supported", kind));
  if (!tables.ok()) return tables.status().at(where);
  return std::optional(std::move(tables).value());
}

}  // namespace ingot
