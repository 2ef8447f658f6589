#include "tests/kernels/harness.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "compiler/codegen/cpu/source.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/targets.h"
#include "compiler/pack/pack.h"
#include "compiler/support/file.h"
#include "dialects/llm/llm.h"
#include "kernels/ref/linear.h"
#include "mlir/Parser/Parser.h"
#include "runtime/device/cpu/thread_team.h"
#include "runtime/device/cpu/topology.h"

namespace ingot::test {
namespace {

constexpr const char* kEmulated = "cuda-emulated";
constexpr size_t kGuardBytes = 256;
constexpr unsigned char kGuard = 0xa5, kPoison = 0xff;

class RandomRows : public ParamRows {
 public:
  RandomRows(const std::vector<float>& values, int64_t columns) : values_(values), columns_(columns) {}
  Status read(int64_t first, int64_t count, float* out) const override {
    std::copy_n(values_.begin() + first * columns_, count * columns_, out);
    return {};
  }
  const TensorInfo* blocksOf(int64_t, int64_t&) const override { return nullptr; }
  Status readBlocks(const TensorInfo&, int64_t, std::byte*) const override { return Status::internal("has no blocks"); }
  void forget() const override {}

 private:
  const std::vector<float>& values_;
  int64_t columns_;
};

std::string programOf(const std::vector<KernelText>& texts) {
  std::string program = "exec.program @p {\n";
  for (size_t i = 0; i < texts.size(); ++i)
    program += fmt::format("exec.kernel @{}.{} \"{}\" {{{}}} {}\n", texts[i].function, i, texts[i].function, texts[i].constants,
                           texts[i].body.empty() ? "" : "{\n" + texts[i].body + "\n}");
  return program + "}\n";
}

Result<CodeMapping> mapImage(const VariantCode& image) {
  int descriptor = memfd_create("kernels", MFD_CLOEXEC);
  if (descriptor < 0 || write(descriptor, image.bytes.data(), image.bytes.size()) != static_cast<ssize_t>(image.bytes.size()))
    return Status::io("cannot write the image");
  auto code = CodeMapping::map(descriptor, 0, image.bytes.size());
  close(descriptor);
  return code;
}

// For a level whose instructions stand_ins.h has: compiled for the lowest level, with the macros of the higher one.
Result<VariantCode> generateWithStandIns(std::span<const KernelUnit> units, const CpuTarget& target) {
  INGOT_ASSIGN(std::string prelude, readTextFile(INGOT_SOURCE_DIR "/tests/kernels/stand_ins.h"));
  INGOT_ASSIGN(CpuTarget lowest, CpuTarget::parse("x86-64-v3"));
  for (std::string feature : target.features) {
    if (std::count(lowest.features.begin(), lowest.features.end(), feature)) continue;
    std::transform(feature.begin(), feature.end(), feature.begin(),
                   [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
    prelude += fmt::format("#define __{}__ 1\n", feature);
  }
  std::vector<SourceUnit> sources;
  std::vector<KernelCode> kernels;
  for (const KernelUnit& unit : units) {
    SourceUnit source = cpuSource(unit);
    source.source = prelude + source.source;
    sources.push_back(std::move(source));
    kernels.push_back(cpuKernel(unit));
  }
  return compileVariant(sources, std::move(kernels), lowest, 2);
}

bool canRunItself(const std::string& target) {
  auto parsed = CpuTarget::parse(target);
  return parsed.ok() && missingCpuFeature(parsed->features).empty();
}

bool hasStandIns(const std::string& target) {
  return (target == "x86-64-v4+vnni" || target == "x86-64-v4+vnni+amx") && !canRunItself(target) && canRunItself("x86-64-v3");
}

Result<VariantCode> generateFor(std::span<const KernelUnit> units, const std::string& target, const CudaChoices& choices) {
  if (hasStandIns(target)) return generateWithStandIns(units, *CpuTarget::parse(target));
  INGOT_ASSIGN(std::vector<Target> targets, parseTarget(target == kEmulated ? target : "cpu:" + target, {.cuda = choices}));
  return targets[0].generate(units, 2);
}

// What a call hands to a kernel, copied to where a guest can read it.
class Arguments {
 public:
  Arguments(const IngotBatch& batch, const std::vector<void*>& operands) : operands_(operands.begin(), operands.end()), batch_(1, batch) {
    IngotBatch& copy = batch_.front();
    copy.token_ids = keep(batch.token_ids, batch.num_tokens);
    copy.positions = keep(batch.positions, batch.num_tokens);
    copy.sequence_of = keep(batch.sequence_of, batch.num_tokens);
    copy.rows = keep(batch.rows, batch.num_rows);
    copy.page_table = keep(batch.page_table, batch.num_sequences * batch.max_pages);
    if (batch.splits) splits_.assign(batch.splits, batch.splits + batch.num_splits), copy.splits = splits_.data();
    if (batch.blocks) blocks_.assign(batch.blocks, batch.blocks + batch.num_blocks), copy.blocks = blocks_.data();
    args_.push_back({batch_.data(), operands_.data()});
  }
  const IngotKernelArgs& get() const { return args_.front(); }

 private:
  ingot_i32* keep(const ingot_i32* values, ingot_i32 count) { return values ? integers_.emplace_back(values, values + count).data() : nullptr; }
  OperandVector<void*> operands_;
  OperandVector<IngotBatch> batch_;
  OperandVector<IngotKernelArgs> args_;
  OperandVector<IngotQueryBlock> blocks_;
  OperandVector<IngotSplit> splits_;
  std::vector<OperandVector<ingot_i32>> integers_;
};

}  // namespace

Poisoned::Poisoned(size_t bytes) : bytes_(bytes) {
  size_t all = (bytes + 2 * kGuardBytes + 63) / 64 * 64;
  memory_.reset(allocateOperand(all));
  std::memset(memory_.get(), kGuard, all);
  data_ = memory_.get() + kGuardBytes;
  std::memset(data_, kPoison, bytes);
}

bool Poisoned::guardsIntact() const {
  auto isGuard = [](std::byte b) { return b == std::byte{kGuard}; };
  return std::all_of(memory_.get(), memory_.get() + kGuardBytes, isGuard) && std::all_of(data_ + bytes_, data_ + bytes_ + kGuardBytes, isGuard);
}

int64_t Kernel::tilesFor(int64_t rows) const {
  if (unit.channels && !code.tiles.extent) return code.tiles.count;
  return code.tiles.count * ((rows + code.tiles.rowsPerTile - 1) / code.tiles.rowsPerTile);
}

void Kernel::call(const IngotKernelArgs& args, int64_t first, int64_t last, void* scratch) const {
  if (emulator) emulator->call(function, &args, first, last, scratch);
  else function(&args, first, last, scratch);
}

void Kernel::run(const IngotBatch& batch, const std::vector<void*>& operands, int64_t tiles) const {
  Poisoned scratch(code.scratchBytes);
  Arguments arguments(batch, operands);
  call(arguments.get(), 0, tiles, scratch.data());
  if (!scratch.guardsIntact()) std::abort();
}

void Kernel::runBackwards(const IngotBatch& batch, const std::vector<void*>& operands, int64_t tiles) const {
  Poisoned scratch(code.scratchBytes);
  Arguments arguments(batch, operands);
  for (int64_t tile = tiles; tile-- > 0;) call(arguments.get(), tile, tile + 1, scratch.data());
}

void Kernel::runOnThreads(const IngotBatch& batch, const std::vector<void*>& operands, int64_t tiles, int threads) const {
  struct Work : TeamWork {
    const Kernel* kernel;
    const IngotKernelArgs* args;
    int64_t all;
    std::vector<std::unique_ptr<Poisoned>> scratch;
    int64_t steps() const override { return 1; }
    int64_t tiles(int64_t) const override { return all; }
    void compute(int64_t, int64_t first, int64_t last, int worker) override {
      kernel->call(*args, first, last, scratch[static_cast<size_t>(worker)]->data());
    }
  } work;
  Arguments arguments(batch, operands);
  work.kernel = this;
  work.args = &arguments.get();
  work.all = tiles;
  for (int i = 0; i < threads; ++i) work.scratch.push_back(std::make_unique<Poisoned>(code.scratchBytes));
  if (!emulator) return ThreadTeam(threads).run(work);
  for (int i = 0; i < threads; ++i) work.compute(0, i * tiles / threads, (i + 1) * tiles / threads, i);
}

Result<std::unique_ptr<KernelLibrary>> KernelLibrary::build(const std::vector<KernelText>& texts, const std::string& target,
                                                            const CudaChoices& choices) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<llm::LlmDialect, exec::ExecDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(programOf(texts), &context);
  if (!module) return Status::internal("the program does not parse:\n{}", programOf(texts));
  auto library = std::make_unique<KernelLibrary>();
  std::vector<KernelUnit> units;
  for (auto kernel : (*module->getOps<exec::ProgramOp>().begin()).getOps<exec::KernelOp>()) {
    INGOT_ASSIGN(KernelUnit unit, generateUnit(kernel));
    units.push_back(std::move(unit));
  }
  INGOT_ASSIGN(VariantCode variant, generateFor(units, target, choices));
  const std::byte* image;
  auto foreign = CpuTarget::parse(target);
  if (foreign.ok() && Emulator::emulates(*foreign)) {
    INGOT_ASSIGN(library->emulator_, Emulator::start(variant.bytes, *foreign));
    image = library->emulator_->code();
  } else {
    INGOT_ASSIGN(library->code_, mapImage(variant));
    image = static_cast<const std::byte*>(library->code_.at(0));
  }
  auto kernelOf = [&](const KernelUnit& unit, const KernelCode& code) -> Kernel {
    return {unit, code, reinterpret_cast<IngotTileFunction>(reinterpret_cast<uintptr_t>(image) + code.offset), library->emulator_.get()};
  };
  for (size_t i = 0; i < units.size(); ++i) library->kernels_.push_back(kernelOf(units[i], variant.kernels[i]));
  for (const LargerKernel& one : variant.extra.larger) library->larger_.emplace(one.of, kernelOf(one.unit, one.code));
  return library;
}

std::vector<std::string> kernelTargets() {
#if defined(__x86_64__)
  return {"x86-64-v3",      "x86-64-v3+vnni",      "x86-64-v4",
          "x86-64-v4+vnni", "x86-64-v4+vnni+bf16", "x86-64-v4+vnni+amx",
          "aarch64",        "aarch64+dotprod",     "aarch64+dotprod+i8mm+bf16",
          kEmulated};
#else
  return {"aarch64", "aarch64+dotprod", "aarch64+dotprod+i8mm+bf16", kEmulated};
#endif
}

bool isEmulated(const std::string& target) {
  auto parsed = CpuTarget::parse(target);
  return parsed.ok() && Emulator::emulates(*parsed);
}

bool canRun(const std::string& target) {
  if (target == kEmulated) return true;
  if (isEmulated(target)) return Emulator::isInstalled();
  return hasStandIns(target) || canRunItself(target);
}

std::unique_ptr<KernelLibrary> buildForHost(const std::vector<KernelText>& texts) {
  auto library = KernelLibrary::build(texts, "native");
  return library.ok() ? *std::move(library) : nullptr;
}

std::string identifier(const std::string& target) {
  std::string name;
  for (char c : target) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

PackedWeights packRandom(Random& random, const std::string& format, int64_t rows, int64_t columns) {
  PackedWeights weights{rows, columns, random.normals(static_cast<size_t>(rows * columns), 0.3f), {}, nullptr};
  StorageFormat storage = StorageFormat::parse(format).value();
  weights.bytes = std::make_unique<Poisoned>(storage.bytes(rows, columns));
  Status status = packMatrix(RandomRows(weights.original, columns), rows, columns, storage, {}, 1, [&](uint64_t offset, auto bytes) -> Status {
    std::memcpy(weights.bytes->as<std::byte>() + offset, bytes.data(), bytes.size());
    return {};
  });
  if (!status.ok()) std::abort();
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < columns; ++k)
      weights.effective.push_back(ref::weightAt(weights.bytes->data(), storage.format, storage.group, columns, n, k));
  return weights;
}

void appendQuantizedRow(const char* row, int64_t columns, int64_t group, std::vector<float>& values, RowCode code) {
  const auto* scales = reinterpret_cast<const float*>(row + columns);
  if (code == RowCode::f8) {
    for (int64_t i = 0; i < columns; ++i) values.push_back(scales[i / group] * ref::float8Value<float>(static_cast<unsigned char>(row[i])));
    return;
  }
  const auto* sums = reinterpret_cast<const int*>(row + columns + 4 * (columns / group));
  for (int64_t g = 0; g < columns / group; ++g) {
    int sum = 0;
    for (int64_t i = g * group; i < (g + 1) * group; ++i) {
      sum += static_cast<signed char>(row[i]);
      values.push_back(scales[g] * static_cast<float>(static_cast<signed char>(row[i])));
    }
    if (sum != sums[g]) std::abort();
  }
}

double halfStep(const double* row, int64_t at, int64_t group, RowCode code) {
  double peak = 0;
  for (int64_t i = at / group * group; i < (at / group + 1) * group; ++i) peak = std::fmax(peak, std::fabs(row[i]));
  // Of e4m3: a sixteenth of the value, or the smallest step of all.
  return 0.501 * (code == RowCode::i8 ? peak / 127 : std::fmax(std::fabs(row[at]) / 8, 0x1p-9 * peak / 448));
}

}  // namespace ingot::test
