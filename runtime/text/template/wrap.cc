// Filters' longer tools: textwrap.wrap, Jinja's urlize, pprint.pformat.
#include <algorithm>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

bool isAsciiSpace(char c) { return c == ' ' || (c >= 9 && c <= 13); }
bool isLetter(uint32_t point) { return (classOf(point) & kWord) && !(classOf(point) & kDecimal) && point != '_'; }

uint32_t pointAt(std::string_view text, size_t at) { return nextPoint(text, at); }
uint32_t pointBefore(std::string_view text, size_t at) { return at == 0 ? 0 : pointAt(text, previousStartOf(text, at)); }

// Whether a break is allowed after the hyphen at `at`: letters on both sides.
bool breaksAfterHyphen(std::string_view word, size_t at) {
  if (at == 0 || at + 1 >= word.size()) return false;
  size_t second = previousStartOf(word, at);
  bool lettersBefore = isLetter(pointBefore(word, at)) && second > 0 && (isLetter(pointBefore(word, second)) || pointBefore(word, second) == '-');
  if (!lettersBefore) return false;
  size_t next = at + 1;
  if (!isLetter(nextPoint(word, next)) || next >= word.size()) return false;
  uint32_t after = pointAt(word, next);
  return isLetter(after) || after == '-';
}

// Words and white space by turns; words also end after hyphens, and around dashes.
std::vector<std::string_view> chunksOf(std::string_view text, bool onHyphens) {
  std::vector<std::string_view> chunks;
  auto add = [&](std::string_view chunk) {
    if (!chunk.empty()) chunks.push_back(chunk);
  };
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    bool isSpace = isAsciiSpace(text[at]);
    while (end < text.size() && isAsciiSpace(text[end]) == isSpace) ++end;
    std::string_view run = text.substr(at, end - at);
    at = end;
    if (isSpace || !onHyphens) {
      add(run);
      continue;
    }
    size_t begin = 0;
    for (size_t i = 0; i < run.size(); ++i) {
      if (run[i] != '-') continue;
      size_t dashEnd = i;
      while (dashEnd < run.size() && run[dashEnd] == '-') ++dashEnd;
      bool isDash = dashEnd - i >= 2 && i > begin && dashEnd < run.size() && (classOf(pointAt(run, dashEnd)) & kWord) && (classOf(pointBefore(run, i)) & kWord);
      if (isDash) {
        add(run.substr(begin, i - begin));
        add(run.substr(i, dashEnd - i));
        begin = dashEnd;
      } else if (dashEnd - i == 1 && breaksAfterHyphen(run, i)) {
        add(run.substr(begin, i + 1 - begin));
        begin = i + 1;
      }
      i = dashEnd - 1;
    }
    add(run.substr(begin));
  }
  return chunks;
}

bool isBlank(std::string_view chunk) { return stripSpaces(chunk, kBoth).empty(); }

// The part of a too long word that fits: after a hyphen when there is one.
size_t longWordEnd(std::string_view chunk, int64_t space, bool onHyphens) {
  size_t end = offsetOf(chunk, static_cast<uint64_t>(space));
  if (!onHyphens || static_cast<int64_t>(countPoints(chunk)) <= space) return end;
  size_t hyphen = chunk.substr(0, end).rfind('-');
  bool breaks = hyphen != std::string_view::npos && hyphen > 0 && chunk.substr(0, hyphen).find_first_not_of('-') != std::string_view::npos;
  return breaks ? hyphen + 1 : end;
}

bool isDomainCharacter(uint32_t point) { return (classOf(point) & kWord) || point == '%' || point == '-'; }

