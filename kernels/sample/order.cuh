// The order of ids by logit (kernels/abi/sampling.h), and a radix search for the last id that top-k or top-p keeps.
#pragma once

#include "kernels/abi/sampling.h"
#include "kernels/sample/cluster_team.cuh"

namespace sample {

constexpr int kThreads = kScanThreads, kBinBits = 11, kBins = 1 << kBinBits;
// The first histogram has 32 bins per octave of the weight.
constexpr float kBucketsPerOctave = 32;
static_assert(-INGOT_WEIGHTLESS * kBucketsPerOctave <= kBins);

struct Storage {
  SharedArray<float, kWarp> values;
  SharedArray<int, kWarp> ids;
  SharedArray<ingot_u64, kWarp> sums;
  SharedArray<ingot_u64, kBins> measures;  // of bins, then of members
  SharedArray<int, kBins> counts;          // ids per bin, if the measure is their weight
  SharedArray<ingot_u64, kThreads> members;
  SharedArray<ingot_u64, 2> found;
  SharedArray<int, 3> numbers;  // the bin that was found (-1: in another block's part), its number of members, the number gathered so far
  Exchange exchange;
};

// Sort key of an id: a larger key is an earlier id; keys are distinct. Not for NaN.
INGOT_INLINE ingot_u64 rankKey(float logit, int id) {
  unsigned bits = asBits(logit + 0.0f);  // maps -0 to 0
  unsigned high = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (ingot_u64)high << 32 | (unsigned)~id;
}
INGOT_INLINE float logitAt(ingot_u64 key) {
  unsigned high = (unsigned)(key >> 32);
  return asFloat(high >> 31 ? high & 0x7fffffffu : ~high);
}

// A block's part of a row: vectors [first, last) of four logits.
struct Row {
  const float* logits;
  int columns, first, last;
  IngotSampling sampling;
  float best, lowest;

  INGOT_MEMBER float exponentOf(float logit) const { return ingotExponent(logit, best, sampling.scale); }
  INGOT_MEMBER ingot_u64 weightOf(float logit) const { return ingotWeight(logit, best, sampling.scale); }
  // Calls visit(logit, id) for ids with a weight, in the vectors `first`, `first` + step, ... below `last`.
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

// Finds the key of the last id that top-k, or top-p, keeps, by descending through histograms of keys until a bin has no more ids than a block has
// threads. The measure of an id is 1 (top-k) or its weight (top-p).
template <int Blocks>
class Search {
 public:
  INGOT_MEMBER Search(const Row& row, bool isTopK, ingot_u64 last, ClusterTeam<Blocks>& team, Storage& storage)
      : row_(row), isTopK_(isTopK), last_(last), team_(team), storage_(storage) {}

  // Returns `last` unchanged if there are fewer ids than top-k, or less weight than top-p.
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
  // Exponents are monotonic in keys.
  INGOT_MEMBER int bucketOf(float logit) const { return (int)(row_.exponentOf(logit) * -kBucketsPerOctave); }
  INGOT_MEMBER bool isMember(float logit, ingot_u64 key) const {
    if (key < last_ || (bucket_ >= 0 && bucketOf(logit) != bucket_)) return false;
    return shift_ == 64 || key >> shift_ == prefix_;
  }
  // The first level bins the row by bucket, the next ones by further bits of the key; earlier ids have lower bins.
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

  // Descends into the bin that contains the id. Each block scans some of the bins, summed over all blocks.
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
  // Publishes the result of the one thread that found the bin.
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
  // Gives every block the members of all blocks, one per thread.
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

  // One member per thread: finds the one at which the running measure reaches `wanted_`.
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
