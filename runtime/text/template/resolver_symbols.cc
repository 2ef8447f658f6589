// The part of Resolver that finds the names of one frame and decides what each holds when the frame is entered.
#include <algorithm>

#include "runtime/text/template/children.h"
#include "runtime/text/template/resolver.h"

namespace ingot::text {

Resolver::Symbols* Resolver::newSymbols(Symbols* parent, uint32_t function) {
  symbols_.push_back({parent, parent == nullptr ? 0 : parent->level + 1, function, {}, {}});
  return &symbols_.back();
}

uint32_t Resolver::newFunction(uint32_t parent) {
  functionParents_.push_back(parent);
  functionDepths_.push_back(parent == kNoNode ? 0 : functionDepths_[parent] + 1);
  functionSlots_.emplace_back();
  program_.functions.emplace_back();
  return static_cast<uint32_t>(program_.functions.size() - 1);
}

// Null when no frame around knows the name. Valid until the next call.
const Resolver::Reference* Resolver::findReference(const Symbols* symbols, uint32_t name) {
  for (; symbols != nullptr; symbols = symbols->parent) {
    auto found = symbols->names.find(name);
    if (found == symbols->names.end() || !found->second.hasSlot) continue;
    found_ = {symbols->function, found->second.slot};
    return &found_;
  }
  return nullptr;
}

Resolver::Symbol& Resolver::edit(Symbols& symbols, uint32_t name) {
  auto [at, isNew] = symbols.names.try_emplace(name);
  if (isNew) symbols.order.push_back(name);
  if (!journals_.empty()) journals_.back()->try_emplace(name, at->second);
  return at->second;
}

void Resolver::define(Symbols& symbols, uint32_t name, Load load, Reference from) {
  auto& slots = functionSlots_[symbols.function];
  auto [slot, isNew] = slots.try_emplace(uint64_t{symbols.level} << 32 | name, static_cast<uint32_t>(slots.size()));
  if (isNew) ++program_.functions[symbols.function].slots;
  Symbol& symbol = edit(symbols, name);
  symbol.slot = slot->second;
  symbol.hasSlot = symbol.hasLoad = true;
  symbol.load = load;
  symbol.ownerFunction = from.function;
  symbol.ownerSlot = from.slot;
}

void Resolver::store(Symbols& symbols, uint32_t name) {
  bool hasSlot = edit(symbols, name).hasSlot;
  edit(symbols, name).isStored = true;
  if (hasSlot) return;
  const Reference* outer = symbols.parent == nullptr ? nullptr : findReference(symbols.parent, name);
  if (outer != nullptr) define(symbols, name, Load::alias, *outer);
  else define(symbols, name, Load::undefined);
}

void Resolver::load(Symbols& symbols, uint32_t name) {
  if (findReference(&symbols, name) == nullptr) define(symbols, name, Load::resolve);
}

uint32_t Resolver::declareParameter(Symbols& symbols, uint32_t name) {
  edit(symbols, name).isStored = true;
  define(symbols, name, Load::parameter);
  return edit(symbols, name).slot;
}

uint32_t Resolver::writeScope(const Symbols& symbols) {
  Scope scope{static_cast<uint32_t>(program_.loads.size()), 0};
  for (uint32_t name : symbols.order) {
    const Symbol& symbol = symbols.names.at(name);
    if (!symbol.hasLoad || symbol.load == Load::parameter) continue;
    uint32_t hops = symbol.load == Load::alias ? functionDepths_[symbols.function] - functionDepths_[symbol.ownerFunction] : 0;
    program_.loads.push_back({symbol.load, symbol.slot, name, hops, symbol.ownerSlot});
  }
  scope.loadCount = static_cast<uint32_t>(program_.loads.size()) - scope.firstLoad;
  program_.scopes.push_back(scope);
  return static_cast<uint32_t>(program_.scopes.size() - 1);
}

void Resolver::collect(Symbols& symbols, NodeId id, Mode mode) {
  if (id == kNoNode) return;
  const Node& node = program_.nodes[id];
  switch (node.kind) {
    case Kind::name: return load(symbols, node.a);
    case Kind::storeName:
      if (mode == Mode::parameters) declareParameter(symbols, node.a);
      else store(symbols, node.a);
      return;
    case Kind::storeAttribute: return load(symbols, program_.nodes[node.a].a);
    case Kind::branch: return collectBranch(symbols, node);
    case Kind::macro: return store(symbols, program_.nodes[program_.macros[node.a].store].a);
    case Kind::assign: collect(symbols, node.b); return collect(symbols, node.a);
    case Kind::loop: return collect(symbols, program_.loops[node.a].iterable);
    case Kind::callBlock: return collect(symbols, node.b);
    case Kind::filterBlock: return collect(symbols, node.a);
    case Kind::assignBlock: return collect(symbols, node.a);
    case Kind::autoescape: return collect(symbols, node.a);
    case Kind::with:
      for (uint32_t i = 1; i < node.b; i += 2) collect(symbols, program_.lists[node.a + i]);
      return;
    case Kind::generation:
    case Kind::block: return;
    default: return forEachChild(program_, node, [&](NodeId child) { collect(symbols, child, mode); });
  }
}

void Resolver::collectMacro(Symbols& symbols, const MacroNode& macro) {
  for (uint32_t i = 0; i < macro.parameterCount; ++i) declareParameter(symbols, program_.nodes[program_.lists[macro.parameters + 2 * i + 1]].a);
  for (uint32_t i = 0; i < macro.defaultCount; ++i) collect(symbols, program_.lists[macro.parameters + 2 * macro.parameterCount + i]);
  collect(symbols, macro.body);
}

// Each branch is collected from the same start; then what any of them stores is looked up when the frame is entered.
// The elifs are one branch together, as in Jinja, and their ifs nest in it.
void Resolver::collectBranch(Symbols& symbols, const Node& node) {
  const uint32_t* list = program_.lists.data() + node.a;
  uint32_t first = node.a, count = node.b;
  collect(symbols, list[0]);
  bool hasElse = program_.lists[first + count - 2] == kNoNode;
  uint32_t elifEnd = hasElse ? count - 2 : count;
  std::vector<Changes> branches(3);
  auto collectOne = [&](Changes& changes, auto body) {
    Changes before;
    journals_.push_back(&before);
    body();
    journals_.pop_back();
    for (auto& [name, old] : before) {
      changes[name] = symbols.names[name];
      symbols.names[name] = old;
    }
  };
  collectOne(branches[0], [&] { collect(symbols, program_.lists[first + 1]); });
  collectOne(branches[1], [&] {
    for (uint32_t i = 2; i < elifEnd; i += 2) {
      collect(symbols, program_.lists[first + i]);
      std::vector<Changes> inner(1);
      collectOne(inner[0], [&] { collect(symbols, program_.lists[first + i + 1]); });
      mergeBranches(symbols, inner);
    }
  });
  collectOne(branches[2], [&] {
    if (hasElse) collect(symbols, program_.lists[first + count - 1]);
  });
  mergeBranches(symbols, branches);
}

void Resolver::mergeBranches(Symbols& symbols, const std::vector<Changes>& branches) {
  std::vector<uint32_t> stored;
  for (const Changes& changes : branches)
    for (const auto& [name, symbol] : changes)
      if (symbol.isStored && !edit(symbols, name).isStored && std::find(stored.begin(), stored.end(), name) == stored.end()) stored.push_back(name);
  for (const Changes& changes : branches)
    for (const auto& [name, symbol] : changes) {
      Symbol& merged = edit(symbols, name);
      bool isStored = merged.isStored || symbol.isStored;
      if (symbol.hasSlot) merged = symbol;
      merged.isStored = isStored;
    }
  for (uint32_t name : stored) {
    const Reference* outer = symbols.parent == nullptr ? nullptr : findReference(symbols.parent, name);
    if (outer != nullptr) define(symbols, name, Load::alias, *outer);
    else define(symbols, name, Load::resolve);
  }
}

}  // namespace ingot::text
