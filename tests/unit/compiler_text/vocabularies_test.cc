// Vocabularies that are no tokenizer.json: each is built here from the facts of its format.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "compiler/text/foreign_vocabulary.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class Folder : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(path_); }
  void TearDown() override { fs::remove_all(path_); }
  void write(const char* name, const std::string& text) { std::ofstream(path_ / name, std::ios::binary) << text; }

  std::vector<int32_t> encode(const std::string& text, const char* file = nullptr) {
    auto tables = readVocabulary(file ? path_ / file : path_, [](const std::string&) {});
    EXPECT_TRUE(tables.ok()) << tables.status().message();
    if (!tables.ok()) return {};
    bytes_ = *tables->serialize();
    tokenizer_.emplace(*text::Tokenizer::open(bytes_));
    std::vector<int32_t> ids;
    text::EncodeScratch scratch;
    tokenizer_->encode(text, {}, scratch, ids);
    return ids;
  }

  fs::path path_ = fs::temp_directory_path() / ("ingot_vocabularies_" + std::to_string(getpid()));
  std::vector<std::byte> bytes_;
  std::optional<text::Tokenizer> tokenizer_;
};

TEST_F(Folder, VocabAndMergesAsOptShipsThem) {
  write("vocab.json", R"({"<pad>":0,"</s>":1,"h":2,"i":3,"hi":4,"Ġ":5,"Ġhi":6})");
  write("merges.txt", "#version: 0.2\nh i\nĠ hi\n");
  write("tokenizer_config.json",
        R"({"add_bos_token":true,"bos_token":{"content":"</s>"},"eos_token":{"content":"</s>"},"pad_token":{"content":"<pad>"}})");
  EXPECT_THAT(encode("hi hi</s>"), ElementsAre(1, 4, 6, 1));
  EXPECT_EQ(*tokenizer_->decode(std::vector<int32_t>{1, 4, 6}, true), "hi hi");
}

TEST_F(Folder, SaysWhichLineOfMergesIsWrong) {
  write("vocab.json", R"({"h":0})");
  write("merges.txt", "#version: 0.2\nh\n");
  auto tables = readVocabulary(path_, [](const std::string&) {});
  EXPECT_THAT(tables.status().message(), testing::HasSubstr("merges.txt: line 2"));
}

TEST_F(Folder, WhatAnAddedTokenTookIsNoTokenAgain) {
  write("tokenizer.json", R"({"model":{"type":"WordLevel","vocab":{"?":0},"unk_token":"?"},"added_tokens":[
      {"id":1,"content":" ","lstrip":true,"normalized":false},{"id":2,"content":"<x>","rstrip":true,"normalized":false}]})");
  EXPECT_THAT(encode("<x> a"), ElementsAre(2, 0));
}

TEST_F(Folder, IgnoreMergesLooksAtThePieceAsItIs) {
  write("tokenizer.json",
        R"({"model":{"type":"BPE","vocab":{"a":0,"##a":1,"#":2},"merges":[],"continuing_subword_prefix":"##","ignore_merges":true}})");
  EXPECT_THAT(encode("##a"), ElementsAre(1));
}

TEST_F(Folder, ANormalizedAddedTokenDecodesToItsNormalForm) {
  write("tokenizer.json", R"({"model":{"type":"WordLevel","vocab":{"?":0},"unk_token":"?"},"normalizer":{"type":"Lowercase"},"added_tokens":[
      {"id":1,"content":"<A>","special":true,"normalized":true},{"id":2,"content":"<B>","special":true,"normalized":false}]})");
  EXPECT_THAT(encode("<a><B>"), ElementsAre(1, 2));
  EXPECT_EQ(*tokenizer_->decode(std::vector<int32_t>{1, 2}, false), "<a> <B>");
  EXPECT_EQ(*tokenizer_->decode(std::vector<int32_t>{1, 2}, true), "<a>");
}

}  // namespace
}  // namespace ingot
