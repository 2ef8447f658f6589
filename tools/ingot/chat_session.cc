#include "tools/ingot/chat_session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"
#include "tools/ingot/model.h"
#include "tools/ingot/output.h"

namespace ingot::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHelp =
    "/help            this text\n"
    "/clear           forget the conversation\n"
    "/system [TEXT]   set or show the system message, and begin anew\n"
    "/save FILE       write the conversation as JSON\n"
    "/load FILE       go on with a saved conversation\n"
    "/stats           speed of the last answer\n"
    "/exit            leave (Ctrl-D, too); Ctrl-C stops an answer\n";

// A line without its end; empty optional at the end of input. An interrupt gives an empty line.
std::optional<std::string> readLine() {
  fmt::print(stderr, "> ");
  std::fflush(stderr);
  char* buffer = nullptr;
  size_t capacity = 0;
  errno = 0;
  ssize_t length = getline(&buffer, &capacity, stdin);
  int error = errno;
  std::string line(length > 0 ? buffer : "", length > 0 ? static_cast<size_t>(length) : 0);
  std::free(buffer);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  if (length >= 0) return line;
  std::clearerr(stdin);
  if (error != EINTR) return std::nullopt;
  interrupted = false;
  fmt::print(stderr, "\n");
  return std::string();
}

Json toJson(const ChatMessage& message) {
  return message.json.empty() ? Json{{"role", message.role}, {"content", message.content}} : Json::parse(message.json, nullptr, false);
}

}  // namespace

ChatSession::ChatSession(Engine& engine, SamplingParams params, ChatOptions options, std::string system)
    : engine_(engine), params_(std::move(params)), options_(std::move(options)), system_(std::move(system)) {
  clear();
}

int ChatSession::run() {
  fmt::print(stderr, "/help lists the commands, Ctrl-D leaves.\n");
  while (auto line = readLine()) {
    if (line->empty()) continue;
    if (line->front() == '/') {
      if (!obey(*line)) return kDone;
      continue;
    }
    answer(*line);
  }
  fmt::print(stderr, "\n");
  return kDone;
}

void ChatSession::clear() {
  conversation_.clear();
  if (!system_.empty()) conversation_.push_back({"system", system_});
}

bool ChatSession::obey(const std::string& line) {
  auto space = line.find(' ');
  std::string command = line.substr(0, space), argument = space == std::string::npos ? "" : line.substr(space + 1);
  if (command == "/exit" || command == "/quit") return false;
  if (command == "/clear") {
    clear();
  } else if (command == "/system") {
    if (argument.empty()) fmt::print(stderr, "{}\n", system_.empty() ? "(none)" : system_);
    else system_ = argument, clear();
  } else if (command == "/save") {
    save(argument);
  } else if (command == "/load") {
    load(argument);
  } else if (command == "/stats") {
    showStats();
  } else {
    if (command != "/help") fmt::print(stderr, "{} is no command\n", command);
    fmt::print(stderr, "{}", kHelp);
  }
  return true;
}

void ChatSession::answer(const std::string& text) {
  conversation_.push_back({"user", text});
  auto replies = engine_.chat({conversation_}, {params_}, options_, printDelta);
  interrupted = false;
  if (!replies.ok()) {
    fail(kTool, replies.status());
    conversation_.pop_back();
    return;
  }
  fmt::print("\n");
  std::fflush(stdout);
  const RequestOutput& reply = replies->front();
  last_ = reply.metrics;
  lastTokens_ = reply.outputs[0].token_ids.size();
  conversation_.push_back({"assistant", reply.outputs[0].text});
}

void ChatSession::save(const std::string& path) const {
  Json json = Json::array();
  for (const ChatMessage& message : conversation_) json.push_back(toJson(message));
  std::ofstream file(path);
  file << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  file.flush();
  fmt::print(stderr, "{}{}\n", file ? "saved " : "cannot write ", path);
}

void ChatSession::load(const std::string& path) {
  auto text = readInput(path);
  Json json = text.ok() ? Json::parse(*text, nullptr, false) : Json();
  if (!json.is_array()) {
    fmt::print(stderr, "{}: is not a list of messages\n", path);
    return;
  }
  conversation_.clear();
  for (const Json& message : json) conversation_.push_back({{}, {}, message.dump()});
  fmt::print(stderr, "{} messages\n", conversation_.size());
}

void ChatSession::showStats() const {
  EngineStats stats = engine_.stats();
  fmt::print(stderr, "{} tokens, first after {:.0f} ms, then {:.1f} a second; {} on {} threads, {} KV pages\n", lastTokens_,
             last_.time_to_first_token_s * 1e3, last_.time_per_output_token_s > 0 ? 1 / last_.time_per_output_token_s : 0, stats.target,
             stats.threads, stats.kv_pages);
}

}  // namespace ingot::cli
