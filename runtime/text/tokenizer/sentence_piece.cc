#include "runtime/text/tokenizer/sentence_piece.h"

#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/precompiled.h"

namespace ingot::text {
namespace {

constexpr std::string_view kMark = "\xe2\x96\x81";

enum Prepend : uint8_t { kNever, kFirst, kAlways };

// What the front of a text becomes, and how many bytes of the text that is.
struct Front {
  std::string_view by;
  size_t length;
};

class Fronts {
 public:
  Fronts(const plan::Normalizer& step, const AddedTokens& kept) : map_(step), kept_(kept) {}

  // `text` is not empty.
  Front of(std::string_view text) const {
    if (size_t length = kept_.empty() ? 0 : kept_.lengthAt(text, 0)) return {text.substr(0, length), length};
    size_t length = 0;
    if (auto by = map_.find(text, true, length)) return {*by, length};
    length = 0;
    decodeAt(text, length);
    return {text.substr(0, length), length};
  }

 private:
  CharacterMap map_;
  const AddedTokens& kept_;
};

void appendMarked(std::string_view text, std::string& out) {
  for (char c : text) {
    if (c == ' ') out.append(kMark);
    else out += c;
  }
}

}  // namespace

void normalizeSentence(const plan::Normalizer& step, const AddedTokens& kept, std::string_view text, bool isFirst, std::string& out) {
  Fronts fronts(step, kept);
  const bool single = step.single_spaces(), isLater = step.prepend() == kFirst && !isFirst;
  if (single && !isLater)
    for (Front front; !text.empty() && (front = fronts.of(text)).by == " ";) text.remove_prefix(front.length);
  if (text.empty()) return;
  const size_t begin = out.size();
  bool prepend = step.prepend() == kAlways || (step.prepend() == kFirst && isFirst), afterSpace = single && !isLater;
  if (prepend) out.append(kMark);
  while (!text.empty()) {
    auto [by, length] = fronts.of(text);
    while (afterSpace && !by.empty() && by[0] == ' ') by.remove_prefix(1);
    appendMarked(by, out);
    if (!by.empty()) afterSpace = single && by.back() == ' ';
    text.remove_prefix(length);
  }
  if (prepend && step.prepend() == kFirst && std::string_view(out).substr(begin + kMark.size(), kMark.size()) == kMark)
    out.erase(begin, kMark.size());
  while (single && out.size() - begin >= kMark.size() && std::string_view(out).substr(out.size() - kMark.size()) == kMark)
    out.resize(out.size() - kMark.size());
}

}  // namespace ingot::text
