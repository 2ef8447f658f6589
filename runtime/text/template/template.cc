#include "runtime/text/template/template.h"

#include "runtime/text/template/characters.h"
#include "runtime/text/template/interpreter.h"
#include "runtime/text/template/json_read.h"
#include "runtime/text/template/resolver.h"

namespace ingot::text {
namespace {

Status refusal(StatusCode code, const Program& program, uint32_t at, const std::string& kind, const std::string& message) {
  Position position = positionOf(program, at);
  return {code, program.name + ":" + std::to_string(position.line) + ":" + std::to_string(position.column) + ": " + kind + ": " + message};
}

}  // namespace

void Variables::set(std::string_view name, const Value& value) {
  bool stored = insert(arena_, names_, copyText(arena_, name, isAscii(name) ? kAscii : 0), value);
  (void)stored;  // this arena has no limit
}

void Variables::setText(std::string_view name, std::string_view text) {
  std::string valid;
  if (!isAscii(text)) {
    appendLossy(text, valid);
    text = valid;
  }
  set(name, copyText(arena_, text, isAscii(text) ? kAscii : 0));
}

Status Variables::setJson(std::string_view name, std::string_view json) {
  auto value = readJson(json, arena_);
  if (!value.ok()) return value.status().at(name);
  set(name, *value);
  return {};
}

Status Variables::setDocument(std::string_view name, const nlohmann::ordered_json& json) {
  auto value = readDocument(json, arena_);
  if (!value.ok()) return value.status().at(name);
  set(name, *value);
  return {};
}

Result<Template> Template::compile(std::string_view source, std::string name) {
  if (source.size() > kMaxSourceBytes)
    return Status::resourceExhausted("{}: a template of {} bytes; at most {} are accepted", name, source.size(), kMaxSourceBytes);
  auto program = std::make_shared<Program>();
  program->name = std::move(name);
  std::string valid;
  if (!isAscii(source)) {
    appendLossy(source, valid);
    source = valid;
  }
  program->source = normalizeSource(source);
  Parser parser(*program);
  if (!parser.run()) return refusal(StatusCode::invalidInput, *program, parser.error().at, "TemplateSyntaxError", parser.error().message);
  Resolver resolver(*program);
  if (!resolver.run()) return refusal(StatusCode::invalidInput, *program, resolver.error().at, "TemplateAssertionError", resolver.error().message);
  return Template(std::move(program));
}

Result<std::string> Template::render(const Variables& variables, const RenderLimits& limits, RenderError* error) const {
  Interpreter interpreter(*program_, variables, limits);
  std::string text;
  if (interpreter.run(text)) return text;
  uint32_t at = interpreter.failureAt() == UINT32_MAX ? 0 : interpreter.failureAt();
  const RenderError& failure = interpreter.failure();
  Position position = positionOf(*program_, at);
  if (error != nullptr) *error = {failure.kind, failure.message, position.line, position.column};
  return refusal(interpreter.isLimit() ? StatusCode::resourceExhausted : StatusCode::invalidArgument, *program_, at, failure.kind, failure.message);
}

bool Template::mentions(std::string_view text) const { return program_->source.find(text) != std::string::npos; }

}  // namespace ingot::text
