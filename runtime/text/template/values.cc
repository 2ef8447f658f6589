// The part of Interpreter that makes values and says what they are.
#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {

bool Interpreter::newText(std::string_view text, uint8_t flags, Value& out) {
  out = copyText(arena_, text, flags);
  return !out.is(Tag::missing) || failLimit("memory", limits_.maxMemoryBytes);
}

// Lengthens `left` in place when it is the newest text, so that building a text piece by piece costs no copies.
bool Interpreter::concatenate(const Value& left, const Value& right, uint8_t flags, Value& out) {
  flags |= left.flags & right.flags & kAscii;
  uint64_t size = uint64_t{left.length} + right.length;
  if (right.length == 0 || left.length == 0) {
    out = right.length == 0 ? left : right;
    out.flags = flags;
    return true;
  }
  const char* end = left.bytes + left.length;
  if (size <= UINT32_MAX && arena_.extend(end, right.length)) {
    std::memmove(const_cast<char*>(end), right.bytes, right.length);
    out = makeText({left.bytes, size}, flags);
    return true;
  }
  auto* bytes = static_cast<char*>(size > UINT32_MAX ? nullptr : arena_.allocate(size));
  if (bytes == nullptr) return failLimit("memory", limits_.maxMemoryBytes);
  std::memcpy(bytes, left.bytes, left.length);
  std::memcpy(bytes + left.length, right.bytes, right.length);
  arena_.noteText(bytes + size);
  out = makeText({bytes, size}, flags);
  return true;
}

bool Interpreter::allocateList(uint64_t size, List*& out) {
  out = newList(arena_, size);
  return out != nullptr || failLimit("memory", limits_.maxMemoryBytes);
}

bool Interpreter::newListOf(const std::vector<Value>& items, Value& out, Tag tag) {
  List* list;
  if (!allocateList(items.size(), list)) return false;
  std::copy(items.begin(), items.end(), list->items);
  out = makeList(list, tag);
  return true;
}

bool Interpreter::put(Dict& dict, const Value& key, const Value& value) {
  Value unhashable;
  if (!hashable(key, unhashable, dict.size)) return failType("unhashable type: '" + std::string(typeName(unhashable)) + "'");
  return insert(arena_, dict, key, value) || failLimit("memory", limits_.maxMemoryBytes);
}

bool Interpreter::makeUndefined(UndefinedKind kind, const Value& name, const Value& object, Value& out) {
  out = makeTagged(Tag::undefined);
  out.undefined = arena_.make<Undefined>(kind, name, object);
  return true;
}

bool Interpreter::makeUndefinedHint(std::string_view hint, Value& out) {
  Value text;
  return newText(hint, text) && makeUndefined(UndefinedKind::hint, text, {}, out);
}

std::string Interpreter::undefinedMessage(const Value& value) {
  const Undefined& undefined = *value.undefined;
  switch (undefined.kind) {
    case UndefinedKind::hint: return std::string(undefined.name.text());
    case UndefinedKind::unsafe:
      return "access to attribute " + quotePython(undefined.name.text()) + " of " + quotePython(typeName(undefined.object)) + " object is unsafe.";
    case UndefinedKind::name: return quotePython(undefined.name.text()) + " is undefined";
    default: break;
  }
  std::string name;
  bool ok = appendRepr(undefined.name, name);
  (void)ok;
  if (!undefined.name.isText()) return objectTypeName(undefined.object) + " has no element " + name;
  return quotePython(objectTypeName(undefined.object)) + " has no attribute " + name;
}

bool Interpreter::failUndefined(const Value& value) {
  return fail(value.undefined->kind == UndefinedKind::unsafe ? "SecurityError" : "UndefinedError", undefinedMessage(value));
}

bool Interpreter::truth(const Value& value) {
  switch (value.tag) {
    case Tag::missing:
    case Tag::undefined:
    case Tag::none: return false;
    case Tag::boolean: return value.boolean;
    case Tag::integer: return value.integer != 0;
    case Tag::real: return value.real != 0;
    case Tag::text: return value.length != 0;
    case Tag::list:
    case Tag::tuple: return value.list->size != 0;
    case Tag::dict:
    case Tag::dictView: return value.dict->size != 0;
    case Tag::range: return value.range->size() != 0;
    case Tag::loop: {
      int64_t length = 0;
      return loopLength(*value.loop, length) && length != 0;
    }
    default: return true;
  }
}

bool Interpreter::lengthOf(const Value& value, int64_t& length) {
  switch (value.tag) {
    case Tag::undefined: length = 0; return true;
    case Tag::text: length = static_cast<int64_t>(value.flags & kAscii ? value.length : countPoints(value.text())); return true;
    case Tag::list:
    case Tag::tuple: length = value.list->size; return true;
    case Tag::dict:
    case Tag::dictView: length = value.dict->size; return true;
    case Tag::range: length = value.range->size(); return true;
    case Tag::loop: return loopLength(*value.loop, length);
    default: return false;
  }
}

std::string_view Interpreter::typeName(const Value& value) {
  switch (value.tag) {
    case Tag::missing: return "MissingType";
    case Tag::undefined: return "Undefined";
    case Tag::none: return "NoneType";
    case Tag::boolean: return "bool";
    case Tag::integer:
    case Tag::bigInteger: return "int";
    case Tag::real: return "float";
    case Tag::text: return value.flags & kMarkup ? "Markup" : "str";
    case Tag::list: return "list";
    case Tag::tuple: return value.flags & kGroup ? "_GroupTuple" : "tuple";
    case Tag::dict: return "dict";
    case Tag::dictView: return value.part == 0 ? "dict_keys" : value.part == 1 ? "dict_values" : "dict_items";
    case Tag::range: return "range";
    case Tag::iterator: return value.iterator->type;
    case Tag::nameSpace: return "TemplateNamespace";
    case Tag::macro: return "Macro";
    case Tag::loop: return "LoopContext";
    case Tag::method: {
      bool isPython = value.method->self.is(Tag::loop) || value.method->self.is(Tag::cycler) || value.method->self.isMarkup();
      bool isFormat = value.method->self.isText() && (value.method->name == static_cast<uint16_t>(MethodName::format) ||
                                                      value.method->name == static_cast<uint16_t>(MethodName::format_map));
      return isFormat ? "function" : isPython ? "method" : "builtin_function_or_method";
    }
    case Tag::function: {
      auto name = static_cast<FunctionName>(value.part);
      if (name == FunctionName::dict) return "TemplateDict";
      return name == FunctionName::cycler || name == FunctionName::joiner || name == FunctionName::nameSpace ? "type" : "function";
    }
    case Tag::cycler: return "Cycler";
    case Tag::joiner: return "Joiner";
    case Tag::block: return "BlockReference";
    case Tag::blocks: return "TemplateReference";
  }
  return "object";
}

// As Jinja names an object in a message: with its module when that isn't Python's own.
std::string Interpreter::objectTypeName(const Value& value) {
  const char* module = "";
  switch (value.tag) {
    case Tag::none: return "None";
    case Tag::text: module = value.flags & kMarkup ? "markupsafe." : ""; break;
    case Tag::tuple: module = value.flags & kGroup ? "jinja2.filters." : ""; break;
    case Tag::nameSpace: module = "transformers.utils.chat_template_utils."; break;
    case Tag::macro:
    case Tag::loop:
    case Tag::block:
    case Tag::blocks: module = "jinja2.runtime."; break;
    case Tag::cycler:
    case Tag::joiner: module = "jinja2.utils."; break;
    default: break;
  }
  return module + std::string(typeName(value)) + " object";
}

}  // namespace ingot::text
