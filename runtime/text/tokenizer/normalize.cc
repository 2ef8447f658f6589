#include "runtime/text/tokenizer/normalize.h"

#include "runtime/text/tokenizer/byte_alphabet.h"
#include "runtime/text/tokenizer/precompiled.h"
#include "runtime/text/tokenizer/sentence_piece.h"
#include "runtime/text/tokenizer/unicode.h"

namespace ingot::text {
namespace {

// Output of one step; keeps track of which of it comes from the first character.
class Output {
 public:
  Output(std::string& out, size_t head) : out_(out), head_(head) { out_.clear(); }

  // `text` stands for what is read up to byte `source`, not included.
  void add(std::string_view text, size_t source) {
    out_.append(text);
    if (source <= head_) newHead_ = out_.size();
  }
  // The bytes of `text` from `begin` on, as they are.
  void copy(std::string_view text, size_t begin, size_t end) {
    if (begin >= end) return;
    if (begin < head_) newHead_ = out_.size() + std::min(end, head_) - begin;
    out_.append(text.substr(begin, end - begin));
  }
  // `by` stands for the characters [begin, end) of `text`, one for one; what is left over goes with the last. The reference
  // counts a character that vanished from the front as the next one.
  void map(std::string_view by, std::string_view text, size_t begin, size_t end) {
    size_t next = begin, first = 0;
    decodeAt(text, next);
    if (!by.empty()) decodeAt(by, first);
    bool isHead = head_ > 0 && out_.empty();
    out_.append(by);
    if (isHead) newHead_ = next == end ? by.size() : first;
  }
  size_t head() const { return newHead_; }
  std::string& bytes() { return out_; }

