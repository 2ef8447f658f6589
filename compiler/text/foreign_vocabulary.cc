// Which vocabulary a folder has; vocab.json + merges.txt, as GPT-2 and OPT ship them, is written as the tokenizer.json that
// says the same.
#include "compiler/text/foreign_vocabulary.h"

#include <algorithm>
#include <set>

#include "compiler/support/file.h"
#include "compiler/text/sentencepiece_model.h"
#include "compiler/text/tokenizer_json.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;

// One merge a line: two tokens and a space between them; a first line with the version is no merge.
Result<TextJson> readMergesFile(const fs::path& path) {
  INGOT_ASSIGN(std::string text, readTextFile(path));
  TextJson merges = TextJson::array();
  size_t line = 0;
  for (size_t at = 0; at < text.size(); ++line) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string merge = text.substr(at, end - at);
    at = end + 1;
    if (!merge.empty() && merge.back() == '\r') merge.pop_back();
    if (merge.empty() || merge.compare(0, 8, "#version") == 0) continue;
    if (std::count(merge.begin(), merge.end(), ' ') != 1)
      return Status::invalidInput("{}: line {}: \"{}\" is not two tokens", path.string(), line + 1, merge);
    merges.push_back(std::move(merge));
  }
  return merges;
}

// Every token that the side files name, as entries of "added_tokens".
class AddedTokenList {
 public:
  Status fromConfig(const TextJson& config) {
    const TextJson* decoder = config.is_object() ? memberObject(config, "added_tokens_decoder") : nullptr;
    if (!decoder) return {};
    std::map<int64_t, TextJson> byId;
    for (const auto& [id, token] : decoder->items()) {
      if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos || !token.is_object())
        return Status::invalidInput("added_tokens_decoder: \"{}\" is no id with a token", id);
      byId[std::stoll(id)] = token;
    }
    for (auto& [id, token] : byId) INGOT_TRY(add(token, token.value("special", false), id));
    return {};
  }

  Status fromSpecialTokens(const TextJson& config) {
    if (!config.is_object()) return {};
    for (const char* name : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
      if (config.contains(name) && !config[name].is_null() && !config[name].is_boolean()) INGOT_TRY(add(config[name], true, -1));
    if (config.contains("additional_special_tokens") && config["additional_special_tokens"].is_array())
      for (const TextJson& token : config["additional_special_tokens"]) INGOT_TRY(add(token, true, -1));
    return {};
  }

  // added_tokens.json: content -> id.
  Status fromIds(const TextJson& json) {
    if (!json.is_object()) return Status::invalidInput("added_tokens.json: is not an object");
    std::map<int64_t, std::string> byId;
    for (const auto& [content, id] : json.items()) {
      if (!id.is_number_integer()) return Status::invalidInput("added_tokens.json: id of \"{}\" is no number", content);
      byId[id.get<int64_t>()] = content;
    }
    for (const auto& [id, content] : byId) INGOT_TRY(add(content, false, id));
    return {};
  }

  TextJson take() { return std::move(entries_); }

 private:
  Status add(const TextJson& token, bool special, int64_t id) {
    TextJson entry = {{"id", id}, {"special", special}};
    if (token.is_string()) {
      entry["content"] = token;
    } else {
      INGOT_ASSIGN(std::string content, member<std::string>(token, "content", ""));
      entry["content"] = content;
    }
    if (entry["content"].get<std::string>().empty() || !seen_.insert(entry["content"].get<std::string>()).second) return {};
    for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      bool fallback = flag == std::string("normalized") && !special;
      INGOT_ASSIGN(bool value, token.is_object() ? member<bool>(token, flag, fallback) : Result<bool>(fallback));
      entry[flag] = value;
    }
    entries_.push_back(std::move(entry));
    return {};
  }

  TextJson entries_ = TextJson::array();
  std::set<std::string> seen_;
};

