#include "compiler/text/tokenizer_json.h"
#include "runtime/text/tokenizer/utf8.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

constexpr int64_t kMaxTokens = 1 << 24;

// Character of every byte in GPT-2's bytes_to_unicode: printable Latin-1 stands for itself, the rest follow from U+0100.
const std::array<uint32_t, 256>& byteAlphabet() {
  static const auto table = [] {
    std::array<uint32_t, 256> points{};
    uint32_t next = 256;
    for (uint32_t byte = 0; byte < 256; ++byte)
      points[byte] = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174 ? byte : next++;
    return points;
  }();
  return table;
}

// "<0x41>" -> 0x41.
std::optional<uint8_t> byteOf(const std::string& content) {
  if (content.size() != 6 || content.substr(0, 3) != "<0x" || content[5] != '>') return std::nullopt;
  int value = 0;
  for (char c : content.substr(3, 2)) {
    if (!std::isxdigit(static_cast<unsigned char>(c)) || std::islower(static_cast<unsigned char>(c))) return std::nullopt;
    value = value * 16 + (c <= '9' ? c - '0' : c - 'A' + 10);
  }
  return static_cast<uint8_t>(value);
}

Status readVocabulary(const TextJson& model, TokenizerTables& tables, std::map<std::string, int32_t>& ids) {
  auto vocab = model.find("vocab");
  if (vocab == model.end() || !vocab->is_object()) return Status::invalidInput("model.vocab: is not an object");
  for (const auto& [content, id] : vocab->items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kMaxTokens)
      return Status::invalidInput("model.vocab: id of {:?} is {}, expected 0 to {}", content, id.dump(), kMaxTokens);
    auto index = id.get<size_t>();
    if (index >= tables.tokens.size()) tables.tokens.resize(index + 1);
    TokenEntry& token = tables.tokens[index];
    if (token.flags & text::kExists) return Status::invalidInput("model.vocab: id {} is both \"{}\" and \"{}\"", index, token.content, content);
    token.content = content;
    token.flags = text::kExists;
    ids[content] = static_cast<int32_t>(index);
  }
  return {};
}

Status readMerges(const TextJson& model, const std::map<std::string, int32_t>& ids, BpeModel& bpe) {
  auto merges = model.find("merges");
  if (merges == model.end() || !merges->is_array()) return Status::invalidInput("model.merges: is not a list");
  for (size_t rank = 0; rank < merges->size(); ++rank) {
    const TextJson& merge = (*merges)[rank];
    std::string left, right;
    if (merge.is_string()) {
      auto text = merge.get<std::string>();
      auto space = text.find(' ');
      if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
        return Status::invalidInput("model.merges[{}]: \"{}\" is not two tokens", rank, text);
      left = text.substr(0, space), right = text.substr(space + 1);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0], right = merge[1];
    } else {
      return Status::invalidInput("model.merges[{}]: is not two tokens", rank);
    }
    std::string joined = left + (right.compare(0, bpe.prefix.size(), bpe.prefix) == 0 ? right.substr(bpe.prefix.size()) : right);
    int32_t parts[3];
    const std::string* names[3] = {&left, &right, &joined};
    for (int i = 0; i < 3; ++i) {
      auto found = ids.find(*names[i]);
      if (found == ids.end()) return Status::invalidInput("model.merges[{}]: \"{}\" is not in the vocabulary", rank, *names[i]);
      parts[i] = found->second;
    }
    bpe.merges.push_back({parts[0], parts[1], parts[2]});
  }
  return {};
}

}  // namespace

std::optional<std::string> fromByteAlphabet(std::string_view content) {
  static const auto bytes = [] {
    std::map<uint32_t, char> map;
    for (uint32_t byte = 0; byte < 256; ++byte) map[byteAlphabet()[byte]] = static_cast<char>(byte);
    return map;
  }();
  std::string result;
  for (size_t at = 0; at < content.size();) {
    auto found = bytes.find(text::decodeAt(content, at));
    if (found == bytes.end()) return std::nullopt;
    result += found->second;
  }
  return result;
}

std::string toByteAlphabet(std::string_view bytes) {
  std::string result;
  for (char byte : bytes) text::appendUtf8(byteAlphabet()[static_cast<unsigned char>(byte)], result);
  return result;
}

Status readTokenModel(const TextJson& model, bool byteLevel, TokenizerTables& tables) {
  INGOT_ASSIGN(std::string type, member<std::string>(model, "type", "BPE"));
  if (type != "BPE") return Status::unsupported("model.type: {} is not supported, only BPE", type);
  BpeModel& bpe = tables.model;
  INGOT_ASSIGN(double dropout, member<double>(model, "dropout", 0.0));
  if (dropout != 0) return Status::unsupported("model.dropout: {}; ids would be random", dropout);
  INGOT_ASSIGN(bpe.byteFallback, member<bool>(model, "byte_fallback", false));
  INGOT_ASSIGN(bpe.ignoreMerges, member<bool>(model, "ignore_merges", false));
  INGOT_ASSIGN(bpe.fuseUnk, member<bool>(model, "fuse_unk", false));
  INGOT_ASSIGN(bpe.prefix, member<std::string>(model, "continuing_subword_prefix", ""));
  INGOT_ASSIGN(bpe.suffix, member<std::string>(model, "end_of_word_suffix", ""));
  bpe.byteLevel = byteLevel && bpe.prefix.empty() && bpe.suffix.empty();

  std::map<std::string, int32_t> ids;
  INGOT_TRY(readVocabulary(model, tables, ids));
  INGOT_TRY(readMerges(model, ids, bpe));
  INGOT_ASSIGN(std::string unk, member<std::string>(model, "unk_token", ""));
  if (!unk.empty() && !ids.count(unk)) return Status::invalidInput("model.unk_token: \"{}\" is not in the vocabulary", unk);
  if (!unk.empty()) bpe.unkId = ids[unk];
  for (auto& [content, id] : ids) {
    TokenEntry& token = tables.tokens[static_cast<size_t>(id)];
    token.match = bpe.byteLevel ? fromByteAlphabet(content) : std::optional(content);
    if (auto byte = byteOf(content); byte && bpe.byteFallback) {
      bpe.byteIds[*byte] = id;
      token.flags |= text::kByte;
    }
  }
  for (int byte = 0; bpe.byteLevel && byte < 256; ++byte) {
    auto found = ids.find(toByteAlphabet(std::string(1, static_cast<char>(byte))));
    if (found != ids.end()) bpe.byteIds[static_cast<size_t>(byte)] = found->second;
  }
  return {};
}

}  // namespace ingot
