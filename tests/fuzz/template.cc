// Templates from outside: whatever the bytes, compiling and rendering end in text or an error, within the limits.
// The bytes are a template, then after a zero byte (if there is one) the JSON of `messages`.
#include <cstdint>
#include <cstdlib>

#include "runtime/text/template/chat_prompt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot::text;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  size_t end = input.find('\0');
  std::string_view source = input.substr(0, end), json = end == std::string_view::npos ? "" : input.substr(end + 1);
  auto compiled = Template::compile(source, "fuzz");
  if (!compiled.ok()) return 0;
  RenderLimits limits{.maxSteps = 50'000, .maxDepth = 500, .maxOutputBytes = 1 << 20, .maxMemoryBytes = 1 << 23};
  limits.clock = [] { return std::tm{}; };
  ChatInput chat;
  if (!json.empty() && !chat.setMessages(json).ok()) return 0;
  if (!chat.hasMessages() &&
      !chat.setMessages(R"([{"role": "user", "content": "Héllo <b>"}, {"role": "assistant", "content": [{"type": "text", "text": "x"}]}])").ok())
    std::abort();
  (void)renderChat(*compiled, chat, limits);
  chat.add_generation_prompt = true;
  if (adaptConversation(chat, *compiled, compiled->contentFormat()).ok()) {
    auto text = renderChat(*compiled, chat, limits);
    if (text.ok() && text->size() > limits.maxOutputBytes) std::abort();
  }
  return 0;
}
