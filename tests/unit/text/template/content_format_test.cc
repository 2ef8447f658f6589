// vLLM's detection of the content format from the syntax tree.
#include <gtest/gtest.h>

#include "runtime/text/template/template.h"

namespace ingot::text {
namespace {

ContentFormat formatOf(std::string_view source) { return Template::compile(source, "t")->contentFormat(); }

TEST(ContentFormat, StringWhenContentIsPrinted) {
  EXPECT_EQ(formatOf("{% for m in messages %}{{ m.content }}{% endfor %}"), ContentFormat::string);
  EXPECT_EQ(formatOf("{% for m in messages %}{% for t in m.tool_calls %}{{ t }}{% endfor %}{% endfor %}"), ContentFormat::string);
  EXPECT_EQ(formatOf("no loops"), ContentFormat::string);
}

TEST(ContentFormat, OpenaiWhenContentIsLoopedOver) {
  EXPECT_EQ(formatOf("{% for m in messages %}{% for c in m['content'] %}{{ c.text }}{% endfor %}{% endfor %}"), ContentFormat::openai);
  EXPECT_EQ(formatOf("{% for m in messages %}{% for c in m.content %}{{ c.text }}{% endfor %}{% endfor %}"), ContentFormat::openai);
  EXPECT_EQ(formatOf("{% for m in messages %}{% for c in m.content | selectattr('type') %}{% endfor %}{% endfor %}"), ContentFormat::openai);
}

TEST(ContentFormat, FollowsNames) {
  EXPECT_EQ(formatOf("{% set rest = messages[1:] %}{% for m in rest %}{% for c in m.content %}{% endfor %}{% endfor %}"), ContentFormat::openai);
  EXPECT_EQ(formatOf("{% set a = messages %}{% set b = a %}{% for m in b %}{% for c in m.content %}{% endfor %}{% endfor %}"), ContentFormat::openai);
  EXPECT_EQ(formatOf("{% set ns = namespace(l=messages) %}{% for m in ns.l %}{% for c in m.content %}{% endfor %}{% endfor %}"),
            ContentFormat::openai);
  EXPECT_EQ(formatOf("{% set ns = namespace() %}{% set ns.l = messages %}{% for m in ns.l %}{% for c in m.content %}{% endfor %}{% endfor %}"),
            ContentFormat::openai);
  EXPECT_EQ(formatOf("{% for m in other %}{% for c in m.content %}{% endfor %}{% endfor %}"), ContentFormat::string);
  EXPECT_EQ(formatOf("{% for m in messages %}{% set content = m.content %}{% for c in content %}{% endfor %}{% endfor %}"), ContentFormat::openai);
}

TEST(ContentFormat, FollowsMacros) {
  EXPECT_EQ(formatOf("{% macro show(x) %}{% for c in x %}{% endfor %}{% endmacro %}{% for m in messages %}{{ show(m.content) }}{% endfor %}"),
            ContentFormat::openai);
  EXPECT_EQ(formatOf("{% macro show(x) %}{% for c in x %}{% endfor %}{% endmacro %}{% for m in messages %}{{ show(x=m['content']) }}{% endfor %}"),
            ContentFormat::openai);
  EXPECT_EQ(formatOf("{% macro show(x) %}{% for c in x %}{% endfor %}{% endmacro %}{% for m in messages %}{{ show(m.tools) }}{% endfor %}"),
            ContentFormat::string);
  EXPECT_EQ(formatOf("{% macro show(content) %}{% for c in content %}{% endfor %}{% endmacro %}{{ show(1) }}"), ContentFormat::string);
}

}  // namespace
}  // namespace ingot::text
