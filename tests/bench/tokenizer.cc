// Encode speed and load time of one vocabulary, on one thread:
//   bench_tokenizer VOCABULARY [--benchmark_...]
// bytes_per_second is of the text; open is what loading a mapped file costs beyond the mapping.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <random>
#include <sstream>

#include "compiler/text/foreign_vocabulary.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

constexpr size_t kTextBytes = 4 << 20;

constexpr const char* kEnglish =
    "the of and to in a is that it was for on are with as his they at be this from have or by one had not but what all were when there can said "
    "which their time will about people government because development information system language however, understanding international "
    "university. It's don't (see below) 1984 27 particularly environmental characteristics Elizabeth unfortunately photosynthesis "
    "counterintuitive Massachusetts; \n\nChapter interoperability electroencephalography";
constexpr const char* kCode[] = {"    return self.value\n",
                                 "def compute(x, y):\n",
                                 "for (int i = 0; i < count; ++i) {\n",
                                 "  if (result == nullptr) return false;\n",
                                 "import numpy as np\n",
                                 "\n\n",
                                 "const std::vector<int>& items",
                                 "// TODO: handle overflow\n",
                                 "self._cache[key] = value\n",
                                 "    }\n",
                                 "public static void main(String[] args) {\n",
                                 "\tconsole.log(`${name}: ${value}`);\n",
                                 "#include <algorithm>\n",
                                 "x = [i ** 2 for i in range(10)]\n",
                                 "SELECT name FROM users WHERE id = 42;\n",
                                 "auto it = map.find(identifier);\n",
                                 "raise ValueError(f\"unexpected {kind!r}\")\n",
                                 "0x7fffffff, 1e-9, 3.14159f\n",
                                 "git_repository_open_ext\n"};
constexpr const char* kCjk =
    "的 一 是 不 了 在 人 有 我们 他 这 中国 大学 经济发展 ， 。 时间 世界 人工智能 研究 日本語 の を です する 東京 インターネット コンピュータ "
    "한국어 입니다 그리고 서울 기술 北京 问题 因为 社会主义 科学技术 历史 文化";

std::vector<std::string> wordsOf(const char* text, const char* between) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ' ');) words.push_back(word + between);
  return words;
}

// Words drawn as natural text draws them: few of them often, most of them seldom.
std::string drawn(const std::vector<std::string>& words) {
  std::mt19937 random(1);
  std::string text;
  while (text.size() < kTextBytes) {
    double draw = std::uniform_real_distribution<>(0, 1)(random);
    text += words[static_cast<size_t>(draw * draw * static_cast<double>(words.size()))];
  }
  return text;
}

void open(benchmark::State& state, const std::vector<std::byte>& tables) {
  for (auto _ : state) benchmark::DoNotOptimize(text::Tokenizer::open(tables));
}

void encode(benchmark::State& state, const text::Tokenizer& tokenizer, const std::string& text) {
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  for (auto _ : state) {
    ids.clear();
    tokenizer.encode(text, {}, scratch, ids);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(text.size()));
  state.counters["tokens"] = static_cast<double>(ids.size());
}

int run(const char* path) {
  auto tables = readVocabulary(path, [](const std::string&) {});
  auto bytes = tables.ok() ? tables->serialize() : Result<std::vector<std::byte>>(tables.status());
  if (!bytes.ok()) return std::fprintf(stderr, "error: %s\n", bytes.status().message().c_str()), 1;
  auto tokenizer = text::Tokenizer::open(*bytes);
  if (!tokenizer.ok()) return std::fprintf(stderr, "error: %s\n", tokenizer.status().message().c_str()), 1;
  const std::pair<const char*, std::string> texts[] = {{"encode/english", drawn(wordsOf(kEnglish, " "))},
                                                       {"encode/code", drawn({std::begin(kCode), std::end(kCode)})},
                                                       {"encode/cjk", drawn(wordsOf(kCjk, ""))},
                                                       {"encode/word of 1 MB", std::string(1'000'000, 'a')},
                                                       {"encode/word of 10 MB", std::string(10'000'000, 'a')},
                                                       {"encode/10 MB of spaces", std::string(10'000'000, ' ')}};
  benchmark::RegisterBenchmark("open", [&](benchmark::State& state) { open(state, *bytes); })->Unit(benchmark::kMicrosecond);
  for (const auto& [name, text] : texts)
    benchmark::RegisterBenchmark(name, [&, &text = text](benchmark::State& state) {
      encode(state, *tokenizer, text);
    })->Unit(benchmark::kMillisecond);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace ingot

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc == 2) return ingot::run(argv[1]);
  std::fprintf(stderr, "usage: bench_tokenizer VOCABULARY [--benchmark_...]\n");
  return 2;
}
