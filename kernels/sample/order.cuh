// A row of logits whose ids are in the order of kernels/abi/sampling.h, and the search for the last id that a filter keeps.
#pragma once

#include "kernels/abi/sampling.h"
#include "kernels/prim/scan.cuh"

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
  SharedArray<int, 2> numbers;
};

// An id's place in the order: larger is earlier, no two are alike. Of ids that are not NaN.
INGOT_INLINE ingot_u64 placeOf(float logit, int id) {
  unsigned bits = asBits(logit + 0.0f);  // -0 is 0
  unsigned key = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (ingot_u64)key << 32 | (unsigned)~id;
}
INGOT_INLINE float logitAt(ingot_u64 place) {
  unsigned key = (unsigned)(place >> 32);
  return asFloat(key >> 31 ? key & 0x7fffffffu : ~key);
}

struct Row {
  const float* logits;
  int columns;
  IngotSampling sampling;
  float best, lowest;

  INGOT_MEMBER int fours() const { return (columns + 3) / 4; }
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
// more ids than the block has threads. A measure of ids is their number, or their weight.
class Search {
 public:
  INGOT_MEMBER Search(const Row& row, bool isTopK, ingot_u64 last, Storage& storage) : row_(row), isTopK_(isTopK), last_(last), storage_(storage) {}

  // `last` as it was where there are not as many ids.
  INGOT_MEMBER ingot_u64 run() {
    do {
      countBins();
      if (!findBin()) return last_;
    } while (members_ > kThreads);
    gatherMembers();
    return findMember();
  }

 private:
  INGOT_MEMBER ingot_u64 measureOf(float logit) const { return isTopK_ ? 1 : row_.weightOf(logit); }
  // Exponents do not grow where places fall.
  INGOT_MEMBER int bucketOf(float logit) const { return (int)(row_.exponentOf(logit) * -kBucketsPerOctave); }
  INGOT_MEMBER bool isMember(float logit, ingot_u64 place) const {
    if (place < last_ || (bucket_ >= 0 && bucketOf(logit) != bucket_)) return false;
    return shift_ == 64 || place >> shift_ == prefix_;
  }
  // The bins divide the row by bucket, then a bin by the next bits of places; earlier ids have lower bins.
  INGOT_MEMBER int binOf(float logit, ingot_u64 place) const {
    return bucket_ < 0 ? bucketOf(logit) : kBins - 1 - (int)(place >> nextShift() & (kBins - 1));
  }
  INGOT_MEMBER int nextShift() const { return shift_ - kBinBits; }

  template <class Visit>
  INGOT_MEMBER void visitMembers(Visit visit) const {
    row_.visit(threadIdx.x, row_.fours(), kThreads, [&](float logit, int id) {
      ingot_u64 place = placeOf(logit, id);
      if (isMember(logit, place)) visit(logit, place);
    });
  }

  INGOT_MEMBER void countBins() {
    __syncthreads();
    for (int bin = threadIdx.x; bin < kBins; bin += kThreads) {
      storage_.measures[bin] = 0;
      storage_.counts[bin] = 0;
    }
    __syncthreads();
    visitMembers([&](float logit, ingot_u64 place) {
      int bin = binOf(logit, place);
      addShared(storage_.measures, bin, measureOf(logit));
      if (!isTopK_) addShared(storage_.counts, bin, 1);
    });
    __syncthreads();
  }

  // Goes into the bin of the id that is sought.
  INGOT_MEMBER bool findBin() {
    int bin = threadIdx.x * 2;
    ingot_u64 first = storage_.measures[bin], second = storage_.measures[bin + 1];
    Running running = blockRunning(first + second, storage_.sums);
    if (bucket_ < 0) {
      wanted_ = isTopK_ ? (ingot_u64)row_.sampling.top_k : ingotShare(running.total, row_.sampling.top_p);
      if (wanted_ == 0) wanted_ = 1;
      if (running.total < wanted_) return false;
    }
    ingot_u64 before = before_ + running.before;
    if (before < wanted_ && before + first + second >= wanted_) {
      bool isSecond = before + first < wanted_;
      storage_.found[0] = isSecond ? before + first : before;
      storage_.numbers[0] = bin + isSecond;
    }
    __syncthreads();
    before_ = storage_.found[0];
    bin = storage_.numbers[0];
    members_ = isTopK_ ? (int)storage_.measures[bin] : (int)storage_.counts[bin];
    if (bucket_ < 0) {
      bucket_ = bin;
    } else {
      prefix_ = prefix_ << kBinBits | (unsigned)(kBins - 1 - bin);
      shift_ = nextShift();
    }
    return true;
  }

  INGOT_MEMBER void gatherMembers() {
    if (threadIdx.x == 0) storage_.numbers[1] = 0;
    __syncthreads();
    visitMembers([&](float logit, ingot_u64 place) {
      int at = addShared(storage_.numbers, 1, 1);
      storage_.members[at] = place;
      storage_.measures[at] = measureOf(logit);
    });
    __syncthreads();
  }

  // A thread a member: the one with which those up to it reach what is wanted.
  INGOT_MEMBER ingot_u64 findMember() {
    if (threadIdx.x < members_) {
      ingot_u64 place = storage_.members[threadIdx.x], before = before_, own = storage_.measures[threadIdx.x];
      for (int i = 0; i < members_; ++i)
        if (storage_.members[i] > place) before += storage_.measures[i];
      if (before < wanted_ && before + own >= wanted_) storage_.found[1] = place;
    }
    __syncthreads();
    return storage_.found[1];
  }

  const Row& row_;
  const bool isTopK_;
  ingot_u64 last_, wanted_ = 0, before_ = 0, prefix_ = 0;
  int bucket_ = -1, shift_ = 64, members_ = 0;
  Storage& storage_;
};

}  // namespace sample
