// Chat templates: Jinja as transformers runs it (sandboxed, immutable, trim_blocks, lstrip_blocks, loop controls).
//
//   auto compiled = Template::compile(source, "chat_template");
//   Variables variables;
//   INGOT_TRY(variables.setJson("messages", R"([{"role": "user", "content": "Hello"}])"));
//   auto prompt = compiled->render(variables);
#pragma once

#include <ctime>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "runtime/base/status.h"
#include "runtime/text/template/value.h"

namespace ingot::text {

struct Program;

// What templates see of the outside. Holds copies of what it is given. Thread-compatible; renders only read it.
class Variables {
 public:
  Variables() = default;
  Variables(Variables&&) = default;
  Variables& operator=(Variables&&) = default;

  void setNone(std::string_view name) { set(name, makeNone()); }
  void setBoolean(std::string_view name, bool value) { set(name, makeBoolean(value)); }
  void setInteger(std::string_view name, int64_t value) { set(name, makeInteger(value)); }
  void setText(std::string_view name, std::string_view text);  // invalid UTF-8 becomes U+FFFD
  // Parses as Python's json.loads: big integers exact, NaN and Infinity known, the last of equal keys wins.
  Status setJson(std::string_view name, std::string_view json);
  // Numbers beyond 64 bits are floats here: nlohmann keeps no more. Fails on data nested too deep, and on binary values.
  Status setDocument(std::string_view name, const nlohmann::ordered_json& json);

  // Values in this object's memory, for those who build them.
  void set(std::string_view name, const Value& value);
  Arena& arena() { return arena_; }
  const Value* find(std::string_view name) const { return text::find(names_, name); }
  Value* edit(std::string_view name) { return const_cast<Value*>(find(name)); }

 private:
  Arena arena_;
  Dict names_;
};

// What a render may use. Each limit that is passed names itself in the error.
struct RenderLimits {
  uint64_t maxSteps = 20'000'000;  // nodes evaluated, items visited
  uint32_t maxDepth = 2000;        // nested evaluation
  uint64_t maxOutputBytes = uint64_t{64} << 20;
  uint64_t maxMemoryBytes = uint64_t{256} << 20;  // values made during the render
  std::function<std::tm()> clock = {};            // of strftime_now; empty: local time now
};

// Why a render refused: what Python would raise, and where.
struct RenderError {
  std::string kind;               // Python's name of the exception; "limit" when a limit was passed
  std::string message;            // Python's
  uint32_t line = 0, column = 0;  // of the template, from 1
};

enum class ContentFormat { string, openai };

// Immutable, thread-safe, cheap to copy.
class Template {
 public:
  static constexpr size_t kMaxSourceBytes = size_t{4} << 20;

  // invalidInput: "name:line:column: TemplateSyntaxError: message" where Jinja refuses too; resourceExhausted past a limit.
  static Result<Template> compile(std::string_view source, std::string name);

  // invalidArgument: "name:line:column: TypeError: message" where the template raises; resourceExhausted past a limit.
  // `error` gets the parts of the message.
  Result<std::string> render(const Variables& variables, const RenderLimits& limits = {}, RenderError* error = nullptr) const;

  // vLLM's chat_template_content_format=auto: openai when the template loops over the content of messages.
  ContentFormat contentFormat() const;

  // The source contains this text somewhere.
  bool mentions(std::string_view text) const;

 private:
  explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace ingot::text
