#include "runtime/text/template/lexer.h"

#include <algorithm>
#include <array>

#include "runtime/text/template/big_integer.h"
#include "runtime/text/template/characters.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/string_literal.h"

namespace ingot::text {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

size_t skipSpace(std::string_view text, size_t at) {
  while (at < text.size()) {
    size_t next = at;
    if (!isSpaceAt(nextPoint(text, next))) break;
    at = next;
  }
  return at;
}

std::string_view stripRight(std::string_view text) {
  while (!text.empty()) {
    size_t start = previousStart(text, text.size()), at = start;
    if (!isSpaceAt(nextPoint(text, at))) break;
    text = text.substr(0, start);
  }
  return text;
}

// Digits with single underscores between them.
size_t digitsEnd(std::string_view text, size_t at, bool (*accepts)(char)) {
  if (at >= text.size() || !accepts(text[at])) return at;
  for (;;) {
    while (at < text.size() && accepts(text[at])) ++at;
    if (at + 1 >= text.size() || text[at] != '_' || !accepts(text[at + 1])) return at;
    ++at;
  }
}

size_t realEnd(std::string_view text, size_t at) {
  size_t end = digitsEnd(text, at, isDigit);
  if (end == at) return 0;
  bool isReal = false;
  if (end + 1 < text.size() && text[end] == '.' && isDigit(text[end + 1])) {
    end = digitsEnd(text, end + 1, isDigit);
    isReal = true;
  }
  if (end < text.size() && (text[end] | 32) == 'e') {
    size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    size_t exponentEnd = digitsEnd(text, exponent, isDigit);
    if (exponentEnd > exponent) return exponentEnd;
  }
  return isReal ? end : 0;
}

size_t integerEnd(std::string_view text, size_t at) {
  if (!isDigit(text[at])) return 0;
  if (text[at] != '0') return digitsEnd(text, at, isDigit);
  if (at + 1 < text.size()) {
    bool (*accepts)(char) = nullptr;
    switch (text[at + 1] | 32) {
      case 'b': accepts = [](char c) { return c == '0' || c == '1'; }; break;
      case 'o': accepts = [](char c) { return c >= '0' && c <= '7'; }; break;
      case 'x': accepts = [](char c) { return isDigit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }; break;
    }
    size_t digits = at + 2 < text.size() && text[at + 2] == '_' ? at + 3 : at + 2;
    if (accepts != nullptr)
      if (size_t end = digitsEnd(text, digits, accepts); end > digits) return end;
  }
  return digitsEnd(text, at, [](char c) { return c == '0'; });
}

class Lexer {
 public:
  explicit Lexer(Program& program) : program_(program), source_(program.source) {}

  std::vector<Token> run() {
    while (at_ < source_.size() && !failed_) lexRoot();
    if (!failed_) add(TokenKind::end, source_.size(), {});
    return std::move(tokens_);
  }

 private:
  void add(TokenKind kind, size_t at, std::string_view text, Value value = {}) { tokens_.push_back({kind, static_cast<uint32_t>(at), text, value}); }

  void fail(size_t at, std::string_view message) {
    failed_ = true;
    add(TokenKind::error, at, copyText(program_.arena, message).text());
  }

