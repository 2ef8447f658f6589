// Code points as older versions of Unicode knew them: what a later version added or moved is taken back.
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <map>

#include "compiler/text/code_points.h"

namespace ingot {
namespace {

icu::UnicodeSet pattern(const char* text) {
  UErrorCode error = U_ZERO_ERROR;
  return icu::UnicodeSet(icu::UnicodeString::fromUTF8(text), error);
}

// Assigned in version `major` or before.
icu::UnicodeSet assignedIn(const char* age) { return pattern(age); }

icu::UnicodeSet both(icu::UnicodeSet set, const icu::UnicodeSet& other) {
  set.retainAll(other);
  return set;
}

}  // namespace

icu::UnicodeSet markSet() {
  icu::UnicodeSet set = both(pattern("[\\p{M}]"), assignedIn("[\\p{Age=9.0}]"));
  set.remove(0x111c9);             // punctuation until Unicode 11
  return set.add(0x1cf2, 0x1cf3);  // spacing marks until Unicode 12
}

icu::UnicodeSet bertAccentSet() {
  icu::UnicodeSet set = both(pattern("[\\p{Mn}]"), assignedIn("[\\p{Age=8.0}]"));
  set.remove(0x1885, 0x1886).remove(0xa9bd).remove(0x111c9);  // letters, a spacing mark and punctuation then
  return set.add(0x1734).add(0x1171e);                        // spacing marks now
}

icu::UnicodeSet bertControlSet() {
  icu::UnicodeSet set = both(pattern("[\\p{Cc}\\p{Cf}\\p{Co}]"), assignedIn("[\\p{Age=8.0}]"));
  return set.remove('\t').remove('\n').remove('\r').add(0xfffd);
}

icu::UnicodeSet ideographSet() {
  return pattern(
      "[\\u4e00-\\u9fff\\u3400-\\u4dbf\\U00020000-\\U0002a6df\\U0002a700-\\U0002b81f\\U0002b920-\\U0002ceaf\\uf900-\\ufaff\\U0002f800-\\U0002fa1f]");
}

icu::UnicodeSet punctuationSet() {
  icu::UnicodeSet set = both(pattern("[\\p{P}]"), assignedIn("[\\p{Age=8.0}]"));
  set.add(0x166d).add(0x111c9);  // a symbol and a mark now
  return set.add('!', '/').add(':', '@').add('[', '`').add('{', '~');
}

icu::UnicodeSet nmtControlSet() { return pattern("[\\u0001-\\u0008\\u000b\\u000e-\\u001f\\u007f\\u008f\\u009f]"); }

icu::UnicodeSet nmtSpaceSet() { return pattern("[\\u0009\\u000a\\u000c\\u000d\\u0020\\u1680\\u200b-\\u200f\\u2028\\u2029\\u2581\\ufeff\\ufffd]"); }

std::vector<icu::UnicodeSet> scriptSets() {
  std::map<int, icu::UnicodeSet> byScript;
  icu::UnicodeSet known = assignedIn("[[\\p{Age=9.0}]-[\\p{Cn}\\p{Cs}\\p{Co}]]");
  for (int32_t range = 0; range < known.getRangeCount(); ++range)
    for (UChar32 c = known.getRangeStart(range); c <= known.getRangeEnd(range); ++c) {
      UErrorCode error = U_ZERO_ERROR;
      int script = uscript_getScript(c, &error);
      if (c == ' ' || script == USCRIPT_UNKNOWN) continue;
      if (c == 0x30fc || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA) script = USCRIPT_HAN;
      if (c == 0x589 || c == 0x61c) script = USCRIPT_COMMON;
      if (c == 0x953 || c == 0x954) script = USCRIPT_DEVANAGARI;
      byScript[script].add(c);
    }
  std::vector<icu::UnicodeSet> sets;
  for (auto& [script, set] : byScript) sets.push_back(set);
  return sets;
}

}  // namespace ingot