bool isTopLevel(std::string_view label) {
  bool isIdna = label.size() >= 6 && (label[0] | 32) == 'x' && (label[1] | 32) == 'n' && label[2] == '-' && label[3] == '-';
  if (isIdna) return label.size() <= 63;
  return label.size() >= 2 && label.size() <= 63 && std::all_of(label.begin(), label.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool isAddress(std::string_view host) {
  int parts = 0;
  for (std::string_view part : splitAt(host, ".", -1, false)) {
    ++parts;
    if (part.empty() || part.size() > 3 || part.find_first_not_of("0123456789") != std::string_view::npos) return false;
  }
  return parts == 4;
}

bool isWebAddress(std::string_view text) {
  std::string lower = lowered(text);
  std::string_view rest = lower;
  bool hasScheme = rest.starts_with("http://") || rest.starts_with("https://"), hasWww = !hasScheme && rest.starts_with("www.");
  rest.remove_prefix(hasScheme ? rest.find("//") + 2 : hasWww ? 4 : 0);
  if (hasScheme && rest.starts_with('[')) return rest.find(']') != std::string_view::npos && rest.find("::") != std::string_view::npos;
  size_t end = std::min(rest.find_first_of(":/?#"), rest.size());
  std::string_view host = rest.substr(0, end), tail = rest.substr(end);
  if (tail.starts_with(':')) {
    size_t digits = 1;
    while (digits < tail.size() && tail[digits] >= '0' && tail[digits] <= '9') ++digits;
    if (digits == 1 || digits > 6) return false;
    tail.remove_prefix(digits);
    if (!tail.empty() && tail.find_first_of("/?#") != 0) return false;
  }
  if (hasScheme && isAddress(host)) return true;
  std::vector<std::string_view> labels = splitAt(host, ".", -1, false);
  for (size_t i = 0; i + 1 < labels.size(); ++i) {
    if (labels[i].empty()) return false;
    for (size_t at = 0; at < labels[i].size();)
      if (!isDomainCharacter(nextPoint(labels[i], at))) return false;
  }
  if (hasScheme || hasWww) return isTopLevel(labels.back());
  static constexpr std::string_view kKnown[] = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
  bool isKnown = std::find(std::begin(kKnown), std::end(kKnown), labels.back()) != std::end(kKnown);
  return labels.size() >= 2 && isKnown && countPoints(labels[labels.size() - 2]) >= 2;
}

bool isEmail(std::string_view text) {
  size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0) return false;
  std::string_view domain = text.substr(at + 1);
  size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == domain.size()) return false;
  auto all = [](std::string_view part, std::string_view extra) {
    for (size_t i = 0; i < part.size();) {
      uint32_t point = nextPoint(part, i);
      if (!(classOf(point) & kWord) && (point > 127 || extra.find(static_cast<char>(point)) == std::string_view::npos)) return false;
    }
    return true;
  };
  size_t first = 0;
  return (classOf(nextPoint(domain, first)) & kWord) && all(domain.substr(0, dot), ".-") && all(domain.substr(dot + 1), "");
}

uint64_t countOf(std::string_view text, std::string_view part) { return splitAt(text, part, -1, false).size() - 1; }

struct Word {
  std::string head, middle, tail;
};

Word splitWord(std::string_view text) {
  Word word;
  for (bool more = true; more;) {
    more = text.starts_with('(') || text.starts_with('<') || text.starts_with("&lt;");
    size_t size = text.starts_with('&') ? 4 : 1;
    if (more) word.head.append(text.substr(0, size)), text.remove_prefix(size);
  }
  size_t end = text.size();
  for (bool more = true; more && end > 0;) {
    std::string_view left = text.substr(0, end);
    more = left.ends_with(')') || left.ends_with('>') || left.ends_with('.') || left.ends_with(',') || left.ends_with('\n') || left.ends_with("&gt;");
    if (more) end -= left.ends_with("&gt;") ? 4 : 1;
  }
  word.middle = text.substr(0, end);
  word.tail = text.substr(end);
  for (auto [open, close] : {std::pair<std::string_view, std::string_view>{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}}) {
    uint64_t opens = countOf(word.middle, open);
    if (opens <= countOf(word.middle, close)) continue;
    for (uint64_t i = std::min(opens, countOf(word.tail, close)); i > 0; --i) {
      size_t move = word.tail.find(close) + close.size();
      word.middle += word.tail.substr(0, move);
      word.tail.erase(0, move);
    }
  }
  return word;
}

class Pretty {
 public:
  Pretty(Interpreter& interpreter, std::string& out) : self_(interpreter), out_(out) {}

  // `indent` columns are taken on the left, `allowance` are needed on the right of the last line.
  bool write(const Value& value, int64_t indent, int64_t allowance, int depth) {
    std::string repr;
    if (depth > 200) return self_.fail("RecursionError", "maximum recursion depth exceeded");
    if (!flat(value, repr)) return false;
    if (static_cast<int64_t>(countPoints(repr)) <= 80 - indent - allowance) return out_ += repr, true;
    switch (value.tag) {
      case Tag::list: return writeItems("[", "]", value, indent, allowance, depth);
      case Tag::tuple: return writeItems("(", value.list->size == 1 ? ",)" : ")", value, indent, allowance, depth);
      case Tag::dict: return writeDict(value, indent, allowance, depth);
      case Tag::text: return value.isMarkup() ? (out_ += repr, true) : writeText(value.text(), indent, allowance, depth);
      default: out_ += repr; return true;
    }
  }

