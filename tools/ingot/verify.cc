// ingot verify: every byte of a model file against its hashes.
#include <fmt/format.h>

#include "runtime/format/artifact.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"

namespace ingot::cli {

Command verifyCommand(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("verify", "Check every byte of a model file.");
  command->add_option("model", *path, "a file that ingotc wrote")->required();
  return {command, [path] {
            auto artifact = Artifact::open(*path);
            if (!artifact.ok()) return fail(kTool, artifact.status());
            ProgressLine line(false);
            Status status = (*artifact)->verifyBody([&](uint64_t done, uint64_t all) { line.show("verify", done, all); });
            line.clear();
            if (!status.ok()) return fail(kTool, status);
            fmt::print("{}: {} bytes, as they were written\n", *path, (*artifact)->bytes().size());
            return kDone;
          }};
}

}  // namespace ingot::cli
