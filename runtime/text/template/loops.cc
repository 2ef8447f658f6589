// The part of Interpreter that runs loops.
#include "runtime/text/template/interpreter.h"

namespace ingot::text {

Interpreter::Flow Interpreter::runLoop(const Node& node, Activation* activation) {
  const LoopNode& loop = program_.loops[node.a];
  Value iterable;
  if (!eval(loop.iterable, activation, iterable)) return Flow::failed;
  if (loop.recursive) {
    Value text;
    if (!renderLoop(loop, iterable, 0, activation, text)) return Flow::failed;
    return emit(text);
  }
  Loop local{.iterable = iterable, .iterator = nullptr, .list = nullptr};
  Loop* context = loop.extended ? arena_.make<Loop>(local) : &local;
  return iterateLoop(loop, *context, activation);
}

bool Interpreter::renderLoop(const LoopNode& node, const Value& iterable, int64_t depth0, Activation* outer, Value& out) {
  Activation* activation = activate(node.function, outer);
  auto* loop =
      arena_.make<Loop>(Loop{.iterable = iterable, .iterator = nullptr, .list = nullptr, .depth0 = depth0, .recurse = &node, .outer = outer});
  size_t start = out_.size();
  if (iterateLoop(node, *loop, activation) == Flow::failed) return false;
  bool ok = newText(std::string_view(out_).substr(start), autoescape_ ? kMarkup : 0, out);
  out_.resize(start);
  return ok;
}

// Jinja's else runs unless the body has once come to its end.
Interpreter::Flow Interpreter::iterateLoop(const LoopNode& node, Loop& loop, Activation* activation) {
  bool isList = (loop.iterable.is(Tag::list) || loop.iterable.is(Tag::tuple)) && node.test == kNoNode;
  if (isList) loop.list = loop.iterable.list;
  else if (!iterate(loop.iterable, loop.iterator)) return Flow::failed;
  if (node.test != kNoNode) {
    enter(node.testScope, activation);
    Iterator* tested = newIterator(nullptr, "generator", loop.iterable);
    tested->inner = loop.iterator;
    tested->activation = activation;
    tested->loop = &node;
    tested->next = [](Interpreter& self, Iterator& at, Value& item, bool& done) {
      for (bool passes = false; !passes;) {
        if (!self.step() || !at.inner->next(self, *at.inner, item, done)) return false;
        if (done) return true;
        if (!self.testLoopItem(*at.loop, at.activation, item, passes)) return false;
      }
      return true;
    };
    loop.iterator = tested;
    loop.iterable = iteratorValue(tested);
  }
  if (node.extended) {
    Value& slot = activation->slots[node.loopSlot];
    slot = makeTagged(Tag::loop);
    slot.loop = &loop;
  }
  bool hasFinished = false;
  for (;;) {
    Value item;
    bool done = false;
    if (!step() || !loopNext(loop, item, done)) return Flow::failed;
    if (done) break;
    if (!assign(node.target, item, activation)) return Flow::failed;
    enter(node.scope, activation);
    Flow flow = runBody(node.body, activation);
    if (flow == Flow::failed) return flow;
    if (flow == Flow::breakLoop) break;
    hasFinished |= flow == Flow::next;
  }
  if (hasFinished || node.elseBody == kNoNode) return Flow::next;
  enter(node.elseScope, activation);
  return runBody(node.elseBody, activation);
}

bool Interpreter::testLoopItem(const LoopNode& loop, Activation* activation, const Value& item, bool& passes) {
  Value result;
  if (!assign(loop.testTarget, item, activation) || !eval(loop.test, activation, result)) return false;
  passes = truth(result);
  return true;
}

}  // namespace ingot::text
