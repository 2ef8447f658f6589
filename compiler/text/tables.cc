#include "compiler/text/tables.h"

#include <algorithm>
#include <bit>

#include "runtime/text/tokenizer/hash.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

using flatbuffers::Offset;

class Serializer {
 public:
  explicit Serializer(const TokenizerTables& tables) : tables_(tables) {}

  // `whole`: bits of the tokens that encode to themselves; found by a first pass without them.
  Result<std::vector<std::byte>> run(const std::vector<uint8_t>& whole) {
    b_.Clear();
    dfas_.clear();
    auto tokens = tokenVectors();
    INGOT_ASSIGN(auto normalizers, this->normalizers());
    INGOT_ASSIGN(auto splits, this->splits());
    int32_t word = -1;
    if (std::any_of(tables_.added.begin(), tables_.added.end(), [](const auto& t) { return t.singleWord; })) {
      INGOT_ASSIGN(word, dfa(*setRegex(wordSet()), "\\w"));
    }
    auto added = addedTokens(false), addedNormalized = addedTokens(true);
    Offset<plan_text::Unicode> unicode = needsUnicode() ? buildUnicode(b_) : Offset<plan_text::Unicode>();
    auto model = this->model(whole);
    auto prefix = b_.CreateVector(tables_.prefixIds), suffix = b_.CreateVector(tables_.suffixIds);
    auto normalizerVector = b_.CreateVector(normalizers);
    auto splitVector = b_.CreateVector(splits);
    auto dfaVector = b_.CreateVector(dfas_);
    auto strip = b_.CreateString(tables_.stripToken);
    b_.Finish(plan_text::CreateTokenizer(b_, tokens[0], bytes_[0], tokens[1], bytes_[1], flags_, bytes_[2], tokens[2], normalizerVector, splitVector,
                                         dfaVector, word, added, addedNormalized, unicode, model, prefix, suffix, tables_.decoding,
                                         tables_.stripFirst, strip));
    auto* bytes = reinterpret_cast<const std::byte*>(b_.GetBufferPointer());
    return std::vector<std::byte>(bytes, bytes + b_.GetSize());
  }

 private:
  // Offsets of matches, texts and contents; their bytes into bytes_.
  std::array<Offset<flatbuffers::Vector<uint32_t>>, 3> tokenVectors() {
    std::vector<uint32_t> offsets[3] = {{0}, {0}, {0}};
    std::string bytes[3];
    std::vector<uint8_t> flags;
    for (const TokenEntry& token : tables_.tokens) {
      const std::string* parts[3] = {token.match ? &*token.match : nullptr, &token.text, &token.content};
      for (int i = 0; i < 3; ++i) {
        if (parts[i]) bytes[i] += *parts[i];
        offsets[i].push_back(static_cast<uint32_t>(bytes[i].size()));
      }
      flags.push_back(token.flags);
    }
    std::array<Offset<flatbuffers::Vector<uint32_t>>, 3> result;
    for (size_t i = 0; i < 3; ++i) {
      bytes_[i] = b_.CreateVector(reinterpret_cast<const uint8_t*>(bytes[i].data()), bytes[i].size());
      result[i] = b_.CreateVector(offsets[i]);
    }
    flags_ = b_.CreateVector(flags);
    return result;
  }

  Result<int32_t> dfa(const RegexNode& pattern, std::string_view name) {
    INGOT_ASSIGN(DfaTables t, compileRegex(pattern, name));
    auto ascii = b_.CreateVector(t.ascii);
    auto blocks = b_.CreateVector(t.blocks);
    auto blockClasses = b_.CreateVector(t.blockClasses);
    auto transitions = b_.CreateVector(t.transitions);
    auto accepts = b_.CreateVector(t.accepts);
    dfas_.push_back(plan_text::CreateDfa(b_, t.classes, ascii, blocks, blockClasses, transitions, accepts));
    return static_cast<int32_t>(dfas_.size()) - 1;
  }

  Result<std::vector<Offset<plan_text::Normalizer>>> normalizers() {
    std::vector<Offset<plan_text::Normalizer>> steps;
    for (const NormalizerStep& step : tables_.normalizers) {
      int32_t pattern = -1;
      if (step.pattern) {
        INGOT_ASSIGN(pattern, dfa(*step.pattern, step.patternText));
      }
      auto text = b_.CreateString(step.text);
      steps.push_back(plan_text::CreateNormalizer(b_, step.kind, pattern, text, step.left, step.right));
    }
    return steps;
  }

  Result<std::vector<Offset<plan_text::Split>>> splits() {
    std::vector<Offset<plan_text::Split>> steps;
    for (const SplitStep& step : tables_.splits) {
      int32_t pattern = -1;
      if (step.pattern) {
        INGOT_ASSIGN(pattern, dfa(*step.pattern, step.patternText));
      }
      auto text = b_.CreateString(step.text);
      steps.push_back(plan_text::CreateSplit(b_, step.kind, pattern, step.behaviour, step.invert, text, step.prepend));
    }
    return steps;
  }

