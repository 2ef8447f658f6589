// adaptConversation: messages as vLLM's chat hands them to the template.
#include <algorithm>

#include "runtime/text/template/chat_prompt.h"
#include "runtime/text/template/json_read.h"

namespace ingot::text {

class ChatAdaptation {
 public:
  ChatAdaptation(ChatInput& input, const Template& compiled, ContentFormat format)
      : input_(input), arena_(input.arena_), compiled_(compiled), format_(format) {}

  Status run() {
    if (!input_.messages_.is(Tag::list)) return Status::invalidArgument("messages: expected a list");
    const List& given = *input_.messages_.list;
    std::vector<Value> messages;
    for (at_ = 0; at_ < given.size; ++at_) {
      if (!given.items[at_].is(Tag::dict)) return fail("expected an object");
      messages.emplace_back();
      INGOT_TRY(adapt(*given.items[at_].dict, messages.back()));
    }
    bool knowsDeveloper = compiled_.mentions("\"developer\"") || compiled_.mentions("'developer'");
    if (!knowsDeveloper && std::any_of(messages.begin(), messages.end(), [](const Value& message) { return roleOf(message) == "developer"; }))
      toSystem(messages);
    List* list = newList(arena_, messages.size());
    std::copy(messages.begin(), messages.end(), list->items);
    input_.messages_ = makeList(list);
    return {};
  }

 private:
  Status fail(std::string_view what) const { return Status::invalidArgument("messages[{}]: {}", at_, what); }
  void put(Dict& dict, std::string_view name, const Value& value) { insert(arena_, dict, makeText(name, kAscii), value); }
  Value text(std::string_view bytes) { return copyText(arena_, bytes, isAscii(bytes) ? kAscii : 0); }
  static std::string_view roleOf(const Value& message) {
    const Value* role = find(*message.dict, "role");
    return role != nullptr && role->isText() ? role->text() : std::string_view();
  }
  // Absent and null are the same.
  static const Value* present(const Dict& dict, std::string_view name) {
    const Value* found = find(dict, name);
    return found == nullptr || found->is(Tag::none) ? nullptr : found;
  }

  Status adapt(const Dict& message, Value& out) {
    const Value* role = present(message, "role");
    if (role == nullptr || !role->isText()) return fail("role: expected a string");
    Dict* adapted = newDict(arena_, 4);
    Value content;
    INGOT_TRY(adaptContent(present(message, "content"), content));
    put(*adapted, "role", *role);
    put(*adapted, "content", content);
    if (role->text() == "assistant") INGOT_TRY(adaptAssistant(message, *adapted));
    if (role->text() == "tool") adaptTool(message, *adapted);
    for (std::string_view name : {"name", "task"})
      if (const Value* given = present(message, name); given != nullptr && given->isText()) put(*adapted, name, *given);
    if (role->text() == "developer") put(*adapted, "tools", present(message, "tools") == nullptr ? makeNone() : *present(message, "tools"));
    out = makeDict(adapted);
    return {};
  }

  Status adaptContent(const Value* content, Value& out) {
    std::vector<Value> parts;
    if (content != nullptr && content->isText()) INGOT_TRY(addText(*content, nullptr, parts));
    else if (content != nullptr && !content->is(Tag::list)) return fail("content: expected a string or a list of parts");
    else if (content != nullptr)
      for (uint32_t i = 0; i < content->list->size; ++i) INGOT_TRY(addPart(content->list->items[i], parts));
    if (format_ == ContentFormat::openai) {
      List* list = newList(arena_, parts.size());
      std::copy(parts.begin(), parts.end(), list->items);
      out = makeList(list);
      return {};
    }
    std::string joined;
    for (size_t i = 0; i < parts.size(); ++i) joined.append(i > 0 ? "\n" : "").append(parts[i].text());
    out = text(joined);
    return {};
  }

  // Empty texts are left out where texts are joined.
  Status addText(const Value& value, const Dict* part, std::vector<Value>& parts) {
    if (format_ == ContentFormat::string) {
      if (value.length > 0) parts.push_back(value);
      return {};
    }
    static constexpr std::string_view kKnown[] = {
        "type", "text", "thinking", "refusal", "uuid", "closed", "name", "detail", "prompt_cache_breakpoint"};
    Dict* wrapped = newDict(arena_, 2);
    put(*wrapped, "type", makeText("text", kAscii));
    put(*wrapped, "text", value);
    for (uint32_t i = 0; part != nullptr && i < part->size; ++i)
      if (std::find(std::begin(kKnown), std::end(kKnown), part->entries[i].key.text()) == std::end(kKnown))
        insert(arena_, *wrapped, part->entries[i].key, part->entries[i].value);
    parts.push_back(makeDict(wrapped));
    return {};
  }

  Status addPart(const Value& part, std::vector<Value>& parts) {
    if (part.isText()) return addText(part, nullptr, parts);
    if (!part.is(Tag::dict)) return fail("content: a part is a string or an object");
    const Value* type = present(*part.dict, "type");
    if (type == nullptr) return fail("Missing 'type' field in multimodal part.");
    if (!type->isText()) return fail("Invalid 'type' field in multimodal part.");
    std::string_view name = type->text();
    if (name == "tool_reference") {
      const Value* tool = present(*part.dict, "name");
      if (tool == nullptr || format_ == ContentFormat::string) return tool == nullptr ? Status() : addText(*tool, nullptr, parts);
      Dict* wrapped = newDict(arena_, 2);
      put(*wrapped, "type", *type);
      put(*wrapped, "name", *tool);
      parts.push_back(makeDict(wrapped));
      return {};
    }
    bool isText = name == "text" || name == "input_text" || name == "output_text";
    if (!isText && name != "refusal" && name != "thinking")
      return Status::unsupported(
          "messages[{}]: content parts of type '{}' are not supported; supported: text, input_text, output_text, refusal, "
          "thinking, tool_reference",
          at_, name);
    const Value* value = present(*part.dict, isText ? "text" : name);
    if (value == nullptr) return {};
    if (!value->isText()) return fail("content: the text of a part is a string");
    return addText(*value, part.dict, parts);
  }

