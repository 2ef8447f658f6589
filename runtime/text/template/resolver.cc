#include "runtime/text/template/resolver.h"

#include <algorithm>

#include "runtime/text/template/builtins.h"
#include "runtime/text/template/children.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {

bool Resolver::run() {
  uint32_t root = newFunction(kNoNode);
  Symbols* symbols = newSymbols(nullptr, root);
  std::vector<uint32_t> names{nameId("self")}, found;
  findUndeclared(program_.root, names, found);
  if (!found.empty()) program_.selfSlot = declareParameter(*symbols, found[0]);
  collect(*symbols, program_.root);
  program_.rootScope = writeScope(*symbols);
  visit(program_.root, {.symbols = symbols, .top = true});
  for (size_t i = 0; i < program_.blocks.size() && !failed_; ++i) visitBlock(program_.blocks[i]);
  return !failed_;
}

void Resolver::fail(std::string message, uint32_t at) {
  if (!failed_) error_ = {std::move(message), at};
  failed_ = true;
}

uint32_t Resolver::nameId(std::string_view name) {
  auto found = std::find(program_.names.begin(), program_.names.end(), name);
  auto index = static_cast<uint32_t>(found - program_.names.begin());
  if (found == program_.names.end()) program_.names.emplace_back(name);
  return index;
}

void Resolver::visit(NodeId id, const Frame& frame) {
  if (failed_ || id == kNoNode) return;
  Node& node = program_.nodes[id];
  switch (node.kind) {
    case Kind::name: return visitName(node, frame);
    case Kind::storeName:
    case Kind::storeTuple:
    case Kind::storeAttribute: return visitTarget(id, frame, false);
    case Kind::filter:
    case Kind::test: checkKnown(node, frame); return visitChildren(program_.nodes[id], frame);
    case Kind::attribute: node.known = static_cast<uint16_t>(methodNamed(program_.constants[node.b].text()) + 1); return visit(node.a, frame);
    case Kind::item:
      if (const Node& index = program_.nodes[node.b]; index.kind == Kind::constant && program_.constants[index.a].isText())
        node.known = static_cast<uint16_t>(methodNamed(program_.constants[index.a].text()) + 1);
      return visitChildren(node, frame);
    case Kind::condition:
    case Kind::branch: {
      Frame soft = frame;
      soft.soft = true;
      return visitChildren(node, soft);
    }
    case Kind::loop: return visitLoop(node, frame);
    case Kind::macro:
    case Kind::callBlock:
    case Kind::generation: return visitMacro(id, frame);
    case Kind::assign: visitTarget(node.a, frame, true); return visit(program_.nodes[id].b, frame);
    case Kind::assignBlock: {
      NodeId target = node.a;
      visitInner(node, node.c, node.b, frame);
      return visitTarget(target, frame, true);
    }
    case Kind::breakLoop:
      if (!frame.inLoop) fail("'break' outside loop", node.at);
      return;
    case Kind::continueLoop:
      if (!frame.inLoop) fail("'continue' not properly in loop", node.at);
      return;
    case Kind::filterBlock: return visitInner(node, node.b, node.a, frame);
    case Kind::autoescape: visit(node.a, frame); return visitInner(program_.nodes[id], program_.nodes[id].b, kNoNode, frame);
    case Kind::with: return visitWith(node, frame);
    case Kind::block:
      if (program_.blocks[node.a].scoped) noteVisible(program_.blocks[node.a], frame);
      return;
    default: return visitChildren(node, frame);
  }
}

void Resolver::visitChildren(const Node& node, const Frame& frame) {
  Node copy = node;  // visits may add nodes
  forEachChild(program_, copy, [&](NodeId child) { visit(child, frame); });
}

void Resolver::visitName(Node& node, const Frame& frame) {
  const Reference* reference = findReference(frame.symbols, node.a);
  if (reference == nullptr) return fail("Tried to resolve a name to a reference that was unknown to the frame", node.at);
  node.b = functionDepths_[frame.symbols->function] - functionDepths_[reference->function];
  node.c = reference->slot;
}

void Resolver::visitTarget(NodeId id, const Frame& frame, bool isAssign) {
  if (failed_) return;
  Node& node = program_.nodes[id];
  if (node.kind == Kind::storeName) {
    visitName(node, frame);
    program_.nodes[id].known = isAssign && frame.top;
  } else if (node.kind == Kind::storeAttribute) {
    visitName(program_.nodes[node.a], frame);
  } else {
    for (uint32_t i = 0; i < node.b; ++i) visitTarget(program_.lists[program_.nodes[id].a + i], frame, isAssign);
  }
}