  Offset<plan_text::AddedTokens> addedTokens(bool normalized) {
    std::map<std::string, const AddedTokenEntry*> sorted;
    for (const AddedTokenEntry& token : tables_.added)
      if (token.normalized == normalized && !token.content.empty()) sorted[token.content] = &token;
    std::vector<int32_t> ids;
    std::vector<uint32_t> offsets = {0};
    std::string bytes;
    std::vector<uint8_t> flags;
    for (const auto& [content, token] : sorted) {
      ids.push_back(token->id);
      bytes += content;
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
      flags.push_back(static_cast<uint8_t>(token->singleWord | token->leftStrip << 1 | token->rightStrip << 2));
    }
    auto idVector = b_.CreateVector(ids);
    auto offsetVector = b_.CreateVector(offsets);
    auto byteVector = b_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    auto flagVector = b_.CreateVector(flags);
    return plan_text::CreateAddedTokens(b_, idVector, offsetVector, byteVector, flagVector);
  }

  bool needsUnicode() const {
    using Kind = plan_text::NormalizerKind;
    return std::any_of(tables_.normalizers.begin(), tables_.normalizers.end(),
                       [](const auto& step) { return step.kind <= Kind::lowercase || step.kind == Kind::strip_accents; });
  }

  Offset<plan_text::Model> model(const std::vector<uint8_t>& whole) {
    const BpeModel& m = tables_.model;
    size_t matched = 0, longest = 0;
    for (const TokenEntry& token : tables_.tokens)
      if (token.match) ++matched, longest = std::max(longest, token.match->size());
    std::vector<uint32_t> pieces(std::bit_ceil(2 * matched + 2));
    for (size_t id = 0; id < tables_.tokens.size(); ++id) {
      if (!tables_.tokens[id].match) continue;
      uint64_t slot = text::hashBytes(*tables_.tokens[id].match);
      while (pieces[slot & (pieces.size() - 1)]) ++slot;
      pieces[slot & (pieces.size() - 1)] = static_cast<uint32_t>(id) + 1;
    }
    size_t slots = std::bit_ceil(2 * m.merges.size() + 2);
    std::vector<uint32_t> merges(slots * 4);
    for (size_t rank = 0; rank < m.merges.size(); ++rank) {
      auto [left, right, merged] = m.merges[rank];
      uint64_t slot = text::hashPair(static_cast<uint32_t>(left), static_cast<uint32_t>(right));
      auto at = [&] { return merges.data() + (slot & (slots - 1)) * 4; };
      auto same = [&] { return at()[0] == static_cast<uint32_t>(left) + 1 && at()[1] == static_cast<uint32_t>(right); };
      while (at()[0] && !same()) ++slot;
      uint32_t entry[4] = {static_cast<uint32_t>(left) + 1, static_cast<uint32_t>(right), static_cast<uint32_t>(rank), static_cast<uint32_t>(merged)};
      std::copy_n(entry, 4, at());  // of equal pairs the reference keeps the last
    }
    auto pieceVector = b_.CreateVector(pieces), mergeVector = b_.CreateVector(merges);
    auto byteIds = b_.CreateVector(m.byteIds);
    auto wholeVector = b_.CreateVector(whole);
    auto prefix = b_.CreateString(m.prefix), suffix = b_.CreateString(m.suffix);
    return plan_text::CreateModel(b_, plan_text::ModelKind::bpe, pieceVector, mergeVector, byteIds, m.byteLevel, m.byteFallback, m.ignoreMerges,
                                  m.fuseUnk, m.unkId, wholeVector, prefix, suffix, 0, 0, static_cast<uint32_t>(longest));
  }

  const TokenizerTables& tables_;
  flatbuffers::FlatBufferBuilder b_;
  std::vector<Offset<plan_text::Dfa>> dfas_;
  Offset<flatbuffers::Vector<uint8_t>> bytes_[3], flags_;
};

// Tokens that their own bytes encode to: a piece that is one of them needs no merging.
std::vector<uint8_t> findWhole(const TokenizerTables& tables, const text::Tokenizer& tokenizer) {
  std::vector<uint8_t> whole((tables.tokens.size() + 7) / 8);
  text::Bpe bpe(*tokenizer.tables().model(), tokenizer.vocabulary());
  text::BpeScratch scratch;
  std::vector<int32_t> ids;
  for (size_t id = 0; id < tables.tokens.size(); ++id) {
    const auto& match = tables.tokens[id].match;
    if (!match || match->empty() || (!tables.model.byteLevel && !text::isValidUtf8(*match))) continue;
    ids.clear();
    bpe.encode(*match, scratch, ids);
    if (ids.size() == 1 && ids[0] == static_cast<int32_t>(id)) whole[id / 8] |= static_cast<uint8_t>(1 << id % 8);
  }
  return whole;
}

}  // namespace

Result<std::vector<std::byte>> TokenizerTables::serialize() const {
  std::vector<uint8_t> whole((tokens.size() + 7) / 8);
  Serializer serializer(*this);
  INGOT_ASSIGN(std::vector<std::byte> bytes, serializer.run(whole));
  auto opened = text::Tokenizer::open(bytes);
  if (!opened.ok()) return Status::internal("the compiled tokenizer does not open: {}", opened.status().message());
  if (model.ignoreMerges) return bytes;
  return serializer.run(findWhole(*this, *opened));
}

}  // namespace ingot
