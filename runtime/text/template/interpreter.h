// Runs a Program over variables, as Jinja's sandbox would. One object renders once.
//
// Functions that can fail return false and leave the reason in failure_; Python's name of the exception comes with it.
#pragma once

#include <string>
#include <vector>

#include "runtime/text/template/builtins.h"
#include "runtime/text/template/program.h"
#include "runtime/text/template/template.h"

namespace ingot::text {

struct NamedValue {
  Value name, value;
};

struct CallArguments {
  const Value* positional = nullptr;
  uint32_t count = 0;
  const NamedValue* named = nullptr;
  uint32_t namedCount = 0;
};

// A function as Python would declare it, for binding and for its messages.
struct Signature {
  const char* name;
  uint8_t required;  // how many of `parameters` have no default
  uint8_t hidden;    // positional parameters that templates don't see
  uint8_t count;
  const char* parameters[6];
};

struct Activation {
  Activation* parent;
  Value* slots;
};

struct Iterator {
  // Sets `done`, or gives the next item.
  using Next = bool (*)(class Interpreter&, Iterator&, Value& item, bool& done);
  Next next;
  const char* type;      // as Python calls it: generator, list_iterator, ...
  const char* function;  // of a generator
  Value source = {};
  Iterator* inner = nullptr;
  uint64_t index = 0, end = 0;
  Value first = {}, second = {};
  CallArguments call = {};
  Activation* activation = nullptr;
  const LoopNode* loop = nullptr;
  bool flag = false;
};

struct Loop {
  Value iterable;
  Iterator* iterator;  // null while `list` serves
  const List* list;
  uint32_t position = 0;
  int64_t index0 = -1, length = -1, depth0 = 0;
  Value current = {}, before = {}, after = {}, lastChanged = {};
  const LoopNode* recurse = nullptr;
  Activation* outer = nullptr;
};

struct Macro {
  const MacroNode* node;
  Activation* activation;
  Value name;
};

struct Block {
  const BlockNode* node;
};

class Interpreter {
 public:
  Interpreter(const Program& program, const Variables& variables, const RenderLimits& limits);

  // The text, or false with failure().
  bool run(std::string& out);
  const RenderError& failure() const { return failure_; }
  uint32_t failureAt() const { return failureAt_; }
  bool isLimit() const { return isLimit_; }

 private:
  enum class Flow { next, breakLoop, continueLoop, failed };
  class Deeper;
  friend class FormatSpec;

 public:  // for iterators and tables of functions of the same folder
  [[nodiscard]] bool fail(const char* kind, std::string message);
  [[nodiscard]] bool failType(std::string message) { return fail("TypeError", std::move(message)); }
  [[nodiscard]] bool failLimit(const char* limit, uint64_t maximum);
  [[nodiscard]] bool failUndefined(const Value& value);
  [[nodiscard]] bool step(uint64_t count = 1) {
    steps_ += count;
    if (steps_ <= limits_.maxSteps && !arena_.exhausted()) [[likely]]
      return true;
    return arena_.exhausted() ? failLimit("memory", limits_.maxMemoryBytes) : failLimit("steps", limits_.maxSteps);
  }
  Arena& arena() { return arena_; }
  // Equality and hashability, whose work counts as steps.
  [[nodiscard]] bool same(const Value& a, const Value& b, bool& out) {
    uint64_t work = 0;
    out = equal(a, b, &work);
    return work == 0 || step(work);
  }
  bool hashable(const Value& key, Value& unhashable, uint32_t entries = 0) {
    if (!key.is(Tag::tuple)) return isHashable(key, unhashable);
    uint64_t work = 0;
    bool hashable = isHashable(key, unhashable, &work);
    steps_ += work * (1 + entries / 4);  // the next step() complains
    return hashable;
  }

  // Making values; false when memory is spent.
  [[nodiscard]] bool newText(std::string_view text, uint8_t flags, Value& out);
  [[nodiscard]] bool newText(std::string_view text, Value& out) { return newText(text, isAscii(text) ? kAscii : 0, out); }
  [[nodiscard]] bool concatenate(const Value& left, const Value& right, uint8_t flags, Value& out);
  [[nodiscard]] bool allocateList(uint64_t size, List*& out);
  [[nodiscard]] bool newListOf(const std::vector<Value>& items, Value& out, Tag tag = Tag::list);
  [[nodiscard]] bool put(Dict& dict, const Value& key, const Value& value);
  bool makeUndefined(UndefinedKind kind, const Value& name, const Value& object, Value& out);
  bool makeUndefinedHint(std::string_view hint, Value& out);

