// The emulator finds what it promises to find: each kernel here has one mistake, and dies with a line that names it.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler/codegen/cuda/emulated.h"
#include "runtime/device/cpu/code.h"
#include "tests/kernels/harness.h"
#include "tests/simt/front.h"

namespace ingot::test {
namespace {

constexpr const char* kWarpgroup = "  static constexpr int kThreads = 128;\n";

// A kernel of 64 threads, unless `constants` say otherwise, whose body is `code`; it may use `storage.a` (16 ints), `storage.w` (8 times 16 bytes),
// `storage.lines` (512 times), `storage.full` (a barrier), `storage.tile` (a number), `y` (operand 0), `x` (operand 1, 16 ints) and `i` (its thread).
std::string kernelOf(const std::string& code, const std::string& constants = "") {
  return "#define INGOT_SIMT_SCRATCH_BYTES 4194304ull\n" +
         std::string(constants.find("kCoResident") == std::string::npos ? "" : "#define INGOT_WALKS\n") +
         "#include \"tests/simt/simt.h\"\n#include \"kernels/prim/warpgroup.cuh\"\nstruct Tile {\n" +
         (constants.find("kThreads") == std::string::npos ? "  static constexpr int kThreads = 64;\n" : "") + constants +
         "  struct Storage { SharedArray<int, 16> a; SharedArray<Words, 8> w; SharedArray<Words, 512> lines; SharedBarriers<1> full;\n"
         "                   SharedArray<int, 1> tile; };\n"
         "  INGOT_INLINE int count(const IngotBatch&) { return 3; }\n"
         "  INGOT_INLINE void run(const IngotBatch&, void* const* operands, int tile, Storage& storage) {\n"
         "    int i = threadIdx.x;\n    int* y = (int*)operands[0];\n    const int* x = (const int*)operands[1];\n    (void)x;\n" +
         code + "  }\n};\nINGOT_KERNEL(faulty, Tile)\n";
}

class Loaded {
 public:
  explicit Loaded(const std::string& code, const std::string& constants = "") {
    std::vector<SourceUnit> units = {{"faulty", kernelOf(code, constants)}};
    auto image = compileUnits(units, emulatedTarget().value(), 1);
    if (!image.ok()) {
      ADD_FAILURE() << image.status().message();
      return;
    }
    int descriptor = memfd_create("faulty", MFD_CLOEXEC);
    EXPECT_EQ(write(descriptor, image->bytes.data(), image->bytes.size()), static_cast<ssize_t>(image->bytes.size()));
    code_ = CodeMapping::map(descriptor, 0, image->bytes.size()).value();
    close(descriptor);
    function_ = reinterpret_cast<IngotTileFunction>(code_.at(image->offsets.at("faulty")));
  }

  // Launches in front of it, which are at work when it begins, change the last number of x to 7.
  std::vector<int> run() const {
    std::vector<int> y(64 * 3, -1);
    alignas(16) int x[16];
    for (int i = 0; i < 16; ++i) x[i] = 100 + i;
    void* operands[] = {y.data(), x};
    IngotBatch batch{};
    IngotKernelArgs args{&batch, operands};
    Poisoned scratch(3 * (4 << 20));
    *scratch.as<simt::Front>() = {0, simt::kEarly, [](void* number) { *static_cast<int*>(number) = 7; }, x + 15};
    function_(&args, 0, 3, scratch.data());
    return y;
  }

