// Every case of goldens.json: what Jinja2 makes of a template, we make too; where it raises, we refuse with its words.
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/text/template/render.h"

namespace ingot::text {
namespace {

std::tm goldenClock() {
  std::tm time{};
  time.tm_year = 126, time.tm_mon = 6, time.tm_mday = 26, time.tm_hour = 13, time.tm_min = 4, time.tm_sec = 5, time.tm_wday = 0, time.tm_yday = 206;
  return time;
}

std::string fileText(const std::string& name) {
  std::ifstream file(INGOT_SOURCE_DIR "/tests/golden/templates/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Goldens, LanguageEqualsJinja) {
  std::string text = fileText("goldens.json");
  auto goldens = nlohmann::json::parse(text);
  Variables all, variables;
  ASSERT_TRUE(all.setJson("goldens", text).ok());
  const Dict& given = *find(*all.find("goldens")->dict, "variables")->dict;
  for (uint32_t i = 0; i < given.size; ++i) variables.set(given.entries[i].key.text(), given.entries[i].value);
  ASSERT_GT(goldens["cases"].size(), 500u);
  RenderLimits limits;
  limits.clock = goldenClock;
  for (const auto& golden : goldens["cases"]) {
    std::string source = golden["source"];
    SCOPED_TRACE(source);
    auto compiled = Template::compile(source, "t");
    if (!compiled.ok()) {
      std::string message = golden.value("error", "no error"), found = compiled.status().message();
      EXPECT_EQ(found.substr(found.find("Error: ") + 7), message.substr(0, message.find('\n')));
      continue;
    }
    RenderError error;
    auto rendered = compiled->render(variables, limits, &error);
    if (golden.contains("text")) {
      EXPECT_EQ(rendered.ok() ? *rendered : error.message, golden["text"].get<std::string>());
    } else {
      EXPECT_FALSE(rendered.ok());
      EXPECT_EQ(error.kind, golden["kind"].get<std::string>());
      EXPECT_EQ(error.message, golden["error"].get<std::string>());
    }
  }
}

}  // namespace
}  // namespace ingot::text