  // What values are
  bool truth(const Value& value);
  std::string_view typeName(const Value& value);
  std::string objectTypeName(const Value& value);
  std::string undefinedMessage(const Value& value);
  // len(): false, without failing, when the value has none.
  bool lengthOf(const Value& value, int64_t& length);

  // As text (printing.cc)
  [[nodiscard]] bool appendStr(const Value& value, std::string& out);
  [[nodiscard]] bool appendRepr(const Value& value, std::string& out);
  [[nodiscard]] bool str(const Value& value, Value& out);      // str(); markup becomes plain
  [[nodiscard]] bool softStr(const Value& value, Value& out);  // a text as it is, else str()
  [[nodiscard]] bool escape(const Value& value, Value& out);   // markupsafe.escape
  [[nodiscard]] bool checkGrowth(const std::string& text);

  // Operators (operators.cc)
  [[nodiscard]] bool binary(Operator op, const Value& left, const Value& right, Value& out);
  [[nodiscard]] bool unary(Operator op, const Value& operand, Value& out);
  [[nodiscard]] bool compare(Operator op, const Value& left, const Value& right, bool& out);
  [[nodiscard]] bool contains(const Value& container, const Value& item, bool& out);
  [[nodiscard]] bool order(const Value& left, const Value& right, const char* symbol, int& out, bool& unordered);

  // Attributes and items (attributes.cc)
  [[nodiscard]] bool attribute(const Value& object, const Value& name, int method, Value& out);
  [[nodiscard]] bool item(const Value& object, const Value& key, int method, Value& out);
  [[nodiscard]] bool sliceOf(const Value& object, const Value& start, const Value& stop, const Value& step, Value& out);
  bool findAttribute(const Value& object, std::string_view name, int method, Value& out, bool& failed);
  bool findItem(const Value& object, const Value& key, Value& out, bool& failed);
  [[nodiscard]] bool characterAt(const Value& text, int64_t index, Value& out, bool& found);

  // Iteration (iteration.cc)
  [[nodiscard]] bool iterate(const Value& value, Iterator*& out);
  bool isIterable(const Value& value);
  [[nodiscard]] bool collect(const Value& value, std::vector<Value>& out);
  [[nodiscard]] bool reversed(const Value& value, Value& out);
  [[nodiscard]] bool loopLength(Loop& loop, int64_t& out);
  [[nodiscard]] bool loopPeek(Loop& loop, bool& done);
  [[nodiscard]] bool loopNext(Loop& loop, Value& item, bool& done);
  [[nodiscard]] bool testLoopItem(const LoopNode& loop, Activation* activation, const Value& item, bool& passes);
  Iterator* newIterator(Iterator::Next next, const char* type, const Value& source);
  Value iteratorValue(Iterator* iterator);

  // Calls (calls.cc, methods.cc, text_methods.cc)
  [[nodiscard]] bool call(const Value& callee, const CallArguments& arguments, Value& out);
  [[nodiscard]] bool bind(const Signature& signature, const CallArguments& arguments, Value* bound);
  [[nodiscard]] bool callMethod(const Method& method, const CallArguments& arguments, Value& out);
  [[nodiscard]] bool callTextMethod(const Value& self, MethodName name, const CallArguments& arguments, Value& out);
  [[nodiscard]] bool callFunction(FunctionName name, const CallArguments& arguments, Value& out);
  [[nodiscard]] bool callMacro(const Macro& macro, const CallArguments& arguments, Value& out);
  [[nodiscard]] bool callFilter(FilterName name, const Value& operand, const CallArguments& arguments, Value& out);
  [[nodiscard]] bool callTest(TestName name, const Value& operand, const CallArguments& arguments, bool& out);
  [[nodiscard]] bool callNamed(const Value& name, bool isFilter, const Value& operand, const CallArguments& arguments, Value& out);
  // Arguments as a C function of Python takes them: positions only.
  [[nodiscard]] bool checkCount(std::string_view name, const CallArguments& arguments, uint32_t minimum, uint32_t maximum);
  [[nodiscard]] bool asIndex(const Value& value, int64_t& out);

  // Formatting (percent_format.cc, brace_format.cc)
  [[nodiscard]] bool formatPercent(const Value& format, const Value& operand, Value& out);
  [[nodiscard]] bool formatBraces(const Value& format, const CallArguments& arguments, Value& out);
  [[nodiscard]] bool formatValue(const Value& value, std::string_view spec, std::string& out);

