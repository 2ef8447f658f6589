#include "compiler/text/character_map.h"

#include <cstring>

#include "runtime/base/utf8.h"

namespace ingot {

std::optional<std::string> fromBase64(std::string_view text) {
  auto valueOf = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0, count = 0;
  for (char c : text) {
    int value = valueOf(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if ((count += 6) < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 255);
  }
  return bytes;
}

Status readCharacterMap(std::string_view bytes, NormalizerStep& step) {
  uint32_t size = 0;
  if (bytes.size() >= 4) std::memcpy(&size, bytes.data(), 4);
  if (size < 4 || size % 4 || size > bytes.size() - 4)
    return Status::invalidInput("precompiled_charsmap: says a trie of {} bytes, has {}", size, bytes.size());
  step.trie.resize(size / 4);
  std::memcpy(step.trie.data(), bytes.data() + 4, size);
  step.texts = bytes.substr(4 + size);
  if (!isValidUtf8(step.texts)) return Status::invalidInput("precompiled_charsmap: its texts are not valid UTF-8");
  return {};
}

std::unique_ptr<RegexNode> graphemeRegex() {
  const std::string control = "[\\p{Grapheme_Cluster_Break=Control}\\r\\n]";
  const std::string after = "[\\p{Grapheme_Cluster_Break=Extend}\\u200d\\p{Grapheme_Cluster_Break=SpacingMark}]*";
  const std::string l = "\\p{Grapheme_Cluster_Break=L}", v = "\\p{Grapheme_Cluster_Break=V}", t = "\\p{Grapheme_Cluster_Break=T}";
  const std::string lv = "\\p{Grapheme_Cluster_Break=LV}", lvt = "\\p{Grapheme_Cluster_Break=LVT}",
                    ri = "\\p{Grapheme_Cluster_Break=Regional_Indicator}";
  const std::string hangul = l + "*(?:" + v + "+|" + lv + v + "*|" + lvt + ")" + t + "*|" + l + "+|" + t + "+";
  const std::string emoji = "\\p{Extended_Pictographic}(?:\\p{Grapheme_Cluster_Break=Extend}*\\u200d\\p{Extended_Pictographic})*";
  const std::string core = hangul + "|" + ri + ri + "|" + emoji + "|[^\\p{Grapheme_Cluster_Break=Control}\\r\\n]";
  auto regex = parseRegex("\\r\\n|" + control + "|\\p{Grapheme_Cluster_Break=Prepend}*(?:" + core + ")" + after + "|[^\\n]|\\n");
  return regex.ok() ? std::move(*regex) : nullptr;
}

}  // namespace ingot
