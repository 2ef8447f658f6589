// Compiles exec kernels in this process and runs tiles on poisoned memory: here, or under an emulator where the target is of
// another architecture.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/codegen/cuda/extra_kernels.h"
#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"
#include "kernels/abi/abi.h"
#include "runtime/device/cpu/code.h"
#include "tests/kernels/emulator.h"
#include "tests/support/random.h"

namespace ingot::test {

// An exec.kernel: its function, constants and body as they stand in MLIR.
struct KernelText {
  std::string function, constants, body;
};

// Bytes between guards, 64-byte aligned; everything starts as 0xff, which is NaN in every float type.
class Poisoned {
 public:
  explicit Poisoned(size_t bytes);
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  void* data() { return data_; }
  size_t bytes() const { return bytes_; }
  void fill(const void* from, size_t bytes) { std::memcpy(data_, from, bytes); }
  void poison() { std::memset(data_, 0xff, bytes_); }
  // Whether nothing was written before or behind.
  bool guardsIntact() const;

 private:
  struct Free {
    void operator()(std::byte* p) const { freeOperand(p); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::byte* data_;
  size_t bytes_;
};

class Kernel {
 public:
  KernelUnit unit;
  KernelCode code;
  IngotTileFunction function = nullptr;
  const Emulator* emulator = nullptr;  // that has to call the function

  // Tiles of a step over so many rows (tokens, query blocks) of its extent.
  int64_t tilesFor(int64_t rows) const;
  // All tiles in one range; or one by one from the last to the first; or by a team of threads, for which an emulator takes
  // as many ranges one after another. Operands are of Poisoned or OperandVector.
  void run(const IngotBatch& batch, const std::vector<void*>& operands, int64_t tiles) const;
  void runBackwards(const IngotBatch& batch, const std::vector<void*>& operands, int64_t tiles) const;
  void runOnThreads(const IngotBatch& batch, const std::vector<void*>& operands, int64_t tiles, int threads) const;

 private:
  void call(const IngotKernelArgs& args, int64_t first, int64_t last, void* scratch) const;
};

// Kernels of one target, compiled together.
class KernelLibrary {
 public:
  // `target` is what follows cpu:, or cuda-emulated.
  static Result<std::unique_ptr<KernelLibrary>> build(const std::vector<KernelText>& texts, const std::string& target,
                                                      const CudaChoices& choices = {});
  const Kernel& at(size_t i) const { return kernels_[i]; }
  // The kernels for more rows of the same steps, by the index of the one they stand beside; not every kernel has one.
  const std::multimap<size_t, Kernel>& larger() const { return larger_; }

 private:
  CodeMapping code_;
  std::unique_ptr<Emulator> emulator_;
  std::vector<Kernel> kernels_;
  std::multimap<size_t, Kernel> larger_;
};

// The targets that tests compile for; which of them this machine runs, itself or in an emulator, is asked by canRun().
std::vector<std::string> kernelTargets();
bool canRun(const std::string& target);
bool isEmulated(const std::string& target);
// The same kernels for this machine, to compare the bits of an emulated target with; null where it has no level for them.
std::unique_ptr<KernelLibrary> buildForHost(const std::vector<KernelText>& texts);
// A target as a name for GoogleTest.
std::string identifier(const std::string& target);

// A packed matrix of random weights, and the weights that it stands for.
struct PackedWeights {
  int64_t rows, columns;
  std::vector<float> original;    // before rounding, [rows, columns]
  std::vector<double> effective;  // what the format holds, [rows, columns]
  std::unique_ptr<Poisoned> bytes;
};
PackedWeights packRandom(Random& random, const std::string& format, int64_t rows, int64_t columns);

// Appends what a quantised row of `columns` columns stands for, and aborts where its sums are wrong.
void appendQuantizedRow(const char* row, int64_t columns, int64_t group, std::vector<float>& values, RowCode code = RowCode::i8);
// Half a step that column `at` of a row is rounded with, in its group of `group` columns.
double halfStep(const double* row, int64_t at, int64_t group, RowCode code = RowCode::i8);

}  // namespace ingot::test

// Every kernel test of a suite once for each target; a target that this machine does not run is named and skipped.
#define INGOT_FOR_EACH_TARGET(Suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(Targets, Suite, ::testing::ValuesIn(::ingot::test::kernelTargets()), \
                           [](const auto& info) { return ::ingot::test::identifier(info.param); })
