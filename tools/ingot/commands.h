// The commands of the ingot tool. Each adds its flags to the app and gives what runs it; main.cc picks the one that was typed.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace ingot::cli {

constexpr const char* kTool = "ingot";

struct Command {
  CLI::App* app;
  std::function<int()> run;  // gives the exit status
};

Command generateCommand(CLI::App& app);
Command chatCommand(CLI::App& app);
Command tokenizeCommand(CLI::App& app);
Command detokenizeCommand(CLI::App& app);
Command renderCommand(CLI::App& app);
Command inspectCommand(CLI::App& app);
Command verifyCommand(CLI::App& app);
Command benchCommand(CLI::App& app);
Command devicesCommand(CLI::App& app);

}  // namespace ingot::cli
