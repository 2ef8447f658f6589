// The part of Parser that reads statements; blocks are in parser_blocks.cc.
#include "runtime/text/template/parser.h"

namespace ingot::text {

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
