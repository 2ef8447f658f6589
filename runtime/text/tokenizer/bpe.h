// Byte pair encoding (Sennrich et al. 2016) of one piece: merges in order of rank, leftmost first.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot::text {

struct BpeScratch {
  struct Symbol {
    int32_t id, previous, next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t left, leftId, rightId, merged;
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::string affixed;
};

// Immutable, thread-safe.
class Bpe {
 public:
  Bpe(const plan::Model& model, const Vocabulary& vocabulary);

  // Appends the ids of `piece`. Time n log n in its length, whatever the vocabulary.
  void encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;

 private:
  // (left + 1, right, rank, merged), or null.
  const uint32_t* findMerge(int32_t left, int32_t right) const;
  void addSymbols(std::string_view piece, BpeScratch& scratch) const;
  void mergeShort(BpeScratch& scratch) const;
  void mergeLong(BpeScratch& scratch) const;
  void addUnknown(std::string_view symbol, bool& lastUnknown, std::vector<BpeScratch::Symbol>& symbols) const;

  const plan::Model& model_;
  Vocabulary vocabulary_;
  const uint32_t* merges_;
  uint64_t mask_;
  const uint8_t* whole_;
  bool hasAffixes_;
};

}  // namespace ingot::text
