#include "compiler/text/piece_vocabulary.h"

#include <algorithm>
#include <cfloat>
#include <unordered_map>

#include "compiler/text/character_map.h"
#include "compiler/text/components.h"
#include "compiler/text/tokenizer_json.h"
#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

using NormalizerKind = plan_text::NormalizerKind;

class PieceTables {
 public:
  explicit PieceTables(const PieceVocabulary& vocabulary) : v_(vocabulary) {}

  Result<TokenizerTables> run() {
    if (v_.pieces.empty()) return Status::invalidInput("the vocabulary is empty");
    INGOT_TRY(normalizers());
    INGOT_TRY(tokens());
    model();
    decoders();
    tables_.prefixIds = v_.prefixIds;
    tables_.suffixIds = v_.suffixIds;
    for (const auto* ids : {&tables_.prefixIds, &tables_.suffixIds})
      for (int32_t id : *ids)
        if (id < 0 || static_cast<size_t>(id) >= v_.pieces.size())
          return Status::invalidInput("special token {} is not in the vocabulary of {}", id, v_.pieces.size());
    return std::move(tables_);
  }

 private:
  Status normalizers() {
    NormalizerStep step{.kind = NormalizerKind::sentence_piece};
    if (!v_.characterMap.empty()) INGOT_TRY(readCharacterMap(v_.characterMap, step));
    step.singleSpaces = v_.singleSpaces;
    step.prepend = !v_.addPrefix ? 0 : v_.prefixOnlyFirst ? 1 : 2;
    tables_.normalizers.push_back(std::move(step));
    return {};
  }

  bool isMatched(size_t i) const {
    PieceType type = v_.types[i];
    if (type == PieceType::unused) return !v_.isUnigram || !v_.freezesUser;
    return type == PieceType::normal || type == PieceType::userDefined;
  }

  Status tokens() {
    for (size_t i = 0; i < v_.pieces.size(); ++i) {
      auto id = static_cast<int32_t>(i);
      TokenEntry& token = tables_.tokenAt(id);
      token.content = v_.pieces[i];
      token.flags = text::kExists;
      if (isMatched(i)) token.match = v_.pieces[i];
      PieceType type = v_.types[i];
      if (type == PieceType::byte) INGOT_TRY(byteToken(id));
      if (type == PieceType::unknown) tables_.model.unkId = id;
      bool special = type == PieceType::control || type == PieceType::unknown;
      if ((special || type == PieceType::userDefined) && !v_.pieces[i].empty()) addToken(id, special);
    }
    return {};
  }

  // Control pieces are found in the text as given, if at all. Those of the user are too, or the normalizer leaves them as they
  // are and merging finds them in what it made; a unigram model then only scores them high.
  void addToken(int32_t id, bool special) {
    TokenEntry& token = tables_.tokens[static_cast<size_t>(id)];
    token.flags = static_cast<uint8_t>(token.flags | text::kAdded | (special ? text::kSpecial : 0));
    bool frozen = !special && v_.freezesUser;
    if (frozen) tables_.kept.insert(token.content);
    if (frozen && v_.isUnigram) return;
    tables_.added.push_back({.content = token.content, .id = id, .normalized = frozen, .special = special, .isNormalForm = frozen});
  }

  Status byteToken(int32_t id) {
    const std::string& piece = v_.pieces[static_cast<size_t>(id)];
    unsigned byte = 0;
    if (piece.size() != 6 || std::sscanf(piece.c_str(), "<0x%02X>", &byte) != 1)
      return Status::invalidInput("byte piece {} is \"{}\", expected <0x00> to <0xFF>", id, piece);
    tables_.model.byteIds[byte & 255] = id;
    tables_.model.byteFallback = true;
    return {};
  }

  void model() {
    tables_.model.fuseUnk = true;
    tables_.model.kind = v_.isUnigram ? plan_text::ModelKind::unigram : plan_text::ModelKind::bpe;
    if (v_.isUnigram) unigram();
    else merges();
  }

  // A piece of the user wins over all others, a long one over short ones: normal scores are below 0 (src/unigram_model.cc of
  // sentencepiece 0.2.3).
  void unigram() {
    auto& m = tables_.model;
    m.singlePrecision = v_.freezesUser;
    m.scores = v_.scores;
    float lowest = FLT_MAX;
    for (size_t i = 0; i < v_.pieces.size(); ++i) {
      if (v_.types[i] == PieceType::normal) lowest = std::min(lowest, static_cast<float>(v_.scores[i]));
      if (v_.types[i] == PieceType::userDefined) m.scores[i] = static_cast<float>(0.1 * (static_cast<double>(v_.pieces[i].size()) - 1));
    }
    m.unknownScore = lowest - 10.0f;
  }

