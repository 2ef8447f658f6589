#include "runtime/text/template/parser.h"

#include <algorithm>

#include "runtime/text/template/children.h"
#include "runtime/text/template/numbers.h"

namespace ingot::text {

bool Parser::run() {
  program_.nodes.reserve(tokens_.size());
  if (tokens_[0].kind == TokenKind::error) fail(std::string(tokens_[0].text), tokens_[0].at);
  program_.root = parseBody({});
  return !failed_;
}

Token Parser::take() {
  Token token = current();
  if (token.kind == TokenKind::end) return token;
  ++next_;
  if (tokens_[next_].kind == TokenKind::error) fail(std::string(tokens_[next_].text), tokens_[next_].at);
  return token;
}

bool Parser::skip(TokenKind kind) {
  if (!at(kind)) return false;
  take();
  return true;
}

bool Parser::skipName(std::string_view name) {
  if (!atName(name)) return false;
  take();
  return true;
}

std::string Parser::describeCurrent() const { return at(TokenKind::name) ? std::string(current().text) : describe(current().kind); }

void Parser::failUnexpected(const std::string& expected) {
  if (at(TokenKind::end)) fail("unexpected end of template, expected " + quotePython(expected) + ".");
  else fail("expected token " + quotePython(expected) + ", got " + quotePython(describeCurrent()));
}

Token Parser::expect(TokenKind kind) {
  if (at(kind)) return take();
  failUnexpected(describe(kind));
  return end_;
}

void Parser::expectName(std::string_view name) {
  if (!skipName(name)) failUnexpected(std::string(name));
}

NodeId Parser::fail(std::string message, uint32_t position) {
  if (!failed_) error_ = {std::move(message), position};
  failed_ = true;
  return kNoNode;
}

NodeId Parser::add(Kind kind, uint32_t position, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  if (failed_) return kNoNode;
  program_.nodes.push_back({.kind = kind, .at = position, .a = a, .b = b, .c = c, .d = d});
  heights_.push_back(static_cast<uint16_t>(heightOf(program_.nodes.back())));
  if (heights_.back() > kMaxHeight) return fail("depth limit: an expression of more than " + std::to_string(kMaxHeight) + " levels", position);
  return static_cast<NodeId>(program_.nodes.size() - 1);
}

uint32_t Parser::heightOf(const Node& node) const {
  if (node.kind >= Kind::output) return 0;
  uint32_t height = 0;
  forEachChild(program_, node, [&](NodeId child) { height = std::max<uint32_t>(height, heights_[child]); });
  return height + 1;
}

NodeId Parser::addOperation(Kind kind, Operator op, uint32_t position, uint32_t a, uint32_t b) {
  NodeId node = add(kind, position, a, b);
  if (node != kNoNode) program_.nodes[node].op = static_cast<uint8_t>(op);
  return node;
}

NodeId Parser::addList(Kind kind, uint32_t position, const Ids& ids, uint32_t c, uint32_t d) {
  return add(kind, position, store(ids), static_cast<uint32_t>(ids.size()), c, d);
}

uint32_t Parser::store(const Ids& ids) {
  auto first = static_cast<uint32_t>(program_.lists.size());
  program_.lists.insert(program_.lists.end(), ids.begin(), ids.end());
  return first;
}

uint32_t Parser::constant(const Value& value) {
  program_.constants.push_back(value);
  return static_cast<uint32_t>(program_.constants.size() - 1);
}

uint32_t Parser::textConstant(std::string_view text) { return constant(makeText(text, isAscii(text) ? kAscii : 0)); }

uint32_t Parser::nameId(std::string_view name) {
  auto [found, isNew] = nameIds_.try_emplace(name, static_cast<uint32_t>(program_.names.size()));
  if (isNew) program_.names.emplace_back(name);
  return found->second;
}

NodeId Parser::parseBody(const EndTags& endTags) {
  Deeper deeper(*this);
  uint32_t start = current().at;
  Ids statements, outputs;
  auto flush = [&] {
    if (!outputs.empty()) statements.push_back(addList(Kind::output, program_.nodes[outputs[0]].at, outputs));
    outputs.clear();
  };
  if (!endTags.empty()) endTags_.push_back(endTags);
  while (!failed_ && !at(TokenKind::end)) {
    if (at(TokenKind::data)) {
      Token token = take();
      outputs.push_back(add(Kind::data, token.at, textConstant(token.text)));
    } else if (skip(TokenKind::variableBegin)) {
      outputs.push_back(parseTuple());
      expect(TokenKind::variableEnd);
    } else {
      flush();
      expect(TokenKind::blockBegin);
      bool isEnd = at(TokenKind::name) && std::find(endTags.begin(), endTags.end(), current().text) != endTags.end();
      if (isEnd) break;
      NodeId statement = parseStatement();
      if (statement != kNoNode) statements.push_back(statement);
      expect(TokenKind::blockEnd);
    }
    if (failed_) outputs.clear();
  }
  flush();
  if (!endTags.empty()) endTags_.pop_back();
  return addList(Kind::body, start, statements);
}

NodeId Parser::parseStatements(const EndTags& endTags, bool dropNeedle) {
  skip(TokenKind::colon);
  expect(TokenKind::blockEnd);
  NodeId body = parseBody(endTags);
  if (!failed_ && at(TokenKind::end)) {
    endTags_.push_back(endTags);
    return failUnknownTag({}, false);
  }
  if (dropNeedle) take();
  return body;
}

NodeId Parser::failUnknownTag(std::string_view name, bool isKnownName) {
  auto join = [](const EndTags& tags) {
    std::string out;
    for (std::string_view tag : tags) out += (out.empty() ? "" : " or ") + quotePython(tag);
    return out;
  };
  std::string message = isKnownName ? "Encountered unknown tag " + quotePython(name) + "." : "Unexpected end of template.";
  if (!endTags_.empty()) {
    bool isExpected = false;
    for (const EndTags& tags : endTags_) isExpected |= isKnownName && std::find(tags.begin(), tags.end(), name) != tags.end();
    message += isExpected
                   ? " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + join(endTags_.back()) + "."
                   : " Jinja was looking for the following tags: " + join(endTags_.back()) + ".";
  }
  if (!tags_.empty()) message += " The innermost block that needs to be closed is " + quotePython(tags_.back()) + ".";
  return fail(message);
}

}  // namespace ingot::text
