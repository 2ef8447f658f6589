// Template and Variables: what goldens can't say - places of errors, the clock, sharing between threads.
#include <thread>

#include "tests/unit/text/template/render.h"

namespace ingot::text {
namespace {

TEST(Template, ErrorsNameLineAndColumn) {
  EXPECT_EQ(render("a\nb {{ nope.x }}"), "UndefinedError: 'nope' is undefined (2:10)");
  EXPECT_EQ(render("{% if true %}\n  {{ raise_exception('no') }}\n{% endif %}"), "TemplateError: no (2:21)");
  EXPECT_EQ(render("é {{ 1 + 'a' }}"), "TypeError: unsupported operand type(s) for +: 'int' and 'str' (1:6)");
  EXPECT_EQ(render("\r\n\r\n{{ 1 // 0 }}"), "ZeroDivisionError: integer division or modulo by zero (3:4)");
}

TEST(Template, CompileErrorsAreInvalidInputWithThePlace) {
  auto compiled = Template::compile("x\n{% if %}", "chat_template");
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.status().code(), StatusCode::invalidInput);
  EXPECT_EQ(compiled.status().message(), "chat_template:2:7: TemplateSyntaxError: Expected an expression, got 'end of statement block'");
}

TEST(Template, UnknownFiltersFailWhereJinjaFails) {
  EXPECT_EQ(render("{% if false %}{{ 1|from_json }}{% endif %}ok"), "ok");
  EXPECT_EQ(render("{% if true %}{{ 1|from_json }}{% endif %}ok"), "TemplateRuntimeError: No filter named 'from_json' found. (1:19)");
  EXPECT_EQ(render("{{ 1|from_json }}"), "t:1:6: TemplateAssertionError: No filter named 'from_json'.");
}

TEST(Template, RenderErrorsAreInvalidArgument) {
  auto compiled = Template::compile("{{ a.b.c }}", "t");
  ASSERT_TRUE(compiled.ok());
  auto text = compiled->render({});
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.status().code(), StatusCode::invalidArgument);
  EXPECT_EQ(text.status().message(), "t:1:5: UndefinedError: 'a' is undefined");
}

TEST(Template, ClockIsTheCallersWhenGiven) {
  RenderLimits limits;
  limits.clock = [] {
    std::tm time{};
    time.tm_year = 124, time.tm_mon = 1, time.tm_mday = 29, time.tm_wday = 4, time.tm_yday = 59;
    return time;
  };
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y, %A, day %j') }}", "{}", limits), "29 Feb 2024, Thursday, day 060");
  EXPECT_EQ(render("{{ strftime_now('%Y')|length }}"), "4");
}

TEST(Template, VariablesOfEveryKind) {
  Variables variables;
  variables.setNone("n");
  variables.setBoolean("b", true);
  variables.setInteger("i", -5);
  variables.setText("s", "bad \xff byte");
  ASSERT_TRUE(variables.setJson("j", R"({"a": [1, 2.0]})").ok());
  auto compiled = Template::compile("{{ n }} {{ b }} {{ i }} {{ s }} {{ j.a }} {{ missing }}|", "t");
  ASSERT_TRUE(compiled.ok());
  EXPECT_EQ(*compiled->render(variables), "None True -5 bad \xef\xbf\xbd byte [1, 2.0] |");
  variables.setInteger("i", 6);
  EXPECT_EQ(*compiled->render(variables), "None True 6 bad \xef\xbf\xbd byte [1, 2.0] |");
}

TEST(Template, VariablesHideGlobals) { EXPECT_EQ(render("{{ range }} {{ namespace is defined }}", R"({"range": 5})"), "5 True"); }

TEST(Template, ManyThreadsMayRenderOneTemplateOverOneSetOfVariables) {
  auto compiled = Template::compile("{% for m in messages %}{{ m.role|upper ~ ': ' ~ m.content }}{% endfor %}", "t");
  Variables variables;
  ASSERT_TRUE(variables.setJson("messages", R"([{"role": "user", "content": "a"}, {"role": "bot", "content": "b"}])").ok());
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 500; ++j) wrong += *compiled->render(variables) != "USER: aBOT: b";
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Template, RendersLeaveVariablesAsTheyWere) {
  auto compiled = Template::compile("{% set l = l + [4] %}{% set d = dict(d, x=1) %}{{ l }}{{ d }}", "t");
  Variables variables;
  ASSERT_TRUE(variables.setJson("l", "[1]").ok() && variables.setJson("d", "{}").ok());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*compiled->render(variables), "[1, 4]{'x': 1}");
}

TEST(Template, MentionsLooksAtTheSource) {
  auto compiled = Template::compile("{{ message.reasoning_content }}", "t");
  EXPECT_TRUE(compiled->mentions("reasoning_content"));
  EXPECT_FALSE(compiled->mentions("thinking"));
}

}  // namespace
}  // namespace ingot::text
