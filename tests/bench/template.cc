// Rendering a conversation of ten messages with a template as ChatML's:
//   bench_template [--benchmark_...]
#include <benchmark/benchmark.h>

#include "runtime/text/template/chat_prompt.h"

namespace ingot::text {
namespace {

constexpr const char* kTemplate =
    "{%- if tools %}{{- '<|im_start|>system\\n' }}{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}"
    "{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- elif messages[0].role == 'system' %}"
    "{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}{%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- elif message.role == 'assistant' %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content | trim }}{%- if message.tool_calls %}{%- for call in message.tool_calls %}"
    "{{- call.function.arguments | tojson }}{%- endfor %}{%- endif %}{{- '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

void render(benchmark::State& state) {
  std::string messages = R"([{"role": "system", "content": "You are helpful."})";
  for (int i = 1; i < 10; ++i) {
    messages += R"(, {"role": ")" + std::string(i % 2 ? "user" : "assistant");
    messages += R"(", "content": "This is one of ten messages, as long as they usually are, or nearly so."})";
  }
  auto compiled = Template::compile(kTemplate, "bench");
  ChatInput chat;
  if (!compiled.ok() || !chat.setMessages(messages + "]").ok()) return state.SkipWithError("the template or its messages are refused");
  chat.add_generation_prompt = true;
  for (auto _ : state) {
    auto text = renderChat(*compiled, chat, {});
    if (!text.ok()) return state.SkipWithError("not rendered");
    benchmark::DoNotOptimize(text->data());
  }
}
BENCHMARK(render)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ingot::text

BENCHMARK_MAIN();