 private:
  CodeMapping code_;
  IngotTileFunction function_ = nullptr;
};

TEST(Simt, RunsWhatIsRight) {
  Loaded kernel(
      "if (i < 16) storage.a[i] = i * i;\n__syncthreads();\nint sum = warpSum((int)storage.a[i % 16]);\n"
      "unsigned votes = __ballot_sync(kFullWarp, i % 2);\n__syncthreads();\nif (i == 0) storage.a[3] = 5;\n__syncthreads();\n"
      "y[tile * 64 + i] = sum + (int)(votes & 15) + storage.a[3];\n");
  for (int value : kernel.run()) EXPECT_EQ(value, 2 * 1240 + 10 + 5);
}

TEST(Simt, OneWarpOrdersItsOwnAccesses) {
  Loaded kernel("if (i < 16) storage.a[i] = i;\n__syncwarp();\nif (i < 16) y[i] = storage.a[15 - i];\n");
  EXPECT_EQ(kernel.run()[3], 12);
}

// 32 of the 64 threads have a tile; the others go on to the next step. Waiting again for the same barrier has no effect.
TEST(Simt, CoResidentBlocksMeetAtAGridBarrier) {
  Loaded kernel(
      "beginGridBarrier(nullptr);\nawaitLaunches();\ny[tile * 64 + i] = tile;\nif (i < 16) storage.a[i] = i;\narriveAtGrid();\nif (tile == 1) "
      "awaitLaunches();\nawaitLaunches();\nint next = y[(tile + 1) % 3 * 64 + i];\narriveAtGrid();\nif (i < 16) storage.a[i] = next;\n"
      "if (i < 32) {\n  syncTile<32>();\n  next += 10 * storage.a[i / 2];\n}\nawaitLaunches();\n"
      "y[tile * 64 + i] = next + (int)gridDim.x;\n",
      "  static constexpr bool kCoResident = true;\n");
  std::vector<int> y = kernel.run();
  for (int i = 0; i < 192; ++i) EXPECT_EQ(y[static_cast<size_t>(i)], (i / 64 + 1) % 3 * (i % 64 < 32 ? 11 : 1) + 3) << i;
}

TEST(SimtDeathTest, AllBlocksAwaitAGridBarrier) {
  Loaded kernel("beginGridBarrier(nullptr);\narriveAtGrid();\nif (tile != 1) awaitLaunches();", "  static constexpr bool kCoResident = true;\n");
  EXPECT_DEATH(kernel.run(), "waits at a barrier that other threads never reach");
}

TEST(SimtDeathTest, SharedMemoryThatIsRenewedIsUnwritten) {
  Loaded kernel("if (i < 16) storage.a[i] = i;\nrenewShared(storage.a);\ny[0] = storage.a[i % 16];");
  EXPECT_DEATH(kernel.run(), "reads shared memory that nobody wrote");
}

// One of three blocks brings a row of x to all, and they say so at each other's barriers.
TEST(Simt, BlocksOfAClusterReachEachOther) {
  Loaded kernel(
      "if (i == 0) initBarrier(storage.full, 0, 4);\nsyncCluster<3>();\nif (i == 0) arriveExpectBytes(storage.full, 0, 128);\n"
      "if (i == 0 && tile == 1) copyRows<1, 64, 3>(storage.w, 0, (void* const*)&operands[1], 64, 1, 0, 0, storage.full, 0);\n"
      "if (i < 3) arrive<3>(storage.full, 0, i);\nawaitBarrier(storage.full, 0, 0);\nint sum = 0;\n"
      "for (int w = 0; w < 4; ++w) sum += ((Words)storage.w[w]).at[0];\ny[tile * 64 + i] = sum;\nsyncCluster<3>();\n",
      "  static constexpr int kCluster = 3;\n");
  for (int value : kernel.run()) EXPECT_EQ(value, 100 + 104 + 108 + 112);
}

// One of three blocks sends all a tile index, and all read its shared memory.
TEST(Simt, BlocksOfAClusterTellEachOther) {
  Loaded kernel(
      "if (i == 0) initBarrier(storage.full, 0, 1);\nif (i < 16) storage.a[i] = 10 * tile + i;\nsyncCluster<3>();\n"
      "if (i == 0) expectTile<3>(storage.full, 0);\nfor (int r = 0; i == 5 && tile == 2 && r < 3; ++r) broadcastTile<3>(storage.tile, 0, 100 + r, "
      "storage.full, r);\n"
      "awaitBarrier(storage.full, 0, 0);\n"
      "y[tile * 64 + i] = readTile(storage.tile, 0) + 1000 * loadFrom<3>(storage.a, 7, 2);\nsyncCluster<3>();\n",
      "  static constexpr int kCluster = 3;\n");
  std::vector<int> y = kernel.run();
  for (int i = 0; i < 192; ++i) EXPECT_EQ(y[static_cast<size_t>(i)], 27000 + 100 + i / 64) << i;
}

// The first block reads ahead what launches in front of it have not written.
TEST(Simt, LaunchesInFrontEndAsLateAsTheyMay) {
  Loaded kernel("int early = x[15];\nif (i != 40) awaitLaunches();\n__syncthreads();\ny[tile * 64 + i] = early + 1000 * x[15];\n",
                "  static constexpr bool kAwaits = true;\n");
  std::vector<int> y = kernel.run();
  for (int i = 0; i < 192; ++i) EXPECT_EQ(y[static_cast<size_t>(i)], i < 64 ? 7115 : 7007) << i;
  for (int value : Loaded("y[tile * 64 + i] = x[15];\n").run()) EXPECT_EQ(value, 7);
}

TEST(SimtDeathTest, EveryBlockAwaitsLaunches) {
  Loaded kernel("if (tile != 1) awaitLaunches();", "  static constexpr bool kAwaits = true;\n");
  EXPECT_DEATH(kernel.run(), "block 1, thread 0: ends before the launches in front of it");
}

// A product of 64 rows and 64 channels, all of ones. What a thread has stored by itself is not there for products until it says so.
std::string productOf(const std::string& show) {
  return "for (int at = i; at < 64 * 8; at += 128) storage.lines[at] = Words{{0x3c003c00, 0x3c003c00, 0x3c003c00, 0x3c003c00}};\n" + show +
         "__syncthreads();\nfloat d[32];\nbeginProducts();\nmultiplySharedHalves<false>(d, storage.lines, 0, storage.lines, 0, 0);\n"
         "commitProducts();\nwaitForProducts<0>(d);\nif (i < 64) y[tile * 64 + i] = (int)d[i % 32];\n";
}

TEST(Simt, MultipliesWhatWasShown) {
  Loaded kernel(productOf("fenceProxyAsync();\n"), kWarpgroup);
  for (int value : kernel.run()) EXPECT_EQ(value, 16);
}

TEST(SimtDeathTest, ProductsSeeNothingThatWasNotShown) {
  Loaded kernel(productOf(""), kWarpgroup);
  EXPECT_DEATH(kernel.run(), "has not shown to products what it stored, element [0-9]+");
}

// A few blocks compute all tiles.
TEST(Simt, PersistentBlocksShareTiles) {
  Loaded kernel("for (; tile < lastTile(count({})); tile = claimTile(tile, 1, 3)) y[tile * 64 + i] = tile;\n",
                "  static constexpr bool kPersistent = true;\n");
  std::vector<int> y = kernel.run();
  for (int i = 0; i < 192; ++i) EXPECT_EQ(y[static_cast<size_t>(i)], i / 64) << i;
}

TEST(SimtDeathTest, MaxCountIsNoLessThanCount) {
  Loaded kernel("y[tile * 64 + i] = tile;\n",
                "  static constexpr bool kPersistent = true;\n  INGOT_INLINE int maxCount(const IngotBatch&) { return 2; }\n");
  EXPECT_DEATH(kernel.run(), "has a maxCount below its count, 2");
}

// Launches are awaited for a tile that says that it does not do it itself.
TEST(Simt, AwaitsLaunchesForATile) {
  Loaded kernel("y[tile * 64 + i] = x[15];\n", "  static constexpr bool kAwaits = false;\n");
  for (int value : kernel.run()) EXPECT_EQ(value, 7);
}

TEST(SimtDeathTest, ClustersHaveMistakesToo) {
  const std::pair<const char*, const char*> kMistakes[] = {
      {"if (tile != 1) syncCluster<3>();", "waits at a barrier that other threads never reach"},
      {"if (i == 0) initBarrier(storage.full, 0, 4);\nsyncCluster<3>();\narrive<3>(storage.full, 0, 3);\n",
       "arrives at a block that its cluster lacks, 3"},
      {"y[i] = loadFrom<3>(storage.a, 0, 3);\n", "reads from a block that its cluster lacks, 3"},
      {"if (i == 0) broadcastTile<3>(storage.tile, 0, 1, storage.full, 3);\n", "tells a block that its cluster lacks, 3"},
      {"if (i == 0) initBarrier(storage.full, 0, 3);\nsyncCluster<3>();\nif (i == 0) arrive<3>(storage.full, 0, 0);\nawaitBarrier(storage.full, 0, "
       "0);\n",
       "waits at a barrier that other threads never reach"}};
  for (auto [code, expected] : kMistakes) {
    Loaded kernel(code, "  static constexpr int kCluster = 3;\n");
    EXPECT_DEATH(kernel.run(), expected) << code;
  }
}

TEST(Simt, AddsFromManyThreads) {
  Loaded kernel(
      "if (i < 4) storage.a[i] = 7;\n__syncthreads();\naddShared(storage.a, i % 4, i);\n__syncthreads();\ny[tile * 64 + i] = storage.a[i % 4];\n");
  std::vector<int> y = kernel.run();
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], 7 + 16 * 30 + 16 * static_cast<int>(i % 4));
}

