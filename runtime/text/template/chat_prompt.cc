#include "runtime/text/template/chat_prompt.h"

#include <algorithm>

#include "runtime/text/template/json_read.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/printing.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

constexpr std::string_view kReasoningFields[] = {"reasoning_content", "thinking", "reasoning"};
constexpr std::string_view kTag = "CONTINUE_FINAL_MESSAGE_TAG ";

const Value* field(const Value& message, std::string_view name) {
  const Value* found = find(*message.dict, name);
  return found == nullptr || found->is(Tag::none) ? nullptr : found;
}

}  // namespace

Status ChatInput::setText(Value& slot, std::string_view name, std::string_view json) {
  auto value = readJson(json, arena_);
  if (!value.ok()) return value.status().at(name);
  slot = *value;
  return {};
}

Status ChatInput::setDocument(Value& slot, std::string_view name, const nlohmann::ordered_json& json) {
  auto value = readDocument(json, arena_);
  if (!value.ok()) return value.status().at(name);
  slot = *value;
  return {};
}

// One call of renderChat.
class ChatPreparation {
 public:
  ChatPreparation(const Template& compiled, const ChatInput& input, const RenderLimits& limits, RenderError* error)
      : compiled_(compiled), input_(input), limits_(limits), error_(error) {}

  Result<std::string> run() {
    INGOT_TRY(check());
    Value messages;
    INGOT_TRY(normalize(messages));
    if (input_.continue_final_message) INGOT_TRY(mark(messages));
    for (const auto& [name, token] : input_.specialTokens_) variables_.setText(name, token);
    if (input_.kwargs_.is(Tag::dict)) INGOT_TRY(setKwargs());
    variables_.set("messages", messages);
    variables_.set("tools", input_.tools_);
    variables_.set("documents", input_.documents_);
    variables_.setBoolean("add_generation_prompt", input_.add_generation_prompt);
    auto text = compiled_.render(variables_, limits_, error_);
    if (!text.ok() || !input_.continue_final_message) return text;
    return cut(*std::move(text));
  }

 private:
  Status refuse(const char* kind, std::string message) {
    if (error_ != nullptr) *error_ = {kind, message, 0, 0};
    return Status(StatusCode::invalidArgument, kind + (": " + message));
  }

  Status check() {
    if (!input_.messages_.is(Tag::list)) return refuse("TypeError", "messages: expected a list");
    const List& messages = *input_.messages_.list;
    if (messages.size == 0) return refuse("ValueError", "Cannot apply chat template to an empty conversation. Provide at least one message.");
    for (uint32_t i = 0; i < messages.size; ++i)
      if (!messages.items[i].is(Tag::dict))
        return refuse("TypeError", "Chat messages should be dicts, dataclasses or pydantic models, but got " + reprOf(messages.items[i]) + ".");
    if (input_.continue_final_message && input_.add_generation_prompt)
      return refuse("ValueError",
                    "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you want the model to "
                    "continue the final message, and add_generation_prompt when you want to add a header that will prompt it to start a new "
                    "assistant message instead.");
    if (!allDicts(input_.tools_))
      return refuse("ValueError",
                    "Tools should either be a JSON schema, or a callable function with type hints and a docstring suitable for auto-conversion "
                    "to a schema.");
    if (!allDicts(input_.documents_)) return refuse("TypeError", "Documents should be a list of dicts with 'title' and 'text' keys!");
    if (!input_.kwargs_.is(Tag::none) && !input_.kwargs_.is(Tag::dict)) return refuse("TypeError", "chat_template_kwargs: expected an object");
    return {};
  }

  static bool allDicts(const Value& value) {
    if (value.is(Tag::none)) return true;
    if (!value.is(Tag::list)) return false;
    return std::all_of(value.list->items, value.list->items + value.list->size, [](const Value& item) { return item.is(Tag::dict); });
  }

  Status setKwargs() {
    for (uint32_t i = 0; i < input_.kwargs_.dict->size; ++i) {
      const DictEntry& entry = input_.kwargs_.dict->entries[i];
      for (std::string_view reserved : {"messages", "tools", "documents", "add_generation_prompt", "continue_final_message", "chat_template"})
        if (entry.key.text() == reserved) return refuse("TypeError", "got multiple values for keyword argument " + quotePython(reserved));
      variables_.set(entry.key.text(), entry.value);
    }
    return {};
  }

  // Without null fields, and with the reasoning under every name.
  Status normalize(Value& out) {
    const List& given = *input_.messages_.list;
    Arena& arena = variables_.arena();
    List* messages = newList(arena, given.size);
    for (uint32_t i = 0; i < given.size; ++i) {
      const Dict& message = *given.items[i].dict;
      Dict* copy = newDict(arena, message.size + 2);
      const Value* reasoning = nullptr;
      for (std::string_view name : kReasoningFields)
        if (reasoning == nullptr) reasoning = field(given.items[i], name);
      if (reasoning != nullptr) put(*copy, "thinking", *reasoning);
      for (uint32_t j = 0; j < message.size; ++j)
        if (!message.entries[j].value.is(Tag::none)) insert(arena, *copy, message.entries[j].key, message.entries[j].value);
      if (reasoning != nullptr) put(*copy, "reasoning_content", *reasoning);
      messages->items[i] = makeDict(copy);
    }
    out = makeList(messages);
    return {};
  }

