#include "runtime/text/template/html.h"

#include <algorithm>
#include <cctype>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

// What browsers read the C1 controls as: Windows-1252.
constexpr uint32_t kWindows1252[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
                                       0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                       0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

void appendNumbered(uint64_t number, std::string& out) {
  if (number == 0 || number > 0x10ffff || (number >= 0xd800 && number < 0xe000)) return appendUtf8(0xfffd, out);
  if (number >= 0x80 && number < 0xa0) return appendUtf8(kWindows1252[number - 0x80], out);
  bool isInvalid = (number < 32 && number != 9 && number != 10 && number != 12 && number != 13) || number == 11 ||
                   (number >= 0x7f && number < 0xa0) || (number >= 0xfdd0 && number < 0xfdf0) || (number & 0xfffe) == 0xfffe;
  if (!isInvalid) appendUtf8(static_cast<uint32_t>(number), out);
}

// At '&'; returns the bytes read, 0 when it is no reference.
size_t appendReference(std::string_view text, std::string& out) {
  size_t at = 1;
  if (text.size() > 2 && text[1] == '#') {
    bool isHex = text[2] == 'x' || text[2] == 'X';
    size_t digits = at = isHex ? 3 : 2;
    uint64_t number = 0;
    for (; at < text.size() && (isHex ? std::isxdigit(static_cast<unsigned char>(text[at])) : std::isdigit(static_cast<unsigned char>(text[at])));
         ++at) {
      int digit = text[at] <= '9' ? text[at] - '0' : (text[at] | 32) - 'a' + 10;
      number = std::min<uint64_t>(number * (isHex ? 16 : 10) + static_cast<uint64_t>(digit), 0x110000);
    }
    if (at == digits) return 0;
    appendNumbered(number, out);
    return at + (at < text.size() && text[at] == ';');
  }
  while (at < text.size() && at <= 32 && std::string_view("\t\n\f <&#;").find(text[at]) == std::string_view::npos) ++at;
  if (at == 1) return 0;
  if (at < text.size() && text[at] == ';') ++at;
  for (size_t end = at; end > 2; --end) {
    std::string_view found = entityText(text.substr(1, end - 1));
    if (found.empty()) continue;
    out.append(found);
    return end;
  }
  return 0;
}

}  // namespace

std::string unescapeHtml(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t mark = std::min(text.find('&'), text.size());
    out.append(text.substr(0, mark));
    text.remove_prefix(mark);
    if (text.empty()) break;
    size_t read = appendReference(text, out);
    if (read == 0) out += text[read++];
    text.remove_prefix(read);
  }
  return out;
}

std::string stripTags(std::string_view text) {
  std::string plain;
  size_t at = 0;
  for (size_t start; (start = text.find('<', at)) != std::string_view::npos;) {
    bool isComment = text.substr(start).starts_with("<!--");
    size_t end = isComment ? text.find("-->", start + 4) : text.find('>', start);
    if (end == std::string_view::npos) break;
    plain.append(text.substr(at, start - at));
    at = end + (isComment ? 3 : 1);
  }
  plain.append(text.substr(at));
  std::string spaced;
  for (std::string_view word : splitSpaces(plain, -1, false)) spaced.append(spaced.empty() ? "" : " ").append(word);
  return unescapeHtml(spaced);
}

}  // namespace ingot::text
