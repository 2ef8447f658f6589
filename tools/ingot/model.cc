#include "tools/ingot/model.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iostream>
#include <sstream>

#include "runtime/base/checked.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"

namespace ingot::cli {
namespace {

std::atomic<Engine*> active{nullptr};

}  // namespace

void ModelFlags::addTo(CLI::App& app) {
  app.add_option("model", path, "a file that ingotc wrote")->required();
  app.add_option("--threads", options.threads, "threads (default: physical cores this process may use)");
  app.add_option("--device", options.device, "auto, cpu or cuda[:i]");
  app.add_option_function<std::string>(
      "--kv-cache-memory",
      [this](const std::string& text) {
        auto bytes = parseBytes(text);
        if (!bytes) throw CLI::ValidationError("--kv-cache-memory", text + ": expected bytes, such as 2GiB");
        options.kv_cache_memory = *bytes;
      },
      "bytes for keys and values, such as 2GiB");
  app.add_option("--gpu-memory-utilization", options.gpu_memory_utilization,
                 "GPUs, instead: keys and values have what this share of the memory holds beside all else");
  app.add_option("--device-timeout", options.device_timeout, "seconds that a GPU may take for a step until it counts as lost");
  app.add_option("--max-num-seqs", options.max_num_seqs, "sequences in one step, at most");
  app.add_option("--max-num-batched-tokens", options.max_num_batched_tokens, "tokens in one step, at most");
  app.add_flag("!--no-async-scheduling", options.async_scheduling, "GPUs: begin a step when the one before it has ended");
}

std::optional<uint64_t> parseBytes(std::string_view text) {
  uint64_t bytes = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || bytes == 0) return std::nullopt;
  while (end != text.data() + text.size() && *end == ' ') ++end;
  std::string unit(end, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view kUnits = " kmgt";
  if (unit.empty() || unit == "b") return bytes;
  size_t power = kUnits.find(unit[0]);
  std::string_view rest = std::string_view(unit).substr(1);
  if (power == 0 || power == kUnits.npos || !(rest.empty() || rest == "b" || rest == "ib")) return std::nullopt;
  for (; power > 0; --power) {
    auto larger = checkedMul(bytes, 1024);
    if (!larger) return std::nullopt;
    bytes = *larger;
  }
  return bytes;
}

Result<std::unique_ptr<Engine>> ModelFlags::open() const {
  INGOT_ASSIGN(auto engine, Engine::open(path, options));
  warn(kTool, engine->stats().warning);
  active = engine.get();
  catchInterrupts([] {
    if (Engine* engine = active) engine->cancel();
  });
  return engine;
}

std::string readAll(std::istream& in) {
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return std::move(bytes).str();
}

Result<std::string> readInput(const std::string& path) {
  if (path == "-") return readAll(std::cin);
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status::notFound("{}: cannot be read", path);
  std::string bytes = readAll(file);
  if (file.bad()) return Status::io("{}: cannot be read", path);
  return bytes;
}

}  // namespace ingot::cli
