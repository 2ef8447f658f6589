// config.json -> DecoderSpec, through an allow-list: a key that could change meaning and is not known is an error.
#pragma once

#include <nlohmann/json.hpp>
#include <set>

#include "compiler/import/decoder_spec.h"

namespace ingot {

// Reads typed values of config.json and remembers which keys were read. Absent and null are the same.
class ConfigReader {
 public:
  ConfigReader(const nlohmann::ordered_json& json, std::string where) : json_(json), where_(std::move(where)) {}

  bool has(const std::string& key);
  Result<int64_t> integer(const std::string& key, std::optional<int64_t> fallback, int64_t low, int64_t high);
  Result<double> number(const std::string& key, std::optional<double> fallback);
  Result<bool> boolean(const std::string& key, bool fallback);
  Result<std::string> text(const std::string& key, std::optional<std::string> fallback);
  const nlohmann::ordered_json* value(const std::string& key);  // null when absent or null

  // Fails on the first key that nobody read and that is not known to leave the computation alone.
  Status refuseUnknown() const;
  Status wrong(const std::string& key, std::string_view expected) const;
  const std::string& where() const { return where_; }

 private:
  const nlohmann::ordered_json& json_;
  std::string where_;
  std::set<std::string> read_;
};

// A family: the config.json `model_type` it answers to, and how its config fills a spec.
struct Family {
  std::string_view modelType;
  std::string_view architecture;
  Status (*fill)(ConfigReader& config, DecoderSpec& spec);
};
std::span<const Family> families();

// The spec of a parsed config.json; `where` names it in messages.
Result<DecoderSpec> readConfig(const nlohmann::ordered_json& json, const std::string& where);

// Fills what spec says of 8-bit floats from `json`, a quantization_config; other quantisation is refused.
Status readQuantization(const nlohmann::ordered_json& json, const std::string& where, DecoderSpec& spec);

// Fills spec.rope from rope_theta and rope_scaling, or from rope_parameters.
Status readRope(ConfigReader& config, DecoderSpec& spec, double defaultTheta);

}  // namespace ingot
