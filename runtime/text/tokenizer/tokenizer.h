// Text -> ids -> text, over the tables of a compiled tokenizer. Ids and text equal those of Hugging Face `tokenizers`.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/text/tokenizer/added_tokens.h"
#include "runtime/text/tokenizer/model.h"
#include "runtime/text/tokenizer/normalize.h"
#include "runtime/text/tokenizer/split.h"

namespace ingot::text {

struct EncodeOptions {
  bool add_special_tokens = true;  // those of the post-processor
  bool parse_special = true;       // find special tokens in the text; other added tokens are found always
};

// Reused by calls, so that encoding allocates nothing once warm. Thread-compatible.
struct EncodeScratch {
  std::string valid, section, normal;
  std::vector<Piece> pieces;
  NormalizeScratch normalize;
  SplitScratch split;
  ModelScratch model;
};

// Immutable and thread-safe. Does not own the tables.
class Tokenizer {
 public:
  // Checks the tables: structure, sizes, every index. `tables` must outlive the tokenizer and be aligned to 8 bytes.
  static Result<Tokenizer> open(std::span<const std::byte> tables);
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer(Tokenizer&&) = default;

  // Appends the ids of `text`; invalid UTF-8 is read as U+FFFD.
  void encode(std::string_view text, const EncodeOptions& options, EncodeScratch& scratch, std::vector<int32_t>& ids) const;
  // The text of `ids`; ids without a token give nothing. Fails on an id outside [0, vocabSize()).
  Result<std::string> decode(std::span<const int32_t> ids, bool skipSpecialTokens) const;

  int32_t vocabSize() const { return vocabulary_.size(); }
  // What the id is called (a token of the vocabulary as tokenizer.json spells it); empty for a hole.
  std::string_view token(int32_t id) const;
  std::optional<int32_t> idOf(std::string_view token) const;
  bool isSpecial(int32_t id) const { return vocabulary_.flags(id) & kSpecial; }

  const plan::Tokenizer& tables() const { return tables_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  const std::vector<Dfa>& dfas() const { return dfas_; }
  const AddedTokens& kept() const { return kept_; }
  // What an id is to the first step of the decoder: bytes where that is the byte-level one, else a text.
  std::string_view textOf(int32_t id) const;

 private:
  explicit Tokenizer(const plan::Tokenizer& tables);
  void encodeSection(std::string_view text, size_t head, const EncodeOptions& options, EncodeScratch& scratch, std::vector<int32_t>& ids) const;
  void encodeNormal(size_t head, EncodeScratch& scratch, std::vector<int32_t>& ids) const;

  const plan::Tokenizer& tables_;
  std::vector<Dfa> dfas_;
  Vocabulary vocabulary_;
  Model model_;
  AddedTokens added_, addedNormalized_, kept_;
};

// Structure and every index of the tables; part of Tokenizer::open.
Status validateTables(const plan::Tokenizer& tables);

}  // namespace ingot::text
