// Which variant of a file this machine runs, and on what: the CPU or a GPU.
#pragma once

#include <optional>

#include "runtime/device/cuda/device.h"
#include "runtime/format/artifact.h"

namespace ingot {

struct DeviceRequest {
  std::string device = "auto";             // auto, cpu, cuda, cuda:i
  std::string cudaLibrary = kCudaLibrary;  // of the driver API
  double patience = kCudaPatience;
};

struct Choice {
  const plan::Variant* variant = nullptr;
  std::optional<CudaDeviceInfo> gpu;  // absent: the CPU
  const CudaDriver* driver = nullptr;
  double patience = kCudaPatience;
  bool walks = true;         // whether a token alone runs as the variant's persistent kernel, where it has one
  std::string warning = {};  // why the CPU was taken where the file has code for GPUs; one line
};

// auto takes a GPU where the file has code for one that is here, else the CPU, with a warning. The error says what the file has, what this
// machine is, and the flag of ingotc that brings them together.
Result<Choice> chooseVariant(const Artifact& artifact, const DeviceRequest& request);

// Whether code for `target` (sm_90a, sm_80, compute_90) runs on a GPU of that compute capability, and how well: 0 for no.
// Cubins run on their own major version from their minor version on, those with a letter on one GPU alone, PTX on all later ones.
int cudaFit(std::string_view target, int major, int minor);

}  // namespace ingot
