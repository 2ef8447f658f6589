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

}  // namespace ingot::text