// Groups of copies arrive in order, each when it has been waited for.
TEST(Simt, BringsCopiesThatWereWaitedFor) {
  Loaded kernel(
      "if (i < 2) copyAsync(storage.w, i, x + 4 * i);\ncommitCopies();\nif (i < 2) copyAsync(storage.w, i + 4, x + 8 + 4 * i);\ncommitCopies();\n"
      "waitForCopies<1>();\n__syncthreads();\nint first = ((Words)storage.w[i % 2]).at[3];\nwaitForCopies<0>();\n__syncthreads();\n"
      "y[tile * 64 + i] = first + ((Words)storage.w[4 + i % 2]).at[0];\n");
  std::vector<int> y = kernel.run();
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], i % 2 ? 107 + 112 : 103 + 108);
}

TEST(Simt, SeesStoresAfterABarrier) {
  Loaded kernel(
      "if (i == 0) initBarrier(storage.full, 0, 1);\n__syncthreads();\nif (i < 32) {\n"
      "  if (i < 8) storeBeforeArrive(storage.w, i, Words{{(unsigned)i, 0, 0, 7}}, storage.full, 0);\n  __syncwarp();\n"
      "  if (i == 0) arrive<1>(storage.full, 0, 0);\n}\nawaitBarrier(storage.full, 0, 0);\n"
      "y[tile * 64 + i] = (int)loadPart<unsigned>(storage.w, i % 8, 0) + 10 * (int)loadPart<TwoWords>(storage.w, i % 8, 1).at[1];\n");
  std::vector<int> y = kernel.run();
  for (size_t i = 0; i < y.size(); ++i) EXPECT_EQ(y[i], static_cast<int>(i % 8) + 70);
}

