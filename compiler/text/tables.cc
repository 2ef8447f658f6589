#include "compiler/text/tables.h"

#include <algorithm>

#include "compiler/text/token_texts.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

using flatbuffers::Offset;

// What only the opened tokenizer can tell: found by a first pass without it.
struct Derived {
  std::vector<uint8_t> whole;                 // bits of the tokens that their own bytes encode to
  std::map<std::string, std::string> normal;  // content of added tokens -> its normal form
};

class Serializer {
 public:
  explicit Serializer(const TokenizerTables& tables) : tables_(tables), texts_(tables) {}

  Result<std::vector<std::byte>> run(const Derived& derived) {
    b_.Clear();
    nextDfa_ = 0;
    auto tokens = tokenVectors(derived);
    INGOT_ASSIGN(auto normalizers, this->normalizers());
    INGOT_ASSIGN(auto splits, this->splits());
    INGOT_ASSIGN(auto decoders, this->decoders());
    int32_t word = -1;
    if (std::any_of(tables_.added.begin(), tables_.added.end(), [](const auto& t) { return t.singleWord; })) {
      INGOT_ASSIGN(word, dfa(*setRegex(rustWordSet()), "\\w"));
    }
    auto added = addedTokens(false, derived), addedNormalized = addedTokens(true, derived), kept = keptTokens();
    Offset<plan_text::Unicode> unicode = needsUnicode() ? buildUnicode(b_) : Offset<plan_text::Unicode>();
    auto model = buildModel(b_, tables_, derived.whole);
    auto prefix = b_.CreateVector(tables_.prefixIds), suffix = b_.CreateVector(tables_.suffixIds);
    auto dfas = this->dfas();
    b_.Finish(plan_text::CreateTokenizer(b_, tokens[0], bytes_[0], tokens[1], bytes_[1], flags_, bytes_[2], tokens[2], normalizers, splits, dfas,
                                         word, added, addedNormalized, kept, unicode, model, prefix, suffix, decoders));
    auto* bytes = reinterpret_cast<const std::byte*>(b_.GetBufferPointer());
    return std::vector<std::byte>(bytes, bytes + b_.GetSize());
  }

 private:
  template <class T>
  using Tables = Offset<flatbuffers::Vector<Offset<T>>>;

  // Added tokens that are looked for in normalised text decode to their normal form, and are special if that is: so does the reference.
  void decodeToNormalForms(const Derived& derived, std::vector<std::string>& decoded, std::vector<uint8_t>& flags) const {
    std::set<std::string> special;
    for (const AddedTokenEntry& token : tables_.added)
      if (token.special) special.insert(token.content);
    for (const AddedTokenEntry& token : tables_.added) {
      auto normal = derived.normal.find(token.content);
      if (!token.normalized || normal == derived.normal.end()) continue;
      auto id = static_cast<size_t>(token.id);
      decoded[id] = normal->second;
      flags[id] = static_cast<uint8_t>(special.contains(normal->second) ? flags[id] | text::kSpecial : flags[id] & ~text::kSpecial);
    }
  }

  // Offsets of matches, texts and contents; their bytes into bytes_.
  std::array<Offset<flatbuffers::Vector<uint32_t>>, 3> tokenVectors(const Derived& derived) {
    std::vector<uint32_t> offsets[3] = {{0}, {0}, {0}};
    std::string bytes[3];
    std::vector<uint8_t> flags;
    std::vector<std::string> decoded;
    for (const TokenEntry& token : tables_.tokens) flags.push_back(token.flags), decoded.push_back(token.content);
    decodeToNormalForms(derived, decoded, flags);
    for (size_t id = 0; id < decoded.size(); ++id) {
      const TokenEntry& token = tables_.tokens[id];
      bytes[0] += token.match.value_or("");
      bytes[1] += texts_.of(decoded[id]);
      bytes[2] += token.content;
      for (int i = 0; i < 3; ++i) offsets[i].push_back(static_cast<uint32_t>(bytes[i].size()));
    }
    std::array<Offset<flatbuffers::Vector<uint32_t>>, 3> result;
    for (size_t i = 0; i < 3; ++i) {
      bytes_[i] = b_.CreateVector(reinterpret_cast<const uint8_t*>(bytes[i].data()), bytes[i].size());
      result[i] = b_.CreateVector(offsets[i]);
    }
    flags_ = b_.CreateVector(flags);
    return result;
  }