  void merges() {
    std::vector<int32_t> ranked;
    std::vector<std::string> matched(v_.pieces.size());
    for (size_t i = 0; i < v_.pieces.size(); ++i) {
      if (!isMatched(i) || v_.mergesNothing) continue;
      matched[i] = v_.pieces[i];
      ranked.push_back(static_cast<int32_t>(i));
    }
    auto score = [&](int32_t id) { return v_.scores[static_cast<size_t>(id)]; };
    std::stable_sort(ranked.begin(), ranked.end(), [&](int32_t a, int32_t b) { return score(a) > score(b); });
    auto& merges = tables_.model.merges;
    merges = mergesOfTokens(matched, ranked, [&](int32_t before, int32_t id) { return score(before) == score(id); });
    if (v_.freezesUser) findUnused(matched);
  }

  // An unused piece falls back into what it was merged from. That is what it is merged from when it stands alone: merges inside
  // a token happen in the same order whatever stands around it.
  void findUnused(const std::vector<std::string>& matched) {
    std::unordered_map<std::string_view, int32_t> ids;
    for (size_t i = 0; i < matched.size(); ++i)
      if (!matched[i].empty()) ids.emplace(matched[i], static_cast<int32_t>(i));
    for (size_t i = 0; i < matched.size(); ++i) {
      if (v_.types[i] != PieceType::unused) continue;
      auto [left, right] = lastMerge(matched[i], ids);
      auto leftId = ids.find(left), rightId = ids.find(right);
      if (leftId != ids.end() && rightId != ids.end()) tables_.model.unused.push_back({static_cast<int32_t>(i), leftId->second, rightId->second});
    }
  }

  // The two texts that merging alone joins to `piece` at last; empty ones where it does not.
  std::pair<std::string_view, std::string_view> lastMerge(std::string_view piece, const std::unordered_map<std::string_view, int32_t>& ids) const {
    std::vector<size_t> cuts = {0};  // where symbols begin, and the end
    for (size_t at = 0; at < piece.size(); cuts.push_back(at)) decodeAt(piece, at);
    while (cuts.size() > 3) {
      size_t best = 0;
      double bestScore = 0;
      for (size_t i = 1; i + 1 < cuts.size(); ++i) {
        auto found = ids.find(piece.substr(cuts[i - 1], cuts[i + 1] - cuts[i - 1]));
        if (found == ids.end()) continue;
        double score = v_.scores[static_cast<size_t>(found->second)];
        if (best == 0 || score > bestScore) best = i, bestScore = score;
      }
      if (best == 0) return {};
      cuts.erase(cuts.begin() + static_cast<std::ptrdiff_t>(best));
    }
    if (cuts.size() != 3) return {};
    return {piece.substr(0, cuts[1]), piece.substr(cuts[1])};
  }

  void decoders() {
    using Kind = plan_text::DecodeKind;
    auto literal = [](const char* text) { return PatternEntry{.literal = text, .regex = nullptr, .source = {}}; };
    tables_.decoders.push_back({.kind = Kind::replace, .pattern = literal(kSpaceMark), .text = " "});
    if (tables_.model.byteFallback) tables_.decoders.push_back({.kind = Kind::byte_fallback, .pattern = {}, .text = {}});
    tables_.decoders.push_back({.kind = Kind::fuse, .pattern = {}, .text = {}});
    uint32_t spaces = v_.singleSpaces ? UINT32_MAX : v_.addPrefix ? 1 : 0;
    if (spaces > 0) tables_.decoders.push_back({.kind = Kind::strip, .pattern = literal(" "), .text = {}, .start = spaces});
  }

  const PieceVocabulary& v_;
  TokenizerTables tables_;
};

}  // namespace

std::vector<MergeEntry> mergesOfTokens(const std::vector<std::string>& tokens, const std::vector<int32_t>& rankedIds,
                                       const std::function<bool(int32_t, int32_t)>& tied) {
  std::unordered_map<std::string_view, int32_t> ids;
  for (int32_t id : rankedIds)
    if (!tokens[static_cast<size_t>(id)].empty()) ids.emplace(tokens[static_cast<size_t>(id)], id);
  std::vector<MergeEntry> merges;
  int32_t before = -1;
  for (int32_t id : rankedIds) {
    std::string_view token = tokens[static_cast<size_t>(id)];
    for (size_t cut = 1; cut < token.size(); ++cut) {
      auto left = ids.find(token.substr(0, cut)), right = ids.find(token.substr(cut));
      if (left == ids.end() || right == ids.end()) continue;
      bool sameRank = before == id || (before >= 0 && tied(before, id));
      merges.push_back({left->second, right->second, id, sameRank});
      before = id;
    }
  }
  return merges;
}

Result<TokenizerTables> tablesOfPieces(const PieceVocabulary& vocabulary) { return PieceTables(vocabulary).run(); }

}  // namespace ingot
