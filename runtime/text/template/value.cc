#include "runtime/text/template/value.h"

#include <bit>
#include <cmath>

#include "runtime/text/template/big_integer.h"

namespace ingot::text {
namespace {

constexpr uint32_t kLinear = 8;  // dicts up to this size are searched in order

uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xe7037ed1a0b428dbull);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t hashText(std::string_view text) {
  uint64_t hash = text.size();
  while (text.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    hash = mix(hash, word);
    text.remove_prefix(8);
  }
  uint64_t word = 0;
  std::memcpy(&word, text.data(), text.size());
  return mix(hash, word);
}

uint64_t hashReal(double real) {
  if (real == std::floor(real) && std::fabs(real) < 9.2e18) return mix(1, static_cast<uint64_t>(static_cast<int64_t>(real)));
  return mix(2, std::bit_cast<uint64_t>(real));
}

void index(Dict& dict, uint32_t entry) {
  uint64_t slot = hashOf(dict.entries[entry].key);
  while (dict.index[slot & dict.mask] != 0) ++slot;
  dict.index[slot & dict.mask] = entry + 1;
}

bool grow(Arena& arena, Dict& dict) {
  uint32_t capacity = dict.capacity == 0 ? 4 : dict.capacity * 2;
  auto* entries = static_cast<DictEntry*>(arena.allocate(uint64_t{capacity} * sizeof(DictEntry)));
  if (entries == nullptr) return false;
  if (dict.size > 0) std::memcpy(static_cast<void*>(entries), dict.entries, dict.size * sizeof(DictEntry));
  dict.entries = entries;
  dict.capacity = capacity;
  if (capacity <= kLinear) return true;
  auto* slots = static_cast<uint32_t*>(arena.allocate(uint64_t{capacity} * 2 * sizeof(uint32_t)));
  if (slots == nullptr) return false;
  std::memset(slots, 0, uint64_t{capacity} * 2 * sizeof(uint32_t));
  dict.index = slots;
  dict.mask = capacity * 2 - 1;
  for (uint32_t i = 0; i < dict.size; ++i) index(dict, i);
  return true;
}

// Templates can build data of any depth, and small data that unfolds to a huge tree.
struct Patience {
  uint32_t depth = 500;
  uint64_t steps = 5'000'000;
};

bool equalWithin(const Value& a, const Value& b, Patience& patience);

bool equalLists(const List& a, const List& b, Patience& patience) {
  if (a.size != b.size) return false;
  for (uint32_t i = 0; i < a.size; ++i)
    if (!equalWithin(a.items[i], b.items[i], patience)) return false;
  return true;
}

bool equalDicts(const Dict& a, const Dict& b, Patience& patience) {
  if (a.size != b.size) return false;
  for (uint32_t i = 0; i < a.size; ++i) {
    const Value* other = find(b, a.entries[i].key);
    if (other == nullptr || !equalWithin(a.entries[i].value, *other, patience)) return false;
  }
  return true;
}

bool equalKeys(const Dict& a, const Dict& b) {
  if (a.size != b.size) return false;
  for (uint32_t i = 0; i < a.size; ++i)
    if (find(b, a.entries[i].key) == nullptr) return false;
  return true;
}

bool equalViews(const Value& a, const Value& b, Patience& patience) {
  if (a.part != b.part) return false;
  if (a.part == static_cast<uint16_t>(DictPart::values)) return a.dict == b.dict;
  return a.part == static_cast<uint16_t>(DictPart::items) ? equalDicts(*a.dict, *b.dict, patience) : equalKeys(*a.dict, *b.dict);
}

bool equalRanges(const Range& a, const Range& b) {
  int64_t size = a.size();
  return size == b.size() && (size == 0 || (a.start == b.start && (size == 1 || a.step == b.step)));
}

bool isNumber(const Value& value) { return value.isInteger() || value.is(Tag::bigInteger) || value.is(Tag::real); }

bool equalSameTag(const Value& a, const Value& b, Patience& patience) {
  switch (a.tag) {
    case Tag::missing:
    case Tag::undefined:
    case Tag::none: return true;
    case Tag::list:
    case Tag::tuple: return a.list == b.list || equalLists(*a.list, *b.list, patience);
    case Tag::dict: return a.dict == b.dict || equalDicts(*a.dict, *b.dict, patience);
    case Tag::range: return equalRanges(*a.range, *b.range);
    case Tag::function: return a.part == b.part;
    case Tag::method:
      return a.method->name == b.method->name && a.method->self.tag == b.method->self.tag && a.method->self.bytes == b.method->self.bytes;
    case Tag::dictView: return equalViews(a, b, patience);
    default: return a.bytes == b.bytes;
  }
}

bool equalWithin(const Value& a, const Value& b, Patience& patience) {
  if (a.isText() && b.isText()) return a.text() == b.text();
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b) == NumberOrder::equal;
  if (a.tag != b.tag || patience.depth == 0 || patience.steps == 0) return false;
  --patience.steps;
  --patience.depth;
  bool same = equalSameTag(a, b, patience);
  ++patience.depth;
  return same;
}