  // The index of the pattern's automaton. Both passes ask for the same ones in the same order.
  Result<int32_t> dfa(const RegexNode& pattern, std::string_view name) {
    if (nextDfa_ == dfas_.size()) {
      INGOT_ASSIGN(DfaTables compiled, compileRegex(pattern, name));
      dfas_.push_back(std::move(compiled));
    }
    return static_cast<int32_t>(nextDfa_++);
  }
  Result<int32_t> dfa(const PatternEntry& pattern) {
    if (!pattern.regex) return -1;
    return dfa(*pattern.regex, pattern.source);
  }

  Tables<plan_text::Dfa> dfas() {
    std::vector<Offset<plan_text::Dfa>> offsets;
    for (const DfaTables& t : dfas_) {
      auto ascii = b_.CreateVector(t.ascii);
      auto blocks = b_.CreateVector(t.blocks);
      auto blockClasses = b_.CreateVector(t.blockClasses);
      auto transitions = b_.CreateVector(t.transitions);
      offsets.push_back(plan_text::CreateDfa(b_, t.classes, ascii, blocks, blockClasses, transitions, t.start));
    }
    return b_.CreateVector(offsets);
  }

  Result<Tables<plan_text::Normalizer>> normalizers() {
    std::vector<Offset<plan_text::Normalizer>> steps;
    for (const NormalizerStep& step : tables_.normalizers) {
      INGOT_ASSIGN(int32_t index, dfa(step.pattern));
      auto pattern = b_.CreateString(step.pattern.literal), text = b_.CreateString(step.text);
      auto trie = b_.CreateVector(step.trie);
      auto texts = b_.CreateVector(reinterpret_cast<const uint8_t*>(step.texts.data()), step.texts.size());
      steps.push_back(
          plan_text::CreateNormalizer(b_, step.kind, index, pattern, text, step.left, step.right, trie, texts, step.prepend, step.singleSpaces));
    }
    return b_.CreateVector(steps);
  }

  Result<Tables<plan_text::Split>> splits() {
    std::vector<Offset<plan_text::Split>> steps;
    for (const SplitStep& step : tables_.splits) {
      INGOT_ASSIGN(int32_t index, dfa(step.pattern));
      auto text = b_.CreateString(step.text);
      steps.push_back(plan_text::CreateSplit(b_, step.kind, index, step.behaviour, step.invert, text, step.prepend));
    }
    return b_.CreateVector(steps);
  }

  Result<Tables<plan_text::Decode>> decoders() {
    std::vector<Offset<plan_text::Decode>> steps;
    for (size_t i = texts_.stepsDone(); i < tables_.decoders.size(); ++i) {
      const DecodeStep& step = tables_.decoders[i];
      INGOT_ASSIGN(int32_t index, dfa(step.pattern));
      auto pattern = b_.CreateString(step.pattern.literal), text = b_.CreateString(step.text);
      bool flag = step.flag || (i == texts_.stepsDone() && texts_.areBytes());
      steps.push_back(plan_text::CreateDecode(b_, step.kind, index, pattern, text, step.start, step.stop, flag));
    }
    return b_.CreateVector(steps);
  }

  // Of two tokens with one normal form the special one wins, then the first.
  Offset<plan_text::AddedTokens> addedTokens(bool normalized, const Derived& derived) {
    std::map<std::string, const AddedTokenEntry*> sorted;
    for (bool special : {true, false})
      for (const AddedTokenEntry& token : tables_.added) {
        if (token.normalized != normalized || token.special != special) continue;
        auto normal = derived.normal.find(token.content);
        std::string content = !normalized ? token.content : normal == derived.normal.end() ? std::string() : normal->second;
        if (!content.empty()) sorted.try_emplace(content, &token);
      }
    return addedTokens(sorted);
  }

  Offset<plan_text::AddedTokens> keptTokens() {
    const AddedTokenEntry plain;
    std::map<std::string, const AddedTokenEntry*> sorted;
    for (const std::string& content : tables_.kept) sorted[content] = &plain;
    return addedTokens(sorted);
  }

