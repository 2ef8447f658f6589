#include "compiler/text/regex.h"

#include <optional>
#include <utility>

#include "runtime/base/utf8.h"

namespace ingot {
namespace {

using Node = std::unique_ptr<RegexNode>;
using Kind = RegexNode::Kind;

constexpr int kMaxDepth = 64, kMaxRepeat = 1000;

Node makeNode(Kind kind) {
  auto node = std::make_unique<RegexNode>();
  node->kind = kind;
  return node;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  Result<Node> run() {
    INGOT_ASSIGN(Node node, choice(false, 0));
    if (at_ < pattern_.size()) return wrong("a closing bracket without an opening one");
    return node;
  }

 private:
  Status wrong(std::string_view what) const { return Status::unsupported("pattern {}: at byte {}: {} is not supported", pattern_, at_, what); }
  bool atEnd() const { return at_ >= pattern_.size(); }
  bool accept(std::string_view text) {
    if (pattern_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }
  uint32_t next() { return decodeAt(pattern_, at_); }

  Result<Node> choice(bool ignoreCase, int depth) {
    if (depth > kMaxDepth) return wrong("nesting this deep");
    Node node = makeNode(Kind::choice);
    do {
      Node sequence = makeNode(Kind::sequence);
      while (!atEnd() && pattern_[at_] != '|' && pattern_[at_] != ')') {
        if (accept("(?i)")) {
          ignoreCase = true;
          continue;
        }
        INGOT_ASSIGN(Node item, atom(ignoreCase, depth));
        auto before = std::exchange(possessive_, std::nullopt);
        INGOT_ASSIGN(item, quantified(std::move(item)));
        append(std::move(item), before, *sequence);
      }
      node->children.push_back(std::move(sequence));
    } while (accept("|"));
    return node->children.size() == 1 ? std::move(node->children[0]) : std::move(node);
  }

  static Node unwrapped(Node node) {
    while ((node->kind == Kind::sequence || node->kind == Kind::choice) && node->children.size() == 1) node = std::move(node->children[0]);
    return node;
  }

  // What a look-ahead, or a possessive item, says of the next code point is said by the item that takes it.
  static void append(Node item, const std::optional<icu::UnicodeSet>& taken, RegexNode& sequence) {
    item = unwrapped(std::move(item));
    bool seesNext = item->kind == Kind::set || item->kind == Kind::look;
    if (seesNext && taken) item->set.removeAll(*taken);
    if (seesNext && !sequence.children.empty() && sequence.children.back()->kind == Kind::look) {
      item->set.retainAll(sequence.children.back()->set);
      item->endAllowed &= sequence.children.back()->endAllowed;
      sequence.children.pop_back();
    }
    sequence.children.push_back(std::move(item));
  }

  Result<Node> atom(bool ignoreCase, int depth) {
    if (accept("(?:")) return group(ignoreCase, depth);
    if (accept("(?i:")) return group(true, depth);
    if (accept("(?!")) return look(true, ignoreCase, depth);
    if (accept("(?=")) return look(false, ignoreCase, depth);
    if (pattern_.substr(at_, 2) == "(?") return wrong("this kind of group");
    if (accept("(")) return group(ignoreCase, depth);
    if (accept("$")) {
      Node node = makeNode(Kind::look);
      node->set.add('\n');
      node->endAllowed = true;
      return node;
    }
    if (accept("^")) return wrong("^");
    INGOT_ASSIGN(icu::UnicodeSet set, one());
    if (ignoreCase) set.closeOver(USET_CASE_INSENSITIVE);
    return setRegex(std::move(set));
  }

  Result<Node> group(bool ignoreCase, int depth) {
    INGOT_ASSIGN(Node node, choice(ignoreCase, depth + 1));
    if (!accept(")")) return wrong("a group without an end");
    possessive_.reset();
    return node;
  }

  Result<Node> look(bool negative, bool ignoreCase, int depth) {
    INGOT_ASSIGN(Node inner, group(ignoreCase, depth));
    inner = unwrapped(std::move(inner));
    if (inner->kind != Kind::set) return wrong("a look-ahead at more than one code point");
    Node node = makeNode(Kind::look);
    node->set = inner->set;
    if (negative) node->set.complement();
    node->endAllowed = negative;
    return node;
  }

  Result<Node> quantified(Node item) {
    int low, high;
    bool braces = false;
    if (accept("?")) low = 0, high = 1;
    else if (accept("*")) low = 0, high = -1;
    else if (accept("+")) low = 1, high = -1;
    else if (!atEnd() && pattern_[at_] == '{' && bounds(low, high)) {
      braces = true;
      if (low > kMaxRepeat || high > kMaxRepeat) return wrong("a repetition of more than 1000");
    } else {
      return item;
    }
    Node node = makeNode(Kind::repeat);
    node->low = low, node->high = high;
    // A possessive one gives nothing back: what follows begins with nothing that it would have taken. Behind braces + is a
    // repetition of its own.
    if (accept("?")) node->greedy = false;
    else if (!braces && accept("+")) {
      Node inner = unwrapped(std::move(item));
      if (inner->kind == Kind::set && high < 0) possessive_ = inner->set;
      item = std::move(inner);
    }
    node->children.push_back(std::move(item));
    return quantified(std::move(node));
  }

  // {n}, {n,}, {,m}, {n,m}; anything else is a literal brace.
  bool bounds(int& low, int& high) {
    size_t start = at_++;
    auto number = [&](int& value) {
      bool any = false;
      for (value = 0; !atEnd() && pattern_[at_] >= '0' && pattern_[at_] <= '9'; ++at_, any = true)
        value = std::min(value * 10 + (pattern_[at_] - '0'), 100000);
      return any;
    };
    bool hasLow = number(low);
    high = low;
    bool ok = hasLow;
    if (accept(",")) {
      bool hasHigh = number(high);
      if (!hasHigh) high = -1;
      ok = hasLow || hasHigh;
    }
    if (ok && accept("}")) return true;
    at_ = start;
    return false;
  }

  static icu::UnicodeSet complemented(icu::UnicodeSet set) {
    set.complement();
    return set;
  }

  // One code point's worth of pattern outside brackets.
  Result<icu::UnicodeSet> one() {
    if (accept("[")) return brackets(0);
    if (accept("\\w")) return looseWordSet();
    if (accept("\\W")) return complemented(looseWordSet());
    if (accept("\\")) return escape();
    if (accept(".")) {
      return complemented(icu::UnicodeSet('\n', '\n'));
    }
    if (std::string_view("*+?").find(pattern_[at_]) != std::string_view::npos) return wrong("a quantifier without an item");
    auto c = static_cast<UChar32>(next());
    return icu::UnicodeSet(c, c);
  }

  Result<icu::UnicodeSet> escape() {
    if (atEnd()) return wrong("a backslash at the end");
    uint32_t c = next();
    auto single = [](uint32_t point) { return icu::UnicodeSet(static_cast<UChar32>(point), static_cast<UChar32>(point)); };
    switch (c) {
      case 's': return spaceSet();
      case 'S': return complemented(spaceSet());
      case 'd': return digitSet();
      case 'D': return complemented(digitSet());
      case 'w': return wordSet();
      case 'W': return complemented(wordSet());
      case 'n': return single('\n');
      case 'r': return single('\r');
      case 't': return single('\t');
      case 'f': return single('\f');
      case 'v': return single('\v');
      case 'p':
      case 'P': return property(c == 'P');
      case 'x': return hexadecimal(2);
      case 'u': return hexadecimal(4);
      default: break;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return wrong(std::string("\\") + static_cast<char>(c));
    return single(c);
  }

  Result<icu::UnicodeSet> property(bool negative) {
    std::string name;
    if (accept("{")) {
      if (accept("^")) negative = !negative;
      while (!atEnd() && pattern_[at_] != '}') name += pattern_[at_++];
      if (!accept("}")) return wrong("a property without an end");
    } else if (!atEnd()) {
      name = pattern_[at_++];
    }
    auto set = propertySet(name);
    if (!set.ok()) return set.status().at(fmt::format("pattern {}", pattern_));
    if (negative) set->complement();
    return set;
  }

  Result<icu::UnicodeSet> hexadecimal(int digits) {
    bool braces = accept("{");
    uint32_t value = 0;
    int count = 0;
    for (; !atEnd() && (braces || count < digits) && std::isxdigit(static_cast<unsigned char>(pattern_[at_])); ++count, ++at_)
      value = std::min<uint32_t>(value * 16 + static_cast<uint32_t>(std::stoi(std::string(1, pattern_[at_]), nullptr, 16)), 0x110000);
    if (count == 0 || value > 0x10ffff || (braces && !accept("}"))) return wrong("this code point");
    return icu::UnicodeSet(static_cast<UChar32>(value), static_cast<UChar32>(value));
  }

  Result<icu::UnicodeSet> brackets(int depth) {
    if (depth > kMaxDepth) return wrong("nesting this deep");
    bool negative = accept("^");
    icu::UnicodeSet set;
    for (bool first = true; first || !accept("]"); first = false) {
      if (atEnd()) return wrong("a class without an end");
      if (accept("&&")) {
        // The rest of the class, up to its end, is the other operand.
        INGOT_ASSIGN(icu::UnicodeSet other, brackets(depth + 1));
        set.retainAll(other);
        break;
      }
      if (accept("[")) {
        INGOT_ASSIGN(icu::UnicodeSet inner, brackets(depth + 1));
        set.addAll(inner);
        continue;
      }
      INGOT_ASSIGN(icu::UnicodeSet low, item());
      bool isRange = at_ + 1 < pattern_.size() && pattern_[at_] == '-' && pattern_[at_ + 1] != ']' && low.size() == 1;
      if (!isRange) {
        set.addAll(low);
        continue;
      }
      ++at_;
      INGOT_ASSIGN(icu::UnicodeSet high, item());
      if (high.size() != 1 || high.charAt(0) < low.charAt(0)) return wrong("this range");
      set.add(low.charAt(0), high.charAt(0));
    }
    if (negative) set.complement();
    return set;
  }

  Result<icu::UnicodeSet> item() {
    if (accept("\\")) return escape();
    auto c = static_cast<UChar32>(next());
    return icu::UnicodeSet(c, c);
  }

  std::string_view pattern_;
  size_t at_ = 0;
  std::optional<icu::UnicodeSet> possessive_;  // what the last item took all of
};

}  // namespace

Result<std::unique_ptr<RegexNode>> parseRegex(std::string_view pattern) {
  if (!isValidUtf8(pattern)) return Status::invalidInput("a pattern is not valid UTF-8");
  return Parser(pattern).run();
}

std::unique_ptr<RegexNode> setRegex(icu::UnicodeSet set) {
  Node node = makeNode(Kind::set);
  node->set = std::move(set);
  return node;
}

std::unique_ptr<RegexNode> literalRegex(std::string_view text) {
  Node node = makeNode(Kind::sequence);
  for (size_t at = 0; at < text.size();) {
    auto c = static_cast<UChar32>(decodeAt(text, at));
    node->children.push_back(setRegex(icu::UnicodeSet(c, c)));
  }
  return node;
}

}  // namespace ingot