  // JSON (json_write.cc)
  [[nodiscard]] bool toJson(const Value& value, const CallArguments& arguments, Value& out);

  // For filters
  [[nodiscard]] bool attributePath(const Value& path, std::vector<Value>& parts);
  [[nodiscard]] bool followPath(const std::vector<Value>& parts, const Value& item, const Value& fallback, Value& out);
  [[nodiscard]] bool sortValues(std::vector<Value>& items, const std::vector<Value>& keys, bool reverse);
  bool autoescape() const { return autoescape_; }
  const RenderLimits& limits() const { return limits_; }

 private:
  // Statements (interpreter.cc)
  Flow runBody(NodeId id, Activation* activation);
  Flow runStatement(const Node& node, Activation* activation);
  Flow runOutput(const Node& node, Activation* activation);
  Flow runBranch(const Node& node, Activation* activation);
  Flow runLoop(const Node& node, Activation* activation);
  Flow iterateLoop(const LoopNode& node, Loop& loop, Activation* activation);
  Flow runWith(const Node& node, Activation* activation);
  Flow runMacro(const Node& node, Activation* activation);
  Flow runFilterBlock(const Node& node, Activation* activation);
  Flow runAssign(const Node& node, Activation* activation);
  Flow runBlock(const Node& node, Activation* activation);
  Flow runLoad(const Node& node, Activation* activation);
  Flow runAutoescape(const Node& node, Activation* activation);
  Flow emit(const Value& value);
  [[nodiscard]] Flow capture(NodeId body, Activation* activation, Value& out);
  [[nodiscard]] bool renderBlock(const BlockNode& block, Value* out);
  [[nodiscard]] bool renderLoop(const LoopNode& node, const Value& iterable, int64_t depth0, Activation* outer, Value& out);
  [[nodiscard]] bool assign(NodeId target, const Value& value, Activation* activation);
  [[nodiscard]] bool unpack(const Node& target, const Value& value, Activation* activation);
  void enter(uint32_t scope, Activation* activation);
  Activation* activate(uint32_t function, Activation* parent);
  Value resolve(uint32_t name);
  static Value* slot(Activation* activation, uint32_t hops, uint32_t slot) {
    for (; hops > 0; --hops) activation = activation->parent;
    return &activation->slots[slot];
  }

  // Expressions (expressions.cc)
  [[nodiscard]] bool eval(NodeId id, Activation* activation, Value& out);
  [[nodiscard]] bool evalNode(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalName(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalSequence(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalDict(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalCompare(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalConcat(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalItem(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalFilter(const Node& node, const Value* captured, Activation* activation, Value& out);
  [[nodiscard]] bool evalTest(const Node& node, Activation* activation, Value& out);
  [[nodiscard]] bool evalCall(const Node& node, Activation* activation, const Value* caller, Value& out);
  [[nodiscard]] bool evalArguments(uint32_t arguments, Activation* activation, const Value* caller, CallArguments& out);
  [[nodiscard]] bool addDynamic(const Arguments& arguments, Activation* activation, std::vector<Value>& positional, std::vector<NamedValue>& named);
  [[nodiscard]] bool evalCondition(const Node& node, Activation* activation, Value& out);

  const Program& program_;
  const Variables& variables_;
  const RenderLimits& limits_;
  Arena arena_;
  std::string out_;
  std::vector<Value> exports_;  // top-level names set so far, by name
  std::vector<Value> context_;  // variables and globals looked up so far, by name
  std::vector<const Dict*> printing_;
  uint64_t steps_ = 0;
  uint32_t depth_ = 0;
  bool autoescape_ = false;
  RenderError failure_;
  uint32_t failureAt_ = UINT32_MAX;
  bool failed_ = false, isLimit_ = false;
};

class Interpreter::Deeper {
 public:
  explicit Deeper(Interpreter& interpreter) : interpreter_(interpreter) { ++interpreter_.depth_; }
  ~Deeper() { --interpreter_.depth_; }
  Deeper(const Deeper&) = delete;
  [[nodiscard]] bool ok() {
    return interpreter_.depth_ <= interpreter_.limits_.maxDepth || interpreter_.failLimit("depth", interpreter_.limits_.maxDepth);
  }

 private:
  Interpreter& interpreter_;
};

}  // namespace ingot::text
