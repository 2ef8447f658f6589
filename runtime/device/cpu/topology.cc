#include "runtime/device/cpu/topology.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <set>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace ingot {
namespace {

// "max 100000" or "150000 100000" of cgroup v2; 0 when there is no quota.
double cgroupQuota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::atof(quota.c_str()) / period;
}

// The siblings of a core, as text: one name for every physical core.
std::string physicalCoreOf(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
  std::string siblings;
  return std::getline(file, siblings) ? siblings : std::to_string(cpu);
}

}  // namespace

int usableCores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::set<std::string> cores;
  if (sched_getaffinity(0, sizeof(mask), &mask) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &mask)) cores.insert(physicalCoreOf(cpu));
  int count = std::max(1, static_cast<int>(cores.size()));
  double quota = cgroupQuota();
  return quota > 0 ? std::max(1, std::min(count, static_cast<int>(std::ceil(quota)))) : count;
}

#if defined(__x86_64__)
// Linux lends the registers of AMX to a process that asks: Documentation/arch/x86/xstate.rst.
static bool mayUseTiles() {
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  static const bool granted = syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  return granted;
}

bool hasCpuFeature(std::string_view feature) {
  __builtin_cpu_init();
#define INGOT_FEATURE(llvm, gcc) \
  if (feature == llvm) return __builtin_cpu_supports(gcc);
  INGOT_FEATURE("avx2", "avx2")
  INGOT_FEATURE("fma", "fma")
  INGOT_FEATURE("f16c", "f16c")
  INGOT_FEATURE("bmi", "bmi")
  INGOT_FEATURE("bmi2", "bmi2")
  INGOT_FEATURE("avx512f", "avx512f")
  INGOT_FEATURE("avx512bw", "avx512bw")
  INGOT_FEATURE("avx512cd", "avx512cd")
  INGOT_FEATURE("avx512dq", "avx512dq")
  INGOT_FEATURE("avx512vl", "avx512vl")
  INGOT_FEATURE("avx512vnni", "avx512vnni")
  INGOT_FEATURE("avx512bf16", "avx512bf16")
  INGOT_FEATURE("avxvnni", "avxvnni")
  if (feature == "amx-int8") return __builtin_cpu_supports("amx-int8") && mayUseTiles();
#undef INGOT_FEATURE
  return false;
}
#elif defined(__aarch64__)
bool hasCpuFeature(std::string_view feature) {
  unsigned long caps = getauxval(AT_HWCAP), caps2 = getauxval(AT_HWCAP2);
  if (feature == "neon" || feature == "fp-armv8") return true;
  if (feature == "dotprod") return caps >> 20 & 1;
  if (feature == "fullfp16") return caps >> 10 & 1;
  if (feature == "i8mm") return caps2 >> 13 & 1;
  if (feature == "bf16") return caps2 >> 14 & 1;
  return false;
}
#else
bool hasCpuFeature(std::string_view) { return false; }
#endif

std::string missingCpuFeature(const std::vector<std::string>& features) {
  for (const auto& feature : features)
    if (!hasCpuFeature(feature)) return feature;
  return {};
}

}  // namespace ingot
