// JSON of tokenizer files: objects as balanced trees, because a vocabulary is an object of a hundred thousand keys.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/base/status.h"

namespace ingot {

using TextJson = nlohmann::json;

// Parses JSON; refuses duplicate keys, nesting over 64, and invalid UTF-8. `where` starts every message.
Result<TextJson> parseTextJson(std::string_view text, std::string_view where);
Result<TextJson> readTextJsonFile(const std::filesystem::path& path);

// A member of `json` with a fallback where it is absent or null; a value of another type is an error.
template <class T>
Result<T> member(const TextJson& json, const char* key, T fallback) {
  auto found = json.find(key);
  if (found == json.end() || found->is_null()) return fallback;
  bool fits;
  if constexpr (std::is_same_v<T, bool>) fits = found->is_boolean();
  else if constexpr (std::is_same_v<T, std::string>) fits = found->is_string();
  else if constexpr (std::is_integral_v<T>) fits = found->is_number_integer();
  else fits = found->is_number();
  if (!fits)
    return Status::invalidInput("{}: is {}, which has the wrong type", key,
                                found->dump(-1, ' ', false, TextJson::error_handler_t::replace).substr(0, 60));
  return found->get<T>();
}

// A member that is an object, or null.
inline const TextJson* memberObject(const TextJson& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_object() ? &*found : nullptr;
}

}  // namespace ingot
