// The part of Interpreter that calls global functions: range, dict, namespace and their kin.
#include <algorithm>

#include "runtime/text/template/clock.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {

static bool makeRange(Interpreter& self, const CallArguments& arguments, Value& out) {
  if (arguments.namedCount > 0)
    return self.failType("safe_range() got an unexpected keyword argument " + quotePython(arguments.named[0].name.text()));
  if (arguments.count == 0) return self.failType("range expected at least 1 argument, got 0");
  if (arguments.count > 3) return self.failType("range expected at most 3 arguments, got " + std::to_string(arguments.count));
  int64_t bounds[3];
  for (uint32_t i = 0; i < arguments.count; ++i) {
    const Value& value = arguments.positional[i];
    if (value.is(Tag::undefined)) return self.failType("'Undefined' object cannot be interpreted as an integer");
    if (!self.asIndex(value, bounds[i])) return false;
    bounds[i] = std::clamp(bounds[i], INT64_MIN / 4, INT64_MAX / 4);
  }
  Range range{arguments.count == 1 ? 0 : bounds[0], arguments.count == 1 ? bounds[0] : bounds[1], arguments.count == 3 ? bounds[2] : 1};
  if (range.step == 0) return self.fail("ValueError", "range() arg 3 must not be zero");
  if (range.size() > 100000) return self.fail("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
  out = makeTagged(Tag::range);
  out.range = self.arena().make<Range>(range);
  return true;
}

// dict(mapping or pairs, **named)
static bool makeDictOf(Interpreter& self, const CallArguments& arguments, Dict*& out) {
  if (arguments.count > 1) return self.failType("dict expected at most 1 argument, got " + std::to_string(arguments.count));
  out = newDict(self.arena(), arguments.namedCount);
  if (arguments.count == 1) {
    const Value& given = arguments.positional[0];
    if (given.is(Tag::dict)) {
      for (uint32_t i = 0; i < given.dict->size; ++i)
        if (!self.put(*out, given.dict->entries[i].key, given.dict->entries[i].value)) return false;
    } else {
      std::vector<Value> pairs;
      if (!self.collect(given, pairs)) return false;
      for (size_t i = 0; i < pairs.size(); ++i) {
        std::vector<Value> pair;
        if (!self.isIterable(pairs[i]))
          return self.failType("cannot convert dictionary update sequence element #" + std::to_string(i) + " to a sequence");
        if (!self.collect(pairs[i], pair)) return false;
        if (pair.size() != 2)
          return self.fail("ValueError", "dictionary update sequence element #" + std::to_string(i) + " has length " + std::to_string(pair.size()) +
                                             "; 2 is required");
        if (!self.put(*out, pair[0], pair[1])) return false;
      }
    }
  }
  for (uint32_t i = 0; i < arguments.namedCount; ++i)
    if (!self.put(*out, arguments.named[i].name, arguments.named[i].value)) return false;
  return true;
}

static bool makeNamespace(Interpreter& self, const CallArguments& arguments, Value& out) {
  Dict* attributes;
  if (!makeDictOf(self, arguments, attributes)) return false;
  for (uint32_t i = 0; i < attributes->size; ++i) {
    const Value& key = attributes->entries[i].key;
    if (key.isText() && key.text().starts_with('_'))
      return self.fail("SecurityError", "Chat templates cannot store underscore-prefixed attributes on a namespace, but got " +
                                            quotePython(key.text()) + ". Please rename the attribute.");
  }
  out = makeTagged(Tag::nameSpace);
  out.nameSpace = self.arena().make<Namespace>(attributes);
  return true;
}

bool Interpreter::callFunction(FunctionName name, const CallArguments& arguments, Value& out) {
  Value bound[2];
  switch (name) {
    case FunctionName::range: return makeRange(*this, arguments, out);
    case FunctionName::nameSpace: return makeNamespace(*this, arguments, out);
    case FunctionName::dict: {
      Dict* dict;
      if (!makeDictOf(*this, arguments, dict)) return false;
      out = makeDict(dict);
      return true;
    }
    case FunctionName::dictFromKeys: {
      std::vector<Value> keys;
      if (!checkCount("fromkeys", arguments, 1, 2) || !collect(arguments.positional[0], keys)) return false;
      Dict* dict = newDict(arena_);
      for (const Value& key : keys)
        if (!put(*dict, key, arguments.count == 2 ? arguments.positional[1] : makeNone())) return false;
      out = makeDict(dict);
      return true;
    }
    case FunctionName::cycler: {
      if (arguments.namedCount > 0)
        return failType("Cycler.__init__() got an unexpected keyword argument " + quotePython(arguments.named[0].name.text()));
      if (arguments.count == 0) return fail("RuntimeError", "at least one item has to be provided");
      Value items;
      if (!newListOf({arguments.positional, arguments.positional + arguments.count}, items)) return false;
      out = makeTagged(Tag::cycler);
      out.cycler = arena_.make<Cycler>(items.list, 0u);
      return true;
    }
    case FunctionName::joiner:
      if (!bind({"Joiner.__init__", 0, 1, 1, {"sep"}}, arguments, bound)) return false;
      out = makeTagged(Tag::joiner);
      out.joiner = arena_.make<Joiner>(bound[0].is(Tag::missing) ? makeText(", ", kAscii) : bound[0], false);
      return true;
    case FunctionName::raiseException: {
      if (!bind({"_cached_compile_jinja_template.<locals>.raise_exception", 1, 0, 1, {"message"}}, arguments, bound)) return false;
      std::string message;
      return appendStr(bound[0], message) && fail("TemplateError", std::move(message));
    }
    case FunctionName::strftimeNow: {
      if (!bind({"_cached_compile_jinja_template.<locals>.strftime_now", 1, 0, 1, {"format"}}, arguments, bound)) return false;
      if (!bound[0].isText()) return failType("strftime() argument 1 must be str, not " + std::string(typeName(bound[0])));
      std::string text;
      return formatTime(bound[0].text(), limits_.clock, text) ? newText(text, out) : fail("ValueError", "Invalid format string");
    }
    case FunctionName::lipsum: return fail("unsupported", "lipsum() is not offered: its text is random");
  }
  return fail("internal", "unknown function");
}

}  // namespace ingot::text
