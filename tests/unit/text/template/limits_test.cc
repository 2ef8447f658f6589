// Hostile templates and data: each limit names itself, and nothing takes long, crashes or hangs.
#include "tests/unit/text/template/render.h"

namespace ingot::text {
namespace {

std::string repeat(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

bool startsWith(const std::string& text, std::string_view start) { return text.starts_with(start) || (ADD_FAILURE() << text.substr(0, 300), false); }

TEST(Limits, EachNamesItself) {
  RenderLimits limits{.maxSteps = 1000, .maxDepth = 2000, .maxOutputBytes = 1000, .maxMemoryBytes = 1 << 20};
  startsWith(render("{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}", "{}", limits), "limit: steps limit");
  startsWith(render("{{ 'x' * 2000 }}", "{}", limits), "limit: output limit");
  startsWith(render("{{ ('x' * 10**9)|length }}", "{}", limits), "limit: memory limit");
  startsWith(render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "RecursionError: maximum recursion depth exceeded (depth limit");
}

TEST(Limits, AreResourceExhausted) {
  auto compiled = Template::compile("{{ 'x' * 10**12 }}", "t");
  ASSERT_TRUE(compiled.ok());
  EXPECT_EQ(compiled->render({}).status().code(), StatusCode::resourceExhausted);
  auto big = Template::compile(std::string(Template::kMaxSourceBytes + 1, 'x'), "t");
  ASSERT_FALSE(big.ok());
  EXPECT_EQ(big.status().code(), StatusCode::resourceExhausted);
}

TEST(Limits, HugeResultsAreRefused) {
  for (const char* source : {"{{ 'x' * 10**18 }}",
                             "{{ [1] * 10**15 }}",
                             "{{ 10 ** (10 ** 10) }}",
                             "{{ 7 ** (10 ** 7) }}",
                             "{{ 'a'.center(10**12) }}",
                             "{{ '%1000000000d' % 1 }}",
                             "{{ '%.1000000000f' % 1 }}",
                             "{{ '{:1000000000}'.format(1) }}",
                             "{{ 'x'.ljust(10**18) }}",
                             "{{ 'a'|center(10**12) }}",
                             "{{ 'a'|indent(10**13) }}",
                             "{{ 'a\tb'.expandtabs(10**15) }}",
                             "{{ ('ab' * 10**6).replace('a', 'b' * 10**6) }}",
                             "{{ ('a,' * 10**6).split(',')|join('x' * 10**6) }}",
                             "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
                             "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
                             "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
                             "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
                             "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|pprint }}",
                             "{% for i in [1]|batch(10**12, 0) %}{{ i }}{% endfor %}",
                             "{{ range(10)|slice(10**12)|list }}"})
    startsWith(render(source), "limit: ");
}

TEST(Limits, HugeRangesAreRefusedAsTheSandboxRefuses) {
  for (const char* source : {"{% for a in range(10**15) %}{% endfor %}", "{{ range(0, -10**15, -1)|list }}"})
    startsWith(render(source), "OverflowError: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
}

TEST(Limits, SlowComparisonsEnd) {
  const char* pair =
      "{% set a = namespace(s=[1]) %}{% set b = namespace(s=[1]) %}{% for i in range(60) %}{% set a.s = [a.s, a.s] %}"
      "{% set b.s = [b.s, b.s] %}{% endfor %}";
  render(std::string(pair) + "{{ a.s == b.s }}");
  render(std::string(pair) + "{{ a.s < b.s }}");
  render(std::string(pair) + "{{ a.s in [b.s] }}");
  render("{% set a = namespace(s=(1,)) %}{% for i in range(60) %}{% set a.s = (a.s, a.s) %}{% endfor %}{{ {a.s: 1} }}");
}

TEST(Limits, DeepDataIsNoDanger) {
  const char* deep = "{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}";
  for (const char* use : {"{{ ns.l }}", "{{ ns.l|tojson }}", "{{ ns.l|pprint }}", "{{ ns.l|string|length }}", "{{ [ns.l] > [[ns.l]] }}"})
    startsWith(render(std::string(deep) + use), "RecursionError: maximum recursion depth exceeded");
  render(std::string(deep) +
         "{% set m = namespace(l=[]) %}{% for i in range(90000) %}{% set m.l = [m.l] %}{% endfor %}{{ m.l == ns.l }}{{ (m.l,) in [ns.l] }}");
}

TEST(Limits, DataThatHoldsItself) {
  EXPECT_EQ(render("{% set ns = namespace() %}{% set ns.self_ = [ns] %}{{ ns }}"), "<Namespace {'self_': [<Namespace {...}>]}>");
  startsWith(render("{% set ns = namespace() %}{% set ns.x = ns %}{{ ns|tojson }}"), "TypeError: Object of type TemplateNamespace");
}

TEST(Limits, DeepTemplates) {
  const std::string deep = "depth limit";
  auto refused = [&](const std::string& source) { EXPECT_NE(render(source).find(deep), std::string::npos) << source.substr(0, 40); };
  refused("{{ " + repeat("(", 5000) + "1" + repeat(")", 5000) + " }}");
  refused("{{ " + repeat("[", 5000) + repeat("]", 5000) + " }}");
  refused("{{ " + repeat("not ", 5000) + "1 }}");
  refused("{{ " + repeat("-", 5000) + "1 }}");
  refused("{{ 1" + repeat(" + 1", 5000) + " }}");
  refused("{{ a" + repeat(".a", 5000) + " }}");
  refused("{{ a" + repeat("|string", 5000) + " }}");
  refused("{{ a" + repeat("(a", 5000) + repeat(")", 5000) + " }}");
  refused("{{ 1" + repeat(" if 1 else 1", 5000) + " }}");
  refused(repeat("{% if 1 %}", 5000) + repeat("{% endif %}", 5000));
  refused(repeat("{% for x in l %}", 5000) + repeat("{% endfor %}", 5000));
  refused(repeat("{% macro m() %}", 5000) + repeat("{% endmacro %}", 5000));
}

TEST(Limits, LongFlatTemplatesCompileQuickly) {
  EXPECT_EQ(render(repeat("{% if a %}{% set b = 1 %}{% endif %}", 20000)), "");
  std::string names;
  for (int i = 0; i < 20000; ++i) names += "{% if n" + std::to_string(i) + " %}{% set m" + std::to_string(i) + " = 1 %}{% endif %}";
  EXPECT_EQ(render(names), "");
  EXPECT_EQ(render("{% if 0 %}" + repeat("{% elif 0 %}", 20000) + "{% endif %}x"), "x");
  EXPECT_EQ(render(repeat("{{ 1 }}", 20000)).size(), 20000u);
  EXPECT_EQ(render(repeat("{% macro m() %}{% endmacro %}", 5000)), "");
  EXPECT_EQ(render(repeat("{% raw %}{% endraw ", 20000)).find("t:1:1: TemplateSyntaxError: Missing end of raw"), 0u);
}

TEST(Limits, DeepJson) {
  Variables variables;
  auto status = variables.setJson("x", repeat("[", 100000) + repeat("]", 100000));
  EXPECT_EQ(status.code(), StatusCode::invalidInput);
  EXPECT_NE(status.message().find("nested more than 500 levels"), std::string::npos);
  EXPECT_TRUE(variables.setJson("x", repeat("[", 400) + repeat("]", 400)).ok());
  EXPECT_EQ(render("{{ x|string|length }}", "{\"x\": " + repeat("[", 400) + repeat("]", 400) + "}"), "800");
}

TEST(Limits, RecursiveLoopsAndCallers) {
  startsWith(render("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"), "RecursionError");
  startsWith(render("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}"), "RecursionError");
  startsWith(render("{% block a %}{{ self.a() }}{% endblock %}"), "RecursionError");
  startsWith(
      render("{% set g = namespace() %}{% set g.g = [1] %}{% for i in range(3000) %}{% set g.g = g.g|map('string') %}{% endfor %}{{ g.g|list }}"),
      "['1']");
}

}  // namespace
}  // namespace ingot::text
