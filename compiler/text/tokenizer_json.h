// tokenizer.json (Hugging Face `tokenizers`) -> tables. What cannot be represented is an error that names the component.
#pragma once

#include "compiler/text/tables.h"
#include "compiler/text/text_json.h"

namespace ingot {

// `where` starts every message; `note` hears of parts that are ignored.
Result<TokenizerTables> readTokenizerJson(const TextJson& json, const std::string& where, const Note& note);

// GPT-2's spelling of bytes as characters: bytes of `content`, or nothing where a character is not in its alphabet.
std::optional<std::string> fromByteAlphabet(std::string_view content);
std::string toByteAlphabet(std::string_view bytes);

}  // namespace ingot
