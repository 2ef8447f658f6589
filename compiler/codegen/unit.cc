#include "compiler/codegen/unit.h"

#include <fmt/format.h>

#include "compiler/codegen/body.h"
#include "compiler/codegen/kernel_cache.h"
#include "kernels/ref/attention.h"

namespace ingot {
namespace {

// Reads the constants of a kernel; the verifier and lower/ guarantee that they are there.
class Constants {
 public:
  explicit Constants(mlir::DictionaryAttr dictionary) : dictionary_(dictionary) {}
  int64_t integer(llvm::StringRef name) const { return dictionary_.getAs<mlir::IntegerAttr>(name).getInt(); }
  bool flag(llvm::StringRef name) const { return dictionary_.getAs<mlir::BoolAttr>(name).getValue(); }
  double number(llvm::StringRef name) const { return dictionary_.getAs<mlir::FloatAttr>(name).getValueAsDouble(); }
  std::string text(llvm::StringRef name) const { return dictionary_.getAs<mlir::StringAttr>(name).getValue().str(); }
  bool has(llvm::StringRef name) const { return dictionary_.contains(name); }
  Constants within(llvm::StringRef name) const { return Constants(dictionary_.getAs<mlir::DictionaryAttr>(name)); }

 private:
  mlir::DictionaryAttr dictionary_;
};

struct Format {
  std::string name;  // of the enumerator
  WeightFormat weights;
  int64_t group = 1;
};

// i4g32 -> {i4, 32}.
Format parseFormat(const std::string& storage) {
  auto at = storage.find('g');
  Format format{storage == "plain" ? "f32" : storage.substr(0, at), WeightFormat::f32,
                at == std::string::npos ? 1 : std::stoll(storage.substr(at + 1))};
  for (const NamedWeightFormat& known : kWeightFormats)
    if (known.name == format.name) format.weights = known.format;
  return format;
}

std::string integer(std::string_view name, int64_t value) { return fmt::format("constexpr long long {} = {};\n", name, value); }
std::string flag(std::string_view name, bool value) { return fmt::format("constexpr int {} = {};\n", name, value ? 1 : 0); }
std::string number(std::string_view name, double value) { return fmt::format("constexpr float {} = {:a}f;\n", name, value); }

std::string rowCode(std::string_view name, const std::string& code) { return fmt::format("constexpr RowCode {} = RowCode::{};\n", name, code); }

// q8 is int8; f8 e4m3.
std::string quantizedSuffix(int64_t group, const std::string& code = "i8") {
  return group ? fmt::format(".{}g{}", code == "i8" ? "q8" : code, group) : "";
}

std::string formatConstants(const Format& format) {
  return fmt::format("constexpr WeightFormat kFormat = WeightFormat::{};\n", format.name) + integer("kGroup", format.group);
}

// GPUs only: rows of CPUs are f32.
std::string narrowResult(const Constants& c) { return flag("kNarrowResult", c.has("narrow_result")); }

std::string cacheConstants(const Constants& c) {
  return fmt::format("constexpr CacheType kCache = CacheType::{};\n", c.text("cache")) + integer("kLayers", c.integer("layers")) +
         integer("kHeads", c.integer("heads")) + integer("kKvHeads", c.integer("kv_heads")) + integer("kHeadDim", c.integer("head_dim"));
}

// ALiBi slopes, one per query head; without ALiBi an unused element, because arrays may not be empty.
std::string slopes(const Constants& c) {
  bool alibi = c.has("alibi");
  std::string values;
  for (int64_t head = 0, heads = c.integer("heads"); alibi && head < heads; ++head)
    values += fmt::format("{:a}f, ", static_cast<float>(ref::alibiSlope<double>(heads, head)));
  return flag("kAlibi", alibi) + fmt::format("constexpr float kSlopes[] = {{{}}};\n", alibi ? values : "0");
}

void linearUnit(mlir::Region& body, const Constants& c, KernelUnit& unit) {
  int64_t n = c.integer("n"), k = c.integer("k"), sums = c.integer("sums");
  unit.name = fmt::format("linear.{}.n{}.k{}{}", c.text("format"), n, k, quantizedSuffix(c.integer("result_group"), c.text("result_code")));
  Format format = parseFormat(c.text("format"));
  unit.channels = n;
  unit.columns = k;
  unit.sums = sums;
  unit.resultGroup = c.integer("result_group");
  unit.format = format.weights;
  unit.group = format.group;
  unit.selected = c.flag("selected");
  unit.narrow = c.has("narrow");
  unit.constants = formatConstants(format) + integer("kN", n) + integer("kK", k) + integer("kSums", sums) + flag("kSelected", unit.selected) +
                   integer("kResultGroup", unit.resultGroup) + rowCode("kResultCode", c.text("result_code")) +
                   integer("kExtras", static_cast<int64_t>(c.text("extras").size())) + flag("kNarrow", unit.narrow) + narrowResult(c);
  unit.body = generateEpilogue(body, sums, c.text("extras"));
}

void rowsUnit(mlir::Region& body, const Constants& c, KernelUnit& unit) {
  std::string norm = c.text("norm");
  unit.name = fmt::format("rows.{}.c{}{}", norm, c.integer("columns"), quantizedSuffix(c.integer("group"), c.text("code")));
  unit.columns = c.integer("columns");
  unit.selected = c.flag("select") || c.flag("selected");
  unit.constants = integer("kColumns", c.integer("columns")) +
                   integer("kNorm", norm == "rms"     ? 1
                                    : norm == "layer" ? 2
                                                      : 0) +
                   number("kEps", c.number("eps")) + flag("kHasBias", c.flag("bias")) + integer("kGroup", c.integer("group")) +
                   rowCode("kCode", c.text("code")) + flag("kSelect", c.flag("select")) + flag("kSelected", unit.selected) +
                   integer("kExtras", static_cast<int64_t>(c.text("extras").size())) + narrowResult(c);
  unit.body = generateEpilogue(body, 1, c.text("extras"));
}

void embeddingUnit(mlir::Region&, const Constants& c, KernelUnit& unit) {
  std::string storage = c.text("format");
  unit.columns = c.integer("k");
  unit.name = fmt::format("embedding.{}.n{}.k{}", storage, c.integer("n"), c.integer("k"));
  unit.constants = formatConstants(parseFormat(storage)) + integer("kN", c.integer("n")) + integer("kK", c.integer("k")) +
                   flag("kPlain", storage == "plain") + integer("kOffset", c.integer("offset")) + flag("kPositions", c.flag("positions"));
}

void ropeAppendUnit(mlir::Region&, const Constants& c, KernelUnit& unit) {
  unit.kvHeads = c.integer("kv_heads");
  unit.groupHeads = c.integer("heads") / unit.kvHeads;
  unit.name = fmt::format("rope_append.{}.q{}.kv{}.h{}", c.text("cache"), c.integer("heads"), c.integer("kv_heads"), c.integer("head_dim"));
  unit.constants =
      cacheConstants(c) + integer("kRotary", c.integer("rotary")) + flag("kHeadNorm", c.flag("head_norm")) + number("kEps", c.number("eps"));
}

void attentionUnit(mlir::Region&, const Constants& c, KernelUnit& unit) {
  unit.kvHeads = c.integer("kv_heads");
  unit.groupHeads = c.integer("heads") / unit.kvHeads;
  unit.headDim = c.integer("head_dim");
  unit.halves = c.text("cache") == "f16" || c.text("cache") == "bf16";
  unit.name = fmt::format("attention.{}.h{}.g{}.p16{}{}{}", c.text("cache"), unit.headDim, unit.groupHeads, c.integer("window") ? ".window" : "",
                          c.has("alibi") ? ".alibi" : "", quantizedSuffix(c.integer("result_group")));
  unit.constants = cacheConstants(c) + number("kScale", c.number("scale")) + integer("kWindow", c.integer("window")) +
                   number("kSoftcap", c.number("softcap")) + slopes(c) + integer("kResultGroup", c.integer("result_group")) + narrowResult(c);
}

void sampleUnit(mlir::Region&, const Constants& c, KernelUnit& unit) {
  unit.name = fmt::format("sample.n{}", c.integer("columns"));
  unit.columns = c.integer("columns");
  unit.constants = integer("kColumns", unit.columns);
}

struct Function {
  std::string_view name, folder;
  void (*generate)(mlir::Region&, const Constants&, KernelUnit&);
};
constexpr Function kFunctions[] = {
    {"linear", "linear", linearUnit},          {"rows", "rows", rowsUnit},
    {"embedding", "embedding", embeddingUnit}, {"rope_append", "rope", ropeAppendUnit},
    {"attention", "attention", attentionUnit}, {"sample", "sample", sampleUnit},
};

const Function* functionOf(llvm::StringRef name) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions), [&](const Function& f) { return name == llvm::StringRef(f.name); });
  return found == std::end(kFunctions) ? nullptr : found;
}

