#include "runtime/text/template/interpreter.h"

namespace ingot::text {

Interpreter::Interpreter(const Program& program, const Variables& variables, const RenderLimits& limits)
    : program_(program),
      variables_(variables),
      limits_(limits),
      arena_(limits.maxMemoryBytes),
      exports_(program.names.size()),
      context_(program.names.size()) {
  out_.reserve(4096);
}

bool Interpreter::run(std::string& out) {
  Activation* root = activate(0, nullptr);
  if (program_.selfSlot != kNoNode) root->slots[program_.selfSlot] = makeTagged(Tag::blocks);
  enter(program_.rootScope, root);
  if (runBody(program_.root, root) == Flow::failed) return false;
  out = std::move(out_);
  return true;
}

bool Interpreter::fail(const char* kind, std::string message) {
  if (failed_) return false;
  failed_ = true;
  failure_.kind = kind;
  failure_.message = std::move(message);
  return false;
}

bool Interpreter::failLimit(const char* limit, uint64_t maximum) {
  isLimit_ = !failed_ || isLimit_;
  if (std::string_view(limit) == "depth")  // Python's answer to the same template
    return fail("RecursionError", "maximum recursion depth exceeded (depth limit: the render would pass " + std::to_string(maximum) + ")");
  return fail("limit", std::string(limit) + " limit: the render would pass " + std::to_string(maximum));
}

Activation* Interpreter::activate(uint32_t function, Activation* parent) {
  uint32_t count = program_.functions[function].slots;
  auto* slots = static_cast<Value*>(arena_.allocate(uint64_t{count} * sizeof(Value), true));
  for (uint32_t i = 0; i < count; ++i) new (slots + i) Value();
  return arena_.make<Activation>(parent, slots);
}

void Interpreter::enter(uint32_t scope, Activation* activation) {
  const Scope& entered = program_.scopes[scope];
  for (uint32_t i = 0; i < entered.loadCount; ++i) {
    const SlotLoad& load = program_.loads[entered.firstLoad + i];
    Value& slot = activation->slots[load.slot];
    if (load.load == Load::resolve) slot = resolve(load.name);
    else if (load.load == Load::alias) slot = *Interpreter::slot(activation, load.hops, load.fromSlot);
    else slot = {};
  }
}

// What a name means outside of all scopes: set at top level, given by the caller, a global, or missing.
Value Interpreter::resolve(uint32_t name) {
  if (!exports_[name].is(Tag::missing)) return exports_[name];
  Value& known = context_[name];
  if (!known.is(Tag::missing)) return known;
  if (const Value* given = variables_.find(program_.names[name])) return known = *given;
  if (int function = functionNamed(program_.names[name]); function >= 0) {
    known = makeTagged(Tag::function);
    known.part = static_cast<uint16_t>(function);
  }
  return known;
}

Interpreter::Flow Interpreter::runBody(NodeId id, Activation* activation) {
  Deeper deeper(*this);
  if (!deeper.ok()) return Flow::failed;
  const Node& body = program_.nodes[id];
  for (uint32_t i = 0; i < body.b; ++i) {
    const Node& statement = program_.nodes[program_.lists[body.a + i]];
    Flow flow = step() ? runStatement(statement, activation) : Flow::failed;
    if (flow == Flow::failed && failureAt_ == UINT32_MAX) failureAt_ = statement.at;
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::runStatement(const Node& node, Activation* activation) {
  switch (node.kind) {
    case Kind::output: return runOutput(node, activation);
    case Kind::branch: return runBranch(node, activation);
    case Kind::loop: return runLoop(node, activation);
    case Kind::assign:
    case Kind::assignBlock: return runAssign(node, activation);
    case Kind::macro:
    case Kind::callBlock:
    case Kind::generation: return runMacro(node, activation);
    case Kind::filterBlock: return runFilterBlock(node, activation);
    case Kind::with: return runWith(node, activation);
    case Kind::block: return runBlock(node, activation);
    case Kind::autoescape: return runAutoescape(node, activation);
    case Kind::breakLoop: return Flow::breakLoop;
    case Kind::continueLoop: return Flow::continueLoop;
    default: return runLoad(node, activation);
  }
}

Interpreter::Flow Interpreter::emit(const Value& value) {
  bool ok;
  if (value.isText() && !autoescape_) {
    out_.append(value.bytes, value.length);
    ok = true;
  } else if (autoescape_) {
    Value escaped;
    ok = escape(value, escaped);
    if (ok) out_.append(escaped.text());
  } else {
    ok = appendStr(value, out_);
  }
  if (ok && out_.size() > limits_.maxOutputBytes) ok = failLimit("output", limits_.maxOutputBytes);
  return ok ? Flow::next : Flow::failed;
}

Interpreter::Flow Interpreter::runOutput(const Node& node, Activation* activation) {
  for (uint32_t i = 0; i < node.b; ++i) {
    NodeId part = program_.lists[node.a + i];
    const Node& child = program_.nodes[part];
    if (child.kind == Kind::data) {
      out_.append(program_.constants[child.a].text());
      continue;
    }
    Value value;
    if (!eval(part, activation, value) || emit(value) == Flow::failed) return Flow::failed;
  }
  if (out_.size() > limits_.maxOutputBytes) return failLimit("output", limits_.maxOutputBytes) ? Flow::next : Flow::failed;
  return Flow::next;
}

Interpreter::Flow Interpreter::runBranch(const Node& node, Activation* activation) {
  for (uint32_t i = 0; i < node.b; i += 2) {
    NodeId test = program_.lists[node.a + i];
    bool taken = test == kNoNode;
    if (!taken) {
      Value value;
      if (!eval(test, activation, value)) return Flow::failed;
      taken = truth(value);
    }
    if (taken) return runBody(program_.lists[node.a + i + 1], activation);
  }
  return Flow::next;
}

// A break or continue leaves the body, and what it wrote is lost.
Interpreter::Flow Interpreter::capture(NodeId body, Activation* activation, Value& out) {
  size_t start = out_.size();
  Flow flow = runBody(body, activation);
  if (flow == Flow::next && !newText(std::string_view(out_).substr(start), out)) return Flow::failed;
  out_.resize(start);
  return flow;
}

Interpreter::Flow Interpreter::runWith(const Node& node, Activation* activation) {
  enter(node.d, activation);
  for (uint32_t i = 0; i < node.b; i += 2) {
    Value value;
    if (!eval(program_.lists[node.a + i + 1], activation, value)) return Flow::failed;
    if (!assign(program_.lists[node.a + i], value, activation)) return Flow::failed;
  }
  return runBody(node.c, activation);
}

Interpreter::Flow Interpreter::runMacro(const Node& node, Activation* activation) {
  const MacroNode& definition = program_.macros[node.a];
  Value value = makeTagged(Tag::macro);
  value.macro = arena_.make<Macro>(&definition, activation, program_.constants[definition.name]);
  if (node.kind == Kind::macro) return assign(definition.store, value, activation) ? Flow::next : Flow::failed;
  Value text;
  bool ok = node.kind == Kind::generation ? callMacro(*value.macro, {}, text) : evalCall(program_.nodes[node.b], activation, &value, text);
  if (!ok) return Flow::failed;
  // What a call block prints was made by a macro or is any value; it is not escaped again.
  bool escapes = autoescape_;
  autoescape_ = false;
  Flow flow = emit(text);
  autoescape_ = escapes;
  return flow;
}

Interpreter::Flow Interpreter::runFilterBlock(const Node& node, Activation* activation) {
  enter(node.c, activation);
  Value text, filtered;
  if (Flow flow = capture(node.b, activation, text); flow != Flow::next) return flow;
  if (autoescape_) text.flags |= kMarkup;
  if (!evalFilter(program_.nodes[node.a], &text, activation, filtered)) return Flow::failed;
  if (!filtered.isText()) {  // Jinja joins what was written, which takes texts only
    bool ok = fail("TypeError", "sequence item 0: expected str instance, " + std::string(typeName(filtered)) + " found");
    return ok ? Flow::next : Flow::failed;
  }
  out_.append(filtered.text());
  return Flow::next;
}

Interpreter::Flow Interpreter::runBlock(const Node& node, Activation* activation) {
  const BlockNode& block = program_.blocks[node.a];
  if (block.required)
    return fail("TemplateRuntimeError", "Required block '" + program_.names[block.name] + "' not found") ? Flow::next : Flow::failed;
  if (!block.scoped) return renderBlock(block, nullptr) ? Flow::next : Flow::failed;
  std::vector<Value> saved = exports_;
  for (uint32_t i = 0; i < block.visibleCount; ++i) {
    const uint32_t* visible = program_.lists.data() + block.visible + 3 * i;
    const Value& value = *slot(activation, visible[1], visible[2]);
    if (!value.is(Tag::missing)) exports_[visible[0]] = value;
  }
  bool ok = renderBlock(block, nullptr);
  exports_ = std::move(saved);
  return ok ? Flow::next : Flow::failed;
}

// Into the output, or into `out`.
bool Interpreter::renderBlock(const BlockNode& block, Value* out) {
  Activation* activation = activate(block.function, nullptr);
  if (block.selfSlot != kNoNode) activation->slots[block.selfSlot] = makeTagged(Tag::blocks);
  if (block.superSlot != kNoNode)
    makeUndefinedHint("there is no parent block called '" + program_.names[block.name] + "'.", activation->slots[block.superSlot]);
  enter(block.scope, activation);
  if (out == nullptr) return runBody(block.body, activation) != Flow::failed;
  return capture(block.body, activation, *out) != Flow::failed;
}

Interpreter::Flow Interpreter::runLoad(const Node& node, Activation* activation) {
  Value ignored;
  if (!eval(node.a, activation, ignored)) return Flow::failed;
  return failType("no loader for this environment specified") ? Flow::next : Flow::failed;
}

Interpreter::Flow Interpreter::runAutoescape(const Node& node, Activation* activation) {
  Value value;
  if (!eval(node.a, activation, value)) return Flow::failed;
  enter(node.c, activation);
  bool before = autoescape_;
  autoescape_ = truth(value);
  Flow flow = runBody(node.b, activation);
  autoescape_ = before;
  return flow;
}

}  // namespace ingot::text
