#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "compiler/text/tables.h"

namespace ingot {
namespace {

constexpr UChar32 kLast = 0x10ffff;

// Assigned in Unicode 9 or before. The stability policy keeps what was said of those.
bool isOld(UChar32 c) {
  UVersionInfo age;
  u_charAge(c, age);
  return age[0] != 0 && age[0] <= 9;
}

std::vector<uint32_t> codePoints(const icu::UnicodeString& text) {
  std::vector<uint32_t> points;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) points.push_back(static_cast<uint32_t>(text.char32At(i)));
  return points;
}

// Capital letters of Unicode 16 and 17, which the installed ICU may not know yet.
struct NewCapitals {
  UChar32 first, last, lower;  // the lower case of the first; the others follow
};
constexpr NewCapitals kNewCapitals[] = {{0x1c89, 0x1c89, 0x1c8a},    {0xa7cb, 0xa7cb, 0x264},    {0xa7cc, 0xa7cc, 0xa7cd}, {0xa7ce, 0xa7ce, 0xa7cf},
                                        {0xa7d2, 0xa7d2, 0xa7d3},    {0xa7d4, 0xa7d4, 0xa7d5},   {0xa7da, 0xa7da, 0xa7db}, {0xa7dc, 0xa7dc, 0x19b},
                                        {0x10d50, 0x10d65, 0x10d70}, {0x16ea0, 0x16eb8, 0x16ebb}};

// The full lower case, of Unicode 17.
std::vector<uint32_t> lowerOf(UChar32 c) {
  for (const auto& [first, last, lower] : kNewCapitals)
    if (first <= c && c <= last) return {static_cast<uint32_t>(lower + (c - first))};
  icu::UnicodeString text(c);
  text.toLower(icu::Locale::getRoot());
  return codePoints(text);
}

bool isHangul(UChar32 c) { return c >= 0xac00 && c <= 0xd7a3; }

// What plan::Unicode says.
struct Tables {
  std::vector<uint32_t> decomposed, offsets = {0}, decompositions, marked, compositions, lower;
  std::vector<uint8_t> compatible, combining;
};

class Collector {
 public:
  Tables run() {
    for (UChar32 c = 0x80; c <= kLast; ++c)
      if (isOld(c) && !isHangul(c) && (c < 0xd800 || c > 0xdfff)) addForms(c);
    for (auto [pair, c] : pairs_) tables_.compositions.insert(tables_.compositions.end(), {pair.first, pair.second, c});
    for (UChar32 c = 0; c <= kLast; ++c) addLower(c);
    return std::move(tables_);
  }

 private:
  void addForms(UChar32 c) {
    addDecomposition(c, *nfd_, false);
    addDecomposition(c, *nfkd_, true);
    icu::UnicodeString raw;
    if (nfc_->getRawDecomposition(c, raw)) {
      auto points = codePoints(raw);
      if (points.size() == 2 && nfc_->composePair(static_cast<UChar32>(points[0]), static_cast<UChar32>(points[1])) == c)
        pairs_[{points[0], points[1]}] = static_cast<uint32_t>(c);
    }
    if (uint8_t kind = u_getCombiningClass(c)) tables_.marked.push_back(static_cast<uint32_t>(c)), tables_.combining.push_back(kind);
  }

  void addDecomposition(UChar32 c, const icu::Normalizer2& form, bool isCompatible) {
    icu::UnicodeString mapping;
    if (!form.getDecomposition(c, mapping)) return;
    if (isCompatible && nfd_->normalize(icu::UnicodeString(c), error_) == mapping) return;
    auto points = codePoints(mapping);
    tables_.decomposed.push_back(static_cast<uint32_t>(c));
    tables_.compatible.push_back(isCompatible);
    tables_.decompositions.insert(tables_.decompositions.end(), points.begin(), points.end());
    tables_.offsets.push_back(static_cast<uint32_t>(tables_.decompositions.size()));
  }

  void addLower(UChar32 c) {
    auto points = lowerOf(c);
    if (points.size() == 1 && points[0] == static_cast<uint32_t>(c)) return;
    points.resize(3);
    tables_.lower.insert(tables_.lower.end(), {static_cast<uint32_t>(c), points[0], points[1], points[2]});
  }

  UErrorCode error_ = U_ZERO_ERROR;
  const icu::Normalizer2* nfd_ = icu::Normalizer2::getNFDInstance(error_);
  const icu::Normalizer2* nfkd_ = icu::Normalizer2::getNFKDInstance(error_);
  const icu::Normalizer2* nfc_ = icu::Normalizer2::getNFCInstance(error_);
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> pairs_;
  Tables tables_;
};

}  // namespace

flatbuffers::Offset<plan_text::Unicode> buildUnicode(flatbuffers::FlatBufferBuilder& b) {
  static const Tables tables = Collector().run();
  auto decomposed = b.CreateVector(tables.decomposed), offsets = b.CreateVector(tables.offsets),
       decompositions = b.CreateVector(tables.decompositions);
  auto compatible = b.CreateVector(tables.compatible);
  auto marked = b.CreateVector(tables.marked);
  auto combining = b.CreateVector(tables.combining);
  auto compositions = b.CreateVector(tables.compositions), lower = b.CreateVector(tables.lower);
  return plan_text::CreateUnicode(b, decomposed, offsets, decompositions, compatible, marked, combining, compositions, lower);
}

}  // namespace ingot
