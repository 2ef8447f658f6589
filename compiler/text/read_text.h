// What a checkpoint says about text: its tokenizer as tables, its special tokens and its chat templates.
#pragma once

#include <filesystem>
#include <functional>

#include "compiler/emit/contents.h"
#include "compiler/import/source.h"

namespace ingot {

// `chatTemplate`, unless empty, is a file that replaces the checkpoint's templates. `note` hears of what is missing or ignored.
// A checkpoint without a tokenizer, or without templates, is not an error.
Result<TextContents> readText(const CheckpointSource& source, const std::filesystem::path& chatTemplate,
                              const std::function<void(const std::string&)>& note);

}  // namespace ingot