  // Text up to the next tag, then the tag.
  void lexRoot() {
    size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string_view::npos || tag + 1 >= source_.size()) return addData(source_.substr(at_)), void(at_ = source_.size());
      char next = source_[tag + 1];
      if (next == '%' || next == '{' || next == '#') break;
    }
    char kind = source_[tag + 1];
    char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    addData(stripBeforeTag(source_.substr(at_, tag - at_), kind, sign));
    at_ = tag + 2 + (sign == '-' || sign == '+');
    lineStarting_ = false;
    if (kind == '#') return lexComment(tag);
    if (kind == '%')
      if (size_t body = rawBodyStart(at_)) return at_ = body, lineStarting_ = source_[body - 1] == '\n', lexRaw(tag);
    add(kind == '%' ? TokenKind::blockBegin : TokenKind::variableBegin, tag, {});
    lexTag(kind == '%');
  }

  std::string_view stripBeforeTag(std::string_view text, char kind, char sign) const {
    if (sign == '-') return stripRight(text);
    if (sign == '+' || kind == '{') return text;
    size_t line = text.rfind('\n') + 1;
    if ((line == 0 && !lineStarting_) || line == text.size()) return text;
    return skipSpace(text, line) == text.size() ? text.substr(0, line) : text;
  }

  void addData(std::string_view text) {
    if (!text.empty()) add(TokenKind::data, static_cast<size_t>(text.data() - source_.data()), text);
  }

  // After "{%" and its sign: where the text of a raw block begins, else 0.
  size_t rawBodyStart(size_t at) const {
    at = skipSpace(source_, at);
    if (!source_.substr(at).starts_with("raw")) return 0;
    at = skipSpace(source_, at + 3);
    if (source_.substr(at).starts_with("-%}")) return skipSpace(source_, at + 3);
    return source_.substr(at).starts_with("%}") ? at + 2 : 0;
  }

  void lexRaw(size_t tag) {
    for (size_t end = at_; (end = source_.find("{%", end)) != std::string_view::npos; end += 2) {
      char sign = end + 2 < source_.size() ? source_[end + 2] : ' ';
      size_t word = skipSpace(source_, end + 2 + (sign == '-' || sign == '+'));
      if (!source_.substr(word).starts_with("endraw")) continue;
      size_t close = blockEndAfter(skipSpace(source_, word + 6));
      if (close == 0) continue;
      addData(stripBeforeTag(source_.substr(at_, end - at_), '%', sign));
      at_ = close;
      lineStarting_ = source_[close - 1] == '\n';
      return;
    }
    if (at_ < source_.size()) fail(tag, "Missing end of raw directive");
  }

  // Where the tag that ends at `at` has been passed with the white space it takes, else 0.
  size_t blockEndAfter(size_t at) const {
    std::string_view rest = source_.substr(at);
    if (rest.starts_with("+%}")) return at + 3;
    if (rest.starts_with("-%}")) return skipSpace(source_, at + 3);
    if (!rest.starts_with("%}")) return 0;
    return at + 2 + (rest.size() > 2 && rest[2] == '\n');
  }

  void lexComment(size_t tag) {
    size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos) return at_ < source_.size() ? fail(tag, "Missing end of comment tag") : void();
    char sign = end > at_ ? source_[end - 1] : ' ';
    at_ = end + 2;
    if (sign == '-') at_ = skipSpace(source_, at_);
    else if (sign != '+' && at_ < source_.size() && source_[at_] == '\n') ++at_;
    lineStarting_ = source_[at_ - 1] == '\n';
  }

  size_t variableEndAfter(size_t at) const {
    std::string_view rest = source_.substr(at);
    if (rest.starts_with("-}}")) return skipSpace(source_, at + 3);
    return rest.starts_with("}}") ? at + 2 : 0;
  }

  void lexTag(bool isBlock) {
    open_.clear();
    while (at_ < source_.size() && !failed_) {
      size_t end = open_.empty() ? (isBlock ? blockEndAfter(at_) : variableEndAfter(at_)) : 0;
      if (end != 0) {
        add(isBlock ? TokenKind::blockEnd : TokenKind::variableEnd, at_, {});
        at_ = end;
        lineStarting_ = source_[end - 1] == '\n';
        return;
      }
      if (size_t next = skipSpace(source_, at_); next > at_) at_ = next;
      else lexOne();
    }
  }

  void lexOne() {
    char c = source_[at_];
    if (isDigit(c)) return lexNumber();
    if (c == '\'' || c == '"') return lexString();
    size_t end = at_;
    for (size_t next = end; end < source_.size() && (classOf(nextPoint(source_, next)) & (kWord | kIdentifier)); end = next) {}
    if (end > at_) {
      size_t first = at_;
      if (!(classOf(nextPoint(source_, first)) & kIdentifierStart) && c != '_') return fail(at_, "Invalid character in identifier");
      add(TokenKind::name, at_, source_.substr(at_, end - at_));
      at_ = end;
      return;
    }
    lexOperator();
  }

  void lexNumber() {
    bool afterDot = at_ > 0 && source_[at_ - 1] == '.';
    size_t end = afterDot ? 0 : realEnd(source_, at_);
    bool isReal = end != 0;
    if (!isReal) end = integerEnd(source_, at_);
    std::string digits;
    for (char c : source_.substr(at_, end - at_))
      if (c != '_') digits += c;
    Value value = isReal ? makeReal(parseReal(digits)) : integerValue(digits);
    add(isReal ? TokenKind::real : TokenKind::integer, at_, source_.substr(at_, end - at_), value);
    at_ = end;
  }

  Value integerValue(std::string_view digits) {
    uint32_t base = 10;
    if (digits.size() > 2 && digits[0] == '0' && !isDigit(digits[1])) {
      base = (digits[1] | 32) == 'x' ? 16 : (digits[1] | 32) == 'o' ? 8 : 2;
      digits.remove_prefix(2);
    }
    if (base == 10 && digits.size() > kMaxIntegerDigits) {
      fail(at_, integerDigitsMessage(digits.size()));
      return makeInteger(0);
    }
    return make(program_.arena, fromDigits(digits, base));
  }

  void lexString() {
    char quote = source_[at_];
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return lexOperator();
    std::string text, error;
    if (!unescapeLiteral(source_.substr(at_ + 1, end - at_ - 1), text, error)) return fail(at_, error);
    Value value = copyText(program_.arena, text, isAscii(text) ? kAscii : 0);
    add(TokenKind::string, at_, source_.substr(at_, end + 1 - at_), value);
    at_ = end + 1;
  }

  void lexOperator() {
    static constexpr std::pair<std::string_view, TokenKind> kOperators[] = {
        {"//", TokenKind::floorDiv},   {"**", TokenKind::pow},         {"==", TokenKind::eq},       {"!=", TokenKind::ne},
        {">=", TokenKind::ge},         {"<=", TokenKind::le},          {"+", TokenKind::add},       {"-", TokenKind::sub},
        {"/", TokenKind::div},         {"*", TokenKind::mul},          {"%", TokenKind::mod},       {"~", TokenKind::tilde},
        {"[", TokenKind::leftBracket}, {"]", TokenKind::rightBracket}, {"(", TokenKind::leftParen}, {")", TokenKind::rightParen},
        {"{", TokenKind::leftBrace},   {"}", TokenKind::rightBrace},   {">", TokenKind::gt},        {"<", TokenKind::lt},
        {"=", TokenKind::assign},      {".", TokenKind::dot},          {":", TokenKind::colon},     {"|", TokenKind::pipe},
        {",", TokenKind::comma},       {";", TokenKind::semicolon}};
    for (const auto& [text, kind] : kOperators) {
      if (!source_.substr(at_).starts_with(text)) continue;
      if (!balance(text[0])) return;
      add(kind, at_, text);
      at_ += text.size();
      return;
    }
    size_t end = at_;
    nextPoint(source_, end);
    fail(at_, "unexpected char " + quotePython(source_.substr(at_, end - at_)) + " at " + std::to_string(countPoints(source_.substr(0, at_))));
  }

  bool balance(char c) {
    if (c == '{') open_ += '}';
    if (c == '(') open_ += ')';
    if (c == '[') open_ += ']';
    if (c != '}' && c != ')' && c != ']') return true;
    std::string found(1, c);
    if (open_.empty()) return fail(at_, "unexpected '" + found + "'"), false;
    char expected = open_.back();
    open_.pop_back();
    if (expected != c) return fail(at_, "unexpected '" + found + "', expected '" + expected + "'"), false;
    return true;
  }

  Program& program_;
  std::string_view source_;
  size_t at_ = 0;
  bool lineStarting_ = true, failed_ = false;
  std::string open_;  // brackets still to be closed
  std::vector<Token> tokens_;
};

}  // namespace