 private:
  // Keys in order, as pprint sorts them.
  bool sorted(const Value& dict, Value& out) {
    std::vector<Value> keys, order;
    for (uint32_t i = 0; i < dict.dict->size; ++i) {
      keys.push_back(dict.dict->entries[i].key);
      order.push_back(makeInteger(i));
    }
    bool areTexts = std::all_of(keys.begin(), keys.end(), [](const Value& key) { return key.isText(); });
    bool areNumbers = std::all_of(keys.begin(), keys.end(), [](const Value& key) { return key.isInteger() || key.is(Tag::real); });
    if ((areTexts || areNumbers) && !self_.sortValues(order, keys, false)) return false;
    Dict* copy = newDict(self_.arena(), dict.dict->size);
    for (const Value& at : order)
      if (!self_.put(*copy, dict.dict->entries[at.integer].key, dict.dict->entries[at.integer].value)) return false;
    out = makeDict(copy);
    return true;
  }

  bool flat(const Value& value, std::string& out) {
    struct Level {
      int& depth;
      ~Level() { --depth; }
    };
    Level level{++flatDepth_};
    if (flatDepth_ > 500) return self_.fail("RecursionError", "maximum recursion depth exceeded");
    if (!self_.step()) return false;
    if (value.is(Tag::dict)) {
      Value ordered;
      if (!sorted(value, ordered)) return false;
      out += '{';
      for (uint32_t i = 0; i < ordered.dict->size; ++i) {
        if (i > 0) out += ", ";
        if (!flat(ordered.dict->entries[i].key, out)) return false;
        out += ": ";
        if (!flat(ordered.dict->entries[i].value, out)) return false;
      }
      out += '}';
      return self_.checkGrowth(out);
    }
    if (!value.is(Tag::list) && !value.is(Tag::tuple)) return self_.appendRepr(value, out);
    out += value.is(Tag::list) ? '[' : '(';
    for (uint32_t i = 0; i < value.list->size; ++i) {
      if (i > 0) out += ", ";
      if (!flat(value.list->items[i], out)) return false;
    }
    if (value.is(Tag::tuple) && value.list->size == 1) out += ',';
    out += value.is(Tag::list) ? ']' : ')';
    return self_.checkGrowth(out);
  }

  void newLine(int64_t indent) { out_.append("\n").append(static_cast<size_t>(indent), ' '); }

  bool writeItems(const char* open, const char* close, const Value& value, int64_t indent, int64_t allowance, int depth) {
    out_ += open;
    auto closing = static_cast<int64_t>(std::string_view(close).size());
    for (uint32_t i = 0; i < value.list->size; ++i) {
      if (i > 0) out_ += ',', newLine(indent + 1);
      bool isLast = i + 1 == value.list->size;
      if (!write(value.list->items[i], indent + 1, isLast ? allowance + closing : 1, depth + 1)) return false;
    }
    out_ += close;
    return true;
  }

  bool writeDict(const Value& value, int64_t indent, int64_t allowance, int depth) {
    Value ordered;
    if (!sorted(value, ordered)) return false;
    out_ += '{';
    for (uint32_t i = 0; i < ordered.dict->size; ++i) {
      std::string key;
      if (!flat(ordered.dict->entries[i].key, key)) return false;
      if (i > 0) out_ += ',', newLine(indent + 1);
      out_.append(key).append(": ");
      bool isLast = i + 1 == ordered.dict->size;
      if (!write(ordered.dict->entries[i].value, indent + 1 + static_cast<int64_t>(countPoints(key)) + 2, isLast ? allowance + 1 : 1, depth + 1)) return false;
    }
    out_ += '}';
    return true;
  }

  // Long texts become several literals, cut at white space.
  bool writeText(std::string_view text, int64_t indent, int64_t allowance, int depth) {
    std::vector<std::string> chunks;
    std::vector<std::string_view> lines = splitLines(text, true);
    if (depth == 0) ++indent, ++allowance;
    int64_t width = 80 - indent;
    for (size_t i = 0; i < lines.size(); ++i) {
      bool isLast = i + 1 == lines.size();
      std::string repr = quotePython(lines[i]);
      int64_t room = isLast ? width - allowance : width;
      if (static_cast<int64_t>(countPoints(repr)) <= room) {
        chunks.push_back(repr);
        continue;
      }
      std::vector<std::string_view> parts = partsOf(lines[i]);
      std::string current;
      for (size_t j = 0; j < parts.size(); ++j) {
        std::string candidate = current + std::string(parts[j]);
        int64_t partRoom = j + 1 == parts.size() && isLast ? width - allowance : width;
        if (static_cast<int64_t>(countPoints(quotePython(candidate))) > partRoom) {
          if (!current.empty()) chunks.push_back(quotePython(current));
          current = parts[j];
        } else {
          current = candidate;
        }
      }
      if (!current.empty()) chunks.push_back(quotePython(current));
    }
    if (chunks.size() == 1) return out_ += chunks[0], true;
    if (depth == 0) out_ += '(';
    for (size_t i = 0; i < chunks.size(); ++i) {
      if (i > 0) newLine(indent);
      out_ += chunks[i];
    }
    if (depth == 0) out_ += ')';
    return self_.step(chunks.size());
  }

