// pytorch_model.bin: a zip with a pickled state dict and its tensors' bytes. Read as data; nothing in it is run.
#pragma once

#include "compiler/import/checkpoint.h"

namespace ingot {

// One file or a sharded index. Refuses torch.save's old tar form, and whatever is no plain contiguous tensor.
Status readPytorchFolder(const std::filesystem::path& folder, Checkpoint& checkpoint);
Status readPytorchFile(const std::filesystem::path& path, Checkpoint& checkpoint);

}  // namespace ingot