// <s> before or </s> behind, where tokenizer_config.json asks for them.
Result<TextJson> postProcessor(const TextJson& config) {
  TextJson single = TextJson::array(), special = TextJson::object();
  auto add = [&](const char* flag, const char* name) -> Status {
    if (!config.is_object()) return {};
    INGOT_ASSIGN(bool wanted, member<bool>(config, flag, false));
    INGOT_ASSIGN(std::string content, tokenContent(config, name));
    if (wanted && !content.empty()) single.push_back({{"SpecialToken", {{"id", content}, {"type_id", 0}}}});
    return {};
  };
  INGOT_TRY(add("add_bos_token", "bos_token"));
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  INGOT_TRY(add("add_eos_token", "eos_token"));
  return TextJson{{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", special}};
}

Result<TokenizerTables> readByteLevelFiles(const fs::path& folder, const TextJson& config, const TextJson& specialMap, const Note& note) {
  INGOT_ASSIGN(TextJson vocab, readTextJsonFile(folder / "vocab.json"));
  INGOT_ASSIGN(TextJson merges, readMergesFile(folder / "merges.txt"));
  AddedTokenList added;
  std::error_code ignored;
  INGOT_TRY(added.fromConfig(config));
  if (fs::exists(folder / "added_tokens.json", ignored)) {
    INGOT_ASSIGN(TextJson ids, readTextJsonFile(folder / "added_tokens.json"));
    INGOT_TRY(added.fromIds(ids));
  }
  INGOT_TRY(added.fromSpecialTokens(config));
  INGOT_TRY(added.fromSpecialTokens(specialMap));
  bool prefixSpace = false;
  if (config.is_object()) {
    INGOT_ASSIGN(prefixSpace, member<bool>(config, "add_prefix_space", false));
  }
  INGOT_ASSIGN(TextJson processor, postProcessor(config));
  TextJson json = {{"model", {{"type", "BPE"}, {"vocab", std::move(vocab)}, {"merges", std::move(merges)}}},
                   {"added_tokens", added.take()},
                   {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", prefixSpace}, {"use_regex", true}}},
                   {"post_processor", std::move(processor)},
                   {"decoder", {{"type", "ByteLevel"}}}};
  return readTokenizerJson(json, (folder / "vocab.json").string(), note);
}

}  // namespace

Result<std::string> tokenContent(const TextJson& json, const char* name) {
  auto found = json.find(name);
  if (found == json.end() || found->is_null() || found->is_boolean()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object()) return member<std::string>(*found, "content", "");
  return Status::invalidInput("{}: is neither a text nor a token", name);
}

Result<std::optional<TokenizerTables>> readVocabularyFolder(const fs::path& folder, const TextJson& config, const TextJson& specialMap,
                                                            const Note& note) {
  auto has = [&](const char* name) {
    std::error_code ignored;
    return fs::exists(folder / name, ignored);
  };
  if (has("tokenizer.json")) {
    INGOT_ASSIGN(TextJson json, readTextJsonFile(folder / "tokenizer.json"));
    INGOT_ASSIGN(TokenizerTables tables, readTokenizerJson(json, (folder / "tokenizer.json").string(), note));
    return std::optional(std::move(tables));
  }
  if (has("vocab.json") && has("merges.txt")) {
    INGOT_ASSIGN(TokenizerTables tables, readByteLevelFiles(folder, config, specialMap, note));
    return std::optional(std::move(tables));
  }
  std::vector<fs::path> models = {folder / "tokenizer.model", folder / "spiece.model", folder / "sentencepiece.bpe.model"};
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".tiktoken") models.push_back(entry->path());
  for (const fs::path& path : models) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    INGOT_ASSIGN(TokenizerTables tables, readModelFile(path, config, note));
    return std::optional(std::move(tables));
  }
  return std::optional<TokenizerTables>();
}

Result<TokenizerTables> readModelFile(const fs::path& path, const TextJson& config, const Note& note) {
  INGOT_ASSIGN(std::string bytes, readTextFile(path));
  auto tables = isTiktoken(bytes) ? readTiktoken(bytes, config, note) : readSentencePiece(bytes, config);
  return tables.ok() ? std::move(tables) : Result<TokenizerTables>(tables.status().at(path.string()));
}

}  // namespace ingot
