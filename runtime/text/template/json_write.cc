// The part of Interpreter behind `tojson`: Python's json.dumps, with its arguments.
#include <cmath>
#include <cstdio>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {
namespace {

void appendEscaped(std::string_view text, bool asciiOnly, std::string& out) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    uint32_t point = nextPoint(text, at);
    char escape[16];
    switch (point) {
      case '"': out += "\\\""; continue;
      case '\\': out += "\\\\"; continue;
      case '\n': out += "\\n"; continue;
      case '\r': out += "\\r"; continue;
      case '\t': out += "\\t"; continue;
      case '\f': out += "\\f"; continue;
      case '\b': out += "\\b"; continue;
      default: break;
    }
    if (point < 32 || (asciiOnly && point >= 127 && point < 0x10000)) {
      std::snprintf(escape, sizeof escape, "\\u%04x", point);
      out += escape;
    } else if (asciiOnly && point >= 0x10000) {
      std::snprintf(escape, sizeof escape, "\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
      out += escape;
    } else {
      out.append(text.substr(begin, at - begin));
    }
  }
  out += '"';
}

class JsonWriter {
 public:
  JsonWriter(Interpreter& interpreter, std::string& out) : self_(interpreter), out_(out) {}

  bool asciiOnly = false, sortKeys = false, isIndented = false;
  std::string indent, itemSeparator = ", ", keySeparator = ": ";

  bool write(const Value& value, int depth) {
    if (depth > 900) return self_.fail("RecursionError", "maximum recursion depth exceeded while encoding a JSON object");
    if (!self_.step() || !self_.checkGrowth(out_)) return false;
    switch (value.tag) {
      case Tag::text: appendEscaped(value.text(), asciiOnly, out_); return true;
      case Tag::none: out_ += "null"; return true;
      case Tag::boolean: out_ += value.boolean ? "true" : "false"; return true;
      case Tag::integer:
      case Tag::bigInteger: return self_.appendRepr(value, out_);
      case Tag::real: appendReal(value.real); return true;
      case Tag::list:
      case Tag::tuple: return writeList(*value.list, depth);
      case Tag::dict: return writeDict(*value.dict, depth);
      default: return self_.failType("Object of type " + std::string(self_.typeName(value)) + " is not JSON serializable");
    }
  }

 private:
  void appendReal(double real) {
    if (std::isfinite(real)) out_ += realRepr(real);
    else out_ += std::isnan(real) ? "NaN" : real < 0 ? "-Infinity" : "Infinity";
  }

  void newLine(int depth) {
    if (!isIndented) return;
    out_ += '\n';
    for (int i = 0; i < depth; ++i) out_ += indent;
  }

  bool writeList(const List& list, int depth) {
    if (list.size == 0) return out_ += "[]", true;
    out_ += '[';
    for (uint32_t i = 0; i < list.size; ++i) {
      if (i > 0) out_ += itemSeparator;
      newLine(depth + 1);
      if (!write(list.items[i], depth + 1)) return false;
    }
    newLine(depth);
    out_ += ']';
    return true;
  }

  bool writeKey(const Value& key) {
    switch (key.tag) {
      case Tag::text: appendEscaped(key.text(), asciiOnly, out_); return true;
      case Tag::none: out_ += "\"null\""; return true;
      case Tag::boolean: out_ += key.boolean ? "\"true\"" : "\"false\""; return true;
      case Tag::integer:
      case Tag::bigInteger:
      case Tag::real:
        out_ += '"';
        if (key.is(Tag::real)) appendReal(key.real);
        else if (!self_.appendRepr(key, out_)) return false;
        out_ += '"';
        return true;
      default: return self_.failType("keys must be str, int, float, bool or None, not " + std::string(self_.typeName(key)));
    }
  }

  bool writeDict(const Dict& dict, int depth) {
    if (dict.size == 0) return out_ += "{}", true;
    std::vector<Value> order;
    if (sortKeys && !sorted(dict, order)) return false;
    out_ += '{';
    for (uint32_t i = 0; i < dict.size; ++i) {
      const DictEntry& entry = dict.entries[sortKeys ? static_cast<uint32_t>(order[i].integer) : i];
      if (i > 0) out_ += itemSeparator;
      newLine(depth + 1);
      if (!writeKey(entry.key)) return false;
      out_ += keySeparator;
      if (!write(entry.value, depth + 1)) return false;
    }
    newLine(depth);
    out_ += '}';
    return true;
  }

  bool sorted(const Dict& dict, std::vector<Value>& order) {
    std::vector<Value> keys;
    for (uint32_t i = 0; i < dict.size; ++i) {
      keys.push_back(dict.entries[i].key);
      order.push_back(makeInteger(i));
    }
    return self_.sortValues(order, keys, false);
  }

  Interpreter& self_;
  std::string& out_;
};

}  // namespace

// `arguments`: x, ensure_ascii, indent, separators, sort_keys, missing where not given.
bool Interpreter::toJson(const Value& value, const CallArguments& arguments, Value& out) {
  const Value* bound = arguments.positional;
  std::string text;
  JsonWriter writer(*this, text);
  writer.asciiOnly = !bound[1].is(Tag::missing) && truth(bound[1]);
  writer.sortKeys = !bound[4].is(Tag::missing) && truth(bound[4]);
  const Value& indent = bound[2];
  if (!indent.is(Tag::missing) && !indent.is(Tag::none)) {
    writer.isIndented = true;
    writer.itemSeparator = ",";
    if (indent.isText()) writer.indent = indent.text();
    else if (indent.isInteger()) writer.indent.assign(static_cast<size_t>(std::clamp<int64_t>(indent.small(), 0, 1 << 20)), ' ');
    else return failType("can't multiply sequence by non-int of type '" + std::string(typeName(indent)) + "'");
  }
  if (!bound[3].is(Tag::missing) && !bound[3].is(Tag::none)) {
    std::vector<Value> separators;
    if (!collect(bound[3], separators)) return false;
    if (separators.size() != 2)
      return fail("ValueError", separators.size() < 2 ? "not enough values to unpack (expected 2, got " + std::to_string(separators.size()) + ")"
                                                      : "too many values to unpack (expected 2)");
    if (!separators[0].isText() || !separators[1].isText()) return failType("separators must be str");
    writer.itemSeparator = separators[0].text();
    writer.keySeparator = separators[1].text();
  }
  return writer.write(value, 0) && newText(text, out);
}

}  // namespace ingot::text
