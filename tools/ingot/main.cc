// ingot: runs, serves and looks into model.ingot. One subcommand a task; flags: docs/usage.md.
#include <system_error>

#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"

int main(int argc, char** argv) {
  using namespace ingot::cli;
  expectWriteErrors();
  CLI::App app("Runs language models compiled by ingotc.", kTool);
  app.set_version_flag("--version", "ingot " INGOT_VERSION);
  app.require_subcommand(1);
  const Command commands[] = {generateCommand(app), chatCommand(app),   tokenizeCommand(app), detokenizeCommand(app), renderCommand(app),
                              inspectCommand(app),  verifyCommand(app), benchCommand(app),    devicesCommand(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  try {
    for (const Command& command : commands)
      if (command.app->parsed()) return command.run();
  } catch (const std::system_error& error) {  // fmt: a reader of our output that went away
    return fail(kTool, ingot::Status::io("standard output: {}", error.what()));
  }
  return kUsage;
}
