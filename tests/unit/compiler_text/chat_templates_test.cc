// Every place that a checkpoint's chat templates come from.
#include "compiler/text/chat_templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace ingot {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ChatTemplates : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(path_ / "additional_chat_templates");
    source_.folder = path_;
  }
  void TearDown() override { fs::remove_all(path_); }
  void write(const char* name, const std::string& text) { std::ofstream(path_ / name, std::ios::binary) << text; }

  // "NAME=SOURCE ..." of all there are, or what is wrong.
  std::string read(const char* config = "{}", const char* file = nullptr) {
    auto found = readChatTemplates(source_, *parseTextJson(config, "tokenizer_config.json"), file ? path_ / file : fs::path());
    if (!found.ok()) return found.status().message();
    std::string all;
    for (const auto& one : *found) all += one.name + "=" + one.source + " ";
    return all;
  }

  fs::path path_ = fs::temp_directory_path() / ("ingot_chat_templates_" + std::to_string(getpid()));
  CheckpointSource source_;
};

constexpr const char* kString = R"({"chat_template": "config"})";

TEST_F(ChatTemplates, OfTokenizerConfig) {
  EXPECT_EQ(read(), "");
  EXPECT_EQ(read(R"({"chat_template": null})"), "");
  EXPECT_EQ(read(kString), "default=config ");
  EXPECT_EQ(
      read(R"({"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}, {"name": "rag", "template": "c"}]})"),
      "default=a tool_use=b rag=c ");
  EXPECT_THAT(read(R"({"chat_template": 5})"), HasSubstr("tokenizer_config.json: chat_template: is neither a text nor a list"));
}

TEST_F(ChatTemplates, OfFilesBesideIt) {
  write("chat_template.json", R"({"chat_template": "json"})");
  EXPECT_EQ(read(kString), "default=json ");
  write("chat_template.jinja", "jinja");
  EXPECT_EQ(read(kString), "default=jinja ");
  write("additional_chat_templates/tool_use.jinja", "tools");
  write("additional_chat_templates/notes.txt", "none");
  EXPECT_EQ(read(kString), "default=jinja tool_use=tools ");
}

TEST_F(ChatTemplates, OfGguf) {
  source_.folder.clear();
  source_.gguf = {{"tokenizer.chat_template", "a"}, {"tokenizer.chat_template.tool_use", "b"}, {"tokenizer.chat_templates", {"tool_use"}}};
  EXPECT_EQ(read(), "default=a tool_use=b ");
}

TEST_F(ChatTemplates, AGivenFileIsTheOnlyOne) {
  write("chat_template.jinja", "jinja");
  write("mine.jinja", "mine");
  EXPECT_EQ(read(kString, "mine.jinja"), "default=mine ");
  EXPECT_THAT(read(kString, "none.jinja"), HasSubstr("none.jinja"));
}

TEST_F(ChatTemplates, HugeFilesAreRefusedUnread) {
  write("chat_template.jinja", "");
  fs::resize_file(path_ / "chat_template.jinja", 100 << 20);
  EXPECT_THAT(read(), HasSubstr("chat_template.jinja"));
}

}  // namespace
}  // namespace ingot
