// Python's pprint.pformat, for the filter `pprint`.
#include <algorithm>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

class Pretty {
 public:
  Pretty(Interpreter& interpreter, std::string& out) : self_(interpreter), out_(out) {}

  // `indent` columns are taken on the left, `allowance` are needed on the right of the last line.
  bool write(const Value& value, int64_t indent, int64_t allowance, int depth) {
    std::string repr;
    if (depth > 200) return self_.fail("RecursionError", "maximum recursion depth exceeded");
    if (!flat(value, repr)) return false;
    if (static_cast<int64_t>(countPoints(repr)) <= 80 - indent - allowance) return out_ += repr, true;
    switch (value.tag) {
      case Tag::list: return writeItems("[", "]", value, indent, allowance, depth);
      case Tag::tuple: return writeItems("(", value.list->size == 1 ? ",)" : ")", value, indent, allowance, depth);
      case Tag::dict: return writeDict(value, indent, allowance, depth);
      case Tag::text: return value.isMarkup() ? (out_ += repr, true) : writeText(value.text(), indent, allowance, depth);
      default: out_ += repr; return true;
    }
  }

 private:
  // Keys in order, as pprint sorts them.
  bool sorted(const Value& dict, Value& out) {
    std::vector<Value> keys, order;
    for (uint32_t i = 0; i < dict.dict->size; ++i) {
      keys.push_back(dict.dict->entries[i].key);
      order.push_back(makeInteger(i));
    }
    bool areTexts = std::all_of(keys.begin(), keys.end(), [](const Value& key) { return key.isText(); });
    bool areNumbers = std::all_of(keys.begin(), keys.end(), [](const Value& key) { return key.isInteger() || key.is(Tag::real); });
    if ((areTexts || areNumbers) && !self_.sortValues(order, keys, false)) return false;
    Dict* copy = newDict(self_.arena(), dict.dict->size);
    for (const Value& at : order)
      if (!self_.put(*copy, dict.dict->entries[at.integer].key, dict.dict->entries[at.integer].value)) return false;
    out = makeDict(copy);
    return true;
  }

  bool flat(const Value& value, std::string& out) {
    struct Level {
      int& depth;
      ~Level() { --depth; }
    };
    Level level{++flatDepth_};
    if (flatDepth_ > 500) return self_.fail("RecursionError", "maximum recursion depth exceeded");
    if (!self_.step()) return false;
    if (value.is(Tag::dict)) {
      Value ordered;
      if (!sorted(value, ordered)) return false;
      out += '{';
      for (uint32_t i = 0; i < ordered.dict->size; ++i) {
        if (i > 0) out += ", ";
        if (!flat(ordered.dict->entries[i].key, out)) return false;
        out += ": ";
        if (!flat(ordered.dict->entries[i].value, out)) return false;
      }
      out += '}';
      return self_.checkGrowth(out);
    }
    if (!value.is(Tag::list) && !value.is(Tag::tuple)) return self_.appendRepr(value, out);
    out += value.is(Tag::list) ? '[' : '(';
    for (uint32_t i = 0; i < value.list->size; ++i) {
      if (i > 0) out += ", ";
      if (!flat(value.list->items[i], out)) return false;
    }
    if (value.is(Tag::tuple) && value.list->size == 1) out += ',';
    out += value.is(Tag::list) ? ']' : ')';
    return self_.checkGrowth(out);
  }

  void newLine(int64_t indent) { out_.append("\n").append(static_cast<size_t>(indent), ' '); }

  bool writeItems(const char* open, const char* close, const Value& value, int64_t indent, int64_t allowance, int depth) {
    out_ += open;
    auto closing = static_cast<int64_t>(std::string_view(close).size());
    for (uint32_t i = 0; i < value.list->size; ++i) {
      if (i > 0) out_ += ',', newLine(indent + 1);
      bool isLast = i + 1 == value.list->size;
      if (!write(value.list->items[i], indent + 1, isLast ? allowance + closing : 1, depth + 1)) return false;
    }
    out_ += close;
    return true;
  }

  bool writeDict(const Value& value, int64_t indent, int64_t allowance, int depth) {
    Value ordered;
    if (!sorted(value, ordered)) return false;
    out_ += '{';
    for (uint32_t i = 0; i < ordered.dict->size; ++i) {
      std::string key;
      if (!flat(ordered.dict->entries[i].key, key)) return false;
      if (i > 0) out_ += ',', newLine(indent + 1);
      out_.append(key).append(": ");
      bool isLast = i + 1 == ordered.dict->size;
      if (!write(ordered.dict->entries[i].value, indent + 1 + static_cast<int64_t>(countPoints(key)) + 2, isLast ? allowance + 1 : 1, depth + 1))
        return false;
    }
    out_ += '}';
    return true;
  }

  // Long texts become several literals, cut at white space.
  bool writeText(std::string_view text, int64_t indent, int64_t allowance, int depth) {
    std::vector<std::string> chunks;
    std::vector<std::string_view> lines = splitLines(text, true);
    if (depth == 0) ++indent, ++allowance;
    int64_t width = 80 - indent;
    for (size_t i = 0; i < lines.size(); ++i) {
      bool isLast = i + 1 == lines.size();
      std::string repr = quotePython(lines[i]);
      int64_t room = isLast ? width - allowance : width;
      if (static_cast<int64_t>(countPoints(repr)) <= room) {
        chunks.push_back(repr);
        continue;
      }
      std::vector<std::string_view> parts = partsOf(lines[i]);
      std::string current;
      for (size_t j = 0; j < parts.size(); ++j) {
        std::string candidate = current + std::string(parts[j]);
        int64_t partRoom = j + 1 == parts.size() && isLast ? width - allowance : width;
        if (static_cast<int64_t>(countPoints(quotePython(candidate))) > partRoom) {
          if (!current.empty()) chunks.push_back(quotePython(current));
          current = parts[j];
        } else {
          current = candidate;
        }
      }
      if (!current.empty()) chunks.push_back(quotePython(current));
    }
    if (chunks.size() == 1) return out_ += chunks[0], true;
    if (depth == 0) out_ += '(';
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (i > 0) newLine(indent);
      out_ += chunks[i];
    }
    if (depth == 0) out_ += ')';
    return self_.step(chunks.size());
  }

  // Words, each with the white space after it.
  static std::vector<std::string_view> partsOf(std::string_view line) {
    std::vector<std::string_view> parts;
    for (size_t at = 0; at < line.size();) {
      size_t end = at;
      auto skip = [&](bool spaces) {
        for (size_t next = end; end < line.size() && isSpaceAt(nextPoint(line, next)) == spaces; end = next) {}
      };
      skip(false);
      skip(true);
      parts.push_back(line.substr(at, end - at));
      at = end;
    }
    return parts;
  }

  Interpreter& self_;
  std::string& out_;
  int flatDepth_ = 0;
};

}  // namespace

bool prettyPrint(Interpreter& self, const Value& value, std::string& out) { return Pretty(self, out).write(value, 0, 0, 0); }

}  // namespace ingot::text
