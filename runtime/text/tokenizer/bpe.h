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
  std::vector<int32_t> ids;
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
  void encodePart(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  // Index of the merge of two tokens, or -1.
  int64_t findMerge(int32_t left, int32_t right) const;
  uint32_t rankOf(int64_t merge) const { return ranks_ ? ranks_[merge] : static_cast<uint32_t>(merge); }
  void addSymbols(std::string_view piece, BpeScratch& scratch) const;
  int32_t symbolId(std::string_view piece, size_t start, size_t end, BpeScratch& scratch) const;
  bool addBytes(std::string_view symbol, std::vector<int32_t>& ids) const;
  void mergeShort(std::vector<int32_t>& ids) const;
  void mergeLong(BpeScratch& scratch) const;
  void offer(int32_t left, BpeScratch& scratch, bool sorted) const;

  const plan::Model& model_;
  Vocabulary vocabulary_;
  const uint64_t* merges_;
  uint64_t mask_, probes_;
  uint32_t mergeCount_;
  const int32_t* merged_;
  const uint32_t* ranks_;
  const uint8_t* whole_;
  std::string_view boundary_;
  bool hasAffixes_, byteLevel_, ignoreMerges_;
  uint32_t longest_;
};

}  // namespace ingot::text
