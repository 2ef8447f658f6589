// A row of logits whose ids are in the order of kernels/abi/sampling.h, and the search for the last id that a filter keeps.
#pragma once

#include "kernels/abi/sampling.h"
#include "kernels/sample/cluster_team.cuh"

namespace sample {

constexpr int kThreads = kScanThreads, kBinBits = 11, kBins = 1 << kBinBits;
// Ids are counted by 1/32 of an octave of their weight first.
constexpr float kBucketsPerOctave = 32;
static_assert(-INGOT_WEIGHTLESS * kBucketsPerOctave <= kBins);

struct Storage {
  SharedArray<float, kWarp> values;
  SharedArray<int, kWarp> ids;
  SharedArray<ingot_u64, kWarp> sums;
  SharedArray<ingot_u64, kBins> measures;  // of bins, then of members
  SharedArray<int, kBins> counts;          // of ids, where they are not the measure
  SharedArray<ingot_u64, kThreads> members;
  SharedArray<ingot_u64, 2> found;
  SharedArray<int, 3> numbers;  // of the bin that was found, -1: in another block; of its members; of those that were gathered
  Exchange exchange;
};

// An id's place in the order: larger is earlier, no two are alike. Of ids that are not NaN.
INGOT_INLINE ingot_u64 rankKey(float logit, int id) {
  unsigned bits = asBits(logit + 0.0f);  // -0 is 0
  unsigned high = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (ingot_u64)high << 32 | (unsigned)~id;
}
INGOT_INLINE float logitAt(ingot_u64 key) {
  unsigned high = (unsigned)(key >> 32);
  return asFloat(high >> 31 ? high & 0x7fffffffu : ~high);
}

// Of the row, fours [first, last) of logits are the block's.
struct Row {
  const float* logits;
  int columns, first, last;
  IngotSampling sampling;
  float best, lowest;

  INGOT_MEMBER float exponentOf(float logit) const { return ingotExponent(logit, best, sampling.scale); }
  INGOT_MEMBER ingot_u64 weightOf(float logit) const { return ingotWeight(logit, best, sampling.scale); }
  // Calls with logit and id of those with a weight among fours [first, last), each step-th one from `first`.
  template <class Visit>
  INGOT_MEMBER void visit(int first, int last, int step, Visit visit) const {
    for (int i = first; i < last; i += step) {
      FourFloats four = load<FourFloats>(logits + i * 4);
      for (int c = 0; c < 4; ++c) {
        bool isCounted = i * 4 + c < columns && four.at[c] >= lowest && exponentOf(four.at[c]) > INGOT_WEIGHTLESS;
        if (isCounted) visit(four.at[c], i * 4 + c);
      }
    }
  }
};

// Finds the place of the last id that top-k, or top-p, keeps: it is sought in one bin of places after the other, until its bin has no
// more ids than a block has threads. A measure of ids is their number, or their weight.
template <int Blocks>
class Search {
 public:
  INGOT_MEMBER Search(const Row& row, bool isTopK, ingot_u64 last, ClusterTeam<Blocks>& team, Storage& storage)
      : row_(row), isTopK_(isTopK), last_(last), team_(team), storage_(storage) {}

  // `last` as it was where there are not as many ids.
  INGOT_MEMBER ingot_u64 run() {
    do {
      countBins();
      if (!findBin()) return last_;
    } while (members_ > kThreads);
    gatherMembers();
    if constexpr (Blocks > 1) shareMembers();
    return findMember();
  }

 private:
  INGOT_MEMBER ingot_u64 measureOf(float logit) const { return isTopK_ ? 1 : row_.weightOf(logit); }
  // Exponents do not grow where places fall.
  INGOT_MEMBER int bucketOf(float logit) const { return (int)(row_.exponentOf(logit) * -kBucketsPerOctave); }
  INGOT_MEMBER bool isMember(float logit, ingot_u64 key) const {
    if (key < last_ || (bucket_ >= 0 && bucketOf(logit) != bucket_)) return false;
    return shift_ == 64 || key >> shift_ == prefix_;
  }
  // The bins divide the row by bucket, then a bin by the next bits of places; earlier ids have lower bins.
  INGOT_MEMBER int binOf(float logit, ingot_u64 key) const {
    return bucket_ < 0 ? bucketOf(logit) : kBins - 1 - (int)(key >> nextShift() & (kBins - 1));
  }
  INGOT_MEMBER int nextShift() const { return shift_ - kBinBits; }

  template <class Visit>
  INGOT_MEMBER void visitMembers(Visit visit) const {
    row_.visit(row_.first + (int)threadIdx.x, row_.last, kThreads, [&](float logit, int id) {
      ingot_u64 key = rankKey(logit, id);
      if (isMember(logit, key)) visit(logit, key);
    });
  }