bool isHashableWithin(const Value& value, Value& unhashable, Patience& patience) {
  if (value.is(Tag::tuple) && patience.depth > 0 && patience.steps > 0) {
    --patience.steps;
    --patience.depth;
    bool hashable = true;
    for (uint32_t i = 0; i < value.list->size && hashable; ++i) hashable = isHashableWithin(value.list->items[i], unhashable, patience);
    ++patience.depth;
    return hashable;
  }
  bool isKeysOrItems = value.is(Tag::dictView) && value.part != static_cast<uint16_t>(DictPart::values);
  if (!value.is(Tag::list) && !value.is(Tag::dict) && !value.is(Tag::tuple) && !isKeysOrItems) return true;
  unhashable = value;
  return false;
}

uint64_t hashWithin(const Value& value, int depth) {
  switch (value.tag) {
    case Tag::text: return hashText(value.text());
    case Tag::boolean:
    case Tag::integer: return mix(1, static_cast<uint64_t>(value.small()));
    case Tag::real: return hashReal(value.real);
    case Tag::bigInteger: return hashReal(toReal(*value.big));
    case Tag::tuple: {
      uint64_t hash = 3;
      for (uint32_t i = 0; i < value.list->size && depth > 0; ++i) hash = mix(hash, hashWithin(value.list->items[i], depth - 1));
      return hash;
    }
    case Tag::range: return static_cast<uint64_t>(value.range->size());
    default: return mix(4, static_cast<uint64_t>(value.tag));
  }
}

template <class Match>
const Value* findBy(const Dict& dict, uint64_t slot, Match match) {
  if (dict.index == nullptr) {
    for (uint32_t i = 0; i < dict.size; ++i)
      if (match(dict.entries[i].key)) return &dict.entries[i].value;
    return nullptr;
  }
  for (;; ++slot) {
    uint32_t entry = dict.index[slot & dict.mask];
    if (entry == 0) return nullptr;
    if (match(dict.entries[entry - 1].key)) return &dict.entries[entry - 1].value;
  }
}

}  // namespace

bool isAscii(std::string_view text) {
  while (text.size() >= 8) {
    uint64_t word;
    std::memcpy(&word, text.data(), 8);
    if (word & 0x8080808080808080ull) return false;
    text.remove_prefix(8);
  }
  for (char c : text)
    if (c & 0x80) return false;
  return true;
}

Value copyText(Arena& arena, std::string_view text, uint8_t flags) {
  if (text.empty()) return makeText("", flags | kAscii);
  auto* bytes = static_cast<char*>(text.size() > UINT32_MAX ? nullptr : arena.allocate(text.size()));
  if (bytes == nullptr) return {};
  std::memcpy(bytes, text.data(), text.size());
  arena.noteText(bytes + text.size());
  return makeText({bytes, text.size()}, flags);
}

List* newList(Arena& arena, uint64_t size) {
  if (size > UINT32_MAX) return nullptr;
  void* memory = arena.allocate(sizeof(List) + size * sizeof(Value));
  if (memory == nullptr) return nullptr;
  return new (memory) List{static_cast<uint32_t>(size), reinterpret_cast<Value*>(static_cast<char*>(memory) + sizeof(List))};
}

Dict* newDict(Arena& arena, uint32_t capacity) {
  auto* dict = arena.make<Dict>();
  if (capacity == 0 || capacity > kLinear) return dict;
  dict->capacity = capacity <= 4 ? 4 : kLinear;
  dict->entries = static_cast<DictEntry*>(arena.allocate(dict->capacity * sizeof(DictEntry)));
  return dict;
}

bool isHashable(const Value& value, Value& unhashable, uint64_t* work) {
  Patience patience;
  bool hashable = isHashableWithin(value, unhashable, patience);
  if (work != nullptr) *work += Patience().steps - patience.steps;
  return hashable;
}

bool equal(const Value& a, const Value& b, uint64_t* work) {
  Patience patience;
  bool same = equalWithin(a, b, patience);
  if (work != nullptr) *work += Patience().steps - patience.steps;
  return same;
}

uint64_t hashOf(const Value& value) { return hashWithin(value, 4); }

const Value* find(const Dict& dict, const Value& key) {
  if (key.isText()) return find(dict, key.text());
  return findBy(dict, dict.index == nullptr ? 0 : hashOf(key), [&](const Value& other) { return equal(other, key); });
}

const Value* find(const Dict& dict, std::string_view key) {
  return findBy(dict, dict.index == nullptr ? 0 : hashText(key), [&](const Value& other) { return other.isText() && other.text() == key; });
}

bool insert(Arena& arena, Dict& dict, const Value& key, const Value& value) {
  if (const Value* found = find(dict, key)) {
    *const_cast<Value*>(found) = value;
    return true;
  }
  if (dict.size == dict.capacity && !grow(arena, dict)) return false;
  dict.entries[dict.size++] = {key, value};
  if (dict.index != nullptr) index(dict, dict.size - 1);
  return true;
}

}  // namespace ingot::text
