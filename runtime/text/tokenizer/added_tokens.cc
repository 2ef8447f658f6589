#include "runtime/text/tokenizer/added_tokens.h"

#include <algorithm>

#include "runtime/text/tokenizer/unicode.h"

namespace ingot::text {
namespace {

enum Flags : uint8_t { kSingleWord = 1, kLeftStrip = 2, kRightStrip = 4, kSpecialToken = 8 };

}  // namespace

AddedTokens::AddedTokens(const plan::AddedTokens* tokens, std::optional<Dfa> wordCharacter)
    : tokens_(tokens), count_(tokens && tokens->ids() ? tokens->ids()->size() : 0), word_(wordCharacter) {
  uint32_t i = 0;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    firstByte_[byte] = i;
    while (i < count_ && static_cast<unsigned char>(content(i)[0]) == byte) ++i;
  }
  firstByte_[256] = count_;
}

std::string_view AddedTokens::content(uint32_t i) const {
  uint32_t begin = tokens_->offsets()->Get(i), end = tokens_->offsets()->Get(i + 1);
  return {reinterpret_cast<const char*>(tokens_->bytes()->data()) + begin, end - begin};
}

std::optional<uint32_t> AddedTokens::longestAt(std::string_view text, size_t at) const {
  auto byte = static_cast<unsigned char>(text[at]);
  std::string_view rest = text.substr(at);
  std::optional<uint32_t> best;
  // Narrow the sorted range byte by byte: the last token that is a prefix of the text is the longest.
  uint32_t low = firstByte_[byte], high = firstByte_[byte + 1];
  for (size_t depth = 1; low < high; ++depth) {
    if (content(low).size() == depth) best = low++;
    if (depth == rest.size()) break;
    auto below = [&](uint32_t first, uint32_t last, int bound) {
      while (first < last) {
        uint32_t middle = first + (last - first) / 2;
        if (static_cast<unsigned char>(content(middle)[depth]) < bound) first = middle + 1;
        else last = middle;
      }
      return first;
    };
    int next = static_cast<unsigned char>(rest[depth]);
    low = below(low, high, next);
    high = below(low, high, next + 1);
  }
  return best;
}

size_t AddedTokens::lengthAt(std::string_view text, size_t at) const {
  auto found = longestAt(text, at);
  return found ? content(*found).size() : 0;
}

bool AddedTokens::isWordBefore(std::string_view text, size_t end) const {
  return end > 0 && word_ && word_->matchesWhole(text.substr(previousStart(text, end), end - previousStart(text, end)));
}

bool AddedTokens::isWordAt(std::string_view text, size_t at) const {
  if (at >= text.size() || !word_) return false;
  size_t next = at;
  decodeAt(text, next);
  return word_->matchesWhole(text.substr(at, next - at));
}

std::optional<AddedMatch> AddedTokens::find(std::string_view text, size_t from, bool parseSpecial, size_t& searched) const {
  for (size_t at = searched; at < text.size(); ++at) {
    auto byte = static_cast<unsigned char>(text[at]);
    if (firstByte_[byte] == firstByte_[byte + 1]) continue;
    auto found = longestAt(text, at);
    if (!found) continue;
    AddedMatch match{at, at + content(*found).size(), tokens_->ids()->Get(*found)};
    searched = match.end;
    uint8_t flags = tokens_->flags()->Get(*found);
    bool isInWord = (flags & kSingleWord) && (isWordBefore(text, match.begin) || isWordAt(text, match.end));
    if (isInWord || (!parseSpecial && (flags & kSpecialToken))) {
      at = match.end - 1;
      continue;
    }
    if (flags & kLeftStrip) {
      for (size_t start; match.begin > 0; match.begin = start) {
        size_t next = start = previousStart(text, match.begin);
        if (!isSpace(decodeAt(text, next))) break;
      }
      match.begin = std::max(match.begin, from);
    }
    if (flags & kRightStrip)
      for (size_t next = match.end; next < text.size() && isSpace(decodeAt(text, next));) match.end = next;
    if (match.begin < match.end) return match;
    at = searched - 1;  // the token before took all of it
  }
  searched = text.size();
  return std::nullopt;
}

}  // namespace ingot::text
