// ingot generate: prompts in, continuations out.
#include <sstream>

#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"
#include "tools/ingot/model.h"
#include "tools/ingot/output.h"
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
    auto ids = parseIds(text, "--prompt-token-ids");
    if (!ids.ok() || ids->empty()) return Status::invalidArgument("--prompt-token-ids is \"{}\", expected ids such as 1,2,3", text);
    prompts.emplace_back(std::move(ids).value());
  }
  if (prompts.empty()) return Status::invalidArgument("no prompt; give PROMPT, --prompt-file or --prompt-token-ids");
  return prompts;
}

Status generate(const GenerateFlags& flags) {
  INGOT_ASSIGN(auto prompts, collectPrompts(flags));
  INGOT_ASSIGN(auto engine, flags.model.open());
  INGOT_ASSIGN(SamplingParams params, flags.sampling.apply(engine->defaultSamplingParams()));
  return runAndPrint(prompts.size(), flags.json, params, engine->hasTokenizer(),
                     [&](const StreamCallback& callback) { return engine->generate(prompts, {params}, callback); });
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
