// The contents of model.ingot before they are laid out.
#pragma once

#include <optional>

#include "compiler/codegen/unit.h"
#include "compiler/codegen/variant.h"
#include "compiler/import/checkpoint.h"
#include "compiler/import/decoder_spec.h"
#include "compiler/pack/importance.h"
#include "dialects/exec/exec.h"
#include "dialects/llm/llm.h"
#include "runtime/format/sha256.h"

namespace ingot {

// The checkpoint's generation_config.json; empty values take vLLM's defaults.
struct GenerationConfig {
  std::vector<int32_t> eosTokenIds;
  std::optional<int32_t> bosTokenId, padTokenId, topK, maxNewTokens;
  std::optional<float> temperature, topP, minP, repetitionPenalty;
};

struct ChatTemplateSource {
  std::string name, source;
};

// The tokenizer as tables, chat templates and their special tokens.
struct TextContents {
  std::vector<std::byte> tokenizer;  // empty: token ids only
  std::vector<ChatTemplateSource> templates;
  std::vector<std::pair<std::string, std::string>> specialTokens;  // bos_token, eos_token, ...
  bool cleanUpSpaces = false;
};

struct InputFile {
  std::string name;
  uint64_t bytes = 0;
  Sha256 sha256{};
};

struct Contents {
  const DecoderSpec& spec;
  mlir::ModuleOp module;    // parameters
  exec::ProgramOp program;  // steps, the same for every target
  std::string cacheType;
  const Checkpoint* checkpoint = nullptr;  // null: random weights
  Importance importance;                   // of columns, if it was measured
  uint64_t seed = 0;
  bool filled = false;            // random weights as a recipe instead of bytes
  std::vector<KernelUnit> units;  // of the program's kernels, in program order
  std::vector<VariantCode> variants;
  GenerationConfig generation;
  TextContents text;
  std::string flags;
  std::vector<InputFile> inputs;
};

}  // namespace ingot
