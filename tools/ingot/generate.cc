// ingot generate: prompts in, continuations out.
#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"
#include "tools/ingot/json_output.h"
#include "tools/ingot/model.h"
#include "tools/ingot/sampling_flags.h"

namespace ingot::cli {
namespace {

struct GenerateFlags {
  ModelFlags model;
  SamplingFlags sampling;
  std::vector<std::string> prompts, tokenIds;
  std::string promptFile;
  bool json = false;
};

Result<std::vector<int32_t>> parseIds(const std::string& text) {
  std::vector<int32_t> ids;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    if (*at == ',' || *at == ' ') {
      ++at;
      continue;
    }
    int32_t id;
    auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc()) return Status::invalidArgument("--prompt-token-ids is \"{}\", expected ids such as 1,2,3", text);
    ids.push_back(id);
    at = next;
  }
  if (ids.empty()) return Status::invalidArgument("--prompt-token-ids is empty, expected ids such as 1,2,3");
  return ids;
}

Result<std::vector<Prompt>> collectPrompts(const GenerateFlags& flags) {
  std::vector<Prompt> prompts(flags.prompts.begin(), flags.prompts.end());
  if (!flags.promptFile.empty()) {
    INGOT_ASSIGN(std::string text, readInput(flags.promptFile));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      prompts.emplace_back(line);
    }
  }
  for (const auto& text : flags.tokenIds) {
    INGOT_ASSIGN(auto ids, parseIds(text));
    prompts.emplace_back(std::move(ids));
  }
  if (prompts.empty()) return Status::invalidArgument("no prompt; give PROMPT, --prompt-file or --prompt-token-ids");
  return prompts;
}

void print(const CompletionOutput& output, bool hasText) {
  if (hasText) fmt::print("{}\n", output.text);
  else fmt::print("{}\n", fmt::join(output.token_ids, " "));
}

Status generate(const GenerateFlags& flags) {
  INGOT_ASSIGN(auto prompts, collectPrompts(flags));
  INGOT_ASSIGN(auto engine, flags.model.open());
  INGOT_ASSIGN(SamplingParams params, flags.sampling.apply(engine->defaultSamplingParams()));
  bool hasText = engine->hasTokenizer();
  // One text alone is shown as it grows.
  bool streams = !flags.json && prompts.size() == 1 && params.n == 1 && hasText;
  StreamCallback show = [](const RequestOutput& delta) {
    std::fwrite(delta.outputs[0].text.data(), 1, delta.outputs[0].text.size(), stdout);
    std::fflush(stdout);
  };
  INGOT_ASSIGN(auto results, engine->generate(prompts, {params}, streams ? show : StreamCallback()));
  for (const RequestOutput& result : results) {
    if (flags.json) fmt::print("{}\n", toJsonLine(result));
    else if (streams) fmt::print("\n");
    else
      for (const auto& output : result.outputs) print(output, hasText);
  }
  return interrupted ? Status::cancelled("interrupted") : Status();
}

}  // namespace

Command generateCommand(CLI::App& app) {
  auto flags = std::make_shared<GenerateFlags>();
  CLI::App* command = app.add_subcommand("generate", "Continue prompts.");
  flags->model.addTo(*command);
  command->add_option("prompt", flags->prompts, "texts to continue; several make a batch");
  command->add_option("--prompt-file", flags->promptFile, "one prompt a line; - is standard input");
  command->add_option("--prompt-token-ids", flags->tokenIds, "a prompt as ids 1,2,3; repeatable")->allow_extra_args(false);
  command->add_flag("--json", flags->json, "one JSON object a prompt");
  flags->sampling.addTo(*command);
  return {command, [flags] {
            Status status = generate(*flags);
            return status.ok() ? kDone : fail(kTool, status);
          }};
}

}  // namespace ingot::cli
