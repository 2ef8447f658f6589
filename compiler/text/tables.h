// A tokenizer being compiled: what tokenizer_json.cc reads, and how it becomes the runtime's tables.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "compiler/text/regex.h"
#include "runtime/text/tokenizer/tokenizer_generated.h"

namespace ingot {

namespace plan_text = text::plan;

// Hears of what is ignored or missing.
using Note = std::function<void(const std::string&)>;

struct TokenEntry {
  std::string content;             // as tokenizer.json spells it
  std::optional<std::string> match;  // bytes that the model matches; none: never
  std::string text;                // bytes that it decodes to
  uint8_t flags = 0;               // text::TokenFlags
};

struct NormalizerStep {
  plan_text::NormalizerKind kind;
  std::string text;
  std::unique_ptr<RegexNode> pattern;  // replace
  std::string patternText;
  bool left = false, right = false;
};

struct SplitStep {
  plan_text::SplitKind kind = plan_text::SplitKind::split;
  std::unique_ptr<RegexNode> pattern;
  std::string patternText;
  plan_text::Behaviour behaviour = plan_text::Behaviour::isolated;
  bool invert = false;
  std::string text;
  uint8_t prepend = 0;
};

struct AddedTokenEntry {
  std::string content;
  int32_t id = 0;
  bool singleWord = false, leftStrip = false, rightStrip = false, normalized = false;
};

struct MergeEntry {
  int32_t left, right, merged;
};

struct BpeModel {
  std::vector<MergeEntry> merges;  // by rank
  std::vector<int32_t> byteIds = std::vector<int32_t>(256, -1);
  bool byteLevel = false, byteFallback = false, ignoreMerges = false, fuseUnk = false;
  int32_t unkId = -1;
  std::string prefix, suffix;
};

struct TokenizerTables {
  std::vector<TokenEntry> tokens;  // by id; holes have no flags
  std::vector<NormalizerStep> normalizers;
  std::vector<SplitStep> splits;
  std::vector<AddedTokenEntry> added;
  BpeModel model;
  std::vector<int32_t> prefixIds, suffixIds;
  plan_text::Decoding decoding = plan_text::Decoding::spaced;
  uint8_t stripFirst = 0;
  std::string stripToken;

  // Automata, hash tables and Unicode data -> one FlatBuffer. Checked by opening it as the runtime does.
  Result<std::vector<std::byte>> serialize() const;
};

// The tables of plan::Unicode, of Unicode 9 as the reference's normalizers have it: later code points are left alone.
flatbuffers::Offset<plan_text::Unicode> buildUnicode(flatbuffers::FlatBufferBuilder& b);

}  // namespace ingot
