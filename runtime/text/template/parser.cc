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

NodeId Parser::parseStatement() {
  if (!at(TokenKind::name)) return fail("tag name expected");
  std::string_view tag = current().text;
  tags_.push_back(tag);
  struct Pop {
    std::vector<std::string_view>& tags;
    ~Pop() { tags.pop_back(); }
  } pop{tags_};
  if (tag == "for") return parseFor();
  if (tag == "if") return parseIf();
  if (tag == "set") return parseSet();
  if (tag == "with") return parseWith();
  if (tag == "macro") return parseMacro();
  if (tag == "call") return parseCallBlock();
  if (tag == "filter") return parseFilterBlock();
  if (tag == "generation") return parseGeneration();
  if (tag == "block") return parseBlock();
  if (tag == "print") return parsePrint();
  if (tag == "autoescape") return parseAutoescape();
  if (tag == "extends" || tag == "include" || tag == "import" || tag == "from") return parseLoad(tag);
  if (tag == "break" || tag == "continue") return add(tag == "break" ? Kind::breakLoop : Kind::continueLoop, take().at);
  uint32_t position = current().at;
  tags_.pop_back();
  failUnknownTag(tag, true);
  tags_.push_back(tag);
  error_.at = std::min(error_.at, position);
  return kNoNode;
}

NodeId Parser::parseFor() {
  uint32_t position = take().at;
  LoopNode loop{};
  loop.target = parseTarget(false, "in");
  expectName("in");
  loop.iterable = parseTuple(false, false, "recursive", false, false);
  loop.test = skipName("if") ? parseExpression() : kNoNode;
  loop.recursive = skipName("recursive");
  loop.body = parseStatements({"endfor", "else"}, false);
  loop.elseBody = kNoNode;
  if (take().text != "endfor") loop.elseBody = parseStatements({"endfor"}, true);
  program_.loops.push_back(loop);
  return add(Kind::loop, position, static_cast<uint32_t>(program_.loops.size() - 1));
}

NodeId Parser::parseIf() {
  uint32_t position = take().at;
  Ids branches;
  while (!failed_) {
    branches.push_back(parseTuple(false, false, {}, false, false));
    branches.push_back(parseStatements({"elif", "else", "endif"}, false));
    Token tag = take();
    if (tag.text == "elif") continue;
    if (tag.text == "else") {
      branches.push_back(kNoNode);
      branches.push_back(parseStatements({"endif"}, true));
    }
    break;
  }
  return addList(Kind::branch, position, branches);
}

NodeId Parser::parseSet() {
  uint32_t position = take().at;
  NodeId target = parseTarget(true);
  if (skip(TokenKind::assign)) return add(Kind::assign, position, target, parseTuple());
  NodeId filter = at(TokenKind::pipe) ? parseFilters(kNoNode, false) : kNoNode;
  NodeId body = parseStatements({"endset"}, true);
  return add(Kind::assignBlock, position, target, filter, body);
}

NodeId Parser::parseWith() {
  uint32_t position = take().at;
  Ids pairs;
  while (!failed_ && !at(TokenKind::blockEnd)) {
    if (!pairs.empty()) expect(TokenKind::comma);
    pairs.push_back(parseTarget(false));
    expect(TokenKind::assign);
    pairs.push_back(parseExpression());
  }
  NodeId body = parseStatements({"endwith"}, true);
  return addList(Kind::with, position, pairs, body);
}

void Parser::parseSignature(Ids& parameters, Ids& defaults) {
  expect(TokenKind::leftParen);
  while (!failed_ && !at(TokenKind::rightParen)) {
    if (!parameters.empty()) expect(TokenKind::comma);
    NodeId parameter = parseNameTarget();
    if (skip(TokenKind::assign)) defaults.push_back(parseExpression());
    else if (!defaults.empty()) fail("non-default argument follows default argument");
    parameters.push_back(parameter);
  }
  expect(TokenKind::rightParen);
}

NodeId Parser::addMacro(Kind kind, uint32_t position, uint32_t name, const Ids& parameters, const Ids& defaults, NodeId body, NodeId call) {
  if (failed_) return kNoNode;
  Ids all;
  for (NodeId parameter : parameters) {
    all.push_back(textConstant(program_.names[program_.nodes[parameter].a]));
    all.push_back(parameter);
  }
  all.insert(all.end(), defaults.begin(), defaults.end());
  program_.macros.push_back({.name = name,
                             .parameters = store(all),
                             .parameterCount = static_cast<uint32_t>(parameters.size()),
                             .defaultCount = static_cast<uint32_t>(defaults.size()),
                             .body = body});
  return add(kind, position, static_cast<uint32_t>(program_.macros.size() - 1), call);
}

NodeId Parser::parseMacro() {
  uint32_t position = take().at;
  NodeId name = parseNameTarget();
  Ids parameters, defaults;
  parseSignature(parameters, defaults);
  NodeId body = parseStatements({"endmacro"}, true);
  if (failed_) return kNoNode;
  NodeId macro = addMacro(Kind::macro, position, textConstant(program_.names[program_.nodes[name].a]), parameters, defaults, body, kNoNode);
  program_.macros.back().store = name;
  return macro;
}

NodeId Parser::parseCallBlock() {
  uint32_t position = take().at;
  Ids parameters, defaults;
  if (at(TokenKind::leftParen)) parseSignature(parameters, defaults);
  NodeId call = parseExpression();
  if (!failed_ && program_.nodes[call].kind != Kind::call) return fail("expected call", position);
  NodeId body = parseStatements({"endcall"}, true);
  return addMacro(Kind::callBlock, position, constant(makeNone()), parameters, defaults, body, call);
}

NodeId Parser::parseGeneration() {
  uint32_t position = take().at;
  NodeId body = parseStatements({"endgeneration"}, true);
  return addMacro(Kind::generation, position, constant(makeNone()), {}, {}, body, kNoNode);
}

NodeId Parser::parseFilterBlock() {
  uint32_t position = take().at;
  NodeId filter = parseFilters(kNoNode, true);
  NodeId body = parseStatements({"endfilter"}, true);
  return add(Kind::filterBlock, position, filter, body);
}

NodeId Parser::parsePrint() {
  uint32_t position = take().at;
  Ids expressions;
  while (!failed_ && !at(TokenKind::blockEnd)) {
    if (!expressions.empty()) expect(TokenKind::comma);
    expressions.push_back(parseExpression());
  }
  return addList(Kind::output, position, expressions);
}

NodeId Parser::parseAutoescape() {
  uint32_t position = take().at;
  NodeId value = parseExpression();
  NodeId body = parseStatements({"endautoescape"}, true);
  return add(Kind::autoescape, position, value, body);
}

}  // namespace ingot::text
