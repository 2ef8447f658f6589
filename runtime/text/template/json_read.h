// JSON text or a parsed document -> template values, as Python's json.loads makes them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "runtime/base/status.h"
#include "runtime/text/template/value.h"

namespace ingot::text {

constexpr int kMaxJsonDepth = 500;

// Values and their texts lie in `arena`. invalidInput with the byte and what was found.
Result<Value> readJson(std::string_view json, Arena& arena);
Result<Value> readDocument(const nlohmann::ordered_json& json, Arena& arena);

}  // namespace ingot::text
