#include "compiler/text/tokenizer_json.h"

#include <set>

#include "compiler/text/components.h"
#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/byte_alphabet.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

class Reader {
 public:
  Reader(const TextJson& json, const Note& note) : json_(json), note_(note) {}

  Result<TokenizerTables> run() {
    if (!json_.is_object()) return Status::invalidInput("is not an object");
    for (const char* part : {"truncation", "padding"})
      if (json_.contains(part) && !json_[part].is_null()) note_(fmt::format("tokenizer: {} is ignored; the engine has limits of its own", part));
    INGOT_TRY(each("normalizer", "normalizers", readNormalizer));
    INGOT_TRY(each("pre_tokenizer", "pretokenizers", readPreTokenizer));
    if (!json_.contains("model") || !json_["model"].is_object()) return Status::invalidInput("model: is not an object");
    INGOT_TRY(readTokenModel(json_["model"], tables_).at("model"));
    INGOT_TRY(addedTokens().at("added_tokens"));
    INGOT_TRY(each("post_processor", "processors", readPostProcessor));
    INGOT_TRY(each("decoder", "decoders", readDecoder));
    if (tables_.decoders.empty()) tables_.decoders.push_back({.kind = plan_text::DecodeKind::join});
    return std::move(tables_);
  }

 private:
  using Step = Status (*)(const TextJson&, const std::string&, TokenizerTables&);

  // Calls `step` on a component, or on each of a Sequence of them.
  Status each(const char* name, const char* list, Step step) {
    if (!json_.contains(name) || json_[name].is_null()) return {};
    return visit(json_[name], list, step, name, 0);
  }
  Status visit(const TextJson& part, const char* list, Step step, const char* name, int depth) {
    if (!part.is_object()) return Status::invalidInput("{}: is not an object", name);
    auto type = member<std::string>(part, "type", "");
    if (!type.ok()) return type.status().at(name);
    if (*type != "Sequence") return step(part, *type, tables_).at(fmt::format("{} {}", name, *type));
    if (depth > 8 || !part.contains(list) || !part[list].is_array())
      return Status::invalidInput("{}: a Sequence without {}, or too deep", name, list);
    for (const TextJson& one : part[list]) INGOT_TRY(visit(one, list, step, name, depth + 1));
    return {};
  }

  static Result<AddedTokenEntry> addedToken(const TextJson& part) {
    if (!part.is_object()) return Status::invalidInput("an entry is not an object");
    AddedTokenEntry added;
    INGOT_ASSIGN(added.content, member<std::string>(part, "content", ""));
    INGOT_ASSIGN(int64_t id, member<int64_t>(part, "id", -1));
    if (id < -1 || id >= 1 << text::kIdBits)
      return Status::invalidInput("\"{}\" has id {}, expected 0 to {}", added.content, id, (1 << text::kIdBits) - 1);
    added.id = static_cast<int32_t>(id);
    INGOT_ASSIGN(added.singleWord, member<bool>(part, "single_word", false));
    INGOT_ASSIGN(added.leftStrip, member<bool>(part, "lstrip", false));
    INGOT_ASSIGN(added.rightStrip, member<bool>(part, "rstrip", false));
    INGOT_ASSIGN(added.special, member<bool>(part, "special", false));
    INGOT_ASSIGN(added.normalized, member<bool>(part, "normalized", !added.special));
    return added;
  }

  // As the reference adds them: a token of the vocabulary keeps its id, another takes the next one, whatever the file says.
  Status addedTokens() {
    if (!json_.contains("added_tokens") || json_["added_tokens"].is_null()) return {};
    if (!json_["added_tokens"].is_array()) return Status::invalidInput("is not a list");
    std::map<std::string, int32_t, std::less<>> ids;
    int32_t count = 0, last = -1;
    for (size_t id = 0; id < tables_.tokens.size(); ++id)
      if (tables_.tokens[id].flags & text::kExists) ids[tables_.tokens[id].content] = static_cast<int32_t>(id), ++count;
    std::set<std::string> seen;
    for (const TextJson& part : json_["added_tokens"]) {
      INGOT_ASSIGN(AddedTokenEntry added, addedToken(part));
      if (added.content.empty() || !seen.insert(added.content).second) continue;
      auto known = ids.find(added.content);
      int32_t id = known != ids.end() ? known->second : last >= count || (count == 0 && last >= 0) ? last + 1 : count;
      if (added.id >= 0 && id != added.id)
        note_(fmt::format("tokenizer: added token \"{}\" has id {} as the reference counts, though the file says {}", added.content, id, added.id));
      last = std::max(last, id);
      added.id = id;
      TokenEntry& token = tables_.tokenAt(id);
      token.content = added.content;
      token.flags = static_cast<uint8_t>(token.flags | text::kExists | text::kAdded | (added.special ? text::kSpecial : 0));
      tables_.added.push_back(std::move(added));
    }
    return {};
  }

  const TextJson& json_;
  const Note& note_;
  TokenizerTables tables_;
};

}  // namespace

Result<PatternEntry> readPattern(const TextJson& part) {
  const TextJson* pattern = memberObject(part, "pattern");
  if (!pattern) return Status::invalidInput("pattern: is not an object");
  PatternEntry entry;
  INGOT_ASSIGN(entry.literal, member<std::string>(*pattern, "String", ""));
  INGOT_ASSIGN(entry.source, member<std::string>(*pattern, "Regex", ""));
  if (!entry.literal.empty()) return entry;
  if (entry.source.empty()) return Status::unsupported("pattern: is empty");
  INGOT_ASSIGN(entry.regex, parseRegex(entry.source));
  return entry;
}

PatternEntry setPattern(icu::UnicodeSet set, std::string name) {
  return {.literal = {}, .regex = setRegex(std::move(set)), .source = std::move(name)};
}

std::optional<std::string> fromByteAlphabet(std::string_view content) {
  if (!isValidUtf8(content)) return std::nullopt;
  std::string result;
  for (size_t at = 0; at < content.size();) {
    int byte = text::byteOfCharacter(decodeAt(content, at));
    if (byte < 0) return std::nullopt;
    result += static_cast<char>(byte);
  }
  return result;
}

std::string toByteAlphabet(std::string_view bytes) {
  std::string result;
  for (char byte : bytes) appendUtf8(text::kByteAlphabet[static_cast<unsigned char>(byte)], result);
  return result;
}

Result<TokenizerTables> readTokenizerJson(const TextJson& json, const std::string& where, const Note& note) {
  auto tables = Reader(json, note).run();
  return tables.ok() ? std::move(tables) : Result<TokenizerTables>(tables.status().at(where));
}

}  // namespace ingot
