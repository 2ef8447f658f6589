#include "compiler/text/piece_vocabulary.h"

#include <algorithm>
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
    auto& steps = tables_.normalizers;
    if (!v_.characterMap.empty()) {
      NormalizerStep step{.kind = NormalizerKind::precompiled};
      INGOT_TRY(readCharacterMap(v_.characterMap, step));
      steps.push_back(std::move(step));
    }
    if (v_.removeExtraSpaces) steps.push_back({.kind = NormalizerKind::single_spaces, .left = true, .right = true});
    if (v_.prefixOnlyFirst && v_.addPrefix) {
      tables_.splits.push_back({.kind = plan_text::SplitKind::metaspace, .text = kSpaceMark, .prepend = 1});
      return {};
    }
    if (v_.addPrefix) steps.push_back({.kind = NormalizerKind::prepend, .text = " "});
    steps.push_back({.kind = NormalizerKind::replace, .pattern = {.literal = " ", .regex = nullptr, .source = {}}, .text = kSpaceMark});
    return {};
  }

  // Control pieces and those of the user are found in the text as given; byte pieces match nothing.
  Status tokens() {
    for (size_t i = 0; i < v_.pieces.size(); ++i) {
      auto id = static_cast<int32_t>(i);
      TokenEntry& token = tables_.tokenAt(id);
      token.content = v_.pieces[i];
      token.flags = text::kExists;
      PieceType type = v_.types[i];
      if (type == PieceType::normal || type == PieceType::userDefined) token.match = v_.pieces[i];
      if (type == PieceType::byte) INGOT_TRY(byteToken(id));
      bool special = type == PieceType::control || type == PieceType::unknown;
      if (type == PieceType::unknown) tables_.model.unkId = id;
      if ((!special && type != PieceType::userDefined) || v_.pieces[i].empty()) continue;
      token.flags = static_cast<uint8_t>(token.flags | text::kAdded | (special ? text::kSpecial : 0));
      AddedTokenEntry added;
      added.content = v_.pieces[i];
      added.id = id;
      added.special = special;
      added.normalized = added.isNormalForm = !special && v_.userInNormalForm;
      tables_.added.push_back(std::move(added));
    }
    return {};
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
    ModelEntry& m = tables_.model;
    m.fuseUnk = true;
    double lowest = 0;
    std::vector<int32_t> ranked;
    std::vector<std::string> matched(v_.pieces.size());
    for (size_t i = 0; i < v_.pieces.size(); ++i) {
      if (v_.types[i] != PieceType::normal && v_.types[i] != PieceType::userDefined) continue;
      matched[i] = v_.pieces[i];
      lowest = std::min(lowest, v_.scores[i]);
      ranked.push_back(static_cast<int32_t>(i));
    }
    m.kind = v_.isUnigram ? plan_text::ModelKind::unigram : plan_text::ModelKind::bpe;
    if (v_.isUnigram) {
      m.scores = v_.scores;
      m.unknownScore = lowest - 10;
      return;
    }
    auto score = [&](int32_t id) { return v_.scores[static_cast<size_t>(id)]; };
    std::stable_sort(ranked.begin(), ranked.end(), [&](int32_t a, int32_t b) { return score(a) > score(b); });
    m.merges = mergesOfTokens(matched, ranked, [&](int32_t before, int32_t id) { return score(before) == score(id); });
  }

  void decoders() {
    using Kind = plan_text::DecodeKind;
    auto literal = [](const char* text) { return PatternEntry{.literal = text, .regex = nullptr, .source = {}}; };
    tables_.decoders.push_back({.kind = Kind::replace, .pattern = literal(kSpaceMark), .text = " "});
    if (tables_.model.byteFallback) tables_.decoders.push_back({.kind = Kind::byte_fallback, .pattern = {}, .text = {}});
    tables_.decoders.push_back({.kind = Kind::fuse, .pattern = {}, .text = {}});
    if (v_.addPrefix) tables_.decoders.push_back({.kind = Kind::strip, .pattern = literal(" "), .text = {}, .start = 1});
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
