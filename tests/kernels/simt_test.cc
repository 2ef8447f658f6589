// The emulator finds what it promises to find: each kernel here has one mistake, and dies with a line that names it.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler/codegen/cuda/source.h"
#include "runtime/device/cpu/code.h"
#include "tests/kernels/harness.h"

namespace ingot::test {
namespace {

// A kernel of 64 threads whose body is `code`; it may use `storage.a` (16 ints), `y` (operand 0) and `i` (its thread).
std::string kernelOf(const std::string& code) {
  return "#define INGOT_SIMT_SCRATCH_BYTES 4194304ull\n#include \"tests/simt/simt.h\"\n#include \"kernels/prim/device.cuh\"\n"
         "struct Tile {\n  static constexpr int kThreads = 64;\n  struct Storage { SharedArray<int, 16> a; };\n"
         "  INGOT_INLINE int count(const IngotBatch&) { return 3; }\n"
         "  INGOT_INLINE void run(const IngotBatch&, void* const* operands, int tile, Storage& storage) {\n"
         "    int i = threadIdx.x;\n    int* y = (int*)operands[0];\n" +
         code + "  }\n};\nINGOT_KERNEL(faulty, Tile)\n";
}

class Loaded {
 public:
  explicit Loaded(const std::string& code) {
    std::vector<SourceUnit> units = {{"faulty", kernelOf(code)}};
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

  std::vector<int> run() const {
    std::vector<int> y(64 * 3, -1);
    void* operands[] = {y.data()};
    IngotBatch batch{};
    IngotKernelArgs args{&batch, operands};
    Poisoned scratch(4 << 20);
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

TEST(SimtDeathTest, NamesEveryMistake) {
  const std::pair<const char*, const char*> kMistakes[] = {
      {"storage.a[i % 16] = i;", "kernel faulty, block 0, thread [0-9]+: race on shared memory \\(write after write\\)"},
      {"if (i < 16) storage.a[i] = i;\n__syncwarp();\ny[i] = storage.a[i % 16];\n",
       "race on shared memory \\(read after write\\)|reads shared memory that nobody wrote"},
      {"if (i < 16) storage.a[i] = i;\n__syncthreads();\ny[i] = storage.a[i % 16];\nif (i == 0) storage.a[5] = 1;\n",
       "race on shared memory \\((write after read|read after write)\\), element 5"},
      {"if (i == 0) storage.a[16] = 1;", "thread 0: outside of shared memory, element 16"},
      {"y[i] = storage.a[7];", "reads shared memory that nobody wrote, element 7"},
      {"if (i < 40) __syncthreads();", "waits at a barrier that other threads never reach"},
      {"if (i < 3) __syncwarp();", "waits at a barrier that other threads never reach"},
      {"if (i % 2) __syncwarp(); else __shfl_sync(kFullWarp, i, 0);", "in two collectives at once"},
      {"__shfl_sync(0xffffu, i, 0);", "a collective of less than a warp"},
  };
  for (auto [code, message] : kMistakes) {
    SCOPED_TRACE(code);
    Loaded kernel(code);
    EXPECT_DEATH(kernel.run(), message);
  }
}

}  // namespace
}  // namespace ingot::test
