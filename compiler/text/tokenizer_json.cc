#include "compiler/text/tokenizer_json.h"

#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

using plan_text::Behaviour;
using NormalizerKind = plan_text::NormalizerKind;
using SplitKind = plan_text::SplitKind;

constexpr const char* kMark = "\xe2\x96\x81";  // U+2581, sentencepiece's space
constexpr const char* kGpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

class Reader {
 public:
  Reader(const TextJson& json, Note note) : json_(json), note_(std::move(note)) {}

  Result<TokenizerTables> run() {
    if (!json_.is_object()) return Status::invalidInput("is not an object");
    for (const char* part : {"truncation", "padding"})
      if (json_.contains(part) && !json_[part].is_null()) note_(fmt::format("tokenizer: {} is ignored; the engine has limits of its own", part));
    INGOT_TRY(each("normalizer", "normalizers", &Reader::normalizer));
    INGOT_TRY(each("pre_tokenizer", "pretokenizers", &Reader::preTokenizer));
    if (!json_.contains("model") || !json_["model"].is_object()) return Status::invalidInput("model: is not an object");
    INGOT_TRY(readTokenModel(json_["model"], byteLevel_, tables_));
    INGOT_TRY(addedTokens());
    INGOT_TRY(each("post_processor", "processors", &Reader::postProcessor));
    for (TokenEntry& token : tables_.tokens) token.text = token.content;
    INGOT_TRY(each("decoder", "decoders", &Reader::decoder));
    INGOT_TRY(finishDecoder());
    return std::move(tables_);
  }

 private:
  using Step = Status (Reader::*)(const TextJson&, const std::string&);

  // Calls `step` on a component, or on each of a Sequence of them.
  Status each(const char* name, const char* list, Step step) {
    if (!json_.contains(name) || json_[name].is_null()) return {};
    return visit(json_[name], list, step, name, 0);
  }
  Status visit(const TextJson& part, const char* list, Step step, const char* name, int depth) {
    INGOT_ASSIGN(std::string type, typeOf(part, name));
    if (type != "Sequence") return (this->*step)(part, type).at(fmt::format("{} {}", name, type));
    if (depth > 8 || !part.contains(list) || !part[list].is_array()) return Status::invalidInput("{}: a Sequence without {}, or too deep", name, list);
    for (const TextJson& one : part[list]) INGOT_TRY(visit(one, list, step, name, depth + 1));
    return {};
  }
  static Result<std::string> typeOf(const TextJson& part, const char* name) {
    if (!part.is_object()) return Status::invalidInput("{}: is not an object", name);
    return member<std::string>(part, "type", "");
  }
  static Status unknown() { return Status::unsupported("is not supported"); }

  // A pattern: {"String": ...} or {"Regex": ...}.
  static Status pattern(const TextJson& part, std::unique_ptr<RegexNode>& out, std::string& text) {
    if (!part.contains("pattern") || !part["pattern"].is_object()) return Status::invalidInput("pattern: is not an object");
    INGOT_ASSIGN(std::string literal, member<std::string>(part["pattern"], "String", ""));
    INGOT_ASSIGN(text, member<std::string>(part["pattern"], "Regex", ""));
    if (!literal.empty()) {
      text = literal;
      out = literalRegex(literal);
      return {};
    }
    if (text.empty()) return Status::invalidInput("pattern: is empty");
    INGOT_ASSIGN(out, parseRegex(text));
    return {};
  }

  Status normalizer(const TextJson& part, const std::string& type) {
    auto& steps = tables_.normalizers;
    static const std::map<std::string, NormalizerKind> kPlain = {
        {"NFC", NormalizerKind::nfc},   {"NFD", NormalizerKind::nfd},         {"NFKC", NormalizerKind::nfkc},
        {"NFKD", NormalizerKind::nfkd}, {"Lowercase", NormalizerKind::lowercase}, {"StripAccents", NormalizerKind::strip_accents}};
    if (auto plain = kPlain.find(type); plain != kPlain.end()) {
      steps.push_back({.kind = plain->second});
    } else if (type == "Prepend") {
      INGOT_ASSIGN(std::string text, member<std::string>(part, "prepend", ""));
      steps.push_back({.kind = NormalizerKind::prepend, .text = text});
    } else if (type == "Replace") {
      NormalizerStep step{.kind = NormalizerKind::replace};
      INGOT_TRY(pattern(part, step.pattern, step.patternText));
      INGOT_ASSIGN(step.text, member<std::string>(part, "content", ""));
      steps.push_back(std::move(step));
    } else if (type == "Strip") {
      NormalizerStep step{.kind = NormalizerKind::strip};
      INGOT_ASSIGN(step.left, member<bool>(part, "strip_left", true));
      INGOT_ASSIGN(step.right, member<bool>(part, "strip_right", true));
      steps.push_back(std::move(step));
    } else if (type == "BertNormalizer") {
      return bertNormalizer(part);
    } else {
      return unknown();
    }
    return {};
  }