  INGOT_MEMBER void countBins() {
    __syncthreads();
    for (int bin = threadIdx.x; bin < kBins; bin += kThreads) {
      storage_.measures[bin] = 0;
      storage_.counts[bin] = 0;
    }
    __syncthreads();
    visitMembers([&](float logit, ingot_u64 key) {
      int bin = binOf(logit, key);
      addShared(storage_.measures, bin, measureOf(logit));
      if (!isTopK_) addShared(storage_.counts, bin, 1);
    });
    team_.sync();
    if (threadIdx.x == 0) storage_.numbers[0] = -1;
  }

  // Goes into the bin of the id that is sought. Each block adds up some of the bins, over all blocks.
  static constexpr int kOwn = kBins / Blocks, kEach = kOwn > kThreads ? kOwn / kThreads : 1;
  template <class T>
  INGOT_MEMBER T ofAll(SharedArray<T, kBins>& bins, int bin) const {
    T sum = 0;
    for (int rank = 0; rank < Blocks; ++rank) sum += loadFrom<Blocks>(bins, bin, rank);
    return sum;
  }
  INGOT_MEMBER bool findBin() {
    int first = team_.rank() * kOwn + (int)threadIdx.x * kEach;
    ingot_u64 own[kEach] = {}, sum = 0;
    for (int i = 0; i < kEach; ++i) {
      if (threadIdx.x * kEach < kOwn) own[i] = ofAll(storage_.measures, first + i);
      sum += own[i];
    }
    Running inBlock = blockRunning(sum, storage_.sums), inTeam = team_.running(inBlock.total);
    if (bucket_ < 0) {
      wanted_ = isTopK_ ? (ingot_u64)row_.sampling.top_k : ingotShare(inTeam.total, row_.sampling.top_p);
      if (wanted_ == 0) wanted_ = 1;
      if (inTeam.total < wanted_) return false;
    }
    ingot_u64 before = before_ + inTeam.before + inBlock.before;
    for (int i = 0; i < kEach; ++i) {
      if (before < wanted_ && before + own[i] >= wanted_) {
        storage_.found[0] = before;
        storage_.numbers[0] = first + i;
        storage_.numbers[1] = isTopK_ ? (int)own[i] : ofAll(storage_.counts, first + i);
      }
      before += own[i];
    }
    enterBin();
    return true;
  }
  // What one thread of one block has found.
  INGOT_MEMBER void enterBin() {
    int lane = threadIdx.x % kWarp;
    team_.sync();
    int bin = lane < Blocks ? loadFrom<Blocks>(storage_.numbers, 0, lane) : -1, finder = lowestBit(__ballot_sync(kFullWarp, bin >= 0));
    bin = __shfl_sync(kFullWarp, bin, finder);
    members_ = loadFrom<Blocks>(storage_.numbers, 1, finder);
    before_ = loadFrom<Blocks>(storage_.found, 0, finder);
    if (bucket_ < 0) {
      bucket_ = bin;
    } else {
      prefix_ = prefix_ << kBinBits | (unsigned)(kBins - 1 - bin);
      shift_ = nextShift();
    }
  }

  INGOT_MEMBER void gatherMembers() {
    if (threadIdx.x == 0) storage_.numbers[2] = 0;
    team_.sync();
    visitMembers([&](float logit, ingot_u64 key) {
      int at = addShared(storage_.numbers, 2, 1);
      storage_.members[at] = key;
      storage_.measures[at] = measureOf(logit);
    });
    team_.sync();
  }
  // Every block gets those of all: a thread one of them.
  INGOT_MEMBER void shareMembers() {
    int at = threadIdx.x, rank = 0;
    for (int count; rank < Blocks - 1 && at >= (count = loadFrom<Blocks>(storage_.numbers, 2, rank)); ++rank) at -= count;
    bool has = (int)threadIdx.x < members_;
    ingot_u64 key = has ? loadFrom<Blocks>(storage_.members, at, rank) : 0, measure = has ? loadFrom<Blocks>(storage_.measures, at, rank) : 0;
    team_.sync();
    storage_.members[threadIdx.x] = key;
    storage_.measures[threadIdx.x] = measure;
    __syncthreads();
  }

  // A thread a member: the one with which those up to it reach what is wanted.
  INGOT_MEMBER ingot_u64 findMember() {
    if ((int)threadIdx.x < members_) {
      ingot_u64 key = storage_.members[threadIdx.x], before = before_, own = storage_.measures[threadIdx.x];
      for (int i = 0; i < members_; ++i)
        if (storage_.members[i] > key) before += storage_.measures[i];
      if (before < wanted_ && before + own >= wanted_) storage_.found[1] = key;
    }
    __syncthreads();
    return storage_.found[1];
  }

  const Row& row_;
  const bool isTopK_;
  ingot_u64 last_, wanted_ = 0, before_ = 0, prefix_ = 0;
  int bucket_ = -1, shift_ = 64, members_ = 0;
  ClusterTeam<Blocks>& team_;
  Storage& storage_;
};

}  // namespace sample
