// The part of Parser that reads expressions and targets.
#include "runtime/text/template/numbers.h"
#include "runtime/text/template/parser.h"

namespace ingot::text {

NodeId Parser::parseNameTarget() {
  Token name = expect(TokenKind::name);
  if (failed_) return kNoNode;
  return toTarget(add(Kind::name, name.at, nameId(name.text)));
}

NodeId Parser::parseTarget(bool withNamespace, std::string_view endName) { return toTarget(parseTuple(true, true, endName, false, withNamespace)); }

// Turns what was read as an expression into a target.
NodeId Parser::toTarget(NodeId id) {
  if (failed_) return kNoNode;
  Node& node = program_.nodes[id];
  auto refuse = [&](const char* what) { return fail("can't assign to '" + std::string(what) + "'", node.at); };
  switch (node.kind) {
    case Kind::storeAttribute: return id;
    case Kind::name: {
      std::string_view name = program_.names[node.a];
      for (std::string_view constant : {"true", "false", "none", "True", "False", "None"})
        if (name == constant) return refuse("name");
      node.kind = Kind::storeName;
      return id;
    }
    case Kind::tuple:
      for (uint32_t i = 0; i < node.b; ++i) {
        NodeId item = program_.lists[node.a + i];
        Kind kind = program_.nodes[item].kind;
        bool assignable = kind == Kind::name || kind == Kind::tuple || kind == Kind::storeAttribute;
        if (!assignable) return refuse("tuple");
        if (toTarget(item) == kNoNode) {
          if (error_.message == "can't assign to 'name'") error_.message = "can't assign to 'tuple'";
          return kNoNode;
        }
      }
      node.kind = Kind::storeTuple;
      return id;
    case Kind::list: return refuse("list");
    case Kind::dict: return refuse("dict");
    case Kind::constant: return refuse("const");
    case Kind::binary:
    case Kind::unary:
    case Kind::logicalAnd:
    case Kind::logicalOr:
    case Kind::logicalNot:
    case Kind::compare:
    default: return refuse("expression");
  }
}

NodeId Parser::parseTuple(bool simplified, bool withCondition, std::string_view endName, bool explicitParentheses, bool withNamespace) {
  Deeper deeper(*this);
  uint32_t position = current().at;
  Ids items;
  bool isTuple = false;
  while (!failed_) {
    if (!items.empty()) expect(TokenKind::comma);
    bool isEnd = at(TokenKind::variableEnd) || at(TokenKind::blockEnd) || at(TokenKind::rightParen) || (!endName.empty() && atName(endName));
    if (isEnd) break;
    items.push_back(simplified ? parsePrimary(withNamespace) : parseExpression(withCondition));
    if (!at(TokenKind::comma)) break;
    isTuple = true;
  }
  if (failed_) return kNoNode;
  if (!isTuple && !items.empty()) return items[0];
  if (!isTuple && !explicitParentheses) return fail("Expected an expression, got " + quotePython(describeCurrent()));
  return addList(Kind::tuple, position, items);
}

NodeId Parser::parseExpression(bool withCondition) {
  Deeper deeper(*this);
  return withCondition ? parseCondition() : parseOr();
}

NodeId Parser::parseCondition() {
  uint32_t position = current().at;
  NodeId node = parseOr();
  while (skipName("if")) {
    NodeId test = parseOr();
    NodeId otherwise = kNoNode;
    if (skipName("else")) {
      Deeper deeper(*this);
      otherwise = parseCondition();
    }
    node = add(Kind::condition, position, test, node, otherwise);
    position = current().at;
  }
  return node;
}

NodeId Parser::parseOr() {
  uint32_t position = current().at;
  NodeId left = parseAnd();
  while (skipName("or")) left = add(Kind::logicalOr, position, left, parseAnd());
  return left;
}

NodeId Parser::parseAnd() {
  uint32_t position = current().at;
  NodeId left = parseNot();
  while (skipName("and")) left = add(Kind::logicalAnd, position, left, parseNot());
  return left;
}

NodeId Parser::parseNot() {
  if (!atName("not")) return parseCompare();
  Deeper deeper(*this);
  uint32_t position = take().at;
  return add(Kind::logicalNot, position, parseNot());
}

NodeId Parser::parseCompare() {
  uint32_t position = current().at;
  NodeId first = parseSum();
  Ids rest;
  auto operand = [&](Operator op, int tokens) {
    for (int i = 0; i < tokens; ++i) take();
    rest.push_back(static_cast<uint32_t>(op));
    rest.push_back(parseSum());
  };
  while (!failed_) {
    if (at(TokenKind::eq)) operand(Operator::equal, 1);
    else if (at(TokenKind::ne)) operand(Operator::notEqual, 1);
    else if (at(TokenKind::lt)) operand(Operator::less, 1);
    else if (at(TokenKind::le)) operand(Operator::lessEqual, 1);
    else if (at(TokenKind::gt)) operand(Operator::greater, 1);
    else if (at(TokenKind::ge)) operand(Operator::greaterEqual, 1);
    else if (atName("in")) operand(Operator::in, 1);
    else if (atName("not") && look().kind == TokenKind::name && look().text == "in") operand(Operator::notIn, 2);
    else break;
  }
  if (rest.empty()) return first;
  return add(Kind::compare, position, first, store(rest), static_cast<uint32_t>(rest.size()));
}

NodeId Parser::parseSum() {
  uint32_t position = current().at;
  NodeId left = parseConcat();
  while (at(TokenKind::add) || at(TokenKind::sub)) {
    Operator op = take().kind == TokenKind::add ? Operator::add : Operator::subtract;
    left = addOperation(Kind::binary, op, position, left, parseConcat());
  }
  return left;
}

NodeId Parser::parseConcat() {
  uint32_t position = current().at;
  Ids parts{parseProduct()};
  while (skip(TokenKind::tilde)) parts.push_back(parseProduct());
  return parts.size() == 1 ? parts[0] : addList(Kind::concat, position, parts);
}

NodeId Parser::parseProduct() {
  uint32_t position = current().at;
  NodeId left = parsePower();
  for (;;) {
    Operator op;
    switch (current().kind) {
      case TokenKind::mul: op = Operator::multiply; break;
      case TokenKind::div: op = Operator::divide; break;
      case TokenKind::floorDiv: op = Operator::floorDivide; break;
      case TokenKind::mod: op = Operator::modulo; break;
      default: return left;
    }
    take();
    left = addOperation(Kind::binary, op, position, left, parsePower());
  }
}

NodeId Parser::parsePower() {
  uint32_t position = current().at;
  NodeId left = parseUnary();
  while (skip(TokenKind::pow)) left = addOperation(Kind::binary, Operator::power, position, left, parseUnary());
  return left;
}

NodeId Parser::parseUnary(bool withFilter) {
  NodeId node;
  if (at(TokenKind::sub) || at(TokenKind::add)) {
    Deeper deeper(*this);
    Token sign = take();
    node = addOperation(Kind::unary, sign.kind == TokenKind::sub ? Operator::negate : Operator::plus, sign.at, parseUnary(false));
  } else {
    node = parsePrimary();
  }
  node = parsePostfix(node);
  return withFilter ? parseFilterExpression(node) : node;
}

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
