// The chat templates of a checkpoint, by name; the one without a name is called "default".
#pragma once

#include "compiler/emit/contents.h"
#include "compiler/import/source.h"
#include "compiler/text/text_json.h"

namespace ingot {

// `config` is tokenizer_config.json, null without. An explicit `file` is the only template there is.
Result<std::vector<ChatTemplateSource>> readChatTemplates(const CheckpointSource& source, const TextJson& config, const std::filesystem::path& file);

}  // namespace ingot
