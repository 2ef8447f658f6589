#include "runtime/text/tokenizer/unicode.h"

#include <algorithm>

#include "runtime/base/utf8.h"

namespace ingot::text {
namespace {

// Hangul syllables are composed by arithmetic (Unicode standard, section 3.12).
constexpr uint32_t kSBase = 0xac00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11a7;
constexpr uint32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

// Index of `c` in an ascending vector of rows of `width`, or -1.
int64_t search(const flatbuffers::Vector<uint32_t>* rows, uint32_t width, uint32_t c) {
  int64_t low = 0, high = rows ? rows->size() / width : 0;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    uint32_t value = rows->Get(static_cast<uint32_t>(middle) * width);
    if (value == c) return middle;
    if (value < c) low = middle + 1;
    else high = middle;
  }
  return -1;
}

void decompose(const plan::Unicode& tables, uint32_t c, bool compatible, std::vector<uint32_t>& out) {
  if (c >= kSBase && c < kSBase + kSCount) {
    uint32_t s = c - kSBase;
    out.push_back(kLBase + s / (kVCount * kTCount));
    out.push_back(kVBase + s % (kVCount * kTCount) / kTCount);
    if (s % kTCount) out.push_back(kTBase + s % kTCount);
    return;
  }
  // Both mappings of a code point stand side by side: the canonical one first, then the compatible one.
  int64_t at = c < 0xa0 ? -1 : search(tables.decomposed(), 1, c);
  if (at >= 0) {
    auto i = static_cast<uint32_t>(at);
    while (i > 0 && tables.decomposed()->Get(i - 1) == c) --i;
    bool hasCompatible = i + 1 < tables.decomposed()->size() && tables.decomposed()->Get(i + 1) == c;
    if (compatible && hasCompatible) ++i;
    if (compatible || !tables.compatible()->Get(i)) {
      for (uint32_t j = tables.decomposition_offsets()->Get(i); j < tables.decomposition_offsets()->Get(i + 1); ++j)
        out.push_back(tables.decompositions()->Get(j));
      return;
    }
  }
  out.push_back(c);
}

uint32_t composed(const plan::Unicode& tables, uint32_t a, uint32_t b) {
  if (a >= kLBase && a < kLBase + kLCount && b >= kVBase && b < kVBase + kVCount) return kSBase + ((a - kLBase) * kVCount + (b - kVBase)) * kTCount;
  if (a >= kSBase && a < kSBase + kSCount && (a - kSBase) % kTCount == 0 && b > kTBase && b < kTBase + kTCount) return a + (b - kTBase);
  const auto* rows = tables.compositions();
  int64_t low = 0, high = rows ? rows->size() / 3 : 0;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    auto i = static_cast<uint32_t>(middle) * 3;
    uint64_t key = uint64_t{rows->Get(i)} << 32 | rows->Get(i + 1), wanted = uint64_t{a} << 32 | b;
    if (key == wanted) return rows->Get(i + 2);
    if (key < wanted) low = middle + 1;
    else high = middle;
  }
  return 0;
}

uint8_t combiningClass(const plan::Unicode& tables, uint32_t c) {
  if (c < 0x300) return 0;
  int64_t at = search(tables.marked(), 1, c);
  return at < 0 ? 0 : tables.combining()->Get(static_cast<uint32_t>(at));
}

// Sorts every run of marks by class, keeping the order of equals.
void orderMarks(const plan::Unicode& tables, std::vector<uint32_t>& points, std::vector<uint64_t>& marks) {
  for (size_t i = 0; i < points.size();) {
    marks.clear();
    size_t j = i;
    for (uint64_t kind; j < points.size() && (kind = combiningClass(tables, points[j])); ++j)
      marks.push_back(kind << 56 | static_cast<uint64_t>(j - i) << 21 | points[j]);
    if (marks.size() > 1) {
      std::sort(marks.begin(), marks.end());
      for (size_t k = 0; k < marks.size(); ++k) points[i + k] = static_cast<uint32_t>(marks[k] & 0x1fffff);
    }
    i = std::max(j, i + 1);
  }
}

void composeAll(const plan::Unicode& tables, std::vector<uint32_t>& points) {
  size_t kept = 0, starter = SIZE_MAX;
  int last = -1;  // combining class of the last kept mark after the starter
  for (uint32_t c : points) {
    int kind = combiningClass(tables, c);
    if (starter != SIZE_MAX && (last < kind || last == -1)) {
      if (uint32_t joined = last == -1 || last < kind ? composed(tables, points[starter], c) : 0) {
        points[starter] = joined;
        continue;
      }
    }
    if (kind == 0) starter = kept, last = -1;
    else last = kind;
    points[kept++] = c;
  }
  points.resize(kept);
}

}  // namespace

void appendNormalized(const plan::Unicode& tables, std::string_view text, bool compatible, bool compose, std::vector<uint32_t>& points,
                      std::vector<uint64_t>& marks, std::string& out) {
  points.clear();
  for (size_t at = 0; at < text.size();) decompose(tables, decodeAt(text, at), compatible, points);
  orderMarks(tables, points, marks);
  if (compose) composeAll(tables, points);
  for (uint32_t c : points) appendUtf8(c, out);
}

void appendLower(const plan::Unicode& tables, std::string_view text, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    uint32_t c = decodeAt(text, at);
    int64_t row = search(tables.lower(), 4, c);
    if (row < 0) {
      appendUtf8(c, out);
      continue;
    }
    for (uint32_t i = 1; i < 4; ++i)
      if (uint32_t lower = tables.lower()->Get(static_cast<uint32_t>(row) * 4 + i)) appendUtf8(lower, out);
  }
}

bool isSpace(uint32_t c) {
  return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

}  // namespace ingot::text
