// GGUF: metadata, its config, tensor names; what is accepted can be read to its last row.
#include "compiler/import/gguf.h"
#include "compiler/import/config.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  fuzz::MemoryFile file(data, size);
  Checkpoint checkpoint;
  auto metadata = readGguf(file.path(), checkpoint);
  if (!metadata.ok()) return 0;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (tensor.bytes > size || tensor.offset > size - tensor.bytes) std::abort();
    std::vector<float> row(static_cast<size_t>(tensor.columns()));
    if (!checkpoint.readRows(tensor, tensor.rows() - 1, 1, row.data()).ok()) std::abort();
  }
  auto config = configOfGguf(*metadata, checkpoint, "fuzz");
  if (!config.ok()) return 0;
  (void)readConfig(*config, "fuzz");
  (void)renameGgufTensors(std::move(checkpoint), *config, "fuzz");
  return 0;
}
