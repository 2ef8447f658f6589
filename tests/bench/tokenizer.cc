// Encode speed and load time of one vocabulary, one thread:
//   tokenizer_bench VOCABULARY [TEXT-FILE ...]
// Without files: English, code and CJK made here. Prints MB/s (10^6 bytes) of the best of seven runs, and microseconds to open the tables.
#include <time.h>

#include <cstdio>
#include <random>

#include "compiler/support/file.h"
#include "compiler/text/foreign_vocabulary.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

// Processor time of this thread: the same on a busy machine.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Words drawn as natural text draws them: few of them often, most of them seldom.
std::string textOf(std::initializer_list<const char*> words, const char* between, size_t bytes) {
  std::vector<std::string> list(words.begin(), words.end());
  std::mt19937 random(1);
  std::string text;
  while (text.size() < bytes) {
    double draw = std::uniform_real_distribution<>(0, 1)(random);
    text += list[static_cast<size_t>(draw * draw * static_cast<double>(list.size()))] + between;
  }
  return text;
}

std::string english(size_t bytes) {
  return textOf({"the",
                 "of",
                 "and",
                 "to",
                 "in",
                 "a",
                 "is",
                 "that",
                 "it",
                 "was",
                 "for",
                 "on",
                 "are",
                 "with",
                 "as",
                 "his",
                 "they",
                 "at",
                 "be",
                 "this",
                 "from",
                 "have",
                 "or",
                 "by",
                 "one",
                 "had",
                 "not",
                 "but",
                 "what",
                 "all",
                 "were",
                 "when",
                 "there",
                 "can",
                 "said",
                 "which",
                 "their",
                 "time",
                 "will",
                 "about",
                 "people",
                 "government",
                 "because",
                 "development",
                 "information",
                 "system",
                 "language",
                 "however,",
                 "understanding",
                 "international",
                 "university.",
                 "It's",
                 "don't",
                 "(see",
                 "below)",
                 "1984",
                 "27",
                 "particularly",
                 "environmental",
                 "characteristics",
                 "Elizabeth",
                 "unfortunately",
                 "photosynthesis",
                 "counterintuitive",
                 "Massachusetts;",
                 "\n\nChapter",
                 "interoperability",
                 "electroencephalography"},
                " ", bytes);
}
std::string code(size_t bytes) {
  return textOf({"    return self.value\n", "def compute(x, y):\n", "for (int i = 0; i < count; ++i) {\n", "  if (result == nullptr) return false;\n",
                 "import numpy as np\n", "\n\n", "const std::vector<int>& items", "// TODO: handle overflow\n", "self._cache[key] = value\n",
                 "    }\n", "public static void main(String[] args) {\n", "\tconsole.log(`${name}: ${value}`);\n", "#include <algorithm>\n",
                 "x = [i ** 2 for i in range(10)]\n", "SELECT name FROM users WHERE id = 42;\n", "auto it = map.find(identifier);\n",
                 "raise ValueError(f\"unexpected {kind!r}\")\n", "0x7fffffff, 1e-9, 3.14159f\n", "git_repository_open_ext\n"},
                "", bytes);
}
std::string cjk(size_t bytes) {
  return textOf({"的",           "一",       "是",     "不",      "了",       "在",   "人",   "有",   "我们",
                 "他",           "这",       "中国",   "大学",    "经济发展", "，",   "。",   "时间", "世界",
                 "人工智能",     "研究",     "日本語", "の",      "を",       "です", "する", "東京", "インターネット",
                 "コンピュータ", "한국어",   "입니다", " 그리고", "서울",     "기술", "北京", "问题", "因为",
                 "社会主义",     "科学技术", "历史",   "文化"},
                "", bytes);
}

void measure(const text::Tokenizer& tokenizer, const char* name, const std::string& text) {
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  double best = 1e9;
  for (int run = 0; run < 7; ++run) {
    ids.clear();
    double start = now();
    tokenizer.encode(text, {}, scratch, ids);
    best = std::min(best, now() - start);
  }
  std::printf("%-24s %8.1f MB/s  %zu bytes, %zu tokens, %.1f ns/token\n", name, static_cast<double>(text.size()) / best / 1e6, text.size(),
              ids.size(), best / static_cast<double>(ids.size()) * 1e9);
}

int run(int count, char** arguments) {
  auto tables = readVocabulary(arguments[1], [](const std::string&) {});
  auto bytes = tables.ok() ? tables->serialize() : Result<std::vector<std::byte>>(tables.status());
  if (!bytes.ok()) return std::fprintf(stderr, "error: %s\n", bytes.status().message().c_str()), 1;
  double best = 1e9;
  for (int run = 0; run < 20; ++run) {
    double start = now();
    auto opened = text::Tokenizer::open(*bytes);
    best = std::min(best, now() - start);
  }
  std::printf("tables: %zu bytes, opened in %.0f us\n", bytes->size(), best * 1e6);
  auto tokenizer = text::Tokenizer::open(*bytes);
  if (!tokenizer.ok()) return 1;
  for (int i = 2; i < count; ++i) {
    auto text = readTextFile(arguments[i]);
    if (!text.ok()) return std::fprintf(stderr, "error: %s\n", text.status().message().c_str()), 1;
    measure(*tokenizer, arguments[i], *text);
  }
  if (count > 2) return 0;
  constexpr size_t kBytes = 8 << 20;
  measure(*tokenizer, "english", english(kBytes));
  measure(*tokenizer, "code", code(kBytes));
  measure(*tokenizer, "cjk", cjk(kBytes));
  measure(*tokenizer, "one word", std::string(kBytes, 'a'));
  measure(*tokenizer, "spaces", std::string(kBytes, ' '));
  return 0;
}

}  // namespace
}  // namespace ingot

int main(int argc, char** argv) {
  if (argc > 1) return ingot::run(argc, argv);
  std::fprintf(stderr, "usage: tokenizer_bench VOCABULARY [TEXT-FILE ...]\n");
  return 2;
}
