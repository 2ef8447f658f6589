#include "compiler/codegen/cpu/unit.h"

#include <fmt/format.h>

#include "compiler/codegen/cpu/body.h"
#include "kernels/abi/abi.h"
#include "kernels/attention/attention.spec.h"
#include "kernels/linear/linear.spec.h"

namespace ingot {
namespace {

// Reads the constants of a kernel; the verifier and lower/ guarantee that they are there.
class Constants {
 public:
  explicit Constants(exec::KernelOp kernel) : dictionary_(kernel.getConstants()) {}
  int64_t integer(llvm::StringRef name) const { return dictionary_.getAs<mlir::IntegerAttr>(name).getInt(); }
  bool flag(llvm::StringRef name) const { return dictionary_.getAs<mlir::BoolAttr>(name).getValue(); }
  double number(llvm::StringRef name) const { return dictionary_.getAs<mlir::FloatAttr>(name).getValueAsDouble(); }
  std::string text(llvm::StringRef name) const { return dictionary_.getAs<mlir::StringAttr>(name).getValue().str(); }

 private:
  mlir::DictionaryAttr dictionary_;
};

struct Format {
  std::string name;  // of the enumerator
  WeightFormat weights;
  int64_t group = 1;
};
constexpr std::pair<std::string_view, WeightFormat> kFormats[] = {{"f32", WeightFormat::f32},   {"f16", WeightFormat::f16},
                                                                  {"bf16", WeightFormat::bf16}, {"i8", WeightFormat::i8},
                                                                  {"i4", WeightFormat::i4},     {"i4m", WeightFormat::i4m}};

// i4g32 -> {i4, 32}.
Format parseFormat(const std::string& storage) {
  auto at = storage.find('g');
  Format format{storage == "plain" ? "f32" : storage.substr(0, at), WeightFormat::f32,
                at == std::string::npos ? 1 : std::stoll(storage.substr(at + 1))};
  for (auto [name, weights] : kFormats)
    if (name == format.name) format.weights = weights;
  return format;
}

std::string integer(std::string_view name, int64_t value) { return fmt::format("constexpr long long {} = {};\n", name, value); }
std::string flag(std::string_view name, bool value) { return fmt::format("constexpr int {} = {};\n", name, value ? 1 : 0); }
std::string number(std::string_view name, double value) { return fmt::format("constexpr float {} = {:a}f;\n", name, value); }

std::string quantizedSuffix(int64_t group) { return group ? fmt::format(".q8g{}", group) : ""; }

std::string formatPrelude(const Format& format) {
  return fmt::format("#include \"kernels/linear/layout.h\"\nconstexpr WeightFormat kFormat = WeightFormat::{};\n", format.name) +
         integer("kGroup", format.group);
}

std::string cachePrelude(const Constants& c) {
  return fmt::format("#include \"kernels/kvcache/element.h\"\nconstexpr CacheType kCache = CacheType::{};\n", c.text("cache")) +
         integer("kLayers", c.integer("layers")) + integer("kHeads", c.integer("heads")) + integer("kKvHeads", c.integer("kv_heads")) +
         integer("kHeadDim", c.integer("head_dim"));
}

void linearUnit(exec::KernelOp kernel, const Constants& c, KernelUnit& unit) {
  Format format = parseFormat(c.text("format"));
  int64_t n = c.integer("n"), k = c.integer("k"), sums = c.integer("sums");
  unit.name = fmt::format("linear.{}.n{}.k{}{}", c.text("format"), n, k, quantizedSuffix(c.integer("result_group")));
  int64_t group = c.integer("result_group"), channels = int64_t{tilePanels(sums, group)} * kPanelBlocks * kBlockChannels;
  unit.tiles = (n + channels - 1) / channels;
  unit.scratchBytes = static_cast<uint64_t>(linearScratchBytes(format.weights, k, static_cast<int>(format.group), sums, group));
  unit.source = formatPrelude(format) + integer("kN", n) + integer("kK", k) + integer("kSums", sums) + flag("kSelected", c.flag("selected")) +
                integer("kResultGroup", c.integer("result_group")) + integer("kExtras", static_cast<int64_t>(c.text("extras").size())) +
                "#include \"kernels/linear/epilogue.h\"\n" + generateEpilogue(kernel.getBody(), sums, c.text("extras")) +
                "#include \"kernels/linear/linear.cpu.h\"\n";
}

void rowsUnit(exec::KernelOp kernel, const Constants& c, KernelUnit& unit) {
  std::string norm = c.text("norm");
  unit.name = fmt::format("rows.{}.c{}{}", norm, c.integer("columns"), quantizedSuffix(c.integer("group")));
  unit.source = integer("kColumns", c.integer("columns")) +
                integer("kNorm", norm == "rms"     ? 1
                                 : norm == "layer" ? 2
                                                   : 0) +
                number("kEps", c.number("eps")) + flag("kHasBias", c.flag("bias")) + integer("kGroup", c.integer("group")) +
                flag("kSelect", c.flag("select")) + integer("kExtras", static_cast<int64_t>(c.text("extras").size())) +
                "#include \"kernels/linear/epilogue.h\"\n" + generateEpilogue(kernel.getBody(), 1, c.text("extras")) +
                "#include \"kernels/rows/rows.cpu.h\"\n";
}

void embeddingUnit(exec::KernelOp, const Constants& c, KernelUnit& unit) {
  std::string storage = c.text("format");
  unit.name = fmt::format("embedding.{}.n{}.k{}", storage, c.integer("n"), c.integer("k"));
  unit.source = formatPrelude(parseFormat(storage)) + integer("kN", c.integer("n")) + integer("kK", c.integer("k")) +
                flag("kPlain", storage == "plain") + integer("kOffset", c.integer("offset")) + flag("kPositions", c.flag("positions")) +
                "#include \"kernels/embedding/embedding.cpu.h\"\n";
}

void ropeAppendUnit(exec::KernelOp, const Constants& c, KernelUnit& unit) {
  unit.name = fmt::format("rope_append.{}.q{}.kv{}.h{}", c.text("cache"), c.integer("heads"), c.integer("kv_heads"), c.integer("head_dim"));
  unit.source = cachePrelude(c) + integer("kRotary", c.integer("rotary")) + flag("kHeadNorm", c.flag("head_norm")) + number("kEps", c.number("eps")) +
                "#include \"kernels/rope/rope_append.cpu.h\"\n";
}

void attentionUnit(exec::KernelOp, const Constants& c, KernelUnit& unit) {
  int64_t group = c.integer("heads") / c.integer("kv_heads"), dim = c.integer("head_dim");
  unit.name = fmt::format("attention.{}.h{}.g{}.p16{}{}", c.text("cache"), dim, group, c.integer("window") ? ".window" : "",
                          quantizedSuffix(c.integer("result_group")));
  unit.tiles = c.integer("kv_heads");
  unit.scratchBytes = static_cast<uint64_t>(attentionScratchBytes(INGOT_QUERY_BLOCK * static_cast<int>(group), static_cast<int>(dim)));
  unit.source = cachePrelude(c) + number("kScale", c.number("scale")) + integer("kWindow", c.integer("window")) +
                number("kSoftcap", c.number("softcap")) + integer("kResultGroup", c.integer("result_group")) +
                "#include \"kernels/attention/attention.cpu.h\"\n";
}

struct Function {
  std::string_view name;
  void (*generate)(exec::KernelOp, const Constants&, KernelUnit&);
  bool usesScratch;
};
constexpr Function kFunctions[] = {
    {"linear", linearUnit, true},           {"rows", rowsUnit, false},          {"embedding", embeddingUnit, false},
    {"rope_append", ropeAppendUnit, false}, {"attention", attentionUnit, true},
};

}  // namespace

Result<KernelUnit> generateUnit(exec::KernelOp kernel) {
  for (const Function& function : kFunctions) {
    if (kernel.getFunction() != llvm::StringRef(function.name)) continue;
    KernelUnit unit;
    unit.symbol = "ingot_" + kernel.getSymName().str();
    std::replace(unit.symbol.begin(), unit.symbol.end(), '.', '_');
    function.generate(kernel, Constants(kernel), unit);
    kernel.getBody().walk([&](mlir::Operation* op) {
      if (!op->hasTrait<mlir::OpTrait::IsTerminator>()) unit.fused += (unit.fused.empty() ? "" : " ") + op->getName().stripDialect().str();
    });
    unit.source = "// " + unit.name + "\n" + unit.source +
                  fmt::format(
                      "extern \"C\" void {}(const IngotKernelArgs* args, ingot_i64 first, ingot_i64 last, void* scratch) {{\n"
                      "  {}::run(args, first, last{});\n}}\n",
                      unit.symbol, function.name, function.usesScratch ? ", scratch" : "");
    return unit;
  }
  return Status::internal("kernel {}: no CPU code for {}", kernel.getSymName().str(), kernel.getFunction().str());
}

}  // namespace ingot