  Offset<plan_text::AddedTokens> addedTokens(const std::map<std::string, const AddedTokenEntry*>& sorted) {
    std::vector<int32_t> ids;
    std::vector<uint32_t> offsets = {0};
    std::string bytes;
    std::vector<uint8_t> flags;
    for (const auto& [content, token] : sorted) {
      ids.push_back(token->id);
      bytes += content;
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
      flags.push_back(static_cast<uint8_t>(token->singleWord | token->leftStrip << 1 | token->rightStrip << 2 | token->special << 3));
    }
    auto idVector = b_.CreateVector(ids);
    auto offsetVector = b_.CreateVector(offsets);
    auto byteVector = b_.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    auto flagVector = b_.CreateVector(flags);
    return plan_text::CreateAddedTokens(b_, idVector, offsetVector, byteVector, flagVector);
  }

  bool needsUnicode() const {
    return std::any_of(tables_.normalizers.begin(), tables_.normalizers.end(),
                       [](const auto& step) { return step.kind <= plan_text::NormalizerKind::lowercase; });
  }

  const TokenizerTables& tables_;
  TokenTexts texts_;
  flatbuffers::FlatBufferBuilder b_;
  std::vector<DfaTables> dfas_;
  size_t nextDfa_ = 0;
  Offset<flatbuffers::Vector<uint8_t>> bytes_[3], flags_;
};

// A piece that is one of these tokens needs no merging.
void findWhole(const TokenizerTables& tables, const text::Tokenizer& tokenizer, std::vector<uint8_t>& whole) {
  if (tables.model.kind != plan_text::ModelKind::bpe || tables.model.ignoreMerges) return;
  text::Bpe bpe(*tokenizer.tables().model(), tokenizer.vocabulary());
  text::BpeScratch scratch;
  std::vector<int32_t> ids;
  for (size_t id = 0; id < tables.tokens.size(); ++id) {
    const auto& match = tables.tokens[id].match;
    if (!match || match->empty() || (!tables.model.byteLevel && !isValidUtf8(*match))) continue;
    ids.clear();
    bpe.encode(*match, scratch, ids);
    if (ids.size() == 1 && ids[0] == static_cast<int32_t>(id)) whole[id / 8] |= static_cast<uint8_t>(1 << id % 8);
  }
}

// Added tokens that are looked for in normalised text are normalised themselves.
Status normalizeAdded(const TokenizerTables& tables, const text::Tokenizer& tokenizer, std::map<std::string, std::string>& normal) {
  text::NormalizeScratch scratch;
  for (const AddedTokenEntry& token : tables.added) {
    if (!token.normalized) continue;
    std::string content = token.content;
    size_t head = 0;
    if (!token.isNormalForm) text::normalize(tokenizer.tables(), tokenizer.dfas(), tokenizer.kept(), content, head, scratch);
    if (content.empty() && !token.content.empty())
      return Status::unsupported("added_tokens: \"{}\" is empty in normal form, which is found everywhere; it must not be normalized", token.content);
    normal[token.content] = content;
  }
  return {};
}

}  // namespace

Result<std::vector<std::byte>> TokenizerTables::serialize() const {
  if (tokens.size() >= 1u << text::kIdBits)
    return Status::unsupported("tokenizer: {} tokens, at most {} are read", tokens.size(), (1u << text::kIdBits) - 1);
  if (model.merges.size() >= 1u << text::kMergeBits)
    return Status::unsupported("tokenizer: {} merges, at most {} are read", model.merges.size(), (1u << text::kMergeBits) - 1);
  Derived derived{.whole = std::vector<uint8_t>((tokens.size() + 7) / 8), .normal = {}};
  Serializer serializer(*this);
  INGOT_ASSIGN(std::vector<std::byte> bytes, serializer.run(derived));
  auto opened = text::Tokenizer::open(bytes);
  if (!opened.ok()) return Status::internal("the compiled tokenizer does not open: {}", opened.status().message());
  findWhole(*this, *opened, derived.whole);
  INGOT_TRY(normalizeAdded(*this, *opened, derived.normal));
  return serializer.run(derived);
}

}  // namespace ingot
