// Flags that say which model and how it is held, and opening it; Ctrl-C ends the requests in work.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "runtime/engine/engine.h"

namespace ingot::cli {

struct ModelFlags {
  std::string path;
  EngineOptions options;

  void addTo(CLI::App& app);
  // Also lets Ctrl-C cancel what the engine does, while it lives.
  Result<std::unique_ptr<Engine>> open() const;
};

// The bytes of a file, or of standard input for "-".
Result<std::string> readInput(const std::string& path);
std::string readAll(std::istream& in);

}  // namespace ingot::cli
