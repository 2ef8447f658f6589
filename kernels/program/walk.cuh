// The persistent kernel: one cooperative launch runs all steps of a forward pass for a single token. All blocks are co-resident. Each computes its
// share of a step's tiles; a grid barrier (kernels/prim/gpu/grid_barrier.cuh) replaces the boundary between launches. Tiles are those of the
// steps' own kernels, so results are bit-identical. While a block waits at the barrier, or runs steps without weights such as attention, the first
// weights of the next step with weights are in flight. Operands: the steps (kernels/abi/program.h), and a counter for the barrier, which is zero
// before the first launch.
#pragma once

#include "kernels/abi/program.h"
#include "kernels/prim/device.cuh"

namespace program {

// Stands in for a kernel that no step of a single token uses.
struct Unused {
  static constexpr int kThreads = kWarp;
  struct Storage {};
  INGOT_INLINE int count(const IngotBatch&) { return 0; }
  INGOT_INLINE void run(const IngotBatch&, void* const*, int, Storage&) {}
};

constexpr int largest(int first) { return first; }
template <class... Others>
constexpr int largest(int first, int second, Others... others) {
  return largest(first > second ? first : second, others...);
}

// Whether a tile reads weights through shared memory of its own, so that they can be prefetched before its step.
template <class Tile>
constexpr bool hasWeights() {
  return requires(const IngotBatch& batch, void* const* operands, typename Tile::Storage& storage) { Tile::walk(batch, operands, storage); };
}

// Shared memory that several tiles use, one after another.
template <int Bytes>
struct alignas(16) Room {
  char bytes[Bytes];
};

// Kernel i of a step is the i-th Tile. A multiprocessor holds `Blocks` blocks with `Bytes` of shared memory each.
template <int Blocks, int Bytes, class... Tiles>
struct Walk {
  static constexpr bool kCoResident = true, kAwaits = true;
  static constexpr int kThreads = largest(Tiles::kThreads...), kMinBlocks = Blocks, kDynamicBytes = Bytes;
  static constexpr int kStepWords = sizeof(IngotStep) / 8, kWeightBytes = largest((hasWeights<Tiles>() ? sizeof(typename Tiles::Storage) : 0)...),
                       kOtherBytes = largest((hasWeights<Tiles>() ? 0 : sizeof(typename Tiles::Storage))...);
  static constexpr int kKeptWords = 1024;  // included in walk.spec.h's bytes
  struct Storage {
    SharedArray<ingot_u64, INGOT_STEPS_AHEAD * kStepWords>
        steps;                                   // a window on the program: the current step and those after it; step i at i % INGOT_STEPS_AHEAD
    SharedArray<unsigned short, kThreads> step;  // index of the current step, a copy per thread: attention has no register for it
    SharedArray<IngotBatch, 1> batch;
    SharedArray<ingot_i32, kKeptWords> kept;
    Room<kWeightBytes> weights;
    Room<kOtherBytes> others;
  };

  INGOT_INLINE int count(const IngotBatch&) { return (int)gridDim.x; }

  // Copies the batch's data on its token to shared memory, as far as they fit: every layer reads them, and after a grid barrier they would come
  // from L2.
  template <class T>
  INGOT_INLINE void keep(const T*& from, int count, int& used, Storage& storage) {
    int words = count * (int)sizeof(T) / 4;
    if (used + words > kKeptWords) return;
    for (int i = (int)threadIdx.x; i < words; i += kThreads) storage.kept[used + i] = ((const ingot_i32*)from)[i];
    from = (const T*)(storage.kept.values + used);
    used += words;
  }
  INGOT_INLINE const IngotBatch& keptBatch(const IngotBatch& batch, Storage& storage) {
    IngotBatch own = batch;
    int used = 0;
    keep(own.positions, batch.num_tokens, used, storage);
    keep(own.sequence_of, batch.num_tokens, used, storage);
    keep(own.rows, batch.num_rows, used, storage);
    keep(own.blocks, batch.num_blocks, used, storage);
    keep(own.splits, batch.num_splits, used, storage);
    keep(own.page_table, batch.num_sequences * batch.max_pages, used, storage);
    if (threadIdx.x == 0) storage.batch[0] = own;
    return storage.batch.values[0];
  }