  Status bertNormalizer(const TextJson& part) {
    INGOT_ASSIGN(bool clean, member<bool>(part, "clean_text", true));
    INGOT_ASSIGN(bool chinese, member<bool>(part, "handle_chinese_chars", true));
    INGOT_ASSIGN(bool lower, member<bool>(part, "lowercase", true));
    INGOT_ASSIGN(bool strip, member<bool>(part, "strip_accents", lower));
    if (clean) tables_.normalizers.push_back({.kind = NormalizerKind::bert_clean});
    if (chinese) tables_.normalizers.push_back({.kind = NormalizerKind::bert_cjk});
    if (strip) {
      tables_.normalizers.push_back({.kind = NormalizerKind::nfd});
      tables_.normalizers.push_back({.kind = NormalizerKind::strip_accents});
    }
    if (lower) tables_.normalizers.push_back({.kind = NormalizerKind::lowercase});
    return {};
  }

  Status addSplit(std::string text, Behaviour behaviour, bool invert = false) {
    SplitStep step{.patternText = text, .behaviour = behaviour, .invert = invert};
    INGOT_ASSIGN(step.pattern, parseRegex(text));
    tables_.splits.push_back(std::move(step));
    return {};
  }

  static Result<Behaviour> behaviour(const TextJson& part) {
    INGOT_ASSIGN(std::string name, member<std::string>(part, "behavior", "Isolated"));
    static const std::map<std::string, Behaviour> kNames = {{"Removed", Behaviour::removed},
                                                            {"Isolated", Behaviour::isolated},
                                                            {"MergedWithPrevious", Behaviour::merged_with_previous},
                                                            {"MergedWithNext", Behaviour::merged_with_next},
                                                            {"Contiguous", Behaviour::contiguous}};
    auto found = kNames.find(name);
    if (found == kNames.end()) return Status::unsupported("behavior {} is not known", name);
    return found->second;
  }

  Status preTokenizer(const TextJson& part, const std::string& type) {
    constexpr const char* kPunctuation = "[!-/:-@\\[-`{-~\\p{P}]";
    if (type == "ByteLevel") {
      byteLevel_ = true;
      INGOT_ASSIGN(bool prefix, member<bool>(part, "add_prefix_space", true));
      INGOT_ASSIGN(bool regex, member<bool>(part, "use_regex", true));
      if (prefix) tables_.splits.push_back({.kind = SplitKind::prefix_space});
      return regex ? addSplit(kGpt2Pattern, Behaviour::isolated) : Status();
    }
    if (type == "Split") {
      SplitStep step;
      INGOT_TRY(pattern(part, step.pattern, step.patternText));
      INGOT_ASSIGN(step.behaviour, behaviour(part));
      INGOT_ASSIGN(step.invert, member<bool>(part, "invert", false));
      tables_.splits.push_back(std::move(step));
      return {};
    }
    if (type == "Metaspace") return metaspace(part);
    if (type == "Whitespace") return addSplit("\\w+|[^\\w\\s]+", Behaviour::removed, true);
    if (type == "WhitespaceSplit") return addSplit("\\s", Behaviour::removed);
    if (type == "Punctuation") {
      INGOT_ASSIGN(Behaviour how, behaviour(part));
      return addSplit(kPunctuation, how);
    }
    if (type == "Digits") {
      INGOT_ASSIGN(bool individual, member<bool>(part, "individual_digits", false));
      return addSplit("\\p{N}", individual ? Behaviour::isolated : Behaviour::contiguous);
    }
    if (type == "BertPreTokenizer") {
      INGOT_TRY(addSplit("\\s", Behaviour::removed));
      return addSplit(kPunctuation, Behaviour::isolated);
    }
    if (type == "CharDelimiterSplit") {
      INGOT_ASSIGN(std::string delimiter, member<std::string>(part, "delimiter", " "));
      tables_.splits.push_back({.pattern = literalRegex(delimiter), .patternText = delimiter, .behaviour = Behaviour::removed});
      return {};
    }
    return unknown();
  }

