// Python's textwrap.wrap, for the filter `wordwrap`.
#include <algorithm>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

bool isAsciiSpace(char c) { return c == ' ' || (c >= 9 && c <= 13); }
bool isLetter(uint32_t point) { return (classOf(point) & kWord) && !(classOf(point) & kDecimal) && point != '_'; }

uint32_t pointAt(std::string_view text, size_t at) { return nextPoint(text, at); }
uint32_t pointBefore(std::string_view text, size_t at) { return at == 0 ? 0 : pointAt(text, previousStart(text, at)); }

// Whether a break is allowed after the hyphen at `at`: letters on both sides.
bool breaksAfterHyphen(std::string_view word, size_t at) {
  if (at == 0 || at + 1 >= word.size()) return false;
  size_t second = previousStart(word, at);
  bool lettersBefore = isLetter(pointBefore(word, at)) && second > 0 && (isLetter(pointBefore(word, second)) || pointBefore(word, second) == '-');
  if (!lettersBefore) return false;
  size_t next = at + 1;
  if (!isLetter(nextPoint(word, next)) || next >= word.size()) return false;
  uint32_t after = pointAt(word, next);
  return isLetter(after) || after == '-';
}

// Words and white space by turns; words also end after hyphens, and around dashes.
std::vector<std::string_view> chunksOf(std::string_view text, bool onHyphens) {
  std::vector<std::string_view> chunks;
  auto add = [&](std::string_view chunk) {
    if (!chunk.empty()) chunks.push_back(chunk);
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    bool isSpace = isAsciiSpace(text[at]);
    while (end < text.size() && isAsciiSpace(text[end]) == isSpace) ++end;
    std::string_view run = text.substr(at, end - at);
    at = end;
    if (isSpace || !onHyphens) {
      add(run);
      continue;
    }
    size_t begin = 0;
    for (size_t i = 0; i < run.size(); ++i) {
      if (run[i] != '-') continue;
      size_t dashEnd = i;
      while (dashEnd < run.size() && run[dashEnd] == '-') ++dashEnd;
      bool isDash =
          dashEnd - i >= 2 && i > begin && dashEnd < run.size() && (classOf(pointAt(run, dashEnd)) & kWord) && (classOf(pointBefore(run, i)) & kWord);
      if (isDash) {
        add(run.substr(begin, i - begin));
        add(run.substr(i, dashEnd - i));
        begin = dashEnd;
      } else if (dashEnd - i == 1 && breaksAfterHyphen(run, i)) {
        add(run.substr(begin, i + 1 - begin));
        begin = i + 1;
      }
      i = dashEnd - 1;
    }
    add(run.substr(begin));
  }
  return chunks;
}

bool isBlank(std::string_view chunk) { return stripSpaces(chunk, kBoth).empty(); }

// The part of a too long word that fits: after a hyphen when there is one.
size_t longWordEnd(std::string_view chunk, int64_t space, bool onHyphens) {
  size_t end = offsetOf(chunk, static_cast<uint64_t>(space));
  if (!onHyphens || static_cast<int64_t>(countPoints(chunk)) <= space) return end;
  size_t hyphen = chunk.substr(0, end).rfind('-');
  bool breaks = hyphen != std::string_view::npos && hyphen > 0 && chunk.substr(0, hyphen).find_first_not_of('-') != std::string_view::npos;
  return breaks ? hyphen + 1 : end;
}

}  // namespace

std::vector<std::string> wrapText(std::string_view text, int64_t width, bool breakLongWords, bool breakOnHyphens) {
  std::vector<std::string_view> chunks = chunksOf(text, breakOnHyphens);
  std::reverse(chunks.begin(), chunks.end());
  std::vector<std::string> lines;
  while (!chunks.empty()) {
    std::vector<std::string_view> line;
    int64_t used = 0;
    if (!lines.empty() && isBlank(chunks.back())) chunks.pop_back();
    while (!chunks.empty()) {
      auto size = static_cast<int64_t>(countPoints(chunks.back()));
      if (used + size > width) break;
      line.push_back(chunks.back());
      chunks.pop_back();
      used += size;
    }
    if (!chunks.empty() && static_cast<int64_t>(countPoints(chunks.back())) > width) {
      int64_t space = std::max<int64_t>(width - used, 1);
      if (breakLongWords) {
        size_t end = longWordEnd(chunks.back(), space, breakOnHyphens);
        line.push_back(chunks.back().substr(0, end));
        chunks.back().remove_prefix(end);
        if (chunks.back().empty()) chunks.pop_back();
      } else if (line.empty()) {
        line.push_back(chunks.back());
        chunks.pop_back();
      }
    }
    if (!line.empty() && isBlank(line.back())) line.pop_back();
    if (line.empty()) continue;
    lines.emplace_back();
    for (std::string_view chunk : line) lines.back().append(chunk);
  }
  return lines;
}

}  // namespace ingot::text
