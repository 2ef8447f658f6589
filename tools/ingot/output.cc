#include "tools/ingot/output.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "tools/cli/terminal.h"
#include "tools/ingot/json_output.h"

namespace ingot::cli {

void printDelta(const RequestOutput& delta) {
  std::fwrite(delta.outputs[0].text.data(), 1, delta.outputs[0].text.size(), stdout);
  std::fflush(stdout);
}

Status runAndPrint(size_t prompts, bool json, const SamplingParams& params, bool hasText,
                   const std::function<Result<std::vector<RequestOutput>>(const StreamCallback&)>& run) {
  bool streams = !json && prompts == 1 && params.n == 1 && hasText;
  INGOT_ASSIGN(auto results, run(streams ? StreamCallback(printDelta) : StreamCallback()));
  for (const RequestOutput& result : results) {
    if (json) fmt::print("{}\n", toJsonLine(result));
    if (streams) fmt::print("\n");
    if (json || streams) continue;
    for (const auto& output : result.outputs) {
      if (hasText) fmt::print("{}\n", output.text);
      else fmt::print("{}\n", fmt::join(output.token_ids, " "));
    }
  }
  for (const RequestOutput& result : results)
    for (const auto& output : result.outputs)
      if (output.finish_reason == "error")
        return Status::invalidInput("prompt {}: after {} tokens allowed_token_ids and bad_words left none to generate", result.request_id,
                                    output.token_ids.size());
  return interrupted ? Status::cancelled("interrupted") : Status();
}

Result<std::vector<int32_t>> parseIds(const std::string& text, const std::string& where) {
  std::vector<int32_t> ids;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    if (std::strchr(", \t\r", *at) && *at) {
      ++at;
      continue;
    }
    int32_t id;
    auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc())
      return Status::invalidInput("{}: \"{}\" is not a token id", where, text.substr(static_cast<size_t>(at - text.data()), 20));
    ids.push_back(id);
    at = next;
  }
  return ids;
}

}  // namespace ingot::cli