// f16 products: rows of a times columns of b, both made of small integers.
TEST(Simt, MultipliesHalves) {
  Loaded kernel(
      "unsigned one = packHalves(1.0f, 2.0f), row = packHalves((float)(i / 4 % 8), 1.0f);\nunsigned a[4] = {row, one, row, one}, b[2] = {one, one};\n"
      "float d[4] = {0.5f, 0, 0, 0};\nmultiplyHalves(d, a, b);\ny[tile * 64 + i] = (int)(2 * d[0]) + 1000 * (int)d[3];\n");
  std::vector<int> y = kernel.run();
  for (size_t i = 0; i < 64; ++i) EXPECT_EQ(y[i], 2 * 8 * (static_cast<int>(i / 4 % 8) + 2) + 1 + 1000 * 8 * 5) << i;
}

TEST(SimtDeathTest, NamesEveryMistake) {
  const std::pair<const char*, const char*> kMistakes[] = {
      {"storage.a[i % 16] = i;", "kernel faulty, block 0, thread [0-9]+: race on shared memory \\(write after write\\)"},
      {"if (i < 16) storage.a[i] = i;\n__syncwarp();\ny[i] = storage.a[i % 16];\n",
       "race on shared memory \\(read after write\\)|reads shared memory that nobody wrote"},
      {"if (i < 16) storage.a[i] = i;\n__syncthreads();\ny[i] = storage.a[i % 16];\nif (i == 0) storage.a[5] = 1;\n",
       "race on shared memory \\((write after read|read after write)\\), element 5"},
      {"addShared(storage.a, 3, i);", "adds to shared memory that nobody wrote, element 3"},
      {"if (i == 0) storage.a[3] = 0;\n__syncthreads();\naddShared(storage.a, 3, i);\ny[i] = storage.a[3];\n",
       "race on shared memory \\((read after write|addition after read)\\), element 3"},
      {"if (i == 0) storage.a[3] = 0;\n__syncthreads();\naddShared(storage.a, 3, i);\nif (i == 9) storage.a[3] = 0;\n",
       "race on shared memory \\((write after write|addition after write)\\), element 3"},
      {"if (i == 0) storage.a[16] = 1;", "thread 0: outside of shared memory, element 16"},
      {"y[i] = storage.a[7];", "reads shared memory that nobody wrote, element 7"},
      {"if (i < 40) __syncthreads();", "waits at a barrier that other threads never reach"},
      {"if (i < 3) __syncwarp();", "waits at a barrier that other threads never reach"},
      {"if (i % 2) __syncwarp(); else __shfl_sync(kFullWarp, i, 0);", "in two collectives at once"},
      {"__shfl_sync(0xffffu, i, 0);", "a collective of less than a warp"},
      {"if (i == 0) copyAsync(storage.w, 1, x);\ncommitCopies();\ny[i] = ((Words)storage.w[1]).at[0];\nwaitForCopies<0>();\n",
       "touches shared memory before a copy to it has arrived, element 1|reads shared memory that nobody wrote, element 1"},
      {"if (i == 0) copyAsync(storage.w, 1, x);\nwaitForCopies<0>();\n", "thread 0: ends before its copies have arrived"},
      {"if (i == 0) copyAsync(storage.w, 1, x);\ncommitCopies();\nwaitForCopies<0>();\ny[i] = ((Words)storage.w[1]).at[0];\n",
       "race on shared memory \\(read after write\\), element 1|reads shared memory that nobody wrote, element 1"},
      {"if (i == 0) storage.w[2] = Words();\n__syncthreads();\ny[i] = ((Words)storage.w[2]).at[0];\nif (i == 9) copyAsync(storage.w, 2, x);\n",
       "race on shared memory \\(write after read\\), element 2|touches shared memory before a copy to it has arrived, element 2"},
      {"if (i == 0) initBarrier(storage.full, 0, 1);\n__syncthreads();\nif (i == 0) storeBeforeArrive(storage.w, 1, Words(), storage.full, 0);\n"
       "else y[i] = ((Words)storage.w[1]).at[0];\n",
       "touches shared memory before a copy to it has arrived, element 1|reads shared memory that nobody wrote, element 1"},
      {"copyAsync(storage.w, 8, x);", "outside of shared memory, element 8"},
      {"if (i == 0) copyAsync(storage.w, 1, x + 1);", "thread 0: copies from an address that is no multiple of 16"},
  };
  for (auto [code, message] : kMistakes) {
    SCOPED_TRACE(code);
    Loaded kernel(code);
    EXPECT_DEATH(kernel.run(), message);
  }
}

}  // namespace
}  // namespace ingot::test
