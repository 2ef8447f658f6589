// The restricted pickle reader, and the zip around it: an input that starts as a zip is read as a whole file.
#include "compiler/import/pickle.h"

#include "compiler/import/pytorch.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  (void)readPickle({reinterpret_cast<const std::byte*>(data), size});
  if (size < 2 || data[0] != 'P' || data[1] != 'K') return 0;
  fuzz::MemoryFile file(data, size);
  Checkpoint checkpoint;
  if (!readPytorchFile(file.path(), checkpoint).ok()) return 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (tensor.bytes > size || tensor.offset > size - tensor.bytes) std::abort();
    if (tensor.bytes == 0) continue;
    std::vector<float> row(static_cast<size_t>(tensor.columns()));
    if (!checkpoint.readRows(tensor, tensor.rows() - 1, 1, row.data()).ok()) std::abort();
  }
  return 0;
}
