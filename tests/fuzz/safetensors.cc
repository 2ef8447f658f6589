// safetensors: header and ranges; what is accepted can be read to its last row.
#include "compiler/import/checkpoint.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  fuzz::MemoryFile file(data, size);
  Checkpoint checkpoint;
  if (!readSafetensors(file.path(), checkpoint).ok()) return 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (tensor.bytes > size || tensor.offset > size - tensor.bytes) std::abort();
    std::vector<float> row(static_cast<size_t>(tensor.columns()));
    if (!checkpoint.readRows(tensor, tensor.rows() - 1, 1, row.data()).ok()) std::abort();
  }
  return 0;
}
