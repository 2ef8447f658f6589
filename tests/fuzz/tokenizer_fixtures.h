// The small vocabularies of tests/golden/tokenizers/fixtures, each compiled when a fuzz target first asks for it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "compiler/text/foreign_vocabulary.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot::fuzz {

class TokenizerFixtures {
 public:
  TokenizerFixtures() {
    for (const auto& entry : std::filesystem::directory_iterator(INGOT_SOURCE_DIR "/tests/golden/tokenizers/fixtures"))
      if (entry.path().extension() == ".json" || entry.path().extension() == ".model") files_.push_back(entry.path());
    // Those of tokenizer.json first, so that the corpus keeps its numbers.
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return std::pair(a.extension(), a) < std::pair(b.extension(), b); });
    if (files_.empty()) std::abort();
    tables_.resize(files_.size());
    tokenizers_.resize(files_.size());
  }

  // One of them; any number will do.
  const std::vector<std::byte>& tables(size_t number) {
    auto& tables = tables_[number % files_.size()];
    if (tables.empty()) tables = *readVocabulary(files_[number % files_.size()], [](const std::string&) {})->serialize();
    return tables;
  }
  const text::Tokenizer& pick(size_t number) {
    auto& tokenizer = tokenizers_[number % files_.size()];
    if (!tokenizer) tokenizer.emplace(*text::Tokenizer::open(tables(number)));
    return *tokenizer;
  }

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<std::vector<std::byte>> tables_;
  std::vector<std::optional<text::Tokenizer>> tokenizers_;
};

}  // namespace ingot::fuzz
