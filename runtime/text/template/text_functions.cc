#include "runtime/text/template/text_functions.h"

#include <algorithm>

#include "runtime/text/template/characters.h"

namespace ingot::text {
namespace {

template <class Matches>
std::string_view strip(std::string_view text, int sides, Matches matches) {
  for (size_t at = 0; (sides & kLeft) && !text.empty(); text.remove_prefix(at), at = 0) {
    nextPoint(text, at);
    if (!matches(text.substr(0, at))) break;
  }
  while ((sides & kRight) && !text.empty()) {
    size_t start = previousStart(text, text.size());
    if (!matches(text.substr(start))) break;
    text = text.substr(0, start);
  }
  return text;
}

bool isSpaceText(std::string_view character) {
  size_t at = 0;
  return isSpaceAt(nextPoint(character, at));
}

std::vector<std::string_view> splitSpacesLeft(std::string_view text, int64_t limit) {
  std::vector<std::string_view> parts;
  for (text = stripSpaces(text, kLeft); !text.empty(); text = stripSpaces(text, kLeft)) {
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.push_back(text);  // with the white space at its end
      return parts;
    }
    size_t end = 0;
    for (size_t next = 0; end < text.size() && !isSpaceAt(nextPoint(text, next)); end = next) {}
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

std::vector<std::string_view> splitSpacesRight(std::string_view text, int64_t limit) {
  std::vector<std::string_view> parts;
  for (text = stripSpaces(text, kRight); !text.empty(); text = stripSpaces(text, kRight)) {
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.push_back(text);
      break;
    }
    size_t start = text.size();
    while (start > 0) {
      size_t before = previousStart(text, start), at = before;
      if (isSpaceAt(nextPoint(text, at))) break;
      start = before;
    }
    parts.push_back(text.substr(start));
    text = text.substr(0, start);
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

std::string_view stripSpaces(std::string_view text, int sides) { return strip(text, sides, isSpaceText); }

std::string_view stripCharacters(std::string_view text, std::string_view set, int sides) {
  return strip(text, sides, [set](std::string_view character) {
    for (size_t at = 0; at < set.size();) {
      size_t begin = at;
      nextPoint(set, at);
      if (set.substr(begin, at - begin) == character) return true;
    }
    return false;
  });
}

std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator, int64_t limit, bool fromRight) {
  std::vector<std::string_view> parts;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    size_t at = fromRight ? text.rfind(separator) : text.find(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(fromRight ? text.substr(at + separator.size()) : text.substr(0, at));
    text = fromRight ? text.substr(0, at) : text.substr(at + separator.size());
  }
  parts.push_back(text);
  if (fromRight) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string_view> splitSpaces(std::string_view text, int64_t limit, bool fromRight) {
  return fromRight ? splitSpacesRight(text, limit) : splitSpacesLeft(text, limit);
}

std::vector<std::string_view> splitLines(std::string_view text, bool keepEnds) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    uint32_t point = nextPoint(text, at);
    if (!isLineEnd(point)) continue;
    if (point == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.push_back(text.substr(begin, (keepEnds ? at : end) - begin));
    begin = at;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

std::string replaceAll(std::string_view text, std::string_view old, std::string_view with, int64_t limit, uint64_t maximum) {
  std::string out;
  if (old.empty()) {
    size_t at = 0;
    for (int64_t done = 0; out.size() <= maximum; ++done) {
      if (limit >= 0 && done == limit) return out.append(text.substr(at));
      out.append(with);
      if (at == text.size()) return out;
      size_t begin = at;
      nextPoint(text, at);
      out.append(text.substr(begin, at - begin));
    }
    return out;
  }
  size_t at = 0;
  for (int64_t done = 0; (limit < 0 || done < limit) && out.size() <= maximum; ++done) {
    size_t found = text.find(old, at);
    if (found == std::string_view::npos) break;
    out.append(text.substr(at, found - at)).append(with);
    at = found + old.size();
  }
  return out.append(text.substr(at));
}

std::string capitalize(std::string_view text) {
  std::string out;
  size_t first = 0;
  if (!text.empty()) nextPoint(text, first);
  appendCase(text.substr(0, first), CaseMap::title, out);
  std::string lowered, head;
  appendCase(text, CaseMap::lower, lowered);
  appendCase(text.substr(0, first), CaseMap::lower, head);  // a first letter is never a final sigma
  return out + lowered.substr(std::min(head.size(), lowered.size()));
}

// The lower case of the capital sigma at `at`, which is another one at the end of a word.
static void appendSigma(std::string_view text, size_t at, std::string& out) { appendUtf8(lowerSigma(text, at), out); }

std::string titleCase(std::string_view text) {
  std::string out;
  bool inWord = false;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    bool isCased = classOf(nextPoint(text, at)) & (kUpper | kLower | kTitle);
    std::string_view character = text.substr(begin, at - begin);
    if (inWord && character == "\u03a3") appendSigma(text, begin, out);
    else appendCase(character, inWord ? CaseMap::lower : CaseMap::title, out);
    inWord = isCased;
  }
  return out;
}

std::string swapCase(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    uint16_t classes = classOf(nextPoint(text, at));
    std::string_view character = text.substr(begin, at - begin);
    if (character == "\u03a3") appendSigma(text, begin, out);
    else if (classes & kUpper) appendCase(character, CaseMap::lower, out);
    else if (classes & kLower) appendCase(character, CaseMap::upper, out);
    else out.append(character);
  }
  return out;
}

std::string expandTabs(std::string_view text, int64_t size, uint64_t maximum) {
  std::string out;
  int64_t column = 0;
  for (size_t at = 0; at < text.size() && out.size() <= maximum;) {
    size_t begin = at;
    uint32_t point = nextPoint(text, at);
    if (point == '\t') {
      int64_t spaces = size > 0 ? size - column % size : 0;
      out.append(static_cast<size_t>(std::min<int64_t>(spaces, static_cast<int64_t>(maximum) + 1)), ' ');
      column += spaces;
    } else {
      out.append(text.substr(begin, at - begin));
      column = point == '\n' || point == '\r' ? 0 : column + 1;
    }
  }
  return out;
}

bool allOfClass(std::string_view text, unsigned classes) {
  for (size_t at = 0; at < text.size();)
    if (!(classOf(nextPoint(text, at)) & classes)) return false;
  return !text.empty();
}

static bool hasOnlyCase(std::string_view text, unsigned wanted, unsigned refused) {
  bool found = false;
  for (size_t at = 0; at < text.size();) {
    uint16_t classes = classOf(nextPoint(text, at));
    if (classes & refused) return false;
    found |= (classes & wanted) != 0;
  }
  return found;
}

bool isLower(std::string_view text) { return hasOnlyCase(text, kLower, kUpper | kTitle); }
bool isUpper(std::string_view text) { return hasOnlyCase(text, kUpper, kLower | kTitle); }

bool isTitle(std::string_view text) {
  bool inWord = false, found = false;
  for (size_t at = 0; at < text.size();) {
    uint16_t classes = classOf(nextPoint(text, at));
    if ((classes & (kUpper | kTitle) && inWord) || (classes & kLower && !inWord)) return false;
    inWord = classes & (kUpper | kTitle | kLower);
    found |= inWord;
  }
  return found;
}

}  // namespace ingot::text
