// Runs the fuzz target over its corpus, and over mutations of it that are the same each time.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<std::string> corpus() {
  std::vector<std::string> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(INGOT_SOURCE_DIR "/tests/fuzz/corpus/template")) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

void run(const std::string& input) { LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size()); }

TEST(TemplateFuzz, Corpus) {
  ASSERT_GT(corpus().size(), 10u);
  for (const std::string& input : corpus()) run(input);
}

TEST(TemplateFuzz, MutatedCorpus) {
  std::mt19937 random(20260726);
  std::vector<std::string> inputs = corpus();
  std::sort(inputs.begin(), inputs.end());
  for (int i = 0; i < 3000; ++i) {
    std::string input = inputs[random() % inputs.size()], other = inputs[random() % inputs.size()];
    for (int edits = 1 + random() % 4; edits > 0 && !input.empty(); --edits) {
      size_t at = random() % input.size(), from = random() % other.size();
      switch (random() % 4) {
        case 0: input[at] = static_cast<char>(random()); break;
        case 1: input.erase(at, 1 + random() % 8); break;
        case 2: input.insert(at, other.substr(from, random() % 24)); break;
        default: input = input.substr(0, at) + other.substr(from); break;
      }
    }
    run(input);
  }
}

}  // namespace
