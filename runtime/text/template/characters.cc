#include "runtime/text/template/characters.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace ingot::text {
namespace {

struct ClassRange {
  uint32_t first;
  uint16_t classes;
};
struct CaseRange {
  uint32_t first, last, step;
  int32_t delta;
};
struct CaseSpecial {
  uint32_t codePoint, mapped[3];
};

#include "runtime/text/template/unicode_tables.inc"

template <size_t N, size_t M>
void appendMapped(uint32_t codePoint, const CaseRange (&ranges)[N], const CaseSpecial (&specials)[M], std::string& out) {
  auto special = std::lower_bound(std::begin(specials), std::end(specials), codePoint,
                                  [](const CaseSpecial& row, uint32_t wanted) { return row.codePoint < wanted; });
  if (special != std::end(specials) && special->codePoint == codePoint) {
    for (uint32_t mapped : special->mapped)
      if (mapped != 0) appendUtf8(mapped, out);
    return;
  }
  auto range =
      std::upper_bound(std::begin(ranges), std::end(ranges), codePoint, [](uint32_t wanted, const CaseRange& row) { return wanted < row.first; });
  // Ranges of different steps interleave: the one that holds the code point is among the last two.
  for (int back = 0; back < 2 && range != std::begin(ranges); ++back) {
    --range;
    if (codePoint <= range->last && (codePoint - range->first) % range->step == 0)
      return appendUtf8(static_cast<uint32_t>(static_cast<int64_t>(codePoint) + range->delta), out);
  }
  appendUtf8(codePoint, out);
}

// Unicode's Final_Sigma: a cased letter before, none after.
bool isFinalSigma(std::string_view text, size_t begin, size_t end) {
  bool casedBefore = false;
  while (begin > 0) {
    begin = previousStart(text, begin);
    size_t at = begin;
    uint16_t classes = classOf(nextPoint(text, at));
    if (classes & kCaseIgnorable) continue;
    casedBefore = classes & kCased;
    break;
  }
  if (!casedBefore) return false;
  while (end < text.size()) {
    uint16_t classes = classOf(nextPoint(text, end));
    if (classes & kCaseIgnorable) continue;
    return !(classes & kCased);
  }
  return true;
}

char asciiCase(char c, CaseMap map) {
  if (map == CaseMap::upper || map == CaseMap::title) return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

uint16_t classOf(uint32_t codePoint) {
  auto row = std::upper_bound(std::begin(kClasses), std::end(kClasses), codePoint,
                              [](uint32_t wanted, const ClassRange& range) { return wanted < range.first; });
  return std::prev(row)->classes;
}

bool isLineEnd(uint32_t c) { return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029; }

uint32_t decimalValue(uint32_t codePoint) {
  auto row = std::upper_bound(std::begin(kClasses), std::end(kClasses), codePoint,
                              [](uint32_t wanted, const ClassRange& range) { return wanted < range.first; });
  return (codePoint - std::prev(row)->first) % 10;
}

uint32_t nextPoint(std::string_view text, size_t& at) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  uint32_t first = byte(at);
  if (first < 0xc0) return ++at, first;
  size_t count = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (at + count > text.size()) return ++at, first;
  uint32_t point = first & (0xffu >> (count + 1));
  for (size_t i = 1; i < count; ++i) point = point << 6 | (byte(at + i) & 63);
  at += count;
  return point;
}

uint64_t countPoints(std::string_view text) {
  uint64_t count = 0;
  for (char c : text) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

size_t offsetOf(std::string_view text, uint64_t index) {
  size_t at = 0;
  for (; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && index-- == 0) return at;
  return at;
}

void appendCase(std::string_view text, CaseMap map, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      out += asciiCase(text[at++], map);
      continue;
    }
    size_t begin = at;
    uint32_t point = nextPoint(text, at);
    switch (map) {
      case CaseMap::upper: appendMapped(point, kUpperCase, kUpperSpecial, out); break;
      case CaseMap::title: appendMapped(point, kTitleCase, kTitleSpecial, out); break;
      case CaseMap::fold: appendMapped(point, kFoldCase, kFoldSpecial, out); break;
      case CaseMap::lower:
        if (point == 0x3a3) appendUtf8(lowerSigma(text, begin), out);
        else appendMapped(point, kLowerCase, kLowerSpecial, out);
    }
  }
}

uint32_t lowerSigma(std::string_view text, size_t at) { return isFinalSigma(text, at, at + 2) ? 0x3c2 : 0x3c3; }

std::string_view entityText(std::string_view name) {
  for (const char* at = kEntities; at < std::end(kEntities) - 1;) {
    std::string_view candidate(at);
    std::string_view text(at + candidate.size() + 1);
    if (candidate == name) return text;
    at = text.data() + text.size() + 1;
  }
  return {};
}

}  // namespace ingot::text
