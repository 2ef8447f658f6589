// Flags that say which model and how it is held, and opening it; Ctrl-C ends the requests in work.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "runtime/engine/engine.h"

namespace ingot::cli {

struct ModelFlags {
  std::string path;
  EngineOptions options;

  void addTo(CLI::App& app);
  // Also lets Ctrl-C cancel what the engine does, while it lives.
  Result<std::unique_ptr<Engine>> open() const;
};

// 2048, 4k, 16MB, 2GiB: units are powers of 1024. Nothing for what is no such size, is 0, or is beyond 64 bits.
std::optional<uint64_t> parseBytes(std::string_view text);

// The bytes of a file, or of standard input for "-".
Result<std::string> readInput(const std::string& path);
std::string readAll(std::istream& in);

}  // namespace ingot::cli
