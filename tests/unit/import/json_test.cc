// JSON from outside: order kept, duplicates and depth refused, and objects of any size read in time in proportion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/support/file.h"

namespace ingot::test {
namespace {

using ::testing::HasSubstr;

TEST(Json, KeepsValuesAndOrder) {
  const char* text = R"({"z":[1,-2,2.5,{"y":null,"a":true}],"b":"x","a":{},"c":[]})";
  auto json = parseJson(text, "here");
  ASSERT_TRUE(json.ok()) << json.status().message();
  EXPECT_EQ(json->dump(), text);
  EXPECT_TRUE((*json)["z"][0].is_number_unsigned());
  EXPECT_EQ(parseJson("7", "here")->get<int>(), 7);
}

TEST(Json, RefusesWhatIsNotJsonOrNotClear) {
  for (auto [text, message] : {std::pair{R"({"a":1,"b":{"c":1,"c":2}})", "here: key \"c\" stands twice"},
                               {R"({"a":1)", "here: is not valid JSON"},
                               {"", "here: is not valid JSON"},
                               {"[1] 2", "here: is not valid JSON"},
                               {"[1e999]", "here: is not valid JSON"},
                               {"\"\xff\"", "here: is not valid JSON"}}) {
    auto json = parseJson(text, "here");
    ASSERT_FALSE(json.ok()) << text;
    EXPECT_THAT(json.status().message(), HasSubstr(message));
  }
  EXPECT_TRUE(parseJson(R"([{"a":1},{"a":1,"b":{"a":1}}])", "here").ok());
}

TEST(Json, NestsSixtyFourDeep) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parseJson(nested(64), "here").ok());
  EXPECT_THAT(parseJson(nested(65), "here").status().message(), HasSubstr("deeper than 64"));
  EXPECT_FALSE(parseJson(std::string(1'000'000, '['), "here").ok());
}

// A search of the keys before each one would take minutes.
TEST(Json, ReadsLargeObjects) {
  constexpr int kKeys = 300'000;
  std::string text = "{";
  for (int i = 0; i < kKeys; ++i) text += (i ? ",\"model.layers." : "\"model.layers.") + std::to_string(i) + "\":0";
  auto json = parseJson(text + "}", "here");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->size(), size_t{kKeys});
}

}  // namespace
}  // namespace ingot::test