void Resolver::checkKnown(Node& node, const Frame& frame) {
  bool isFilter = node.kind == Kind::filter;
  std::string_view name = program_.constants[node.b].text();
  int known = isFilter ? filterNamed(name) : testNamed(name);
  node.known = static_cast<uint16_t>(known + 1);
  if (known < 0 && !frame.soft) fail(std::string("No ") + (isFilter ? "filter" : "test") + " named " + quotePython(name) + ".", node.at);
}

NodeId Resolver::cloneTarget(NodeId id) {
  Node copy = program_.nodes[id];
  if (copy.kind == Kind::storeTuple) {
    std::vector<uint32_t> items;
    for (uint32_t i = 0; i < copy.b; ++i) items.push_back(cloneTarget(program_.lists[copy.a + i]));
    copy.a = static_cast<uint32_t>(program_.lists.size());
    program_.lists.insert(program_.lists.end(), items.begin(), items.end());
  }
  program_.nodes.push_back(copy);
  return static_cast<NodeId>(program_.nodes.size() - 1);
}

void Resolver::visitLoop(Node& node, const Frame& frame) {
  uint32_t loopIndex = node.a, at = node.at;
  LoopNode loop = program_.loops[loopIndex];
  loop.function = loop.recursive ? newFunction(frame.symbols->function) : frame.symbols->function;
  Symbols* body = newSymbols(frame.symbols, loop.function);
  Symbols* otherwise = newSymbols(frame.symbols, loop.function);
  uint32_t loopName = nameId("loop");
  std::vector<uint32_t> names{loopName}, found;
  findUndeclared(loop.body, names, found);
  loop.extended = loop.recursive || !found.empty() || contains(loop.body, Kind::block, true);
  if (loop.extended) loop.loopSlot = declareParameter(*body, loopName);
  collect(*body, loop.target, Mode::parameters);
  collect(*body, loop.body);
  if (loop.elseBody != kNoNode) collect(*otherwise, loop.elseBody);
  if (loop.test != kNoNode) {
    Symbols* test = newSymbols(frame.symbols, loop.function);
    test->level += 1 << 20;  // slots of its own
    collect(*test, loop.target, Mode::parameters);
    collect(*test, loop.test);
    loop.testScope = writeScope(*test);
    loop.testTarget = cloneTarget(loop.target);
    visitTarget(loop.testTarget, {.symbols = test}, false);
    visit(loop.test, {.symbols = test});
  }
  uint32_t where = at;
  if (storesLoop(loop.target, where) || storesLoop(loop.body, where) || (loop.elseBody != kNoNode && storesLoop(loop.elseBody, where)))
    fail("Can't assign to special loop variable in for-loop target", where);
  loop.scope = writeScope(*body);
  loop.elseScope = writeScope(*otherwise);
  visitTarget(loop.target, {.symbols = body}, false);
  visit(loop.iterable, frame);
  visit(loop.body, {.symbols = body, .inLoop = true});
  if (loop.elseBody != kNoNode) visit(loop.elseBody, {.symbols = otherwise, .inLoop = frame.inLoop && !loop.recursive});
  program_.loops[loopIndex] = loop;
}

void Resolver::visitMacro(NodeId id, const Frame& frame) {
  Node node = program_.nodes[id];
  uint32_t index = node.a;
  MacroNode macro = program_.macros[index];
  macro.function = newFunction(frame.symbols->function);
  macro.top = frame.top;
  Symbols* symbols = newSymbols(frame.symbols, macro.function);
  collectMacro(*symbols, macro);
  uint32_t caller = nameId("caller"), kwargs = nameId("kwargs"), varargs = nameId("varargs");
  std::vector<uint32_t> names{caller, kwargs, varargs}, found;
  findUndeclared(macro.body, names, found);
  auto isFound = [&](uint32_t name) { return std::find(found.begin(), found.end(), name) != found.end(); };
  auto parameterAt = [&](uint32_t name) {
    for (uint32_t i = 0; i < macro.parameterCount; ++i)
      if (program_.nodes[program_.lists[macro.parameters + 2 * i + 1]].a == name) return i;
    return kNoNode;
  };
  uint32_t explicitCaller = parameterAt(caller);
  macro.explicitCaller = explicitCaller != kNoNode;
  if (isFound(caller)) {
    if (macro.explicitCaller && explicitCaller + macro.defaultCount < macro.parameterCount)
      return fail("When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.", node.at);
    if (!macro.explicitCaller) macro.callerSlot = declareParameter(*symbols, caller);
  }
  if (isFound(kwargs) && parameterAt(kwargs) == kNoNode) macro.kwargsSlot = declareParameter(*symbols, kwargs);
  if (isFound(varargs) && parameterAt(varargs) == kNoNode) macro.varargsSlot = declareParameter(*symbols, varargs);
  collectMacro(*symbols, macro);
  macro.scope = writeScope(*symbols);
  program_.macros[index] = macro;
  forEachMacroPart(program_, macro, [&](NodeId part) { visit(part, {.symbols = symbols}); });
  if (macro.store != kNoNode) visitTarget(macro.store, frame, true);
  if (node.kind == Kind::callBlock) visit(node.b, frame);
}

