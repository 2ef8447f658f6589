// The part of Interpreter that writes values as Python's str() and repr() do.
#include <algorithm>
#include <charconv>

#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/printing.h"

namespace ingot::text {
namespace {

void appendInteger(int64_t value, std::string& out) {
  char buffer[24];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, end);
}

void appendAddress(const void* object, std::string& out) {
  char buffer[24];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, reinterpret_cast<uintptr_t>(object), 16);
  out.append("0x").append(buffer, end);
}

}  // namespace

// Texts under construction count like values.
bool Interpreter::checkGrowth(const std::string& text) {
  return text.size() <= limits_.maxMemoryBytes || failLimit("memory", limits_.maxMemoryBytes);
}

bool Interpreter::appendStr(const Value& value, std::string& out) {
  switch (value.tag) {
    case Tag::text: out.append(value.bytes, value.length); return checkGrowth(out);
    case Tag::undefined: return true;
    case Tag::integer: appendInteger(value.integer, out); return true;
    default: return appendRepr(value, out);
  }
}

bool Interpreter::appendRepr(const Value& value, std::string& out) {
  Deeper deeper(*this);
  if (!step() || !deeper.ok()) return false;
  auto sequence = [&](const Value* items, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) out += ", ";
      if (!appendRepr(items[i], out)) return false;
    }
    return true;
  };
  auto entries = [&](const Dict& dict) {
    bool ok = true;
    for (uint32_t i = 0; i < dict.size && ok; ++i) {
      if (i > 0) out += ", ";
      ok = appendRepr(dict.entries[i].key, out);
      out += ": ";
      ok = ok && appendRepr(dict.entries[i].value, out);
    }
    return ok;
  };
  switch (value.tag) {
    case Tag::missing: out += "missing"; return true;
    case Tag::undefined: out += "Undefined"; return true;
    case Tag::none: out += "None"; return true;
    case Tag::boolean: out += value.boolean ? "True" : "False"; return true;
    case Tag::integer: appendInteger(value.integer, out); return true;
    case Tag::real: out += realRepr(value.real); return true;
    case Tag::bigInteger: {
      if (value.big->size > 450 && !step(uint64_t{value.big->size} * 8)) return false;
      std::string digits = value.big->size > 1000 ? std::string(10000, '0') : toDecimal(Integer::of(value));
      if (digits.size() - value.big->negative > kMaxIntegerDigits)
        return fail("ValueError",
                    "Exceeds the limit (4300 digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit");
      out += digits;
      return true;
    }
    case Tag::text:
      if (value.flags & kMarkup) out += "Markup(";
      appendQuoted(value.text(), out);
      if (value.flags & kMarkup) out += ")";
      return checkGrowth(out);
    case Tag::list:
      out += '[';
      if (!sequence(value.list->items, value.list->size)) return false;
      out += ']';
      return true;
    case Tag::tuple:
      out += '(';
      if (!sequence(value.list->items, value.list->size)) return false;
      out += value.list->size == 1 ? ",)" : ")";
      return true;
    case Tag::dict:
    case Tag::nameSpace: {
      const Dict* dict = value.is(Tag::dict) ? value.dict : value.nameSpace->attributes;
      out += value.is(Tag::dict) ? "{" : "<Namespace {";
      bool isOpen = std::find(printing_.begin(), printing_.end(), dict) != printing_.end();
      bool tracked = value.is(Tag::nameSpace);
      if (isOpen) {
        out += "...";
      } else {
        if (tracked) printing_.push_back(dict);
        bool ok = entries(*dict);
        if (tracked) printing_.pop_back();
        if (!ok) return false;
      }
      out += value.is(Tag::dict) ? "}" : "}>";
      return true;
    }
    case Tag::dictView: {
      out.append(typeName(value)).append("([");
      for (uint32_t i = 0; i < value.dict->size; ++i) {
        const DictEntry& entry = value.dict->entries[i];
        bool isPair = value.part == static_cast<uint16_t>(DictPart::items);
        if (i > 0) out += ", ";
        if (isPair) out += '(';
        if (value.part != static_cast<uint16_t>(DictPart::values) && !appendRepr(entry.key, out)) return false;
        if (isPair) out += ", ";
        if (value.part != static_cast<uint16_t>(DictPart::keys) && !appendRepr(entry.value, out)) return false;
        if (isPair) out += ')';
      }
      out += "])";
      return true;
    }
    case Tag::range:
      out += "range(";
      appendInteger(value.range->start, out);
      out += ", ";
      appendInteger(value.range->stop, out);
      if (value.range->step != 1) {
        out += ", ";
        appendInteger(value.range->step, out);
      }
      out += ')';
      return true;
    case Tag::macro:
      out += "<Macro ";
      if (value.macro->name.isText()) appendQuoted(value.macro->name.text(), out);
      else out += "anonymous";
      out += '>';
      return true;
    case Tag::loop: {
      int64_t length;
      if (!loopLength(*value.loop, length)) return false;
      out += "<LoopContext ";
      appendInteger(value.loop->index0 + 1, out);
      out += '/';
      appendInteger(length, out);
      out += '>';
      return true;
    }
    default:
      if (value.is(Tag::function) && typeName(value) == "type") {
        auto name = static_cast<FunctionName>(value.part);
        out += name == FunctionName::cycler ? "<class 'jinja2.utils.Cycler'>"
               : name == FunctionName::joiner
                   ? "<class 'jinja2.utils.Joiner'>"
                   : "<class 'transformers.utils.chat_template_utils._cached_compile_jinja_template.<locals>.TemplateNamespace'>";
        return true;
      }
      out += '<';
      if (value.is(Tag::iterator) && value.iterator->function != nullptr) out.append("generator object ").append(value.iterator->function);
      else if (value.is(Tag::method))
        out.append("built-in method ")
            .append(methodText(static_cast<MethodName>(value.method->name)))
            .append(" of ")
            .append(typeName(value.method->self))
            .append(" object");
      else out.append(objectTypeName(value));
      out += " at ";
      appendAddress(value.bytes, out);
      out += '>';
      return true;
  }
}

bool Interpreter::str(const Value& value, Value& out) {
  if (value.isText()) {
    out = value;
    out.flags &= ~kMarkup;
    return true;
  }
  std::string text;
  return appendStr(value, text) && newText(text, out);
}

bool Interpreter::softStr(const Value& value, Value& out) {
  if (!value.isText()) return str(value, out);
  out = value;
  return true;
}

bool Interpreter::escape(const Value& value, Value& out) {
  if (value.isMarkup()) {
    out = value;
    return true;
  }
  Value plain;
  if (!str(value, plain)) return false;
  if (plain.text().find_first_of("&<>'\"") == std::string_view::npos) {
    out = plain;
    out.flags |= kMarkup;
    return true;
  }
  std::string text;
  for (char c : plain.text()) {
    switch (c) {
      case '&': text += "&amp;"; break;
      case '<': text += "&lt;"; break;
      case '>': text += "&gt;"; break;
      case '\'': text += "&#39;"; break;
      case '"': text += "&#34;"; break;
      default: text += c;
    }
  }
  return newText(text, kMarkup | (plain.flags & kAscii), out);
}

std::string reprOf(const Value& value) {
  Program empty;
  Variables none;
  RenderLimits limits;
  Interpreter interpreter(empty, none, limits);
  std::string out;
  bool ok = interpreter.appendRepr(value, out);
  return ok ? out : out + "...";
}

}  // namespace ingot::text
