// JSON read as Python's json.loads reads it.
#include <nlohmann/json.hpp>

#include "runtime/text/template/json_read.h"
#include "tests/unit/text/template/render.h"

namespace ingot::text {
namespace {

std::string shown(std::string_view json) { return render("{{ [x] }}", "{\"x\": " + std::string(json) + "}"); }

TEST(Json, Numbers) {
  EXPECT_EQ(shown("12345678901234567890123"), "[12345678901234567890123]");
  EXPECT_EQ(shown("-9223372036854775808"), "[-9223372036854775808]");
  EXPECT_EQ(shown("9223372036854775808"), "[9223372036854775808]");
  EXPECT_EQ(shown("[0, -0, 1.0, 1e5, 1E-7, -0.0, 1e400, 0.1]"), "[[0, 0, 1.0, 100000.0, 1e-07, -0.0, inf, 0.1]]");
  EXPECT_EQ(shown("[NaN, Infinity, -Infinity]"), "[[nan, inf, -inf]]");
}

TEST(Json, Strings) {
  EXPECT_EQ(shown(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")"), "['a\"\\\\/\\x08\\x0c\\n\\r\\té😀']");
  EXPECT_EQ(shown(R"("\ud83d")"), "['\\ud83d']");
  EXPECT_EQ(shown(R"("\ud83dx\ude00")"), "['\\ud83dx\\ude00']");
  EXPECT_EQ(shown("\"\xc3\xa9\xff\""), "['é\xef\xbf\xbd']");
}

TEST(Json, ObjectsKeepOrderAndTheLastOfEqualKeysWins) {
  EXPECT_EQ(shown(R"({"b": 1, "a": 2, "b": 3})"), "[{'b': 3, 'a': 2}]");
  std::string many = "{";
  for (int i = 0; i < 300; ++i) many += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  EXPECT_EQ(render("{{ x.k0 }} {{ x.k299 }} {{ x.k300 is defined }} {{ x|length }} {{ x|list|last }}", "{\"x\": " + many + "}}"),
            "0 299 False 300 k299");
}

TEST(Json, RefusesWithThePlace) {
  for (const char* bad : {"",   "[",   "[1,]",   "{",       "{\"a\"}", "{\"a\":}",  "{a: 1}", "{'a': 1}", "[1 2]", "01", "1.",         "+1",
                          ".5", "tru", "\"\n\"", "\"\\x\"", "\"abc",   "\"\\u12\"", "[1] 2",  "nul",      "--1",   "1e", "{\"a\": 1,}"}) {
    Variables variables;
    auto status = variables.setJson("x", bad);
    EXPECT_FALSE(status.ok()) << bad;
    EXPECT_NE(status.message().find("JSON, byte "), std::string::npos) << status.message();
  }
}

TEST(Json, Documents) {
  Variables variables;
  auto document = nlohmann::ordered_json::parse(R"({"z": [1, -2, 18446744073709551615, 1.5, true, null, "é"], "a": {}})");
  ASSERT_TRUE(variables.setDocument("x", document).ok());
  EXPECT_EQ(*Template::compile("{{ x }}", "t")->render(variables), "{'z': [1, -2, 18446744073709551615, 1.5, True, None, 'é'], 'a': {}}");
}

}  // namespace
}  // namespace ingot::text
