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

#include "runtime/text/template/template.h"

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

// The line is read again as templates read JSON, which keeps integers that nlohmann would round.
Json render(const Template& compiled, const std::string& line) {
  Variables request, variables;
  auto status = request.setJson("request", line);
  if (!status.ok()) return refuse("json", status.message());
  if (const Value* given = find(*request.find("request")->dict, "variables"))
    for (uint32_t i = 0; i < given->dict->size; ++i) variables.set(given->dict->entries[i].key.text(), given->dict->entries[i].value);
  RenderError error;
  RenderLimits limits;
  limits.clock = fixedClock;
  auto text = compiled.render(variables, limits, &error);
  if (text.ok()) return {{"ok", true}, {"text", *text}};
  Json answer = refuse(error.kind, error.message);
  answer["line"] = error.line;
  return answer;
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
