#include "compiler/import/pickle.h"

#include <algorithm>
#include <unordered_map>

#include "runtime/base/byte_reader.h"

namespace ingot {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kGlobals[] = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch DoubleStorage",
    "torch LongStorage",
    "torch IntStorage",
    "torch BoolStorage",
    "torch ByteStorage",
};

constexpr size_t kMaxArguments = 16;  // they are copied: this bounds time and memory

class Unpickler {
 public:
  explicit Unpickler(std::span<const std::byte> bytes) : in_(bytes) {}

  Result<Pickle> run() {
    while (true) {
      INGOT_ASSIGN(uint8_t opcode, in_.read<uint8_t>());
      if (opcode == '.') break;
      INGOT_TRY(step(opcode));
    }
    INGOT_ASSIGN(pickle_.root, pop());
    return std::move(pickle_);
  }

 private:
  Status step(uint8_t opcode) {
    switch (opcode) {
      case 0x80: return in_.take(1).status();  // PROTO
      case 0x95: return in_.take(8).status();  // FRAME
      case '(': marks_.push_back(stack_.size()); return {};
      case 'N': return push(Kind::none);
      case 0x88: return pushInteger(Kind::boolean, 1);
      case 0x89: return pushInteger(Kind::boolean, 0);
      case 'J': return pushRead<int32_t>();
      case 'K': return pushRead<uint8_t>();
      case 'M': return pushRead<uint16_t>();
      case 0x8a: return pushLong();
      case 'G': return pushReal();
      case 'X': return pushText<uint32_t>();
      case 0x8c: return pushText<uint8_t>();
      case 0x8d: return pushText<uint64_t>();
      case '}': return push(Kind::dict);
      case ']': return push(Kind::list);
      case ')': return push(Kind::tuple);
      case 't': return gather(Kind::tuple);
      case 0x85: return gatherLast(1);
      case 0x86: return gatherLast(2);
      case 0x87: return gatherLast(3);
      case 's': return extend(Kind::dict, 2, false);
      case 'u': return extend(Kind::dict, 2, true);
      case 'a': return extend(Kind::list, 1, false);
      case 'e': return extend(Kind::list, 1, true);
      case 'q': return memoize<uint8_t>();
      case 'r': return memoize<uint32_t>();
      case 0x94: return remember(memo_.size());
      case 'h': return recall<uint8_t>();
      case 'j': return recall<uint32_t>();
      case 'c': return global();
      case 0x93: return stackGlobal();
      case 'Q': return persistent();
      case 'R': return reduce();
      case 'b': return pop().status();  // BUILD: attributes such as _metadata do not matter
      default: break;
    }
    return Status::unsupported("at byte {}: opcode 0x{:02x} is not one that a state dict needs; nothing was run", in_.position() - 1, opcode);
  }

