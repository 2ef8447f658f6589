// Template text -> tokens, with trim_blocks and lstrip_blocks on. Jinja's lexical rules; nothing is evaluated.
#pragma once

#include <string>
#include <vector>

#include "runtime/text/template/program.h"

namespace ingot::text {

enum class TokenKind : uint8_t {
  data,
  blockBegin,
  blockEnd,
  variableBegin,
  variableEnd,
  name,
  string,
  integer,
  real,
  add,
  sub,
  mul,
  div,
  floorDiv,
  mod,
  pow,
  tilde,
  leftBracket,
  rightBracket,
  leftParen,
  rightParen,
  leftBrace,
  rightBrace,
  eq,
  ne,
  gt,
  ge,
  lt,
  le,
  assign,
  dot,
  colon,
  pipe,
  comma,
  semicolon,
  end,
  error,
};

struct Token {
  TokenKind kind;
  uint32_t at;            // byte of the source
  std::string_view text;  // of the source: data, names, numbers; of error: the message
  Value value;            // of string, integer, real
};

// Makes every newline "\n" and drops one at the end, as Jinja does.
std::string normalizeSource(std::string_view source);

// Of program.source; strings and numbers go to program.arena. Ends with `end` or `error`.
std::vector<Token> lex(Program& program);

// How messages call a token.
std::string describe(TokenKind kind);

}  // namespace ingot::text
