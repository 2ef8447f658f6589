// Chooses the variant of a file that this machine runs, and the device: the CPU or a GPU.
#pragma once

#include <optional>

#include "runtime/device/cuda/device.h"
#include "runtime/format/artifact.h"

namespace ingot {

struct DeviceRequest {
  std::string device = "auto";             // auto, cpu, cuda, cuda:i
  std::string cudaLibrary = kCudaLibrary;  // library of the driver API
  double patience = kCudaPatience;
};

struct Choice {
  const plan::Variant* variant = nullptr;
  std::optional<CudaDeviceInfo> gpu;  // absent: the CPU
  const CudaDriver* driver = nullptr;
  double patience = kCudaPatience;
  bool walks = true;         // whether single-token batches run the variant's persistent kernel, if it has one
  std::string warning = {};  // one line: why the CPU was chosen although the file has code for GPUs
};

// "auto" chooses a GPU if the file has code for one of this machine, else the CPU, with a warning. The error says what the file has, what this
// machine is, and the flag of ingotc that makes them match.
Result<Choice> chooseVariant(const Artifact& artifact, const DeviceRequest& request);

// How well code for `target` (sm_90a, sm_80, compute_90) suits a GPU of this compute capability; 0: it does not run. Cubins run within their major
// version, from their minor version on; those with a letter only on exactly theirs; PTX on all later ones.
int cudaFit(std::string_view target, int major, int minor);

}  // namespace ingot