  // prepend_scheme, or the add_prefix_space of older files.
  static Result<uint8_t> prependScheme(const TextJson& part) {
    INGOT_ASSIGN(bool prefix, member<bool>(part, "add_prefix_space", true));
    INGOT_ASSIGN(std::string scheme, member<std::string>(part, "prepend_scheme", prefix ? "always" : "never"));
    if (scheme != "never" && scheme != "first" && scheme != "always") return Status::unsupported("prepend_scheme {} is not known", scheme);
    return static_cast<uint8_t>(scheme == "never" ? 0 : scheme == "first" ? 1 : 2);
  }

  Status metaspace(const TextJson& part) {
    SplitStep step{.kind = SplitKind::metaspace};
    INGOT_ASSIGN(step.text, member<std::string>(part, "replacement", kMark));
    INGOT_ASSIGN(step.prepend, prependScheme(part));
    INGOT_ASSIGN(bool cut, member<bool>(part, "split", true));
    std::string mark = step.text;
    tables_.splits.push_back(std::move(step));
    if (cut) tables_.splits.push_back({.pattern = literalRegex(mark), .patternText = mark, .behaviour = Behaviour::merged_with_next});
    return {};
  }

  Status addedTokens() {
    if (!json_.contains("added_tokens")) return {};
    if (!json_["added_tokens"].is_array()) return Status::invalidInput("added_tokens: is not a list");
    for (const TextJson& part : json_["added_tokens"]) {
      if (!part.is_object()) return Status::invalidInput("added_tokens: an entry is not an object");
      AddedTokenEntry added;
      INGOT_ASSIGN(added.content, member<std::string>(part, "content", ""));
      INGOT_ASSIGN(int64_t id, member<int64_t>(part, "id", -1));
      if (id < 0 || id > 1 << 24) return Status::invalidInput("added_tokens: \"{}\" has id {}", added.content, id);
      added.id = static_cast<int32_t>(id);
      INGOT_ASSIGN(added.singleWord, member<bool>(part, "single_word", false));
      INGOT_ASSIGN(added.leftStrip, member<bool>(part, "lstrip", false));
      INGOT_ASSIGN(added.rightStrip, member<bool>(part, "rstrip", false));
      INGOT_ASSIGN(bool special, member<bool>(part, "special", false));
      INGOT_ASSIGN(added.normalized, member<bool>(part, "normalized", !special));
      if (added.content.empty()) continue;
      if (static_cast<size_t>(id) >= tables_.tokens.size()) tables_.tokens.resize(static_cast<size_t>(id) + 1);
      TokenEntry& token = tables_.tokens[static_cast<size_t>(id)];
      token.content = added.content;
      token.flags = static_cast<uint8_t>((token.flags & ~text::kByte) | text::kExists | text::kAdded | (special ? text::kSpecial : 0));
      tables_.added.push_back(std::move(added));
    }
    return {};
  }

  Result<int32_t> idOf(const std::string& content) const {
    for (size_t id = 0; id < tables_.tokens.size(); ++id)
      if ((tables_.tokens[id].flags & text::kExists) && tables_.tokens[id].content == content) return static_cast<int32_t>(id);
    return Status::invalidInput("token \"{}\" is not in the vocabulary", content);
  }

  Status postProcessor(const TextJson& part, const std::string& type) {
    if (type == "ByteLevel") return {};  // only moves offsets
    if (type == "TemplateProcessing") return templateProcessing(part);
    if (type == "BertProcessing" || type == "RobertaProcessing") {
      for (auto [key, ids] : {std::pair{"cls", &tables_.prefixIds}, std::pair{"sep", &tables_.suffixIds}}) {
        if (!part.contains(key) || !part[key].is_array() || part[key].size() != 2 || !part[key][1].is_number_integer())
          return Status::invalidInput("{}: is not a token and its id", key);
        ids->push_back(part[key][1].get<int32_t>());
      }
      return {};
    }
    return unknown();
  }

