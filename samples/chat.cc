// Answers one question, with a system message.  chat MODEL QUESTION
#include <ingot/ingot.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: chat MODEL QUESTION\n";
    return 2;
  }
  auto llm = ingot::LLM::open(argv[1]);
  if (!llm.ok()) {
    std::cerr << llm.status().message() << '\n';
    return 1;
  }
  auto replies = llm->tryChat({{"system", "You are helpful."}, {"user", argv[2]}}, {.temperature = 0, .max_tokens = 64});
  if (!replies.ok()) {
    std::cerr << replies.status().message() << '\n';
    return 1;
  }
  std::cout << replies->front().outputs[0].text << '\n';
}
