// Byte pair encoding (Sennrich et al. 2016) of one piece: merges in order of rank, leftmost first.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot::text {

struct BpeScratch {
  struct Token {
    int32_t id;
    uint32_t symbols;  // how many it was merged from
  };
  struct Symbol {
    int32_t id, previous, next;
    uint32_t symbols;
  };
  struct Candidate {
    uint32_t rank;
    int32_t left, leftId, rightId, merged;
  };
  // What was looked up last, so that it is not looked for again among all merges and tokens, which no cache holds: entries as
  // findMerge and findAtom pack them, of the Bpe whose number is `owner`.
  std::array<uint64_t, 4096> knownMerges;
  std::array<uint64_t, 1024> knownAtoms;
  uint64_t owner = 0;
  std::vector<int32_t> ids;  // the piece as single symbols
  std::vector<Token> tokens, window, pair;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::string affixed;
};

// Immutable, thread-safe.
class Bpe {
 public:
  // A row of plan::Model's `unused`.
  struct Unused {
    int32_t id, left, right;
  };

  Bpe(const plan::Model& model, const Vocabulary& vocabulary);

  // Appends the ids of `piece`. Time linear in its length: long pieces are merged in windows (see mergeWindows).
  void encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;

 private:
  void encodePart(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  // Index of the merge of two tokens, or -1.
  int64_t findMerge(int32_t left, int32_t right, BpeScratch& scratch) const;
  int64_t searchMerge(uint64_t key, uint64_t hash) const;
  uint32_t rankOf(int64_t merge) const { return ranks_ ? ranks_[merge] : static_cast<uint32_t>(merge); }
  void addSymbols(std::string_view piece, BpeScratch& scratch) const;
  int32_t symbolId(std::string_view piece, size_t start, size_t end, BpeScratch& scratch) const;
  // The token of the character at `at` if merging may begin with it whole; moves past it.
  int32_t atomAt(std::string_view piece, size_t& at, BpeScratch& scratch) const;
  int32_t findAtom(std::string_view character, BpeScratch& scratch) const;
  bool addBytes(std::string_view symbol, std::vector<int32_t>& ids) const;
  void own(BpeScratch& scratch) const;
  // Merges scratch.ids to the end, into scratch.tokens.
  void mergeSymbols(BpeScratch& scratch) const;
  // Merges symbols to the end, into `tokens`.
  void merge(std::span<const int32_t> symbols, BpeScratch& scratch, std::vector<BpeScratch::Token>& tokens) const;
  void mergeShort(std::span<const int32_t> symbols, BpeScratch& scratch, std::vector<BpeScratch::Token>& tokens) const;
  void mergeLong(std::span<const int32_t> symbols, BpeScratch& scratch, std::vector<BpeScratch::Token>& tokens) const;
  void mergeWindows(BpeScratch& scratch) const;
  bool standsApart(std::span<const int32_t> symbols, BpeScratch::Token left, BpeScratch::Token right, BpeScratch& scratch) const;
  void offer(int32_t left, BpeScratch& scratch, bool sorted) const;
  // Appends a token, or both parts of one that is unused.
  void addToken(int32_t id, std::vector<int32_t>& ids) const;

  const plan::Model& model_;
  Vocabulary vocabulary_;
  const uint64_t* merges_;
  uint64_t mask_, probes_;
  uint32_t mergeCount_;
  const int32_t* merged_;
  const uint32_t* ranks_;
  const uint8_t *whole_, *atoms_;
  std::span<const Unused> unused_;  // by id
  std::string_view boundary_;
  bool hasAffixes_, byteLevel_, ignoreMerges_;
  uint32_t longest_;
  uint64_t number_;  // of these tables: no two in a process have the same
};

}  // namespace ingot::text