  INGOT_INLINE int stepSlot(int step) { return step % INGOT_STEPS_AHEAD * kStepWords; }
  INGOT_INLINE int kernelOf(int step, Storage& storage) { return (int)storage.steps[stepSlot(step)]; }
  // The current step and its operands are read again wherever they are needed, since registers are scarce.
  INGOT_INLINE int stepOf(Storage& storage) { return storage.step[(int)threadIdx.x]; }
  INGOT_INLINE void* const* operandsOf(int step, Storage& storage) { return (void* const*)(storage.steps.values + stepSlot(step) + 1); }

  // Calls visit(a Tile*, null) for the step's kernel.
  template <class Visit>
  INGOT_INLINE void withTile(int step, Storage& storage, const Visit& visit) {
    int wanted = kernelOf(step, storage), kernel = 0;
    (void)((kernel++ == wanted && (visit((Tiles*)nullptr), true)) || ...);
  }
  INGOT_INLINE bool stepHasWeights(int step, Storage& storage) {
    bool has = false;
    withTile(step, storage, [&]<class Tile>(Tile*) -> void { has = hasWeights<Tile>(); });
    return has;
  }
  // Prefetches the weights of the first step with weights in the window, from step `first` on. If the weights buffer is still unread (`isFree`
  // false), that was done already, unless no such step was in the window then: the step just now entering the window is the only candidate.
  INGOT_INLINE void beginNext(const IngotBatch& batch, int first, bool isFree, Storage& storage) {
    int step = first, last = first + INGOT_STEPS_AHEAD - 2;
    while (step < last && !stepHasWeights(step, storage)) ++step;
    if (!isFree && step < last) return;
    renewShared(storage.weights);
    withTile(step, storage, [&]<class Tile>(Tile*) -> void {
      if constexpr (hasWeights<Tile>()) Tile::prefetch(batch, operandsOf(step, storage), (int)blockIdx.x, (typename Tile::Storage&)storage.weights);
    });
  }

  // A step with fewer threads than the block leaves the others idle.
  template <class Tile>
  INGOT_INLINE void runTiles(const IngotBatch& batch, Storage& storage) {
    if constexpr (hasWeights<Tile>()) {
      Tile::walk(batch, operandsOf(stepOf(storage), storage), (typename Tile::Storage&)storage.weights);
    } else {
      int tile = (int)blockIdx.x;
      if (tile >= Tile::count(batch)) awaitLaunches();
      for (; tile < Tile::count(batch); tile += (int)gridDim.x) {
        if (threadIdx.x >= Tile::kThreads || !awaitsLaunchesItself<Tile>()) awaitLaunches();
        if (threadIdx.x >= Tile::kThreads) continue;
        Tile::run(batch, operandsOf(stepOf(storage), storage), tile, (typename Tile::Storage&)storage.others);
        syncTile<Tile::kThreads>();
      }
    }
  }

  INGOT_INLINE void run(const IngotBatch& given, void* const* operands, int, Storage& storage) {
    const ingot_u64* steps = (const ingot_u64*)operands[0];
    beginGridBarrier((ingot_u64*)operands[1]);
    for (int i = (int)threadIdx.x; i < INGOT_STEPS_AHEAD * kStepWords; i += kThreads) storage.steps[i] = steps[i];
    const IngotBatch& batch = keptBatch(given, storage);
    __syncthreads();
    beginNext(batch, 0, true, storage);
    int own = threadIdx.x;
    opaque(own);  // otherwise kept live through every step
    storage.step[own] = 0;
#pragma unroll 1
    while (true) {
      withTile(stepOf(storage), storage, [&]<class Tile>(Tile*) -> void { runTiles<Tile>(batch, storage); });
      int thread = threadIdx.x, step = stepOf(storage);
      if (kernelOf(step + 1, storage) < 0) return;
      bool hadWeights = stepHasWeights(step, storage);
      arriveAtGrid();
      renewShared(storage.others);
      beginNext(batch, step + 1, hadWeights, storage);
      // The step that enters the window is loaded while the block waits for others.
      if (thread < kStepWords) storage.steps[stepSlot(step) + thread] = steps[(step + INGOT_STEPS_AHEAD) * kStepWords + thread];
      storage.step[thread] = (unsigned short)(step + 1);
    }
  }
};

}  // namespace program
