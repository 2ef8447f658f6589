// The values of templates: Python's, as far as templates can make them. Sixteen bytes; what they point at lies in an Arena.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/text/template/arena.h"

namespace ingot::text {

enum class Tag : uint8_t {
  missing,  // no value yet; never seen by a template
  undefined,
  none,
  boolean,
  integer,
  bigInteger,
  real,
  text,
  list,
  tuple,
  dict,
  dictView,
  range,
  iterator,
  nameSpace,
  macro,
  loop,
  method,
  function,
  cycler,
  joiner,
  block,
  blocks,
};

enum ValueFlags : uint8_t {
  kAscii = 1,   // text known to be ASCII
  kMarkup = 2,  // text that is safe HTML
  kGroup = 4,   // tuple with the attributes `grouper` and `list`
};

struct List;
struct Dict;
struct BigInteger;
struct Undefined;
struct Range;
struct Iterator;
struct Namespace;
struct Macro;
struct Loop;
struct Method;
struct Cycler;
struct Joiner;
struct Block;
enum class DictPart : uint8_t { keys, values, items };

// Trivially copyable; does not own. Immutable but for namespaces, iterators, loops, cyclers and joiners.
struct Value {
  Tag tag = Tag::missing;
  uint8_t flags = 0;
  uint16_t part = 0;    // DictPart of a dictView; which function
  uint32_t length = 0;  // bytes of a text
  union {
    int64_t integer = 0;
    bool boolean;
    double real;
    const char* bytes;  // valid UTF-8, but for lone surrogates, which are three bytes each
    const List* list;
    const Dict* dict;
    const BigInteger* big;
    const Undefined* undefined;
    const Range* range;
    Iterator* iterator;
    Namespace* nameSpace;
    const Macro* macro;
    Loop* loop;
    const Method* method;
    Cycler* cycler;
    Joiner* joiner;
    const Block* block;
  };

  bool is(Tag other) const { return tag == other; }
  bool isText() const { return tag == Tag::text; }
  bool isMarkup() const { return tag == Tag::text && (flags & kMarkup); }
  bool isInteger() const { return tag == Tag::integer || tag == Tag::boolean; }  // as Python counts booleans
  int64_t small() const { return tag == Tag::boolean ? int64_t{boolean} : integer; }
  std::string_view text() const { return {bytes, length}; }
};
static_assert(sizeof(Value) == 16);

struct List {
  uint32_t size;
  Value* items;
};

struct DictEntry {
  Value key, value;
};

// In order of insertion. `index` holds entry numbers + 1 by hash, open addressing; null while small.
struct Dict {
  uint32_t size = 0, capacity = 0;
  DictEntry* entries = nullptr;
  uint32_t* index = nullptr;
  uint32_t mask = 0;
};

enum class UndefinedKind : uint8_t { name, attribute, item, hint, unsafe };

struct Undefined {
  UndefinedKind kind;
  Value name;    // what was looked for; of hint and unsafe: the message
  Value object;  // where
};

struct Range {
  int64_t start, stop, step;
  int64_t size() const {
    if (step > 0) return stop > start ? (stop - start - 1) / step + 1 : 0;
    return start > stop ? (start - stop - 1) / -step + 1 : 0;
  }
};

struct Namespace {
  Dict* attributes;
};

struct Method {
  Value self;
  uint16_t name;  // MethodName
};

struct Cycler {
  const List* items;
  uint32_t position;
};

struct Joiner {
  Value separator;
  bool used;
};

inline Value makeTagged(Tag tag) {
  Value value;
  value.tag = tag;
  return value;
}
inline Value makeNone() { return makeTagged(Tag::none); }
inline Value makeBoolean(bool boolean) {
  Value value = makeTagged(Tag::boolean);
  value.boolean = boolean;
  return value;
}
inline Value makeInteger(int64_t integer) {
  Value value = makeTagged(Tag::integer);
  value.integer = integer;
  return value;
}
inline Value makeReal(double real) {
  Value value = makeTagged(Tag::real);
  value.real = real;
  return value;
}
// Over bytes that outlive the value.
inline Value makeText(std::string_view text, uint8_t flags = 0) {
  Value value = makeTagged(Tag::text);
  value.flags = flags;
  value.length = static_cast<uint32_t>(text.size());
  value.bytes = text.data();
  return value;
}
inline Value makeList(const List* list, Tag tag = Tag::list) {
  Value value = makeTagged(tag);
  value.list = list;
  return value;
}
inline Value makeDict(const Dict* dict) {
  Value value = makeTagged(Tag::dict);
  value.dict = dict;
  return value;
}

bool isAscii(std::string_view text);
// Copies the bytes; null bytes (tag missing) when the arena refuses.
Value copyText(Arena& arena, std::string_view text, uint8_t flags = 0);

// Null when the arena refuses. Items are left unset.
List* newList(Arena& arena, uint64_t size);
Dict* newDict(Arena& arena, uint32_t capacity = 0);

// Whether Python could hash it; else `unhashable` is the value that can't be.
// `work` grows by the nested values that were looked at.
bool isHashable(const Value& value, Value& unhashable, uint64_t* work = nullptr);
// Equality as Python's ==. Data nested too deep, or too big once unfolded, counts as different.
bool equal(const Value& a, const Value& b, uint64_t* work = nullptr);
uint64_t hashOf(const Value& value);

// The key is hashable.
const Value* find(const Dict& dict, const Value& key);
const Value* find(const Dict& dict, std::string_view key);
// Adds or replaces. False when the arena refuses.
bool insert(Arena& arena, Dict& dict, const Value& key, const Value& value);

}  // namespace ingot::text
