#include "compiler/text/character_map.h"
#include "compiler/text/components.h"

namespace ingot {
namespace {

using Kind = plan_text::NormalizerKind;

void replaceSet(TokenizerTables& tables, icu::UnicodeSet set, const char* name, std::string by) {
  tables.normalizers.push_back({.kind = Kind::replace, .pattern = setPattern(std::move(set), name), .text = std::move(by)});
}

Status bertNormalizer(const TextJson& part, TokenizerTables& tables) {
  INGOT_ASSIGN(bool clean, member<bool>(part, "clean_text", true));
  INGOT_ASSIGN(bool chinese, member<bool>(part, "handle_chinese_chars", true));
  INGOT_ASSIGN(bool lower, member<bool>(part, "lowercase", true));
  INGOT_ASSIGN(bool strip, member<bool>(part, "strip_accents", lower));
  if (clean) {
    replaceSet(tables, bertControlSet(), "control characters", "");
    replaceSet(tables, spaceSet(), "white space", " ");
  }
  if (chinese) tables.normalizers.push_back({.kind = Kind::space_around, .pattern = setPattern(ideographSet(), "ideographs")});
  if (strip) {
    tables.normalizers.push_back({.kind = Kind::nfd});
    replaceSet(tables, bertAccentSet(), "accents", "");
  }
  if (lower) tables.normalizers.push_back({.kind = Kind::lowercase});
  return {};
}

Status precompiled(const TextJson& part, TokenizerTables& tables) {
  INGOT_ASSIGN(std::string text, member<std::string>(part, "precompiled_charsmap", ""));
  auto bytes = fromBase64(text);
  if (!bytes) return Status::invalidInput("precompiled_charsmap: is no base64");
  if (bytes->empty()) return {};
  NormalizerStep step{.kind = Kind::precompiled};
  INGOT_TRY(readCharacterMap(*bytes, step));
  step.pattern.regex = graphemeRegex();
  step.pattern.source = "a grapheme cluster";
  tables.normalizers.push_back(std::move(step));
  return {};
}

Status strip(const TextJson& part, TokenizerTables& tables) {
  NormalizerStep step{.kind = Kind::strip};
  INGOT_ASSIGN(step.left, member<bool>(part, "strip_left", true));
  INGOT_ASSIGN(step.right, member<bool>(part, "strip_right", true));
  tables.normalizers.push_back(std::move(step));
  return {};
}

}  // namespace

Status readNormalizer(const TextJson& part, const std::string& type, TokenizerTables& tables) {
  static const std::map<std::string, Kind> kPlain = {{"NFC", Kind::nfc},
                                                     {"NFD", Kind::nfd},
                                                     {"NFKC", Kind::nfkc},
                                                     {"NFKD", Kind::nfkd},
                                                     {"Lowercase", Kind::lowercase},
                                                     {"ByteLevel", Kind::byte_alphabet}};
  auto& steps = tables.normalizers;
  if (auto plain = kPlain.find(type); plain != kPlain.end()) return steps.push_back({.kind = plain->second}), Status();
  if (type == "StripAccents") return replaceSet(tables, markSet(), "marks", ""), Status();
  if (type == "BertNormalizer") return bertNormalizer(part, tables);
  if (type == "Precompiled") return precompiled(part, tables);
  if (type == "Strip") return strip(part, tables);
  if (type == "Nmt") {
    replaceSet(tables, nmtControlSet(), "control characters", "");
    return replaceSet(tables, nmtSpaceSet(), "white space", " "), Status();
  }
  if (type == "Prepend") {
    INGOT_ASSIGN(std::string text, member<std::string>(part, "prepend", ""));
    return steps.push_back({.kind = Kind::prepend, .text = text}), Status();
  }
  if (type == "Replace") {
    NormalizerStep step{.kind = Kind::replace};
    INGOT_ASSIGN(step.pattern, readPattern(part));
    INGOT_ASSIGN(step.text, member<std::string>(part, "content", ""));
    return steps.push_back(std::move(step)), Status();
  }
  return Status::unsupported("is not supported");
}

}  // namespace ingot