std::string normalizeSource(std::string_view source) {
  std::string normal;
  normal.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    bool isPair = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
    if (!isPair) normal += source[i] == '\r' ? '\n' : source[i];
  }
  if (normal.ends_with('\n')) normal.pop_back();
  return normal;
}

std::vector<Token> lex(Program& program) { return Lexer(program).run(); }

std::string describe(TokenKind kind) {
  static constexpr const char* kNames[] = {"template data / text",
                                           "begin of statement block",
                                           "end of statement block",
                                           "begin of print statement",
                                           "end of print statement",
                                           "name",
                                           "string",
                                           "integer",
                                           "float",
                                           "+",
                                           "-",
                                           "*",
                                           "/",
                                           "//",
                                           "%",
                                           "**",
                                           "~",
                                           "[",
                                           "]",
                                           "(",
                                           ")",
                                           "{",
                                           "}",
                                           "==",
                                           "!=",
                                           ">",
                                           ">=",
                                           "<",
                                           "<=",
                                           "=",
                                           ".",
                                           ":",
                                           "|",
                                           ",",
                                           ";",
                                           "end of template",
                                           "error"};
  return kNames[static_cast<size_t>(kind)];
}

Position positionOf(const Program& program, uint32_t at) {
  std::string_view before = std::string_view(program.source).substr(0, at);
  size_t line = before.rfind('\n') + 1;
  return {static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n') + 1), static_cast<uint32_t>(countPoints(before.substr(line)) + 1)};
}

}  // namespace ingot::text
