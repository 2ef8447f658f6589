// SentencePiece's precompiled character map, and how the reference cuts text into grapheme clusters for it.
#pragma once

#include "compiler/text/tables.h"

namespace ingot {

// `bytes`: the size of a darts-clone trie, the trie, zero-terminated texts. Checked here once.
Status readCharacterMap(std::string_view bytes, NormalizerStep& step);
// One extended grapheme cluster (UAX #29).
std::unique_ptr<RegexNode> graphemeRegex();
// Nothing where `text` is no base64.
std::optional<std::string> fromBase64(std::string_view text);

}  // namespace ingot