  Status adaptAssistant(const Dict& message, Dict& adapted) {
    if (const Value* calls = present(message, "tool_calls"); calls != nullptr) {
      if (!calls->is(Tag::list)) return fail("tool_calls: expected a list");
      Value copy;
      INGOT_TRY(adaptCalls(*calls->list, copy));
      if (calls->list->size > 0) put(adapted, "tool_calls", copy);
    }
    const Value* reasoning = present(message, "reasoning");
    if (reasoning == nullptr) reasoning = present(message, "reasoning_content");
    if (reasoning == nullptr) return {};
    put(adapted, "reasoning", *reasoning);
    put(adapted, "reasoning_content", *reasoning);
    return {};
  }

  Status adaptCalls(const List& calls, Value& out) {
    List* list = newList(arena_, calls.size);
    for (uint32_t i = 0; i < calls.size; ++i) {
      if (!calls.items[i].is(Tag::dict)) return fail("assistant tool_calls entries must be objects.");
      const Value *type = find(*calls.items[i].dict, "type"), *function = present(*calls.items[i].dict, "function");
      bool isFunction = type == nullptr || (type->isText() && type->text() == "function");
      if (!isFunction || function == nullptr || !function->is(Tag::dict))
        return fail("chat completions only support assistant tool_calls of type 'function'.");
      Dict *call = copyOf(*calls.items[i].dict), *copy = copyOf(*function->dict);
      put(*copy, "arguments", argumentsOf(present(*function->dict, "arguments")));
      put(*call, "function", makeDict(copy));
      list->items[i] = makeDict(call);
    }
    out = makeList(list);
    return {};
  }

  // Templates want an object. A text that is no JSON object becomes an empty one, so that the conversation can go on.
  Value argumentsOf(const Value* arguments) {
    Value parsed = arguments == nullptr ? Value() : *arguments;
    if (parsed.isText()) {
      auto read = readJson(parsed.text(), arena_);
      parsed = read.ok() ? *read : Value();
    }
    return parsed.is(Tag::dict) ? parsed : makeDict(newDict(arena_));
  }

  Dict* copyOf(const Dict& dict) {
    Dict* copy = newDict(arena_, dict.size);
    for (uint32_t i = 0; i < dict.size; ++i) insert(arena_, *copy, dict.entries[i].key, dict.entries[i].value);
    return copy;
  }

  // Results of tools are one text, unless a part is no text.
  void adaptTool(const Dict& message, Dict& adapted) {
    if (const Value* id = find(message, "tool_call_id")) put(adapted, "tool_call_id", *id);
    const Value content = *find(adapted, "content");
    if (!content.is(Tag::list)) return;
    std::string joined;
    for (uint32_t i = 0; i < content.list->size; ++i) {
      const Dict& part = *content.list->items[i].dict;
      if (find(part, "type")->text() != "text") return;
      joined.append(i > 0 ? "\n" : "").append(find(part, "text")->text());
    }
    put(adapted, "content", text(joined));
  }

  // Developer messages become system messages, and those are merged into one at the start when one stands elsewhere.
  void toSystem(std::vector<Value>& messages) {
    std::vector<Value> others;
    std::string merged;
    size_t systems = 0;
    bool isMisplaced = false;
    for (size_t i = 0; i < messages.size(); ++i) {
      if (roleOf(messages[i]) == "developer") {
        Dict* copy = newDict(arena_, messages[i].dict->size);
        for (uint32_t j = 0; j < messages[i].dict->size; ++j) {
          const DictEntry& entry = messages[i].dict->entries[j];
          if (entry.key.text() != "tools") insert(arena_, *copy, entry.key, entry.value);
        }
        put(*copy, "role", makeText("system", kAscii));
        messages[i] = makeDict(copy);
      }
      if (roleOf(messages[i]) != "system") {
        others.push_back(messages[i]);
        continue;
      }
      isMisplaced |= i > 0;
      std::string content = plainText(*find(*messages[i].dict, "content"));
      if (content.empty()) continue;
      merged.append(systems++ > 0 ? "\n\n" : "").append(content);
    }
    if (!isMisplaced) return;
    Dict* system = newDict(arena_, 2);
    put(*system, "role", makeText("system", kAscii));
    put(*system, "content", text(merged));
    messages = {makeDict(system)};
    messages.insert(messages.end(), others.begin(), others.end());
  }

  static std::string plainText(const Value& content) {
    if (content.isText()) return std::string(content.text());
    std::string joined;
    for (uint32_t i = 0; content.is(Tag::list) && i < content.list->size; ++i) {
      const Value* part = find(*content.list->items[i].dict, "text");
      if (part != nullptr) joined.append(joined.empty() ? "" : "\n").append(part->text());
    }
    return joined;
  }

  ChatInput& input_;
  Arena& arena_;
  const Template& compiled_;
  ContentFormat format_;
  uint32_t at_ = 0;
};

Status adaptConversation(ChatInput& input, const Template& compiled, ContentFormat format) { return ChatAdaptation(input, compiled, format).run(); }

}  // namespace ingot::text
