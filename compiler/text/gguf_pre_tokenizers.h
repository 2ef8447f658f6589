// The `tokenizer.ggml.pre` names of GGUF: which pre-tokenizer a byte-level vocabulary was made with.
#pragma once

#include "compiler/text/text_json.h"

namespace ingot {

struct GgufPreTokenizer {
  TextJson steps = TextJson::array();  // of tokenizer.json's kind
  TextJson normalizer;
  bool ignoreMerges = false;
};

Result<GgufPreTokenizer> ggufPreTokenizer(const std::string& name);

}  // namespace ingot