  Status templateProcessing(const TextJson& part) {
    if (!part.contains("single") || !part["single"].is_array()) return Status::invalidInput("single: is not a list");
    bool seen = false;
    for (const TextJson& item : part["single"]) {
      if (item.contains("Sequence")) {
        if (seen) return Status::unsupported("a template that repeats its sequence");
        seen = true;
        continue;
      }
      if (!item.contains("SpecialToken")) return Status::invalidInput("single: an item is neither Sequence nor SpecialToken");
      INGOT_ASSIGN(std::string name, member<std::string>(item["SpecialToken"], "id", ""));
      auto& ids = seen ? tables_.suffixIds : tables_.prefixIds;
      const TextJson* special = part.contains("special_tokens") && part["special_tokens"].contains(name) ? &part["special_tokens"][name] : nullptr;
      if (special && special->contains("ids") && (*special)["ids"].is_array()) {
        for (const TextJson& id : (*special)["ids"]) {
          if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= static_cast<int64_t>(tables_.tokens.size()))
            return Status::invalidInput("special_tokens: id {} of \"{}\" is not in the vocabulary", id.dump(), name);
          ids.push_back(id.get<int32_t>());
        }
      } else {
        INGOT_ASSIGN(int32_t id, idOf(name));
        ids.push_back(id);
      }
    }
    return {};
  }

  Status decoder(const TextJson& part, const std::string& type) {
    auto& decoding = tables_.decoding;
    if (type == "ByteLevel") {
      decoding = plan_text::Decoding::bytes;
      for (TokenEntry& token : tables_.tokens)
        if (auto bytes = fromByteAlphabet(token.text)) token.text = *bytes;
      return {};
    }
    if (type == "ByteFallback") {
      decoding = plan_text::Decoding::byte_fallback;
      byteFallback_ = true;
      return {};
    }
    if (type == "Fuse") {
      fused_ = true;
      if (decoding == plan_text::Decoding::spaced) decoding = plan_text::Decoding::byte_fallback;
      return {};
    }
    if (type == "Replace") return replaceDecoder(part);
    if (type == "Strip") return stripDecoder(part);
    if (type == "Metaspace") return metaspaceDecoder(part);
    return unknown();
  }

  Status replaceDecoder(const TextJson& part) {
    if (fused_) return Status::unsupported("after Fuse is not supported");
    INGOT_ASSIGN(std::string from, part.contains("pattern") && part["pattern"].is_object() ? member<std::string>(part["pattern"], "String", "")
                                                                                          : Result<std::string>(std::string()));
    if (from.empty()) return Status::unsupported("with a regular expression is not supported");
    INGOT_ASSIGN(std::string to, member<std::string>(part, "content", ""));
    for (TokenEntry& token : tables_.tokens) replaceAll(token.text, from, to);
    if (tables_.decoding == plan_text::Decoding::spaced) tables_.decoding = plan_text::Decoding::byte_fallback;
    return {};
  }

  Status stripDecoder(const TextJson& part) {
    INGOT_ASSIGN(std::string content, member<std::string>(part, "content", " "));
    INGOT_ASSIGN(int64_t start, member<int64_t>(part, "start", 0));
    INGOT_ASSIGN(int64_t stop, member<int64_t>(part, "stop", 0));
    if (content != " " || stop != 0 || start < 0 || start > 255 || !fused_)
      return Status::unsupported("of \"{}\", {} at the start and {} at the end, {} Fuse", content, start, stop, fused_ ? "after" : "without");
    tables_.stripFirst = static_cast<uint8_t>(start);
    return {};
  }

  Status metaspaceDecoder(const TextJson& part) {
    INGOT_ASSIGN(std::string mark, member<std::string>(part, "replacement", kMark));
    INGOT_ASSIGN(uint8_t scheme, prependScheme(part));
    tables_.decoding = plan_text::Decoding::byte_fallback;
    for (TokenEntry& token : tables_.tokens) {
      replaceAll(token.text, mark, " ");
      token.flags = static_cast<uint8_t>(token.flags & ~text::kByte);  // this decoder shows byte tokens as they are spelt
    }
    if (scheme) tables_.stripToken = " ";
    return {};
  }

  static void replaceAll(std::string& text, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  }

  // Byte tokens decode to their byte where the decoder falls back to bytes, and to their spelling elsewhere.
  Status finishDecoder() {
    for (TokenEntry& token : tables_.tokens) {
      if (!(token.flags & text::kByte)) continue;
      if (byteFallback_) {
        token.text = std::string(1, static_cast<char>(std::stoi(token.content.substr(3, 2), nullptr, 16)));
      } else {
        token.flags = static_cast<uint8_t>(token.flags & ~text::kByte);
      }
    }
    return {};
  }

  const TextJson& json_;
  Note note_;
  TokenizerTables tables_;
  bool byteLevel_ = false, fused_ = false, byteFallback_ = false;
};

}  // namespace

Result<TokenizerTables> readTokenizerJson(const TextJson& json, const std::string& where, const Note& note) {
  auto tables = Reader(json, note).run();
  return tables.ok() ? std::move(tables) : Result<TokenizerTables>(tables.status().at(where));
}

}  // namespace ingot
