#include "compiler/text/components.h"

namespace ingot {
namespace {

using plan_text::Behaviour;
using Kind = plan_text::SplitKind;

Result<Behaviour> readBehaviour(const TextJson& part) {
  INGOT_ASSIGN(std::string name, member<std::string>(part, "behavior", "Isolated"));
  static const std::map<std::string, Behaviour> kNames = {{"Removed", Behaviour::removed},
                                                          {"Isolated", Behaviour::isolated},
                                                          {"MergedWithPrevious", Behaviour::merged_with_previous},
                                                          {"MergedWithNext", Behaviour::merged_with_next},
                                                          {"Contiguous", Behaviour::contiguous}};
  auto found = kNames.find(name);
  if (found == kNames.end()) return Status::unsupported("behavior {} is not known", name);
  return found->second;
}

class Steps {
 public:
  explicit Steps(TokenizerTables& tables) : steps_(tables.splits) {}

  Status add(SplitStep step) { return steps_.push_back(std::move(step)), Status(); }
  Status regex(const char* text, Behaviour behaviour, bool invert = false) {
    INGOT_ASSIGN(auto regex, parseRegex(text));
    return add({.pattern = {.literal = {}, .regex = std::move(regex), .source = text}, .behaviour = behaviour, .invert = invert});
  }
  Status set(icu::UnicodeSet set, const char* name, Behaviour behaviour) {
    return add({.pattern = setPattern(std::move(set), name), .behaviour = behaviour});
  }
  Status literal(const std::string& text, Behaviour behaviour) {
    return add({.pattern = {.literal = {}, .regex = literalRegex(text), .source = text}, .behaviour = behaviour});
  }

  // Runs of word characters, and of all others; white space is dropped.
  Status whitespace() {
    auto choice = std::make_unique<RegexNode>();
    choice->kind = RegexNode::Kind::choice;
    icu::UnicodeSet others = spaceSet().addAll(rustWordSet());
    for (const icu::UnicodeSet& set : {rustWordSet(), others.complement()}) {
      auto run = std::make_unique<RegexNode>();
      run->kind = RegexNode::Kind::repeat;
      run->low = 1;
      run->children.push_back(setRegex(set));
      choice->children.push_back(std::move(run));
    }
    return add({.pattern = {.literal = {}, .regex = std::move(choice), .source = "words"}, .behaviour = Behaviour::removed, .invert = true});
  }

  Status byteLevel(const TextJson& part) {
    INGOT_ASSIGN(bool prefix, member<bool>(part, "add_prefix_space", true));
    INGOT_ASSIGN(bool useRegex, member<bool>(part, "use_regex", true));
    if (prefix) INGOT_TRY(add({.kind = Kind::prefix_space}));
    if (useRegex) INGOT_TRY(regex(kGpt2Pattern, Behaviour::isolated));
    return add({.kind = Kind::byte_alphabet});
  }

  Status metaspace(const TextJson& part) {
    SplitStep step{.kind = Kind::metaspace};
    INGOT_ASSIGN(step.text, member<std::string>(part, "replacement", kSpaceMark));
    INGOT_ASSIGN(step.prepend, readPrependScheme(part));
    INGOT_ASSIGN(bool cut, member<bool>(part, "split", true));
    if (step.text.empty()) return Status::invalidInput("replacement: is empty");
    std::string mark = step.text;
    INGOT_TRY(add(std::move(step)));
    return cut ? literal(mark, Behaviour::merged_with_next) : Status();
  }

  Status split(const TextJson& part) {
    SplitStep step;
    INGOT_ASSIGN(step.pattern, readPattern(part));
    INGOT_ASSIGN(step.behaviour, readBehaviour(part));
    INGOT_ASSIGN(step.invert, member<bool>(part, "invert", false));
    if (!step.pattern.regex) step.pattern.regex = literalRegex(step.pattern.literal);
    return add(std::move(step));
  }

  // A run of one script, with code points of no script inside; what stands before the first script is dropped.
  Status scripts() {
    icu::UnicodeSet none(0, 0x10ffff);
    auto sets = scriptSets();
    for (const auto& set : sets) none.removeAll(set);
    auto choice = std::make_unique<RegexNode>();
    choice->kind = RegexNode::Kind::choice;
    for (const auto& set : sets) {
      auto run = std::make_unique<RegexNode>(), rest = std::make_unique<RegexNode>();
      rest->kind = RegexNode::Kind::repeat;
      icu::UnicodeSet inside(none);
      rest->children.push_back(setRegex(inside.addAll(set)));
      run->kind = RegexNode::Kind::sequence;
      run->children.push_back(setRegex(set));
      run->children.push_back(std::move(rest));
      choice->children.push_back(std::move(run));
    }
    return add({.pattern = {.literal = {}, .regex = std::move(choice), .source = "scripts"}, .behaviour = Behaviour::removed, .invert = true});
  }

 private:
  std::vector<SplitStep>& steps_;
};

}  // namespace

Result<uint8_t> readPrependScheme(const TextJson& part) {
  INGOT_ASSIGN(bool prefix, member<bool>(part, "add_prefix_space", true));
  INGOT_ASSIGN(std::string scheme, member<std::string>(part, "prepend_scheme", prefix ? "always" : "never"));
  if (scheme != "never" && scheme != "first" && scheme != "always") return Status::unsupported("prepend_scheme {} is not known", scheme);
  return static_cast<uint8_t>(scheme == "never" ? 0 : scheme == "first" ? 1 : 2);
}

Status readPreTokenizer(const TextJson& part, const std::string& type, TokenizerTables& tables) {
  Steps steps(tables);
  if (type == "ByteLevel") return steps.byteLevel(part);
  if (type == "Split") return steps.split(part);
  if (type == "Metaspace") return steps.metaspace(part);
  if (type == "Whitespace") return steps.whitespace();
  if (type == "WhitespaceSplit") return steps.set(spaceSet(), "white space", Behaviour::removed);
  if (type == "UnicodeScripts") return steps.scripts();
  if (type == "Punctuation") {
    INGOT_ASSIGN(Behaviour how, readBehaviour(part));
    return steps.set(punctuationSet(), "punctuation", how);
  }
  if (type == "Digits") {
    INGOT_ASSIGN(bool individual, member<bool>(part, "individual_digits", false));
    return steps.set(numericSet(), "numeric", individual ? Behaviour::isolated : Behaviour::contiguous);
  }
  if (type == "BertPreTokenizer") {
    INGOT_TRY(steps.set(spaceSet(), "white space", Behaviour::removed));
    return steps.set(punctuationSet(), "punctuation", Behaviour::isolated);
  }
  if (type == "CharDelimiterSplit") {
    INGOT_ASSIGN(std::string delimiter, member<std::string>(part, "delimiter", " "));
    if (delimiter.empty()) return Status::invalidInput("delimiter: is empty");
    return steps.literal(delimiter, Behaviour::removed);
  }
  return Status::unsupported("is not supported");
}

}  // namespace ingot
