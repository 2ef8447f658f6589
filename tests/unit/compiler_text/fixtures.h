// The small vocabularies of tests/golden/tokenizers/fixtures, compiled for a test of each. make_fixtures.py makes those of
// Hugging Face tokenizers (.json), libraries.py those of sentencepiece (.model).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "compiler/text/foreign_vocabulary.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {

inline const std::filesystem::path kFixtureFolder = INGOT_SOURCE_DIR "/tests/golden/tokenizers/fixtures";

inline std::vector<std::string> fixtureNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(INGOT_SOURCE_DIR "/tests/golden/tokenizers/fixtures"))
    if (entry.path().extension() == ".cases") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

class FixtureTokenizer : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto path = kFixtureFolder / (GetParam() + ".json");
    if (!std::filesystem::exists(path)) path.replace_extension(".model");
    auto tables = readVocabulary(path, [](const std::string&) {});
    ASSERT_TRUE(tables.ok()) << tables.status().message();
    auto bytes = tables->serialize();
    ASSERT_TRUE(bytes.ok()) << bytes.status().message();
    bytes_ = std::move(bytes).value();
    auto opened = text::Tokenizer::open(bytes_);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    tokenizer_.emplace(std::move(opened).value());
  }

  const std::vector<std::byte>& tables() const { return bytes_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  std::vector<std::byte> bytes_;
  std::optional<text::Tokenizer> tokenizer_;
};

}  // namespace ingot
