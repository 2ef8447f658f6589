// What both tools share at the terminal: exit statuses, error lines, progress, Ctrl-C.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/status.h"

namespace ingot::cli {

constexpr int kDone = 0, kRefused = 1, kUsage = 2, kBug = 70, kInterrupted = 130;

// `text` on one line: control characters, which names from files may hold, as \n, \t or \x1b.
std::string oneLine(std::string_view text);

// Prints `TOOL: error: MESSAGE` on stderr, one line but for bugs of ours, and gives the exit status that goes with the code.
int fail(std::string_view tool, const Status& status);
// Prints `TOOL: warning: MESSAGE` on stderr, one line; nothing where there is no message.
void warn(std::string_view tool, std::string_view message);

// Set by SIGINT and SIGTERM once catchInterrupts() was called; a second signal before it is cleared ends the process at once.
// `react` is called by the signal handler: it may only store to lock-free atomics.
extern std::atomic<bool> interrupted;
void catchInterrupts(void (*react)() = nullptr);

// A reader that left and a limit on file size become write errors like any other.
void expectWriteErrors();

// A bar that redraws itself on a terminal; one plain line a phase elsewhere. Thread-compatible.
class ProgressLine {
 public:
  explicit ProgressLine(bool quiet);
  ~ProgressLine() { clear(); }
  // `all` of 0 means that there is no measure of it.
  void show(std::string_view phase, uint64_t done, uint64_t all);
  void note(std::string_view tool, const std::string& message);
  void clear();

 private:
  bool quiet_, terminal_, drawn_ = false;
  std::string phase_;
  int percent_ = -1;
};

}  // namespace ingot::cli