 private:
  std::string& out_;
  size_t head_, newHead_ = 0;
};

void replaceLiteral(std::string_view text, std::string_view pattern, std::string_view by, Output& out) {
  size_t kept = 0;
  for (size_t at; (at = text.find(pattern, kept)) != std::string_view::npos; kept = at + pattern.size()) {
    out.copy(text, kept, at);
    out.add(by, at + pattern.size());
  }
  out.copy(text, kept, text.size());
}

void replacePattern(const Dfa& dfa, std::string_view text, std::string_view by, Output& out) {
  size_t kept = 0, at = 0, last = Dfa::kNone;
  for (size_t end; (end = dfa.find(text, at, last)) != Dfa::kNone; kept = at = last = end) {
    out.copy(text, kept, at);
    out.add(by, end);
  }
  out.copy(text, kept, text.size());
}

void strip(std::string_view text, bool left, bool right, Output& out) {
  size_t begin = 0, end = text.size();
  for (size_t at = 0; left && at < end && isSpace(decodeAt(text, at));) begin = at;
  while (right && end > begin) {
    size_t start = previousStart(text, end), at = start;
    if (!isSpace(decodeAt(text, at))) break;
    end = start;
  }
  out.copy(text, begin, end);
}

void spaceAround(const Dfa& dfa, std::string_view text, Output& out) {
  size_t kept = 0, at = 0;
  for (size_t end; (end = dfa.find(text, at, Dfa::kNone)) != Dfa::kNone; kept = at = end) {
    out.copy(text, kept, at);
    out.add(" ", end);
    out.copy(text, at, end);
    out.add(" ", end);
  }
  out.copy(text, kept, text.size());
}

// As the reference does it: a short grapheme cluster is replaced as a whole by what its shortest key says, else character by character.
void mapGraphemes(const CharacterMap& map, const Dfa& grapheme, std::string_view text, Output& out) {
  size_t length;
  for (size_t begin = 0, end; begin < text.size(); begin = end) {
    end = grapheme.match(text, begin);
    if (end == Dfa::kNone || end == begin) end = begin, decodeAt(text, end);
    if (end - begin < 6)
      if (auto by = map.find(text.substr(begin, end - begin), false, length)) {
        out.map(*by, text, begin, end);
        continue;
      }
    for (size_t at = begin; at < end;) {
      size_t start = at;
      decodeAt(text, at);
      std::string_view character = text.substr(start, at - start);
      out.map(map.find(character, false, length).value_or(character), text, start, at);
    }
  }
}

void spellBytes(std::string_view text, Output& out) {
  std::string character;
  for (size_t at = 0; at < text.size(); ++at) {
    character.clear();
    appendUtf8(kByteAlphabet[static_cast<unsigned char>(text[at])], character);
    out.add(character, at + 1);
  }
}

// The forms of Unicode keep the head as long as the first character's own form.
void toForm(const plan::Unicode& tables, std::string_view text, bool compatible, bool compose, size_t head, NormalizeScratch& scratch, Output& out) {
  appendNormalized(tables, text, compatible, compose, scratch.points, scratch.marks, out.bytes());
  if (head == 0 || out.bytes().empty()) return;
  std::string first;
  appendNormalized(tables, text.substr(0, head), compatible, compose, scratch.points, scratch.marks, first);
  size_t length = 0;
  while (length < first.size() && length < out.bytes().size()) decodeAt(out.bytes(), length);
  std::string form = out.bytes();
  out.bytes().clear();
  out.add(std::string_view(form).substr(0, length), head);
  out.add(std::string_view(form).substr(length), SIZE_MAX);
}

void lowerAll(const plan::Unicode& tables, std::string_view text, Output& out) {
  std::string lower;
  for (size_t at = 0; at < text.size();) {
    size_t start = at;
    if (decodeAt(text, at) < 0x80) {
      char c = text[start];
      out.add(std::string_view(&(c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c), 1), at);
      continue;
    }
    lower.clear();
    appendLower(tables, text.substr(start, at - start), lower);
    out.add(lower, at);
  }
}

void apply(const plan::Normalizer& step, const plan::Unicode* unicode, const std::vector<Dfa>& dfas, const AddedTokens& kept, std::string_view text,
           size_t head, NormalizeScratch& scratch, Output& out) {
  using Kind = plan::NormalizerKind;
  auto by = step.text() ? step.text()->string_view() : std::string_view();
  switch (step.kind()) {
    case Kind::nfc: return toForm(*unicode, text, false, true, head, scratch, out);
    case Kind::nfd: return toForm(*unicode, text, false, false, head, scratch, out);
    case Kind::nfkc: return toForm(*unicode, text, true, true, head, scratch, out);
    case Kind::nfkd: return toForm(*unicode, text, true, false, head, scratch, out);
    case Kind::lowercase: return lowerAll(*unicode, text, out);
    case Kind::strip: return strip(text, step.left(), step.right(), out);
    case Kind::replace:
      if (step.dfa() < 0) return replaceLiteral(text, step.pattern()->string_view(), by, out);
      return replacePattern(dfas[static_cast<size_t>(step.dfa())], text, by, out);
    case Kind::prepend:
      if (text.empty()) return;
      out.add(by, head > 0 ? 0 : SIZE_MAX);
      return out.copy(text, 0, text.size());
    case Kind::space_around: return spaceAround(dfas[static_cast<size_t>(step.dfa())], text, out);
    case Kind::byte_alphabet: return spellBytes(text, out);
    case Kind::precompiled: return mapGraphemes(CharacterMap(step), dfas[static_cast<size_t>(step.dfa())], text, out);
    case Kind::sentence_piece: return normalizeSentence(step, kept, text, head > 0, out.bytes());
  }
}

bool isAscii(std::string_view text) {
  unsigned char all = 0;
  for (char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

}  // namespace

void normalize(const plan::Tokenizer& tokenizer, const std::vector<Dfa>& dfas, const AddedTokens& kept, std::string& text, size_t& head,
               NormalizeScratch& scratch) {
  if (!tokenizer.normalizers()) return;
  for (const auto* step : *tokenizer.normalizers()) {
    // No form changes ASCII.
    if (step->kind() <= plan::NormalizerKind::nfkd && isAscii(text)) continue;
    Output out(scratch.other, head);
    apply(*step, tokenizer.unicode(), dfas, kept, text, head, scratch, out);
    head = out.head();
    text.swap(scratch.other);
  }
}

}  // namespace ingot::text
