// Short ways to render in tests.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "runtime/text/template/template.h"

namespace ingot::text {

// The text, or "Kind: message (line:column)".
inline std::string render(std::string_view source, std::string_view variablesJson = "{}", const RenderLimits& limits = {}) {
  auto compiled = Template::compile(source, "t");
  if (!compiled.ok()) return compiled.status().message();
  Variables given, variables;
  auto status = given.setJson("all", variablesJson);
  if (!status.ok()) return status.message();
  const Dict& all = *given.find("all")->dict;
  for (uint32_t i = 0; i < all.size; ++i) variables.set(all.entries[i].key.text(), all.entries[i].value);
  RenderError error;
  auto text = compiled->render(variables, limits, &error);
  if (text.ok()) return *text;
  EXPECT_NE(text.status().message().find(error.message), std::string::npos);
  return error.kind + ": " + error.message + " (" + std::to_string(error.line) + ":" + std::to_string(error.column) + ")";
}

}  // namespace ingot::text
