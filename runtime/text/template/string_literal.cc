#include "runtime/text/template/string_literal.h"

#include <cstdio>

#include "runtime/text/template/characters.h"

namespace ingot::text {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool unescapeHex(std::string_view raw, size_t& at, size_t count, const char* truncated, std::string& out, std::string& error) {
  uint32_t point = 0;
  for (size_t i = 0; i < count; ++i, ++at) {
    char c = at < raw.size() ? raw[at] : ' ';
    bool isHex = isDigit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
    if (!isHex) return error = truncated, false;
    point = point << 4 | static_cast<uint32_t>(isDigit(c) ? c - '0' : (c | 32) - 'a' + 10);
  }
  if (point > 0x10ffff) return error = "illegal Unicode character", false;
  appendUtf8(point, out);
  return true;
}

bool unescapeOne(std::string_view raw, size_t& at, std::string& out, std::string& error) {
  char c = raw[at++];
  switch (c) {
    case '\n': return true;
    case '\\':
    case '\'':
    case '"': out += c; return true;
    case 'a': out += '\a'; return true;
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'v': out += '\v'; return true;
    case 'x': return unescapeHex(raw, at, 2, "truncated \\xXX escape", out, error);
    case 'u': return unescapeHex(raw, at, 4, "truncated \\uXXXX escape", out, error);
    case 'U': return unescapeHex(raw, at, 8, "truncated \\UXXXXXXXX escape", out, error);
    case 'N': return error = raw.substr(at).starts_with('{') ? "unknown Unicode character name" : "malformed \\N character escape", false;
  }
  if (c < '0' || c > '7') {
    out += {'\\', c};
    return true;
  }
  uint32_t point = static_cast<uint32_t>(c - '0');
  for (int i = 0; i < 2 && at < raw.size() && raw[at] >= '0' && raw[at] <= '7'; ++i) point = point * 8 + static_cast<uint32_t>(raw[at++] - '0');
  appendUtf8(point, out);
  return true;
}

}  // namespace

bool unescapeLiteral(std::string_view raw, std::string& out, std::string& error) {
  for (size_t at = 0; at < raw.size();) {
    if (raw[at] != '\\') {
      out += raw[at++];
      continue;
    }
    if (++at == raw.size()) return error = "\\ at end of string", false;
    if (static_cast<unsigned char>(raw[at]) >= 0x80) {
      uint32_t point = nextPoint(raw, at);
      out += '\\';
      char escape[12];
      std::snprintf(escape, sizeof escape, point < 0x100 ? "x%02x" : point < 0x10000 ? "u%04x" : "U%08x", point);
      out += escape;
      continue;
    }
    if (!unescapeOne(raw, at, out, error)) return false;
  }
  return true;
}

}  // namespace ingot::text
