// A tokenizer being compiled: what the readers of vocabularies fill in, and how it becomes the runtime's tables.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "compiler/text/regex.h"
#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot {

namespace plan_text = text::plan;

// Hears of what is ignored or missing.
using Note = std::function<void(const std::string&)>;

struct TokenEntry {
  std::string content;               // as tokenizer.json spells it
  std::optional<std::string> match;  // bytes that the model matches; none: never
  uint8_t flags = 0;                 // text::TokenFlags
};

// What a step looks for: a fixed text, or an automaton.
struct PatternEntry {
  std::string literal;  // used where `regex` is null
  std::unique_ptr<RegexNode> regex;
  std::string source;  // for messages
};

struct NormalizerStep {
  plan_text::NormalizerKind kind;
  PatternEntry pattern;
  std::string text;
  bool left = false, right = false;
  std::vector<uint32_t> trie;  // precompiled, sentence_piece
  std::string texts;
  uint8_t prepend = 0;  // sentence_piece
  bool singleSpaces = false;
};

struct SplitStep {
  plan_text::SplitKind kind = plan_text::SplitKind::split;
  PatternEntry pattern;
  plan_text::Behaviour behaviour = plan_text::Behaviour::isolated;
  bool invert = false;
  std::string text;
  uint8_t prepend = 0;
};

struct DecodeStep {
  plan_text::DecodeKind kind;
  PatternEntry pattern;
  std::string text;
  uint32_t start = 0, stop = 0;
  bool flag = false;
};

struct AddedTokenEntry {
  std::string content;
  int32_t id = 0;
  bool singleWord = false, leftStrip = false, rightStrip = false, normalized = false, special = false;
  bool isNormalForm = false;  // the content is what normalised text has, and is not normalised itself
};

struct MergeEntry {
  int32_t left, right, merged;
  bool sameRank = false;  // comes with the merge before it, not after it
};

// A token that merging uses but that is no result: its parts are.
struct UnusedEntry {
  int32_t id, left, right;
};

// The model of any kind; a kind's own fields are at their defaults for the others.
struct ModelEntry {
  plan_text::ModelKind kind = plan_text::ModelKind::bpe;
  std::vector<MergeEntry> merges;  // by rank
  std::vector<int32_t> byteIds = std::vector<int32_t>(256, -1);
  bool byteLevel = false, byteFallback = false, ignoreMerges = false, fuseUnk = false;
  int32_t unkId = -1;
  std::string prefix, suffix;
  std::vector<double> scores;
  double unknownScore = 0;
  bool singlePrecision = false;
  std::vector<UnusedEntry> unused;  // ascending
  uint32_t maxChars = 0;
};

struct TokenizerTables {
  std::vector<TokenEntry> tokens;  // by id; holes have no flags
  std::vector<NormalizerStep> normalizers;
  std::vector<SplitStep> splits;
  std::vector<AddedTokenEntry> added;  // the first of equals wins
  std::set<std::string> kept;          // what sentence_piece leaves as it is
  ModelEntry model;
  std::vector<int32_t> prefixIds, suffixIds;
  std::vector<DecodeStep> decoders;

  // The entry of `id`, which is not negative.
  TokenEntry& tokenAt(int32_t id) {
    if (static_cast<size_t>(id) >= tokens.size()) tokens.resize(static_cast<size_t>(id) + 1);
    return tokens[static_cast<size_t>(id)];
  }
  // Automata, hash tables and Unicode data -> one FlatBuffer. Checked by opening it as the runtime does.
  Result<std::vector<std::byte>> serialize() const;
};

// The tables of plan::Unicode, of Unicode 9 as the reference's normalizers have it: later code points are left alone.
flatbuffers::Offset<plan_text::Unicode> buildUnicode(flatbuffers::FlatBufferBuilder& b);

// Bits of the tokens that byte-level merging may begin with; see atoms.cc.
std::vector<uint8_t> findAtoms(const TokenizerTables& tables);

// The tables of plan::Model. `whole`: bits of the tokens that their own bytes encode to.
flatbuffers::Offset<plan_text::Model> buildModel(flatbuffers::FlatBufferBuilder& b, const TokenizerTables& tables, const std::vector<uint8_t>& whole);

}  // namespace ingot
