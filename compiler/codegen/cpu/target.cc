#include "compiler/codegen/cpu/target.h"

#include <algorithm>

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace ingot {
namespace {

struct Level {
  std::string_view name, triple, cpu;
  std::vector<std::string> features;  // of the level itself
};
const std::vector<Level>& levels() {
  static const std::vector<Level> kLevels = {
      {"x86-64-v3", "x86_64-unknown-linux-gnu", "x86-64-v3", {"avx2", "fma", "f16c", "bmi", "bmi2"}},
      {"x86-64-v4",
       "x86_64-unknown-linux-gnu",
       "x86-64-v4",
       {"avx2", "fma", "f16c", "bmi", "bmi2", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
      {"aarch64", "aarch64-unknown-linux-gnu", "generic", {"neon"}},
  };
  return kLevels;
}

// The features that '+' may add to a level, and LLVM's names for them.
struct Extra {
  std::string_view level, name, feature;
};
constexpr Extra kExtras[] = {
    {"x86-64-v4", "vnni", "avx512vnni"}, {"x86-64-v4", "bf16", "avx512bf16"}, {"x86-64-v4", "amx", "amx-int8"}, {"x86-64-v3", "vnni", "avxvnni"},
    {"aarch64", "dotprod", "dotprod"},   {"aarch64", "i8mm", "i8mm"},         {"aarch64", "bf16", "bf16"},
};

std::string nativeName() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  auto has = [&](const std::string& feature) { return host.lookup(feature); };
  const Level* best = nullptr;
  llvm::Triple triple(llvm::sys::getProcessTriple());
  for (const Level& level : levels())
    if (level.triple.substr(0, level.triple.find('-')) == triple.getArchName().str() &&
        std::all_of(level.features.begin(), level.features.end(), has))
      best = &level;
  if (!best) return {};
  std::string name(best->name);
  for (const Extra& extra : kExtras)
    if (extra.level == best->name && has(std::string(extra.feature))) name += "+" + std::string(extra.name);
  return name;
}

}  // namespace

std::vector<std::string> cpuTargetNames() {
  std::vector<std::string> names = {"native"};
  for (const Level& level : levels()) {
    names.emplace_back(level.name);
    for (const Extra& extra : kExtras)
      if (extra.level == level.name) names.push_back(fmt::format("{}+{}", level.name, extra.name));
  }
  return names;
}

Result<CpuTarget> CpuTarget::parse(std::string_view text) {
  std::string spelled = text == "native" ? nativeName() : std::string(text);
  if (spelled.empty()) return Status::unsupported("this machine has no level that is supported; the lowest are x86-64-v3 and aarch64");
  std::string_view rest = spelled;
  auto plus = rest.find('+');
  std::string_view levelName = rest.substr(0, plus);
  for (const Level& level : levels()) {
    if (level.name != levelName) continue;
    CpuTarget target{"cpu:" + std::string(levelName), std::string(level.triple), std::string(level.cpu), level.features};
    while (plus != std::string_view::npos) {
      rest = rest.substr(plus + 1);
      plus = rest.find('+');
      std::string_view name = rest.substr(0, plus);
      auto extra = std::find_if(std::begin(kExtras), std::end(kExtras), [&](const Extra& e) { return e.level == levelName && e.name == name; });
      if (extra == std::end(kExtras)) return Status::invalidArgument("target cpu:{}: {} has no feature \"{}\"", text, levelName, name);
      target.name += "+" + std::string(name);
      target.features.emplace_back(extra->feature);
    }
    return target;
  }
  return Status::invalidArgument("target cpu:{} is not known; the targets are {}", text, fmt::join(cpuTargetNames(), ", "));
}

}  // namespace ingot
