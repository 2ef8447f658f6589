// Links in a text, for the filter `urlize`: Jinja's patterns by hand.
#include <algorithm>

#include "runtime/text/template/characters.h"
#include "runtime/text/template/filters.h"
#include "runtime/text/template/text_functions.h"

namespace ingot::text {
namespace {

uint32_t pointAt(std::string_view text, size_t at) { return nextPoint(text, at); }

bool isDomainCharacter(uint32_t point) { return (classOf(point) & kWord) || point == '%' || point == '-'; }

bool isTopLevel(std::string_view label) {
  bool isIdna = label.size() >= 6 && (label[0] | 32) == 'x' && (label[1] | 32) == 'n' && label[2] == '-' && label[3] == '-';
  if (isIdna) return label.size() <= 63;
  return label.size() >= 2 && label.size() <= 63 &&
         std::all_of(label.begin(), label.end(), [](char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; });
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

}  // namespace

std::string linkUrls(std::string_view escaped, int64_t trimLimit, std::string_view rel, std::string_view target,
                     const std::vector<std::string_view>& schemes) {
  std::string attributes, out;
  if (!rel.empty()) attributes.append(" rel=\"").append(rel).append("\"");
  if (!target.empty()) attributes.append(" target=\"").append(target).append("\"");
  auto link = [&](const std::string& href, const std::string& extra, const std::string& text) {
    return "<a href=\"" + href + "\"" + extra + ">" + text + "</a>";
  };
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

}  // namespace ingot::text
