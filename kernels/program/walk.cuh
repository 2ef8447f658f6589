// The steps of a token alone by one launch whose blocks all run at once: every block computes its share of a step's tiles, and what would be a
// launch is a turn of the grid (kernels/prim/gpu/grid_barrier.cuh). Tiles are those of the steps' own kernels, so their bits are the same. Weights of
// the next step that has some are on their way while a block waits for the others, or for attention. Operands: the steps (kernels/abi/program.h), and
// a counter that is 0 before the first launch and then stays with the kernel.
#pragma once

#include "kernels/abi/program.h"
#include "kernels/prim/device.cuh"

namespace program {

// In the place of a kernel that no step of a token alone has.
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

// Whether a tile reads weights through shared memory that is its own, so that they may come before its step does.
template <class Tile>
constexpr bool hasWeights() {
  return requires(const IngotBatch& batch, void* const* operands, typename Tile::Storage& storage) { Tile::walk(batch, operands, storage); };
}

// For one tile's storage after another's.
template <int Bytes>
struct alignas(16) Room {
  char bytes[Bytes];
};

// The Tile of kernel i is the i-th one. `Blocks` of them find room in a multiprocessor with `Bytes` of shared memory each.
template <int Blocks, int Bytes, class... Tiles>
struct Walk {
  static constexpr bool kCoResident = true, kAwaits = true;
  static constexpr int kThreads = largest(Tiles::kThreads...), kMinBlocks = Blocks, kDynamicBytes = Bytes;
  static constexpr int kStepWords = sizeof(IngotStep) / 8, kWeightBytes = largest((hasWeights<Tiles>() ? sizeof(typename Tiles::Storage) : 0)...),
                       kOtherBytes = largest((hasWeights<Tiles>() ? 0 : sizeof(typename Tiles::Storage))...);
  static constexpr int kKeptWords = 1024;  // in walk.spec.h's bytes
  struct Storage {
    SharedArray<ingot_u64, INGOT_STEPS_AHEAD * kStepWords> steps;  // the step at hand and those behind it, step i at i % INGOT_STEPS_AHEAD
    SharedArray<unsigned short, kThreads> step;                    // the one at hand, of every thread: attention lacks the register
    SharedArray<IngotBatch, 1> batch;
    SharedArray<ingot_i32, kKeptWords> kept;
    Room<kWeightBytes> weights;
    Room<kOtherBytes> others;
  };

  INGOT_INLINE int count(const IngotBatch&) { return (int)gridDim.x; }

  // What the batch says of its token, as far as there is room: every layer looks at it, and behind each turn memory is far away.
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
  // The step at hand, and its operands, are looked up where they are needed: registers are dear.
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
  // Once the weights at hand have been read (`isFree`), asks for those of the next step that has some: of `first`, or of one behind it in sight.
  // Where none was in sight then, it asks for them when they come in sight.
  INGOT_INLINE void beginNext(const IngotBatch& batch, int first, bool isFree, Storage& storage) {
    int step = first, last = first + INGOT_STEPS_AHEAD - 2;
    while (step < last && !stepHasWeights(step, storage)) ++step;
    if (!isFree && step < last) return;
    renewShared(storage.weights);
    withTile(step, storage, [&]<class Tile>(Tile*) -> void {
      if constexpr (hasWeights<Tile>()) Tile::prefetch(batch, operandsOf(step, storage), (int)blockIdx.x, (typename Tile::Storage&)storage.weights);
    });
  }

  // A step of fewer threads leaves the others of the block idle.
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
    opaque(own);  // it is computed again in every step
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
      // A step that is far comes while the block waits for others.
      if (thread < kStepWords) storage.steps[stepSlot(step) + thread] = steps[(step + INGOT_STEPS_AHEAD) * kStepWords + thread];
      storage.step[thread] = (unsigned short)(step + 1);
    }
  }
};

}  // namespace program
