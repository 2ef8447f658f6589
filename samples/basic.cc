// Continues a few prompts, side by side.  basic MODEL [PROMPT ...]
#include <ingot/ingot.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: basic MODEL [PROMPT ...]\n";
    return 2;
  }
  try {
    ingot::LLM llm(argv[1]);
    std::vector<std::string> prompts(argv + 2, argv + argc);
    if (prompts.empty()) prompts = {"Hello, my name is", "The capital of France is"};
    for (const auto& output : llm.generate(prompts, {.temperature = 0, .max_tokens = 24}))
      std::cout << output.prompt << output.outputs[0].text << '\n';
  } catch (const ingot::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
