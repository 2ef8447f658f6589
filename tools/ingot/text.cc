// ingot tokenize, detokenize, render: the text side of a model alone. Weights are not touched.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "runtime/engine/chat.h"
#include "runtime/format/artifact.h"
#include "runtime/text/tokenizer/tokenizer.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/chat_flags.h"
#include "tools/ingot/commands.h"
#include "tools/ingot/output.h"

namespace ingot::cli {
namespace {

using Json = nlohmann::ordered_json;

struct TextFlags {
  std::string model;
  bool ids = false, noSpecial = false, lines = false, jsonLines = false, skipSpecial = false;
  ChatFlags chat;
};

Result<text::Tokenizer> openTokenizer(const Artifact& artifact) {
  int32_t segment = artifact.plan().text()->tokenizer_segment();
  if (segment < 0) return Status::unsupported("{}: was compiled without a tokenizer", artifact.path().string());
  return text::Tokenizer::open(artifact.segment(static_cast<uint32_t>(segment)));
}

// The texts of standard input, as --lines and --json-lines say.
Result<std::vector<std::string>> readTexts(const TextFlags& flags) {
  if (!flags.lines && !flags.jsonLines) return std::vector<std::string>{readAll(std::cin)};
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) {
    if (flags.jsonLines) {
      Json json = Json::parse(line, nullptr, false);
      if (!json.is_string()) return Status::invalidInput("line {}: is not a JSON string", texts.size() + 1);
      line = json.get<std::string>();
    }
    texts.push_back(std::move(line));
  }
  return texts;
}

Status tokenize(const TextFlags& flags) {
  INGOT_ASSIGN(auto artifact, Artifact::open(flags.model));
  INGOT_ASSIGN(text::Tokenizer tokenizer, openTokenizer(*artifact));
  INGOT_ASSIGN(auto texts, readTexts(flags));
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  for (const auto& text : texts) {
    ids.clear();
    tokenizer.encode(text, {.add_special_tokens = !flags.noSpecial}, scratch, ids);
    if (flags.ids || flags.lines || flags.jsonLines) {
      fmt::print("{}\n", fmt::join(ids, " "));
      continue;
    }
    for (int32_t id : ids) fmt::print("{:>7}  {}\n", id, Json(std::string(tokenizer.token(id))).dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return {};
}

Status detokenize(const TextFlags& flags) {
  INGOT_ASSIGN(auto artifact, Artifact::open(flags.model));
  INGOT_ASSIGN(text::Tokenizer tokenizer, openTokenizer(*artifact));
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) lines.push_back(std::move(line));
  for (size_t i = 0; i < lines.size(); ++i) {
    INGOT_ASSIGN(auto ids, parseIds(lines[i], fmt::format("line {}", i + 1)));
    auto text = tokenizer.decode(ids, flags.skipSpecial);
    if (!text.ok()) return text.status().at(fmt::format("line {}", i + 1));
    if (flags.jsonLines) fmt::print("{}\n", Json(*text).dump(-1, ' ', false, Json::error_handler_t::replace));
    else {
      std::fwrite(text->data(), 1, text->size(), stdout);
      if (flags.lines || lines.size() > 1) fmt::print("\n");  // one line alone is the whole text, to the byte
    }
  }
  return {};
}

Status render(const TextFlags& flags) {
  INGOT_ASSIGN(ChatOptions options, flags.chat.options());
  INGOT_ASSIGN(auto conversations, flags.chat.conversations());
  INGOT_ASSIGN(auto artifact, Artifact::open(flags.model));
  INGOT_ASSIGN(ChatRenderer renderer, ChatRenderer::open(*artifact->plan().text()));
  std::string prompts;
  for (const Conversation& conversation : conversations) {
    INGOT_ASSIGN(std::string prompt, renderer.render(conversation, options));
    prompts += prompt;
  }
  std::fwrite(prompts.data(), 1, prompts.size(), stdout);
  return {};
}

Command command(CLI::App* app, std::shared_ptr<TextFlags> flags, Status (*run)(const TextFlags&)) {
  return {app, [flags, run] {
            Status status = run(*flags);
            return status.ok() ? kDone : fail(kTool, status);
          }};
}

std::shared_ptr<TextFlags> flagsOf(CLI::App* app) {
  auto flags = std::make_shared<TextFlags>();
  app->add_option("model", flags->model, "a file that ingotc wrote")->required();
  return flags;
}

}  // namespace

Command tokenizeCommand(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("tokenize", "Text on standard input to tokens.");
  auto flags = flagsOf(sub);
  sub->add_flag("--ids", flags->ids, "ids alone, on one line");
  sub->add_flag("--no-special", flags->noSpecial, "do not add the tokens that begin or end a text");
  sub->add_flag("--lines", flags->lines, "every line is a text");
  sub->add_flag("--json-lines", flags->jsonLines, "every line is a JSON string");
  return command(sub, flags, tokenize);
}

Command detokenizeCommand(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("detokenize", "Lines of ids on standard input to text.");
  auto flags = flagsOf(sub);
  sub->add_flag("--skip-special-tokens", flags->skipSpecial, "leave special tokens out");
  sub->add_flag("--lines", flags->lines, "end every text with a line break");
  sub->add_flag("--json-lines", flags->jsonLines, "one JSON string a line");
  return command(sub, flags, detokenize);
}

Command renderCommand(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("render", "A conversation to the prompt that the model sees.");
  auto flags = flagsOf(sub);
  flags->chat.addTo(*sub);
  sub->get_option("--messages")->required();
  return command(sub, flags, render);
}

}  // namespace ingot::cli