void Resolver::visitBlock(BlockNode& block) {
  block.function = newFunction(kNoNode);
  Symbols* symbols = newSymbols(nullptr, block.function);
  std::vector<uint32_t> names{nameId("self"), nameId("super")}, found;
  findUndeclared(block.body, names, found);
  for (uint32_t name : found) (program_.names[name] == "self" ? block.selfSlot : block.superSlot) = declareParameter(*symbols, name);
  collect(*symbols, block.body);
  block.scope = writeScope(*symbols);
  visit(block.body, {.symbols = symbols});
}

void Resolver::noteVisible(BlockNode& block, const Frame& frame) {
  std::vector<uint32_t> visible;
  for (const Symbols* symbols = frame.symbols; symbols != nullptr; symbols = symbols->parent)
    for (const auto& [name, symbol] : symbols->names) {
      if (!symbol.isStored) continue;
      const Reference* reference = findReference(frame.symbols, name);
      visible.insert(visible.end(), {name, functionDepths_[frame.symbols->function] - functionDepths_[reference->function], reference->slot});
    }
  block.visible = static_cast<uint32_t>(program_.lists.size());
  block.visibleCount = static_cast<uint32_t>(visible.size() / 3);
  program_.lists.insert(program_.lists.end(), visible.begin(), visible.end());
}

void Resolver::visitWith(Node& node, const Frame& frame) {
  Node copy = node;
  NodeId id = static_cast<NodeId>(&node - program_.nodes.data());
  Symbols* symbols = newSymbols(frame.symbols, frame.symbols->function);
  for (uint32_t i = 0; i < copy.b; i += 2) collect(*symbols, program_.lists[copy.a + i], Mode::parameters);
  collect(*symbols, copy.c);
  uint32_t scope = writeScope(*symbols);
  for (uint32_t i = 0; i < copy.b; i += 2) {
    visitTarget(program_.lists[copy.a + i], {.symbols = symbols}, false);
    visit(program_.lists[copy.a + i + 1], frame);
  }
  visit(copy.c, {.symbols = symbols, .inLoop = frame.inLoop});
  program_.nodes[id].d = scope;
}

// The bodies of filter blocks, set blocks and autoescape: a frame in the same function.
void Resolver::visitInner(Node& node, NodeId body, NodeId filter, const Frame& frame) {
  NodeId id = static_cast<NodeId>(&node - program_.nodes.data());
  Kind kind = node.kind;
  Symbols* symbols = newSymbols(frame.symbols, frame.symbols->function);
  collect(*symbols, body);
  if (filter != kNoNode) collect(*symbols, filter);
  uint32_t scope = writeScope(*symbols);
  visit(body, {.symbols = symbols, .inLoop = frame.inLoop});
  if (filter != kNoNode) visit(filter, {.symbols = symbols});
  (kind == Kind::assignBlock ? program_.nodes[id].d : program_.nodes[id].c) = scope;
}

void Resolver::findUndeclared(NodeId id, std::vector<uint32_t>& names, std::vector<uint32_t>& found) {
  const Node& node = program_.nodes[id];
  if (node.kind == Kind::block) return;
  if (node.kind == Kind::name || node.kind == Kind::storeName) {
    auto at = std::find(names.begin(), names.end(), node.a);
    if (at == names.end()) return;
    if (node.kind == Kind::storeName) names.erase(at);
    else if (std::find(found.begin(), found.end(), node.a) == found.end()) found.push_back(node.a);
    return;
  }
  forEachChild(program_, node, [&](NodeId child) { findUndeclared(child, names, found); });
}

bool Resolver::contains(NodeId id, Kind kind, bool scopedOnly) {
  const Node& node = program_.nodes[id];
  if (node.kind == kind && (!scopedOnly || program_.blocks[node.a].scoped)) return true;
  bool found = false;
  forEachChild(program_, node, [&](NodeId child) { found = found || contains(child, kind, scopedOnly); });
  return found;
}

// Parameters of macros and targets of with don't count.
bool Resolver::storesLoop(NodeId id, uint32_t& at) {
  const Node& node = program_.nodes[id];
  if (node.kind == Kind::storeName) {
    if (program_.names[node.a] != "loop") return false;
    at = node.at;
    return true;
  }
  bool isMacro = node.kind == Kind::macro || node.kind == Kind::callBlock || node.kind == Kind::generation;
  if (isMacro) return storesLoop(program_.macros[node.a].body, at);
  if (node.kind == Kind::with) return storesLoop(node.c, at);
  bool found = false;
  forEachChild(program_, node, [&](NodeId child) { found = found || storesLoop(child, at); });
  return found;
}

}  // namespace ingot::text