  // Words, each with the white space after it.
  static std::vector<std::string_view> partsOf(std::string_view line) {
    std::vector<std::string_view> parts;
    for (size_t at = 0; at < line.size();) {
      size_t end = at;
      auto skip = [&](bool spaces) {
        for (size_t next = end; end < line.size() && isSpaceAt(nextPoint(line, next)) == spaces; end = next) {}
      };
      skip(false);
      skip(true);
      parts.push_back(line.substr(at, end - at));
      at = end;
    }
    return parts;
  }

  Interpreter& self_;
  std::string& out_;
  int flatDepth_ = 0;
};

}  // namespace

std::vector<std::string> wrapText(std::string_view text, int64_t width, bool breakLongWords, bool breakOnHyphens) {
  std::vector<std::string_view> chunks = chunksOf(text, breakOnHyphens);
  std::reverse(chunks.begin(), chunks.end());
  std::vector<std::string> lines;
  while (!chunks.empty()) {
    std::vector<std::string_view> line;
    int64_t used = 0;
    if (!lines.empty() && isBlank(chunks.back())) chunks.pop_back();
    while (!chunks.empty()) {
      auto size = static_cast<int64_t>(countPoints(chunks.back()));
      if (used + size > width) break;
      line.push_back(chunks.back());
      chunks.pop_back();
      used += size;
    }
    if (!chunks.empty() && static_cast<int64_t>(countPoints(chunks.back())) > width) {
      int64_t space = std::max<int64_t>(width - used, 1);
      if (breakLongWords) {
        size_t end = longWordEnd(chunks.back(), space, breakOnHyphens);
        line.push_back(chunks.back().substr(0, end));
        chunks.back().remove_prefix(end);
        if (chunks.back().empty()) chunks.pop_back();
      } else if (line.empty()) {
        line.push_back(chunks.back());
        chunks.pop_back();
      }
    }
    if (!line.empty() && isBlank(line.back())) line.pop_back();
    if (line.empty()) continue;
    lines.emplace_back();
    for (std::string_view chunk : line) lines.back().append(chunk);
  }
  return lines;
}

std::string linkUrls(std::string_view escaped, int64_t trimLimit, std::string_view rel, std::string_view target,
                     const std::vector<std::string_view>& schemes) {
  std::string attributes, out;
  if (!rel.empty()) attributes.append(" rel=\"").append(rel).append("\"");
  if (!target.empty()) attributes.append(" target=\"").append(target).append("\"");
  auto link = [&](const std::string& href, const std::string& extra, const std::string& text) { return "<a href=\"" + href + "\"" + extra + ">" + text + "</a>"; };
  auto trim = [&](const std::string& text) {
    if (trimLimit < 0 || static_cast<int64_t>(countPoints(text)) <= trimLimit) return text;
    return text.substr(0, offsetOf(text, static_cast<uint64_t>(trimLimit))) + "...";
  };
  for (size_t at = 0; at < escaped.size();) {
    size_t end = at;
    bool isSpace = isSpaceAt(pointAt(escaped, at));
    for (size_t next = end; end < escaped.size() && isSpaceAt(nextPoint(escaped, next)) == isSpace; end = next) {}
    std::string_view run = escaped.substr(at, end - at);
    at = end;
    if (isSpace) {
      out.append(run);
      continue;
    }
    Word word = splitWord(run);
    std::string& middle = word.middle;
    if (isWebAddress(middle)) {
      bool hasScheme = middle.starts_with("https://") || middle.starts_with("http://");
      middle = link(hasScheme ? middle : "https://" + middle, attributes, trim(middle));
    } else if (middle.starts_with("mailto:") && isEmail(std::string_view(middle).substr(7))) {
      middle = link(middle, "", middle.substr(7));
    } else if (!middle.starts_with("www.") && !middle.starts_with("@") && middle.find(':') == std::string::npos && isEmail(middle)) {
      middle = link("mailto:" + middle, "", middle);
    } else {
      for (std::string_view scheme : schemes)
        if (middle != scheme && middle.starts_with(scheme)) middle = link(middle, attributes, middle);
    }
    out.append(word.head).append(middle).append(word.tail);
  }
  return out;
}

bool prettyPrint(Interpreter& self, const Value& value, std::string& out) { return Pretty(self, out).write(value, 0, 0, 0); }

}  // namespace ingot::text
