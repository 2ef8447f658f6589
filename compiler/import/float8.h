// Checkpoints of 8-bit floats: finds the scales of their matrices.
#pragma once

#include "compiler/import/checkpoint.h"
#include "compiler/import/decoder_spec.h"

namespace ingot {

// Gives every matrix of 8-bit floats in `checkpoint` its scales (TensorInfo::scales), and takes the tensors that held them away.
// `notes` gets what else the checkpoint has for its activations and cache, which nothing here reads.
Status attachScales(const DecoderSpec& spec, Checkpoint& checkpoint, std::vector<std::string>& notes);

}  // namespace ingot