// Turns a unit into a fused one (kernels/alone) that also does the preceding step, `function`.
void addPreceding(const Function& function, const Constants& constants, KernelUnit& unit) {
  mlir::Region none;
  KernelUnit preceding;
  preceding.function = function.name;
  function.generate(none, constants, preceding);
  unit.header = fmt::format("kernels/alone/{}", unit.function);
  unit.name += ".alone";
  unit.fused = preceding.function + (unit.fused.empty() ? "" : " ") + unit.fused;
  unit.preceding.push_back(std::move(preceding));
}

// Depends on the kernel's contents only, not on its place in a model, so that models share sources and cached code.
std::string symbolOf(const KernelUnit& unit) {
  KernelKey key;
  key.add(unit.constants).add(unit.body);
  for (const KernelUnit& preceding : unit.preceding) key.add(preceding.constants).add(preceding.body);
  std::string symbol = fmt::format("ingot_{}_{}", unit.name, toHex(key.finish()).substr(0, 8));
  std::replace(symbol.begin(), symbol.end(), '.', '_');
  return symbol;
}

}  // namespace

Result<KernelUnit> generateUnit(exec::KernelOp kernel) {
  const Function* function = functionOf(kernel.getFunction());
  if (!function) return Status::internal("kernel {}: no code for {}", kernel.getSymName().str(), kernel.getFunction().str());
  KernelUnit unit;
  unit.function = function->name;
  unit.gpuOnly = kernel.getGpuOnly();
  unit.header = fmt::format("kernels/{}/{}", function->folder, function->name);
  Constants constants(kernel.getConstants());
  function->generate(kernel.getBody(), constants, unit);
  kernel.getBody().walk([&](mlir::Operation* op) {
    if (!op->hasTrait<mlir::OpTrait::IsTerminator>()) unit.fused += (unit.fused.empty() ? "" : " ") + op->getName().stripDialect().str();
  });
  if (constants.has("before")) addPreceding(*functionOf(unit.function == "linear" ? "rows" : "rope_append"), constants.within("before"), unit);
  unit.symbol = symbolOf(unit);
  return unit;
}

}  // namespace ingot
