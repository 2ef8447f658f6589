// Renders templates for conformance.py: JSON lines in, JSON lines out.
//
//   in   {"source": "...", "variables": {...}}               a template as it stands
//        {"source": "...", "chat": {"messages": [...], ...}}  a conversation, through ChatPrompt
//        {"file": "path"} instead of "source" reads it from a file
//   out  {"ok": true, "text": "..."} or {"ok": false, "kind": "TypeError", "error": "...", "line": 3}
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime/text/template/chat_prompt.h"

namespace {

using Json = nlohmann::ordered_json;
using namespace ingot::text;

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::tm fixedClock() {
  std::tm time{};
  time.tm_year = 126, time.tm_mon = 6, time.tm_mday = 26, time.tm_hour = 13, time.tm_min = 4, time.tm_sec = 5, time.tm_wday = 0, time.tm_yday = 206;
  return time;
}

Json refuse(const std::string& kind, const std::string& error) { return {{"ok", false}, {"kind", kind}, {"error", error}}; }

Json answer(const ingot::Result<std::string>& text, const RenderError& error) {
  if (text.ok()) return {{"ok", true}, {"text", *text}};
  if (error.kind.empty()) return refuse("status", text.status().message());
  Json answer = refuse(error.kind, error.message);
  answer["line"] = error.line;
  return answer;
}

// {"messages", "tools", "documents", "kwargs", "special_tokens", "add_generation_prompt", "continue_final_message", "adapt"}; the first
// four are JSON in strings, so that their integers stay exact.
Json chatAnswer(const Template& compiled, const Json& chat, const RenderLimits& limits) {
  ChatInput input;
  auto dump = [&](const char* name) { return chat.contains(name) ? chat[name].get<std::string>() : "null"; };
  for (auto status :
       {input.setMessages(dump("messages")), input.setTools(dump("tools")), input.setDocuments(dump("documents")), input.setKwargs(dump("kwargs"))})
    if (!status.ok()) return refuse("json", status.message());
  if (chat.contains("special_tokens"))
    for (const auto& [name, token] : chat["special_tokens"].items()) input.addSpecialToken(name, token.get<std::string>());
  input.add_generation_prompt = chat.value("add_generation_prompt", false);
  if (chat.contains("continue_final_message")) {
    const Json& wanted = chat["continue_final_message"];
    input.continue_final_message = wanted.is_string() || wanted.get<bool>();
    if (wanted.is_string()) input.continue_field = wanted.get<std::string>();
  }
  if (chat.value("adapt", false)) {
    auto status = adaptConversation(input, compiled, compiled.contentFormat());
    if (!status.ok()) return refuse("adapt", status.message());
  }
  RenderError error;
  auto text = renderChat(compiled, input, limits, &error);
  return answer(text, error);
}

// The line is read again as templates read JSON, which keeps integers that nlohmann would round.
Json render(const Template& compiled, const std::string& line) {
  Variables request, variables;
  auto status = request.setJson("request", line);
  if (!status.ok()) return refuse("json", status.message());
  const Dict& fields = *request.find("request")->dict;
  RenderError error;
  RenderLimits limits;
  limits.clock = fixedClock;
  if (find(fields, "chat") != nullptr) return chatAnswer(compiled, *Json::parse(line).find("chat"), limits);
  if (const Value* given = find(fields, "variables"))
    for (uint32_t i = 0; i < given->dict->size; ++i) variables.set(given->dict->entries[i].key.text(), given->dict->entries[i].value);
  return answer(compiled.render(variables, limits, &error), error);
}

}  // namespace

int main() {
  std::map<std::string, ingot::Result<Template>> compiled;
  for (std::string line; std::getline(std::cin, line);) {
    auto request = Json::parse(line);
    std::string source = request.contains("file") ? readFile(request["file"]) : request["source"].get<std::string>();
    auto at = compiled.find(source);
    if (at == compiled.end()) at = compiled.emplace(source, Template::compile(source, "template")).first;
    Json answer = at->second.ok() ? render(*at->second, line) : refuse("compile", at->second.status().message());
    if (at->second.ok()) answer["format"] = at->second->contentFormat() == ContentFormat::openai ? "openai" : "string";
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
}
