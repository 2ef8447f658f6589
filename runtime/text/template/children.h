// Visits what lies directly below a node, in Jinja's order of fields.
#pragma once

#include "runtime/text/template/program.h"

namespace ingot::text {

template <class Visit>
void forEachArgument(const Program& program, uint32_t arguments, Visit visit) {
  if (arguments == kNoNode) return;
  const Arguments& found = program.arguments[arguments];
  for (uint32_t i = 0; i < found.positionalCount; ++i) visit(program.lists[found.positional + i]);
  for (uint32_t i = 0; i < found.namedCount; ++i) visit(program.lists[found.named + 2 * i + 1]);
  if (found.starred != kNoNode) visit(found.starred);
  if (found.doubleStarred != kNoNode) visit(found.doubleStarred);
}

template <class Visit>
void forEachMacroPart(const Program& program, const MacroNode& macro, Visit visit) {
  const uint32_t* parameters = program.lists.data() + macro.parameters;
  for (uint32_t i = 0; i < macro.parameterCount; ++i) visit(parameters[2 * i + 1]);
  for (uint32_t i = 0; i < macro.defaultCount; ++i) visit(parameters[2 * macro.parameterCount + i]);
  visit(macro.body);
}

template <class Visit>
void forEachChild(const Program& program, const Node& node, Visit visit) {
  auto maybe = [&](NodeId id) {
    if (id != kNoNode) visit(id);
  };
  auto list = [&](uint32_t step, uint32_t first, uint32_t count, uint32_t start) {
    for (uint32_t i = start; i < count; i += step) maybe(program.lists[first + i]);
  };
  switch (node.kind) {
    case Kind::constant:
    case Kind::data:
    case Kind::name:
    case Kind::storeName:
    case Kind::storeAttribute:
    case Kind::breakLoop:
    case Kind::continueLoop: return;
    case Kind::tuple:
    case Kind::list:
    case Kind::dict:
    case Kind::concat:
    case Kind::storeTuple:
    case Kind::output:
    case Kind::body:
    case Kind::branch: return list(1, node.a, node.b, 0);
    case Kind::binary:
    case Kind::logicalAnd:
    case Kind::logicalOr:
    case Kind::item:
    case Kind::assign: return visit(node.a), visit(node.b);
    case Kind::unary:
    case Kind::logicalNot:
    case Kind::attribute:
    case Kind::load: return visit(node.a);
    case Kind::compare: return visit(node.a), list(2, node.b, node.c, 1);
    case Kind::slice:
    case Kind::condition: return maybe(node.a), maybe(node.b), maybe(node.c);
    case Kind::filter:
    case Kind::test:
    case Kind::call: return maybe(node.a), forEachArgument(program, node.c, visit);
    case Kind::loop: {
      const LoopNode& loop = program.loops[node.a];
      return visit(loop.target), visit(loop.iterable), visit(loop.body), maybe(loop.elseBody), maybe(loop.test);
    }
    case Kind::macro:
    case Kind::callBlock:
    case Kind::generation: return maybe(node.b), forEachMacroPart(program, program.macros[node.a], visit);
    case Kind::filterBlock: return visit(node.b), visit(node.a);
    case Kind::with: return list(2, node.a, node.b, 0), list(2, node.a, node.b, 1), visit(node.c);
    case Kind::assignBlock: return visit(node.a), maybe(node.b), visit(node.c);
    case Kind::autoescape: return visit(node.a), visit(node.b);
    case Kind::block: return visit(program.blocks[node.a].body);
  }
}

}  // namespace ingot::text
