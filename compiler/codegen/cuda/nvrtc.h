// NVIDIA's run-time compiler, used at compile time: one translation unit to a cubin or PTX, with no GPU. Loaded by dlopen, so
// that ingotc builds and runs without the CUDA toolkit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/codegen/kernel_cache.h"
#include "runtime/base/status.h"

namespace ingot {

struct NvrtcOutput {
  std::string code;      // cubin, or PTX text
  std::string log;       // with the sizes that ptxas reports
  uint32_t version = 0;  // of the compiler: 13000 for 13.0
};

// Thread-safe.
class Nvrtc {
 public:
  // Looks for the library by its usual names, then below `toolkit`, then where toolkits are installed. The error says what to install.
  static Result<std::shared_ptr<const Nvrtc>> open(const std::string& toolkit);
  ~Nvrtc();

  // `architecture` is sm_90a (a cubin) or compute_90 (PTX). Includes find the kernel headers that ingotc carries.
  Result<NvrtcOutput> compile(const std::string& name, const std::string& source, const std::string& architecture) const;
  // Compute capabilities that it compiles for, such as 90.
  const std::vector<int>& architectures() const { return architectures_; }
  uint32_t version() const { return version_; }
  // Everything that determines compile()'s output besides the unit and the architecture.
  KernelKey key() const;

 private:
  struct Table;
  Nvrtc();
  Status bind();

  void* library_ = nullptr;
  std::unique_ptr<Table> table_;
  std::vector<int> architectures_;
  uint32_t version_ = 0;
};

}  // namespace ingot
