#include "tools/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

namespace ingot::cli {

std::atomic<bool> interrupted{false};

namespace {

std::atomic<void (*)()> reaction{nullptr};

void onSignal(int) {
  if (interrupted.exchange(true)) _exit(kInterrupted);
  if (auto react = reaction.load()) react();
}

int statusOf(StatusCode code) {
  switch (code) {
    case StatusCode::ok: return kDone;
    case StatusCode::invalidArgument: return kUsage;
    case StatusCode::cancelled: return kInterrupted;
    case StatusCode::internal:
    case StatusCode::deviceLost: return kBug;
    default: return kRefused;
  }
}

}  // namespace

std::string oneLine(std::string_view text) {
  std::string line;
  for (char c : text) {
    if (c == '\n') line += "\\n";
    else if (c == '\t') line += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) line += fmt::format("\\x{:02x}", static_cast<int>(c));
    else line += c;
  }
  return line;
}

int fail(std::string_view tool, const Status& status) {
  bool isBug = status.code() == StatusCode::internal;
  fmt::print(stderr, "{}: error: {}\n", tool, isBug ? std::string(status.message()) : oneLine(status.message()));
  if (isBug) fmt::print(stderr, "{}: this is a bug of ours; please report it with the command\n", tool);
  return statusOf(status.code());
}

void warn(std::string_view tool, std::string_view message) {
  if (!message.empty()) fmt::print(stderr, "{}: warning: {}\n", tool, oneLine(message));
}

void catchInterrupts(void (*react)()) {
  reaction = react;
  struct sigaction action{};
  action.sa_handler = onSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void expectWriteErrors() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO)) {}

void ProgressLine::show(std::string_view phase, uint64_t done, uint64_t all) {
  int percent = all ? static_cast<int>(std::min<uint64_t>(done, all) * 100 / all) : 0;
  if (quiet_ || (phase == phase_ && percent == percent_)) return;
  bool newPhase = phase != phase_;
  phase_ = phase;
  percent_ = percent;
  if (!terminal_) {
    if (newPhase) fmt::print(stderr, "{} ...\n", phase);
    return;
  }
  constexpr int kWidth = 40;
  int filled = percent * kWidth / 100;
  fmt::print(stderr, "\r\033[K{:<8} [{}{}] {:3}%", phase, std::string(static_cast<size_t>(filled), '='),
             std::string(static_cast<size_t>(kWidth - filled), ' '), percent);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::note(std::string_view tool, const std::string& message) {
  clear();
  fmt::print(stderr, "{}: note: {}\n", tool, oneLine(message));
}

void ProgressLine::clear() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
  drawn_ = false;
}

}  // namespace ingot::cli
