// A compiled template: nodes in one array that point at each other by number. Written by Parser and Resolver.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "runtime/text/template/value.h"

namespace ingot::text {

using NodeId = uint32_t;
constexpr NodeId kNoNode = UINT32_MAX;

enum class Kind : uint8_t {
  // Expressions
  constant,  // a: constant
  data,      // a: constant; text outside of tags
  name,      // a: name; b: functions outward; c: slot (by Resolver)
  tuple,     // a: first of list; b: count
  list,      // a, b as tuple
  dict,      // a, b: keys and values by turns
  binary,    // op; a; b
  unary,     // op; a
  logicalAnd,
  logicalOr,   // a; b
  logicalNot,  // a
  compare,     // a: first operand; b: first of list (operator, operand by turns); c: count of the list
  concat,      // a, b as tuple
  attribute,   // a; b: constant
  item,        // a; b
  slice,       // a, b, c: start, stop, step or kNoNode; only below item
  filter,      // a: operand, kNoNode in a filter block; b: constant, its name; c: arguments
  test,        // as filter
  call,        // a; c: arguments
  condition,   // a: test; b; c or kNoNode
  // Targets
  storeName,       // as name
  storeTuple,      // as tuple, of targets
  storeAttribute,  // a: the namespace, a name node; b: constant
  // Statements
  output,       // a, b: expressions
  loop,         // a: Loop
  branch,       // a: first of list (test, body by turns; a test of kNoNode is else); b: count
  macro,        // a: Macro
  callBlock,    // a: Macro; b: call
  generation,   // a: Macro
  filterBlock,  // a: filter; b: body; c: scope
  with,         // a: first of list (target, value by turns); b: count; c: body; d: scope
  assign,       // a: target; b: value
  assignBlock,  // a: target; b: filter or kNoNode; c: body; d: scope
  block,        // a: Block
  autoescape,   // a: value; b: body; c: scope
  breakLoop,
  continueLoop,
  load,  // extends, include, import: there is nothing to load from; a: template expression; b: 1 when missing ones are ignored
  body,  // a, b: statements
};

enum class Operator : uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floorDivide,
  modulo,
  power,
  negate,
  plus,
  equal,
  notEqual,
  less,
  lessEqual,
  greater,
  greaterEqual,
  in,
  notIn,
};

struct Node {
  Kind kind;
  uint8_t op = 0;
  uint16_t known = 0;  // of filter and test: its number + 1; of attribute: MethodName + 1; of storeName: 1 at top level
  uint32_t at = 0;     // byte of the source
  uint32_t a = kNoNode, b = kNoNode, c = kNoNode, d = kNoNode;
};

struct Arguments {
  uint32_t positional, positionalCount;  // list of nodes
  uint32_t named, namedCount;            // list of (constant, node)
  NodeId starred = kNoNode, doubleStarred = kNoNode;
};

// What a scope does to its slots when it is entered.
enum class Load : uint8_t { parameter, resolve, alias, undefined };
struct SlotLoad {
  Load load;
  uint32_t slot;
  uint32_t name;            // of resolve
  uint32_t hops, fromSlot;  // of alias
};
struct Scope {
  uint32_t firstLoad = 0, loadCount = 0;
};

struct LoopNode {
  NodeId target, iterable, test, body, elseBody;
  bool recursive = false, extended = false;
  uint32_t loopSlot = 0;
  uint32_t scope = 0, elseScope = 0, testScope = 0;
  NodeId testTarget = kNoNode;
  uint32_t function = 0, testFunction = 0;  // of their own when recursive, when there is a test
};

struct MacroNode {
  uint32_t name;                                      // constant, none of a call block
  uint32_t parameters, parameterCount, defaultCount;  // list of (constant, storeName), then the defaults
  NodeId body;
  uint32_t scope = 0, function = 0;
  uint32_t callerSlot = kNoNode, kwargsSlot = kNoNode, varargsSlot = kNoNode;
  bool explicitCaller = false, top = false;
  NodeId store = kNoNode;  // storeName of the macro
};

struct BlockNode {
  uint32_t name;
  NodeId body;
  bool scoped = false, required = false;
  uint32_t scope = 0, function = 0;
  uint32_t selfSlot = kNoNode, superSlot = kNoNode;
  uint32_t visible = 0, visibleCount = 0;  // scoped: list of (name, hops, slot)
};

struct Function {
  uint32_t slots = 0;
};

// Immutable once compiled, thread-safe.
struct Program {
  std::string name, source;  // newlines made one
  Arena arena;               // constants
  std::vector<Node> nodes;
  std::vector<uint32_t> lists;
  std::vector<Value> constants;
  std::deque<std::string> names;  // constants point into it
  std::vector<Arguments> arguments;
  std::vector<LoopNode> loops;
  std::vector<MacroNode> macros;
  std::vector<BlockNode> blocks;
  std::vector<Scope> scopes;
  std::vector<SlotLoad> loads;
  std::vector<Function> functions;
  NodeId root = kNoNode;
  uint32_t rootScope = 0, selfSlot = kNoNode;
};

struct Position {
  uint32_t line, column;  // from 1; columns count code points
};
Position positionOf(const Program& program, uint32_t at);

}  // namespace ingot::text
