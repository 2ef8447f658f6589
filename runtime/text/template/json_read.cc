#include "runtime/text/template/json_read.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

Status tooBig(const Arena& arena) { return Status::resourceExhausted("JSON: its values need more than {} bytes", arena.limit()); }

// Python's grammar: RFC 8259, and NaN, Infinity and -Infinity. nlohmann's reader knows neither these nor big integers nor
// lone surrogates, which Python accepts.
class JsonReader {
 public:
  JsonReader(std::string_view json, Arena& arena) : json_(json), arena_(arena) {}

  Result<Value> run() {
    Value value;
    skipSpace();
    INGOT_TRY(read(value, 0));
    skipSpace();
    if (at_ != json_.size()) return fail("the end");
    return value;
  }

 private:
  Status fail(const char* expected) const { return Status::invalidInput("JSON, byte {}: expected {}", at_, expected); }
  bool atEnd() const { return at_ >= json_.size(); }
  bool skip(char c) {
    if (atEnd() || json_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skipSpace() {
    while (!atEnd() && (json_[at_] == ' ' || json_[at_] == '\t' || json_[at_] == '\n' || json_[at_] == '\r')) ++at_;
  }
  bool skipWord(std::string_view word) {
    if (!json_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  Status read(Value& out, int depth) {
    if (depth > kMaxJsonDepth) return Status::invalidInput("JSON, byte {}: nested more than {} levels deep", at_, kMaxJsonDepth);
    if (atEnd()) return fail("a value");
    switch (json_[at_]) {
      case '{': return readObject(out, depth);
      case '[': return readArray(out, depth);
      case '"': return readString(out);
      default: break;
    }
    if (skipWord("null")) return out = makeNone(), Status();
    if (skipWord("true")) return out = makeBoolean(true), Status();
    if (skipWord("false")) return out = makeBoolean(false), Status();
    if (skipWord("NaN")) return out = makeReal(__builtin_nan("")), Status();
    if (skipWord("Infinity")) return out = makeReal(__builtin_inf()), Status();
    if (skipWord("-Infinity")) return out = makeReal(-__builtin_inf()), Status();
    return readNumber(out);
  }

  Status readObject(Value& out, int depth) {
    ++at_;
    Dict* dict = newDict(arena_, 4);
    skipSpace();
    for (bool first = true; !skip('}'); first = false) {
      if (!first) {
        if (!skip(',')) return fail("',' or '}'");
        skipSpace();
      }
      Value key, value;
      if (atEnd() || json_[at_] != '"') return fail("a key in double quotes");
      INGOT_TRY(readString(key));
      skipSpace();
      if (!skip(':')) return fail("':'");
      skipSpace();
      INGOT_TRY(read(value, depth + 1));
      if (!insert(arena_, *dict, key, value)) return tooBig(arena_);
      skipSpace();
    }
    out = makeDict(dict);
    return {};
  }

  Status readArray(Value& out, int depth) {
    ++at_;
    size_t start = items_.size();
    skipSpace();
    for (bool first = true; !skip(']'); first = false) {
      if (!first) {
        if (!skip(',')) return fail("',' or ']'");
        skipSpace();
      }
      Value value;
      INGOT_TRY(read(value, depth + 1));
      items_.push_back(value);
      skipSpace();
    }
    List* list = newList(arena_, items_.size() - start);
    if (list == nullptr) return tooBig(arena_);
    std::copy(items_.begin() + static_cast<ptrdiff_t>(start), items_.end(), list->items);
    items_.resize(start);
    out = makeList(list);
    return {};
  }

  Status readNumber(Value& out) {
    size_t begin = at_;
    auto digits = [&] {
      size_t first = at_;
      while (!atEnd() && json_[at_] >= '0' && json_[at_] <= '9') ++at_;
      return at_ > first;
    };
    bool negative = skip('-');
    size_t whole = at_;
    if (!digits()) return at_ = begin, fail("a value");
    if (json_[whole] == '0') at_ = whole + 1;
    size_t wholeEnd = at_;
    bool isReal = false;
    if (skip('.')) {
      if (digits()) isReal = true;
      else at_ = wholeEnd;
    }
    size_t mantissaEnd = at_;
    if (!atEnd() && (json_[at_] | 32) == 'e') {
      ++at_;
      if (!skip('+')) skip('-');
      if (digits()) isReal = true;
      else at_ = mantissaEnd;
    }
    if (isReal) {
      std::string plain;
      for (char c : json_.substr(whole, at_ - whole))
        if (c != '+') plain += c;
      double value = parseReal(plain);
      return out = makeReal(negative ? -value : value), Status();
    }
    if (at_ - whole > kMaxIntegerDigits) return Status::invalidInput("JSON, byte {}: {}", begin, integerDigitsMessage(at_ - whole));
    Integer integer = fromDigits(json_.substr(whole, at_ - whole), 10);
    integer.negative = negative && !integer.isZero();
    out = make(arena_, integer);
    return out.is(Tag::missing) ? tooBig(arena_) : Status();
  }

  Status readString(Value& out) {
    size_t begin = ++at_;
    while (!atEnd() && json_[at_] != '"' && json_[at_] != '\\' && static_cast<unsigned char>(json_[at_]) >= 32) ++at_;
    if (!atEnd() && json_[at_] == '"') return finish(json_.substr(begin, at_++ - begin), out);
    std::string text(json_.substr(begin, at_ - begin));
    while (!skip('"')) {
      if (atEnd()) return fail("'\"' at the end of a string");
      if (static_cast<unsigned char>(json_[at_]) < 32) return fail("no control character in a string");
      if (json_[at_] != '\\') text += json_[at_++];
      else INGOT_TRY(readEscape(text));
    }
    return finish(text, out);
  }

  Status finish(std::string_view text, Value& out) {
    std::string valid;
    if (!isAscii(text)) {
      appendValid(text, valid);
      text = valid;
    }
    out = copyText(arena_, text, isAscii(text) ? kAscii : 0);
    return out.is(Tag::missing) ? tooBig(arena_) : Status();
  }

  // Lone surrogates, which only escapes can make, stay.
  static void appendValid(std::string_view text, std::string& out) {
    while (!text.empty()) {
      size_t mark = 0;
      for (; mark + 2 < text.size(); ++mark)
        if (text[mark] == '\xed' && static_cast<unsigned char>(text[mark + 1]) >= 0xa0 && (text[mark + 2] & 0xc0) == 0x80) break;
      if (mark + 2 >= text.size()) return appendLossy(text, out);
      appendLossy(text.substr(0, mark), out);
      out.append(text.substr(mark, 3));
      text.remove_prefix(mark + 3);
    }
  }

  Status readEscape(std::string& text) {
    ++at_;
    if (atEnd()) return fail("an escape");
    char c = json_[at_++];
    switch (c) {
      case '"':
      case '\\':
      case '/': text += c; return {};
      case 'b': text += '\b'; return {};
      case 'f': text += '\f'; return {};
      case 'n': text += '\n'; return {};
      case 'r': text += '\r'; return {};
      case 't': text += '\t'; return {};
      case 'u': break;
      default: --at_; return fail("an escape");
    }
    uint32_t point, low;
    if (!readHex(point)) return fail("four hexadecimal digits");
    size_t after = at_;
    if (point >= 0xd800 && point < 0xdc00 && skipWord("\\u")) {
      if (readHex(low) && low >= 0xdc00 && low < 0xe000) point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      else at_ = after;
    }
    appendUtf8(point, text);
    return {};
  }

  bool readHex(uint32_t& out) {
    out = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      char c = atEnd() ? ' ' : json_[at_];
      bool isDigit = c >= '0' && c <= '9', isLetter = (c | 32) >= 'a' && (c | 32) <= 'f';
      if (!isDigit && !isLetter) return false;
      out = out << 4 | static_cast<uint32_t>(isDigit ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
  }

  std::string_view json_;
  Arena& arena_;
  size_t at_ = 0;
  std::vector<Value> items_;  // of the arrays being read, innermost last
};

Status convert(const nlohmann::ordered_json& json, Arena& arena, int depth, Value& out) {
  using Type = nlohmann::ordered_json::value_t;
  if (depth > kMaxJsonDepth) return Status::invalidInput("JSON: nested more than {} levels deep", kMaxJsonDepth);
  auto text = [&arena](const std::string& source) {
    std::string valid;
    if (!isAscii(source)) appendLossy(source, valid);
    return isAscii(source) ? copyText(arena, source, kAscii) : copyText(arena, valid);
  };
  switch (json.type()) {
    case Type::null:
    case Type::discarded: out = makeNone(); return {};
    case Type::boolean: out = makeBoolean(json.get<bool>()); return {};
    case Type::number_integer: out = makeInteger(json.get<int64_t>()); return {};
    case Type::number_float: out = makeReal(json.get<double>()); return {};
    case Type::number_unsigned: {
      auto number = json.get<uint64_t>();
      out = make(arena, fromDigits(std::to_string(number), 10));
      return {};
    }
    case Type::string: out = text(json.get_ref<const std::string&>()); break;
    case Type::binary: return Status::invalidInput("JSON: binary values have no meaning in templates");
    case Type::array: {
      List* list = newList(arena, json.size());
      if (list == nullptr) return tooBig(arena);
      for (size_t i = 0; i < json.size(); ++i) INGOT_TRY(convert(json[i], arena, depth + 1, list->items[i]));
      out = makeList(list);
      return {};
    }
    case Type::object: {
      Dict* dict = newDict(arena, static_cast<uint32_t>(json.size()));
      for (const auto& [key, item] : json.items()) {
        Value name = text(key), value;
        INGOT_TRY(convert(item, arena, depth + 1, value));
        if (name.is(Tag::missing) || !insert(arena, *dict, name, value)) return tooBig(arena);
      }
      out = makeDict(dict);
      return {};
    }
  }
  return out.is(Tag::missing) ? tooBig(arena) : Status();
}

}  // namespace

Result<Value> readJson(std::string_view json, Arena& arena) { return JsonReader(json, arena).run(); }

Result<Value> readDocument(const nlohmann::ordered_json& json, Arena& arena) {
  Value value;
  INGOT_TRY(convert(json, arena, 0, value));
  return value;
}

}  // namespace ingot::text