  void put(Dict& dict, std::string_view name, const Value& value) { insert(variables_.arena(), dict, makeText(name, kAscii), value); }

  Status noteFinal(const Value& text) {
    if (!text.isText()) return refuse("TypeError", "continue_final_message: the field to continue is no text");
    final_ = text.text();
    return {};
  }

  // Marks where the final message ends.
  Status mark(Value& messages) {
    std::string name = input_.continue_field;
    Value& last = messages.list->items[messages.list->size - 1];
    const Value* found = field(last, name);
    if (found == nullptr) return refuse("ValueError", "continue_final_message is set but the final message has no \"" + name + "\" to continue!");
    Value value = *found;
    std::vector<std::string_view> fields{name};
    if (std::find(std::begin(kReasoningFields), std::end(kReasoningFields), name) != std::end(kReasoningFields)) {
      fields.clear();
      for (std::string_view other : kReasoningFields)
        if (const Value* same = field(last, other); same != nullptr && equal(*same, value)) fields.push_back(other);
    }
    if (!std::any_of(fields.begin(), fields.end(), [&](std::string_view other) { return compiled_.mentions(other); }))
      return refuse("ValueError", "continue_final_message is set to \"" + name + "\" but this is not an accepted field in the chat_template");
    if (value.is(Tag::list)) return markParts(value, last, name);
    INGOT_TRY(noteFinal(value));
    Value marked = copyText(variables_.arena(), final_ + std::string(kTag), value.flags);
    for (std::string_view other : fields) put(*const_cast<Dict*>(last.dict), other, marked);
    return {};
  }

  Status markParts(const Value& parts, Value& last, std::string_view name) {
    Arena& arena = variables_.arena();
    List* copy = newList(arena, parts.list->size);
    std::copy_n(parts.list->items, parts.list->size, copy->items);
    for (uint32_t i = copy->size; i-- > 0;) {
      if (!copy->items[i].is(Tag::dict)) continue;
      const Value* text = find(*copy->items[i].dict, "text");
      if (text == nullptr) continue;
      INGOT_TRY(noteFinal(*text));
      Dict* part = newDict(arena, copy->items[i].dict->size);
      for (uint32_t j = 0; j < copy->items[i].dict->size; ++j)
        insert(arena, *part, copy->items[i].dict->entries[j].key, copy->items[i].dict->entries[j].value);
      put(*part, "text", copyText(arena, final_ + std::string(kTag), text->flags));
      copy->items[i] = makeDict(part);
      put(*const_cast<Dict*>(last.dict), name, makeList(copy));
      return {};
    }
    return refuse("ValueError", "continue_final_message is set but we could not find any text to continue in the final message!");
  }

  Result<std::string> cut(std::string text) {
    std::string_view bareTag = stripSpaces(kTag, kBoth), bareFinal = stripSpaces(final_, kBoth);
    size_t at = text.rfind(bareTag);
    if (text.find(bareFinal) == std::string::npos || at == std::string::npos)
      return refuse("ValueError",
                    "continue_final_message is set but the final message does not appear in the chat after applying the chat template! This can "
                    "happen if the chat template deletes portions of the final message. Please verify the chat template and final message in "
                    "your chat to ensure they are compatible.Final message to continue: " +
                        std::string(bareFinal) + "\nRendered chat:\n" + text);
    bool keepsSpace = std::string_view(text).substr(at).starts_with(kTag);
    text.resize(at);
    if (!keepsSpace) text.resize(stripSpaces(text, kRight).size());
    return text;
  }

  const Template& compiled_;
  const ChatInput& input_;
  const RenderLimits& limits_;
  RenderError* error_;
  Variables variables_;
  std::string final_;
};

Result<std::string> renderChat(const Template& compiled, const ChatInput& input, const RenderLimits& limits, RenderError* error) {
  return ChatPreparation(compiled, input, limits, error).run();
}

Result<size_t> chooseTemplate(std::span<const std::string> names, std::string_view wanted, bool hasTools) {
  auto at = [&](std::string_view name) { return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin()); };
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  if (!wanted.empty()) {
    if (at(wanted) == names.size()) return Status::notFound("no chat template is called {}; there are: {}", wanted, list);
    return at(wanted);
  }
  if (hasTools && at("tool_use") < names.size()) return at("tool_use");
  if (at("default") < names.size()) return at("default");
  if (names.size() == 1) return size_t{0};
  return Status::notFound("this model has multiple chat templates with no default; name one of: {}", list);
}

}  // namespace ingot::text
