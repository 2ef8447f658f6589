// Template::contentFormat: does the template loop over the parts of a message's content? The rules are vLLM's for
// chat_template_content_format=auto: names that stand for `messages` are followed through assignments and namespaces, then
// names of messages through loops, then loops over `content` of those, also inside macros that are given it.
#include <algorithm>

#include "runtime/text/template/children.h"
#include "runtime/text/template/template.h"

namespace ingot::text {
namespace {

class FormatFinder {
 public:
  explicit FormatFinder(const Program& program) : program_(program) {}

  ContentFormat run() {
    walk(program_.root, false);
    std::vector<std::string> lists = namesOf("messages"), messages;
    for (const LoopNode* loop : loops_) {
      bool overMessages = std::any_of(lists.begin(), lists.end(), [&](const std::string& name) { return reads(loop->iterable, name, {}); });
      if (!overMessages) continue;
      // A loop with several targets is more than the rules expect: they give up, and the format is string.
      if (node(loop->target).kind != Kind::storeName) return ContentFormat::string;
      messages.push_back(program_.names[node(loop->target).a]);
    }
    return loopsOverContent(messages) ? ContentFormat::openai : ContentFormat::string;
  }

 private:
  const Node& node(NodeId id) const { return program_.nodes[id]; }

  void walk(NodeId id, bool inMacro) {
    const Node& at = node(id);
    switch (at.kind) {
      case Kind::loop:
        loops_.push_back(&program_.loops[at.a]);
        loopInMacro_.push_back(inMacro);
        break;
      case Kind::assign: assigns_.push_back(id); break;
      case Kind::call: calls_.push_back(id); break;
      case Kind::macro:
        macros_.push_back(&program_.macros[at.a]);
        inMacro = true;
        break;
      default: break;
    }
    forEachChild(program_, at, [&](NodeId child) { walk(child, inMacro); });
  }

  // `name`, or `base.attribute` as a dotted name.
  bool isName(NodeId id, std::string_view name) const {
    const Node& at = node(id);
    if (at.kind == Kind::name) return program_.names[at.a] == name;
    size_t dot = name.rfind('.');
    if (at.kind != Kind::attribute || dot == std::string_view::npos) return false;
    return program_.constants[at.b].text() == name.substr(dot + 1) && isName(at.a, name.substr(0, dot));
  }

  // The name, or its item or attribute `key`, maybe sliced, filtered or tested.
  bool reads(NodeId id, std::string_view name, std::string_view key) const {
    const Node& at = node(id);
    if (at.kind == Kind::filter) return at.a != kNoNode && reads(at.a, name, key);
    if (at.kind == Kind::test) return reads(at.a, name, key);
    if (at.kind == Kind::item && node(at.b).kind == Kind::slice) return reads(at.a, name, key);
    if (key.empty()) return isName(id, name);
    if (at.kind == Kind::attribute) return isName(at.a, name) && program_.constants[at.b].text() == key;
    if (at.kind != Kind::item || node(at.b).kind != Kind::constant) return false;
    const Value& index = program_.constants[node(at.b).a];
    return isName(at.a, name) && index.isText() && index.text() == key;
  }

  void addAliases(NodeId assign, const std::string& name, std::vector<std::string>& found) const {
    const Node& target = node(node(assign).a);
    NodeId value = node(assign).b;
    auto add = [&](std::string alias) {
      if (std::find(found.begin(), found.end(), alias) == found.end()) found.push_back(std::move(alias));
    };
    if (target.kind == Kind::storeName && reads(value, name, {})) add(program_.names[target.a]);
    if (target.kind == Kind::storeAttribute && reads(value, name, {}))
      add(program_.names[node(target.a).a] + "." + std::string(program_.constants[target.b].text()));
    const Node& call = node(value);
    bool isNamespace =
        target.kind == Kind::storeName && call.kind == Kind::call && node(call.a).kind == Kind::name && program_.names[node(call.a).a] == "namespace";
    if (!isNamespace) return;
    const Arguments& arguments = program_.arguments[call.c];
    for (uint32_t i = 0; i < arguments.namedCount; ++i) {
      const uint32_t* named = program_.lists.data() + arguments.named + 2 * i;
      if (reads(named[1], name, {})) add(program_.names[target.a] + "." + std::string(program_.constants[named[0]].text()));
    }
  }

  // All names that hold `name` or a part of it.
  std::vector<std::string> namesOf(const std::string& name) const {
    std::vector<std::string> found{name};
    for (size_t i = 0; i < found.size(); ++i)
      for (NodeId assign : assigns_) addAliases(assign, std::string(found[i]), found);
    return found;
  }

  bool isContent(NodeId id, const std::vector<std::string>& messages) const {
    return std::any_of(messages.begin(), messages.end(), [&](const std::string& name) { return reads(id, name, "content"); });
  }

  // Parameters of a macro that some call gives a message's content.
  std::vector<std::string> contentParameters(const MacroNode& macro, const std::vector<std::string>& messages) const {
    std::vector<std::string> found;
    auto parameter = [&](uint32_t i) { return std::string(program_.constants[program_.lists[macro.parameters + 2 * i]].text()); };
    for (NodeId id : calls_) {
      const Node& call = node(id);
      if (node(call.a).kind != Kind::name || program_.names[node(call.a).a] != program_.constants[macro.name].text()) continue;
      const Arguments& arguments = program_.arguments[call.c];
      for (uint32_t i = 0; i < std::min(arguments.positionalCount, macro.parameterCount); ++i)
        if (isContent(program_.lists[arguments.positional + i], messages)) found.push_back(parameter(i));
      for (uint32_t i = 0; i < arguments.namedCount; ++i) {
        const uint32_t* named = program_.lists.data() + arguments.named + 2 * i;
        std::string name(program_.constants[named[0]].text());
        for (uint32_t j = 0; j < macro.parameterCount; ++j)
          if (parameter(j) == name && isContent(named[1], messages)) found.push_back(name);
      }
    }
    return found;
  }

  bool contains(NodeId id, const LoopNode* loop) const {
    if (node(id).kind == Kind::loop && &program_.loops[node(id).a] == loop) return true;
    bool found = false;
    forEachChild(program_, node(id), [&](NodeId child) { found = found || contains(child, loop); });
    return found;
  }

  bool loopsOverContent(const std::vector<std::string>& messages) const {
    for (size_t i = 0; i < loops_.size(); ++i) {
      const LoopNode& loop = *loops_[i];
      bool isSingle = node(loop.target).kind == Kind::storeName;
      if (isContent(loop.iterable, messages)) return isSingle;
      if (node(loop.iterable).kind != Kind::name) continue;
      const std::string& name = program_.names[node(loop.iterable).a];
      if (!loopInMacro_[i]) {
        if (name == "content") return isSingle;
        continue;
      }
      std::vector<std::string> parameters;
      for (const MacroNode* macro : macros_) {
        if (!contains(macro->body, &loop)) continue;
        std::vector<std::string> given = contentParameters(*macro, messages);
        if (!given.empty()) parameters = given;
      }
      if (std::find(parameters.begin(), parameters.end(), name) != parameters.end()) return isSingle;
    }
    return false;
  }

  const Program& program_;
  std::vector<const LoopNode*> loops_;
  std::vector<bool> loopInMacro_;
  std::vector<NodeId> assigns_, calls_;
  std::vector<const MacroNode*> macros_;
};

}  // namespace

ContentFormat Template::contentFormat() const { return FormatFinder(*program_).run(); }

}  // namespace ingot::text
