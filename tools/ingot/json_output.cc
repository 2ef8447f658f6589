#include "tools/ingot/json_output.h"

#include <nlohmann/json.hpp>

namespace ingot::cli {
namespace {

using Json = nlohmann::ordered_json;

Json toJson(const LogprobMap& map) {
  // Likeliest first.
  std::vector<std::pair<int32_t, const Logprob*>> order;
  for (const auto& [id, logprob] : map) order.emplace_back(id, &logprob);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second->rank < b.second->rank; });
  Json json = Json::object();
  for (auto [id, one] : order) json[std::to_string(id)] = {{"logprob", one->logprob}, {"rank", one->rank}, {"decoded_token", one->decoded_token}};
  return json;
}

Json toJson(const CompletionOutput& output) {
  Json json = {{"index", output.index}, {"text", output.text}, {"token_ids", output.token_ids}};
  json["cumulative_logprob"] = output.cumulative_logprob ? Json(*output.cumulative_logprob) : Json();
  json["logprobs"] = nullptr;
  if (output.logprobs) {
    json["logprobs"] = Json::array();
    for (const auto& map : *output.logprobs) json["logprobs"].push_back(toJson(map));
  }
  json["finish_reason"] = output.finish_reason.empty() ? Json() : Json(output.finish_reason);
  json["stop_reason"] = nullptr;
  if (const auto* id = std::get_if<int32_t>(&output.stop_reason)) json["stop_reason"] = *id;
  if (const auto* text = std::get_if<std::string>(&output.stop_reason)) json["stop_reason"] = *text;
  return json;
}

}  // namespace

std::string toJsonLine(const RequestOutput& output) {
  Json json = {{"request_id", output.request_id}, {"prompt", output.prompt}, {"prompt_token_ids", output.prompt_token_ids}};
  json["prompt_logprobs"] = nullptr;
  if (output.prompt_logprobs) {
    json["prompt_logprobs"] = Json::array();
    for (const auto& map : *output.prompt_logprobs) json["prompt_logprobs"].push_back(map ? toJson(*map) : Json());
  }
  json["outputs"] = Json::array();
  for (const auto& one : output.outputs) json["outputs"].push_back(toJson(one));
  json["finished"] = output.finished;
  json["num_cached_tokens"] = output.num_cached_tokens;
  json["metrics"] = {{"time_to_first_token_s", output.metrics.time_to_first_token_s},
                     {"time_per_output_token_s", output.metrics.time_per_output_token_s}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ingot::cli
