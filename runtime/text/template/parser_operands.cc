// The part of Parser that reads operands: names, literals, and the subscripts, calls, filters and tests behind them.
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/parser.h"

namespace ingot::text {

NodeId Parser::parseNamePrimary(bool withNamespace) {
  Token name = take();
  if (failed_) return kNoNode;
  if (name.text == "true" || name.text == "True") return add(Kind::constant, name.at, constant(makeBoolean(true)));
  if (name.text == "false" || name.text == "False") return add(Kind::constant, name.at, constant(makeBoolean(false)));
  if (name.text == "none" || name.text == "None") return add(Kind::constant, name.at, constant(makeNone()));
  NodeId node = add(Kind::name, name.at, nameId(name.text));
  if (!withNamespace || !skip(TokenKind::dot)) return node;
  Token attribute = expect(TokenKind::name);
  return add(Kind::storeAttribute, name.at, node, textConstant(attribute.text));
}

NodeId Parser::parsePrimary(bool withNamespace) {
  Token token = current();
  switch (token.kind) {
    case TokenKind::name: return parseNamePrimary(withNamespace);
    case TokenKind::string: {
      take();
      Value value = token.value;
      while (at(TokenKind::string)) {
        Value next = take().value;
        value = copyText(program_.arena, std::string(value.text()) + std::string(next.text()), value.flags & next.flags);
      }
      return add(Kind::constant, token.at, constant(value));
    }
    case TokenKind::integer:
    case TokenKind::real: take(); return add(Kind::constant, token.at, constant(token.value));
    case TokenKind::leftParen: {
      take();
      NodeId node = parseTuple(false, true, {}, true, false);
      expect(TokenKind::rightParen);
      return node;
    }
    case TokenKind::leftBracket: return parseList();
    case TokenKind::leftBrace: return parseDict();
    default: return fail("unexpected " + quotePython(describeCurrent()), token.at);
  }
}

NodeId Parser::parseList() {
  uint32_t position = take().at;
  Ids items;
  while (!failed_ && !at(TokenKind::rightBracket)) {
    if (!items.empty()) expect(TokenKind::comma);
    if (at(TokenKind::rightBracket)) break;
    items.push_back(parseExpression());
  }
  expect(TokenKind::rightBracket);
  return addList(Kind::list, position, items);
}

NodeId Parser::parseDict() {
  uint32_t position = take().at;
  Ids pairs;
  while (!failed_ && !at(TokenKind::rightBrace)) {
    if (!pairs.empty()) expect(TokenKind::comma);
    if (at(TokenKind::rightBrace)) break;
    pairs.push_back(parseExpression());
    expect(TokenKind::colon);
    pairs.push_back(parseExpression());
  }
  expect(TokenKind::rightBrace);
  return addList(Kind::dict, position, pairs);
}

NodeId Parser::parsePostfix(NodeId node) {
  for (;;) {
    if (at(TokenKind::dot) || at(TokenKind::leftBracket)) node = parseSubscript(node);
    else if (at(TokenKind::leftParen)) node = parseCall(node);
    else return node;
  }
}

NodeId Parser::parseFilterExpression(NodeId node) {
  for (;;) {
    if (at(TokenKind::pipe)) node = parseFilters(node, false);
    else if (atName("is")) node = parseTest(node);
    else if (at(TokenKind::leftParen)) node = parseCall(node);
    else return node;
  }
}

NodeId Parser::parseSubscript(NodeId node) {
  Token token = take();
  if (token.kind == TokenKind::dot) {
    Token attribute = take();
    if (failed_) return kNoNode;
    if (attribute.kind == TokenKind::name) return add(Kind::attribute, token.at, node, textConstant(attribute.text));
    if (attribute.kind != TokenKind::integer) return fail("expected name or number", attribute.at);
    return add(Kind::item, token.at, node, add(Kind::constant, attribute.at, constant(attribute.value)));
  }
  Ids items;
  while (!failed_ && !at(TokenKind::rightBracket)) {
    if (!items.empty()) expect(TokenKind::comma);
    items.push_back(parseSubscribed());
  }
  expect(TokenKind::rightBracket);
  if (failed_) return kNoNode;
  if (items.size() == 1) return add(Kind::item, token.at, node, items[0]);
  for (NodeId item : items)
    if (program_.nodes[item].kind == Kind::slice) return fail("invalid syntax", token.at);
  return add(Kind::item, token.at, node, addList(Kind::tuple, token.at, items));
}

NodeId Parser::parseSubscribed() {
  uint32_t position = current().at;
  NodeId start = kNoNode;
  if (!at(TokenKind::colon)) {
    start = parseExpression();
    if (!at(TokenKind::colon)) return start;
  }
  take();
  auto bound = [&] { return at(TokenKind::colon) || at(TokenKind::rightBracket) || at(TokenKind::comma) ? kNoNode : parseExpression(); };
  NodeId stop = bound();
  NodeId step = skip(TokenKind::colon) ? bound() : kNoNode;
  return add(Kind::slice, position, start, stop, step);
}

uint32_t Parser::parseArguments() {
  Deeper deeper(*this);
  uint32_t position = expect(TokenKind::leftParen).at;
  Ids positional, named;
  Arguments arguments{};
  auto ensure = [&](bool holds) {
    if (!holds) fail("invalid syntax for function call expression", position);
  };
  for (bool first = true; !failed_ && !at(TokenKind::rightParen); first = false) {
    if (!first) expect(TokenKind::comma);
    if (at(TokenKind::rightParen)) break;
    if (skip(TokenKind::mul)) {
      ensure(arguments.starred == kNoNode && arguments.doubleStarred == kNoNode);
      arguments.starred = parseExpression();
    } else if (skip(TokenKind::pow)) {
      ensure(arguments.doubleStarred == kNoNode);
      arguments.doubleStarred = parseExpression();
    } else if (at(TokenKind::name) && look().kind == TokenKind::assign) {
      ensure(arguments.doubleStarred == kNoNode);
      Token name = take();
      take();
      named.push_back(textConstant(name.text));
      named.push_back(parseExpression());
    } else {
      ensure(arguments.starred == kNoNode && arguments.doubleStarred == kNoNode && named.empty());
      positional.push_back(parseExpression());
    }
  }
  expect(TokenKind::rightParen);
  arguments.positionalCount = static_cast<uint32_t>(positional.size());
  arguments.namedCount = static_cast<uint32_t>(named.size() / 2);
  arguments.positional = store(positional);
  arguments.named = store(named);
  program_.arguments.push_back(arguments);
  return static_cast<uint32_t>(program_.arguments.size() - 1);
}

NodeId Parser::parseCall(NodeId node) {
  uint32_t position = current().at;
  uint32_t arguments = parseArguments();
  return add(Kind::call, position, node, kNoNode, arguments);
}

std::string Parser::parseDottedName() {
  std::string name(expect(TokenKind::name).text);
  while (skip(TokenKind::dot)) name.append(".").append(expect(TokenKind::name).text);
  return name;
}

NodeId Parser::parseFilters(NodeId node, bool startInline) {
  while (startInline || at(TokenKind::pipe)) {
    if (failed_) return kNoNode;
    if (!startInline) take();
    startInline = false;
    uint32_t position = current().at;
    std::string name = parseDottedName();
    uint32_t arguments = kNoNode;
    if (at(TokenKind::leftParen)) arguments = parseArguments();
    if (failed_) return kNoNode;
    node = add(Kind::filter, position, node, constant(copyText(program_.arena, name)), arguments);
  }
  return node;
}

NodeId Parser::parseTest(NodeId node) {
  uint32_t position = take().at;
  bool negated = skipName("not");
  std::string name = parseDottedName();
  uint32_t arguments = kNoNode;
  bool isOperand = at(TokenKind::string) || at(TokenKind::integer) || at(TokenKind::real) || at(TokenKind::leftBracket) || at(TokenKind::leftBrace) ||
                   (at(TokenKind::name) && !atName("else") && !atName("or") && !atName("and"));
  if (at(TokenKind::leftParen)) {
    arguments = parseArguments();
  } else if (isOperand) {
    if (atName("is")) return fail("You cannot chain multiple tests with is");
    Ids operand{parsePostfix(parsePrimary())};
    program_.arguments.push_back({.positional = store(operand), .positionalCount = 1, .named = 0, .namedCount = 0});
    arguments = static_cast<uint32_t>(program_.arguments.size() - 1);
  }
  if (failed_) return kNoNode;
  node = add(Kind::test, position, node, constant(copyText(program_.arena, name)), arguments);
  return negated ? add(Kind::logicalNot, position, node) : node;
}

}  // namespace ingot::text
