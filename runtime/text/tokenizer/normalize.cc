#include "runtime/text/tokenizer/normalize.h"

#include "runtime/text/tokenizer/unicode.h"

namespace ingot::text {
namespace {

void replaceAll(const Dfa& dfa, std::string_view text, std::string_view by, std::string& out) {
  size_t kept = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = dfa.match(text, at);
    if (end == std::string_view::npos || end == at) {
      decodeAt(text, at);
      continue;
    }
    out.append(text.substr(kept, at - kept)).append(by);
    kept = at = end;
  }
  out.append(text.substr(kept));
}

std::string_view stripped(std::string_view text, bool left, bool right) {
  while (left && !text.empty()) {
    size_t at = 0;
    if (!isSpace(decodeAt(text, at))) break;
    text.remove_prefix(at);
  }
  while (right && !text.empty()) {
    size_t start = previousStart(text, text.size()), at = start;
    if (!isSpace(decodeAt(text, at))) break;
    text = text.substr(0, start);
  }
  return text;
}

// BERT's clean_text: control characters go, white space becomes a space.
void cleanBert(std::string_view text, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    size_t start = at;
    uint32_t c = decodeAt(text, at);
    bool blank = c == '\t' || c == '\n' || c == '\r' || isSpace(c);
    if (blank) out += ' ';
    else if (c == 0 || c == 0xfffd || c < 0x20 || (c >= 0x7f && c < 0xa0)) continue;
    else out.append(text.substr(start, at - start));
  }
}

// A space on each side of every Chinese ideograph (BERT's list of blocks).
void spaceIdeographs(std::string_view text, std::string& out) {
  constexpr uint32_t kBlocks[][2] = {{0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
                                     {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0xf900, 0xfaff}, {0x2f800, 0x2fa1f}};
  for (size_t at = 0; at < text.size();) {
    size_t start = at;
    uint32_t c = decodeAt(text, at);
    bool ideograph = false;
    for (auto [low, high] : kBlocks) ideograph |= c >= low && c <= high;
    if (ideograph) out += ' ';
    out.append(text.substr(start, at - start));
    if (ideograph) out += ' ';
  }
}

void stripAccents(const plan::Unicode& tables, std::string_view text, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    size_t start = at;
    if (combiningClass(tables, decodeAt(text, at)) == 0) out.append(text.substr(start, at - start));
  }
}

}  // namespace

void normalize(const plan::Tokenizer& tokenizer, const std::vector<Dfa>& dfas, std::string& text, NormalizeScratch& scratch) {
  if (!tokenizer.normalizers()) return;
  using Kind = plan::NormalizerKind;
  for (const auto* step : *tokenizer.normalizers()) {
    std::string& out = scratch.other;
    out.clear();
    auto replacement = step->text() ? step->text()->string_view() : std::string_view();
    switch (step->kind()) {
      case Kind::nfc: appendNormalized(*tokenizer.unicode(), text, false, true, scratch.points, out); break;
      case Kind::nfd: appendNormalized(*tokenizer.unicode(), text, false, false, scratch.points, out); break;
      case Kind::nfkc: appendNormalized(*tokenizer.unicode(), text, true, true, scratch.points, out); break;
      case Kind::nfkd: appendNormalized(*tokenizer.unicode(), text, true, false, scratch.points, out); break;
      case Kind::lowercase: appendLower(*tokenizer.unicode(), text, out); break;
      case Kind::strip: out = stripped(text, step->left(), step->right()); break;
      case Kind::strip_accents: stripAccents(*tokenizer.unicode(), text, out); break;
      case Kind::replace: replaceAll(dfas[static_cast<size_t>(step->dfa())], text, replacement, out); break;
      case Kind::prepend:
        if (!text.empty()) out.append(replacement);
        out.append(text);
        break;
      case Kind::bert_clean: cleanBert(text, out); break;
      case Kind::bert_cjk: spaceIdeographs(text, out); break;
    }
    text.swap(out);
  }
}

}  // namespace ingot::text
