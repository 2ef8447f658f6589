#include "compiler/text/read_text.h"

#include "compiler/text/chat_templates.h"
#include "compiler/text/foreign_vocabulary.h"
#include "compiler/text/tokenizer_json.h"
#include "runtime/text/template/template.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSpecialTokens[] = {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

class TextReader {
 public:
  TextReader(const CheckpointSource& source, const Note& note) : source_(source), note_(note) {}

  Result<TextContents> run(const fs::path& chatTemplate) {
    INGOT_ASSIGN(config_, optionalJson("tokenizer_config.json"));
    INGOT_ASSIGN(specialMap_, optionalJson("special_tokens_map.json"));
    INGOT_TRY(tokenizer());
    INGOT_TRY(specialTokens());
    INGOT_ASSIGN(contents_.templates, readChatTemplates(source_, config_, chatTemplate));
    // What the runtime will compile at start is compiled here, to say now what is wrong with it.
    for (const ChatTemplateSource& one : contents_.templates) INGOT_TRY(text::Template::compile(one.source, one.name).status().at(source_.where));
    if (contents_.templates.empty()) note_(fmt::format("{}: has no chat template; chat takes one by --chat-template", source_.where));
    if (config_.is_object()) {
      INGOT_ASSIGN(contents_.cleanUpSpaces, member<bool>(config_, "clean_up_tokenization_spaces", false));
    }
    return std::move(contents_);
  }

 private:
  // A JSON object of the checkpoint's folder; null where there is none.
  Result<TextJson> optionalJson(const char* name) {
    std::error_code ignored;
    if (source_.folder.empty() || !fs::exists(source_.folder / name, ignored)) return TextJson();
    INGOT_ASSIGN(TextJson json, readTextJsonFile(source_.folder / name));
    if (!json.is_object()) return Status::invalidInput("{}: is not an object", (source_.folder / name).string());
    return json;
  }

  Status tokenizer() {
    std::optional<TokenizerTables> tables;
    if (source_.gguf.is_object()) {
      INGOT_ASSIGN(tables, readGgufVocabulary(source_.gguf, source_.where, note_));
    }
    if (!tables && !source_.folder.empty()) {
      INGOT_ASSIGN(tables, readVocabularyFolder(source_.folder, config_, specialMap_, note_));
    }
    if (!tables) {
      note_(fmt::format("{}: has no tokenizer; the model takes and gives token ids only", source_.where));
      return {};
    }
    INGOT_ASSIGN(contents_.tokenizer, tables->serialize());
    return {};
  }

  Status specialTokens() {
    if (source_.gguf.is_object()) {
      contents_.specialTokens = ggufSpecialTokens(source_.gguf);
      return {};
    }
    for (const char* name : kSpecialTokens)
      for (const TextJson* json : {&config_, &specialMap_}) {
        if (!json->is_object()) continue;
        INGOT_ASSIGN(std::string content, tokenContent(*json, name));
        if (content.empty()) continue;
        contents_.specialTokens.emplace_back(name, content);
        break;
      }
    return {};
  }

  const CheckpointSource& source_;
  const Note& note_;
  TextContents contents_;
  TextJson config_, specialMap_;
};

}  // namespace

Result<TextContents> readText(const CheckpointSource& source, const fs::path& chatTemplate, const std::function<void(const std::string&)>& note) {
  Note say = note ? note : [](const std::string&) {};
  return TextReader(source, say).run(chatTemplate);
}

}  // namespace ingot
