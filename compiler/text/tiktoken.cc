// tiktoken files: a token in base64 and its rank, a line each. Two neighbours merge where their bytes joined are a token,
// the lowest rank first.
#include <algorithm>
#include <charconv>

#include "compiler/text/character_map.h"
#include "compiler/text/components.h"
#include "compiler/text/piece_vocabulary.h"
#include "compiler/text/sentencepiece_model.h"
#include "compiler/text/tokenizer_json.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

constexpr const char* kCl100k =
    "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr const char* kQwen =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
constexpr const char* kO200k =
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

Result<const char*> patternFor(size_t tokens) {
  if (tokens == 50256 || tokens == 50280) return kGpt2Pattern;
  if (tokens == 100256 || tokens == 128000) return kCl100k;
  if (tokens == 151643) return kQwen;
  if (tokens == 199998 || tokens == 200018) return kO200k;
  return Status::unsupported("a tiktoken file of {} tokens: its pattern is not known; a tokenizer.json says it", tokens);
}

Result<std::vector<std::string>> readRanks(std::string_view text) {
  std::vector<std::string> tokens;
  size_t line = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view entry = text.substr(at, end - at);
    at = end + 1, ++line;
    if (!entry.empty() && entry.back() == '\r') entry.remove_suffix(1);
    if (entry.empty()) continue;
    size_t space = entry.find(' ');
    uint32_t rank = 0;
    auto bytes = space == std::string_view::npos ? std::nullopt : fromBase64(entry.substr(0, space));
    if (!bytes || bytes->empty() || std::from_chars(entry.data() + space + 1, entry.data() + entry.size(), rank).ptr != entry.data() + entry.size())
      return Status::invalidInput("line {}: is not a token in base64 and its rank", line);
    if (rank >= (1u << text::kIdBits) - 1) return Status::invalidInput("line {}: rank {} is too large", line, rank);
    if (rank >= tokens.size()) tokens.resize(rank + 1);
    if (!tokens[rank].empty()) return Status::invalidInput("line {}: rank {} stands twice", line, rank);
    tokens[rank] = std::move(*bytes);
  }
  return tokens;
}

Status addSpecial(const TextJson& config, TokenizerTables& tables, const Note& note) {
  const TextJson* decoder = config.is_object() ? memberObject(config, "added_tokens_decoder") : nullptr;
  if (!decoder) return note("tokenizer: the tiktoken file has no special tokens, and tokenizer_config.json names none"), Status();
  for (const auto& [id, part] : decoder->items()) {
    AddedTokenEntry added;
    auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), added.id);
    if (error != std::errc() || end != id.data() + id.size() || added.id < 0 || added.id >= (1 << text::kIdBits) - 1 || !part.is_object())
      return Status::invalidInput("added_tokens_decoder: \"{}\" is no id with a token", id);
    INGOT_ASSIGN(added.content, member<std::string>(part, "content", ""));
    INGOT_ASSIGN(added.special, member<bool>(part, "special", true));
    if (added.content.empty()) continue;
    TokenEntry& token = tables.tokenAt(added.id);
    token.content = added.content;
    token.flags = static_cast<uint8_t>(text::kExists | text::kAdded | (added.special ? text::kSpecial : 0));
    tables.added.push_back(std::move(added));
  }
  return {};
}

}  // namespace

bool isTiktoken(std::string_view text) {
  size_t end = text.substr(0, 400).find('\n'), space = text.find(' ');
  return end != std::string_view::npos && space < end && fromBase64(text.substr(0, space)) &&
         text.substr(space + 1, end - space - 1).find_first_not_of("0123456789\r") == std::string_view::npos;
}

Result<TokenizerTables> readTiktoken(std::string_view text, const TextJson& config, const Note& note) {
  INGOT_ASSIGN(std::vector<std::string> tokens, readRanks(text));
  INGOT_ASSIGN(const char* pattern, patternFor(tokens.size()));
  TokenizerTables tables;
  ModelEntry& model = tables.model;
  model.byteLevel = model.ignoreMerges = true;
  std::vector<int32_t> ranked;
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) continue;
    TokenEntry& token = tables.tokenAt(static_cast<int32_t>(id));
    token.content = toByteAlphabet(tokens[id]);
    token.match = tokens[id];
    token.flags = text::kExists;
    ranked.push_back(static_cast<int32_t>(id));
    if (tokens[id].size() == 1) model.byteIds[static_cast<unsigned char>(tokens[id][0])] = static_cast<int32_t>(id);
  }
  model.merges = mergesOfTokens(tokens, ranked, [](int32_t, int32_t) { return false; });
  SplitStep split;
  INGOT_ASSIGN(split.pattern.regex, parseRegex(pattern));
  split.pattern.source = pattern;
  tables.splits.push_back(std::move(split));
  tables.decoders.push_back({.kind = plan_text::DecodeKind::bytes, .pattern = {}, .text = {}});
  INGOT_TRY(addSpecial(config, tables, note));
  return tables;
}

}  // namespace ingot