  Status push(Kind kind) {
    stack_.push_back(&pickle_.values.emplace_back(PickleValue{.kind = kind}));
    return {};
  }
  Status pushInteger(Kind kind, int64_t value) {
    INGOT_TRY(push(kind));
    stack_.back()->integer = value;
    return {};
  }
  template <class T>
  Status pushRead() {
    INGOT_ASSIGN(T value, in_.read<T>());
    return pushInteger(Kind::integer, value);
  }
  Status pushLong() {
    INGOT_ASSIGN(uint8_t size, in_.read<uint8_t>());
    INGOT_ASSIGN(auto bytes, in_.take(size));
    if (size > 8) return Status::unsupported("at byte {}: an integer of {} bytes, at most 8 are read", in_.position(), size);
    uint64_t value = size && (std::to_integer<int>(bytes[size - 1u]) & 0x80) ? ~uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), size);
    return pushInteger(Kind::integer, static_cast<int64_t>(value));
  }
  Status pushReal() {
    INGOT_ASSIGN(uint64_t bits, in_.read<uint64_t>());
    bits = __builtin_bswap64(bits);
    INGOT_TRY(push(Kind::real));
    std::memcpy(&stack_.back()->real, &bits, 8);
    return {};
  }
  template <class Size>
  Status pushText() {
    INGOT_ASSIGN(Size size, in_.read<Size>());
    INGOT_ASSIGN(std::string_view text, in_.takeText(size));
    INGOT_TRY(push(Kind::text));
    stack_.back()->text = text;
    return {};
  }

  Result<PickleValue*> pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) return Status::invalidInput("at byte {}: the stack is empty", in_.position());
    PickleValue* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  // The values above the last mark.
  Result<std::vector<PickleValue*>> popMark() {
    if (marks_.empty()) return Status::invalidInput("at byte {}: there is no mark", in_.position());
    std::vector<PickleValue*> values(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return values;
  }

  Status gather(Kind kind) {
    INGOT_ASSIGN(auto values, popMark());
    INGOT_TRY(push(kind));
    stack_.back()->items = std::move(values);
    return {};
  }
  Status gatherLast(size_t count) {
    std::vector<PickleValue*> values(count);
    for (size_t i = count; i-- > 0;) {
      INGOT_ASSIGN(values[i], pop());
    }
    INGOT_TRY(push(Kind::tuple));
    stack_.back()->items = std::move(values);
    return {};
  }

  // Puts values into the list or dict below them.
  Status extend(Kind kind, size_t unit, bool marked) {
    std::vector<PickleValue*> values(unit);
    if (marked) {
      INGOT_ASSIGN(values, popMark());
    } else {
      for (size_t i = unit; i-- > 0;) {
        INGOT_ASSIGN(values[i], pop());
      }
    }
    // An OrderedDict is the call of its class; it takes items as a dict does.
    bool fits = !stack_.empty() && (stack_.back()->kind == kind ||
                                    (kind == Kind::dict && stack_.back()->kind == Kind::call && stack_.back()->text == "collections OrderedDict"));
    if (!fits || values.size() % unit)
      return Status::invalidInput("at byte {}: items without a {}", in_.position(), kind == Kind::dict ? "dict" : "list");
    stack_.back()->kind = kind;
    if (stack_.back()->text == "collections OrderedDict") stack_.back()->text.clear(), stack_.back()->items.clear();
    stack_.back()->items.insert(stack_.back()->items.end(), values.begin(), values.end());
    return {};
  }

  Status remember(uint64_t index) {
    if (stack_.empty()) return Status::invalidInput("at byte {}: nothing to remember", in_.position());
    memo_[index] = stack_.back();
    return {};
  }
  template <class T>
  Status memoize() {
    INGOT_ASSIGN(T index, in_.read<T>());
    return remember(index);
  }
  template <class T>
  Status recall() {
    INGOT_ASSIGN(T index, in_.read<T>());
    auto found = memo_.find(index);
    if (found == memo_.end()) return Status::invalidInput("at byte {}: memo {} was not written", in_.position(), index);
    stack_.push_back(found->second);
    return {};
  }

  Status pushGlobal(std::string name) {
    if (std::find(std::begin(kGlobals), std::end(kGlobals), name) == std::end(kGlobals))
      return Status::unsupported("at byte {}: global \"{}\" is not one that a state dict needs; nothing was run", in_.position(), name);
    INGOT_TRY(push(Kind::global));
    stack_.back()->text = std::move(name);
    return {};
  }
  Result<std::string> line() {
    std::string text;
    while (true) {
      INGOT_ASSIGN(uint8_t c, in_.read<uint8_t>());
      if (c == '\n') return text;
      if (text.size() == 256) return Status::invalidInput("at byte {}: a name longer than 256 bytes", in_.position());
      text += static_cast<char>(c);
    }
  }
  Status global() {
    INGOT_ASSIGN(std::string module, line());
    INGOT_ASSIGN(std::string name, line());
    return pushGlobal(module + " " + name);
  }
  Status stackGlobal() {
    INGOT_ASSIGN(PickleValue * name, pop());
    INGOT_ASSIGN(PickleValue * module, pop());
    return pushGlobal(module->text + " " + name->text);
  }
  Status persistent() {
    INGOT_ASSIGN(PickleValue * id, pop());
    if (id->items.size() > kMaxArguments) return Status::invalidInput("at byte {}: a persistent id of {} parts", in_.position(), id->items.size());
    INGOT_TRY(push(Kind::persistent));
    stack_.back()->items = id->items;
    return {};
  }
  Status reduce() {
    INGOT_ASSIGN(PickleValue * arguments, pop());
    INGOT_ASSIGN(PickleValue * function, pop());
    if (function->kind != Kind::global || arguments->kind != Kind::tuple || arguments->items.size() > kMaxArguments)
      return Status::unsupported("at byte {}: a call that a state dict does not need; nothing was run", in_.position());
    INGOT_TRY(push(Kind::call));
    stack_.back()->text = function->text;
    stack_.back()->items = arguments->items;
    return {};
  }

  ByteReader in_;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, PickleValue*> memo_;
};

}  // namespace

Result<Pickle> readPickle(std::span<const std::byte> bytes) { return Unpickler(bytes).run(); }

}  // namespace ingot
