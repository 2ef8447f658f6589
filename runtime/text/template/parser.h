// Tokens -> nodes: Jinja's grammar with loop controls and {% generation %}. Names are not resolved yet.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/text/template/lexer.h"

namespace ingot::text {

// What a template that can't be compiled is refused with: Jinja's message, and where.
struct SyntaxError {
  std::string message;
  uint32_t at = 0;
};

// Thread-compatible; used once.
class Parser {
 public:
  // Deeper than this is refused. Python's own parser ends at 200 parentheses.
  static constexpr int kMaxDepth = 200;
  // Chains of operators nest too: a + b + c.
  static constexpr uint32_t kMaxHeight = 400;

  explicit Parser(Program& program) : program_(program), tokens_(lex(program)) {}

  // Fills the program's nodes and root; false with error() set.
  bool run();
  const SyntaxError& error() const { return error_; }

 private:
  using Ids = std::vector<uint32_t>;
  using EndTags = std::vector<std::string_view>;
  class Deeper;

  // After a failure the token is `end` for ever, and every parse function returns kNoNode.
  const Token& current() const { return failed_ ? end_ : tokens_[next_]; }
  const Token& look() const { return failed_ || tokens_[next_].kind == TokenKind::end ? end_ : tokens_[next_ + 1]; }
  bool at(TokenKind kind) const { return current().kind == kind; }
  bool atName(std::string_view name) const { return at(TokenKind::name) && current().text == name; }
  Token take();
  bool skip(TokenKind kind);
  bool skipName(std::string_view name);
  Token expect(TokenKind kind);
  void expectName(std::string_view name);
  NodeId fail(std::string message, uint32_t position);
  NodeId fail(std::string message) { return fail(std::move(message), current().at); }
  void failUnexpected(const std::string& expected);
  std::string describeCurrent() const;

  NodeId add(Kind kind, uint32_t position, uint32_t a = kNoNode, uint32_t b = kNoNode, uint32_t c = kNoNode, uint32_t d = kNoNode);
  NodeId addList(Kind kind, uint32_t position, const Ids& ids, uint32_t c = kNoNode, uint32_t d = kNoNode);
  NodeId addOperation(Kind kind, Operator op, uint32_t position, uint32_t a, uint32_t b = kNoNode);
  uint32_t heightOf(const Node& node) const;
  uint32_t store(const Ids& ids);
  uint32_t constant(const Value& value);
  uint32_t textConstant(std::string_view text);
  uint32_t nameId(std::string_view name);

  // Statements
  NodeId parseBody(const EndTags& endTags);
  NodeId parseStatements(const EndTags& endTags, bool dropNeedle);
  NodeId parseStatement();
  NodeId parseFor();
  NodeId parseIf();
  NodeId parseSet();
  NodeId parseWith();
  NodeId parseMacro();
  NodeId parseCallBlock();
  NodeId parseGeneration();
  NodeId parseFilterBlock();
  NodeId parseBlock();
  NodeId parsePrint();
  NodeId parseAutoescape();
  NodeId parseLoad(std::string_view tag);
  void parseImportNames();
  bool parseContextWords();
  void parseSignature(Ids& parameters, Ids& defaults);
  NodeId addMacro(Kind kind, uint32_t position, uint32_t name, const Ids& parameters, const Ids& defaults, NodeId body, NodeId call);
  NodeId failUnknownTag(std::string_view name, bool isKnownName);
  bool checkRequired(NodeId body);

  // Targets
  NodeId parseTarget(bool withNamespace, std::string_view endName = {});
  NodeId parseNameTarget();
  NodeId toTarget(NodeId node);

  // Expressions
  NodeId parseExpression(bool withCondition = true);
  NodeId parseCondition();
  NodeId parseOr();
  NodeId parseAnd();
  NodeId parseNot();
  NodeId parseCompare();
  NodeId parseSum();
  NodeId parseConcat();
  NodeId parseProduct();
  NodeId parsePower();
  NodeId parseUnary(bool withFilter = true);
  NodeId parsePrimary(bool withNamespace = false);
  NodeId parseNamePrimary(bool withNamespace);
  NodeId parseTuple(bool simplified, bool withCondition, std::string_view endName, bool explicitParentheses, bool withNamespace);
  NodeId parseTuple() { return parseTuple(false, true, {}, false, false); }
  NodeId parseList();
  NodeId parseDict();
  NodeId parsePostfix(NodeId node);
  NodeId parseFilterExpression(NodeId node);
  NodeId parseSubscript(NodeId node);
  NodeId parseSubscribed();
  NodeId parseFilters(NodeId node, bool startInline);
  NodeId parseTest(NodeId node);
  NodeId parseCall(NodeId node);
  uint32_t parseArguments();
  std::string parseDottedName();

  Program& program_;
  std::vector<Token> tokens_;
  size_t next_ = 0;
  bool failed_ = false;
  int depth_ = 0;
  Token end_{TokenKind::end, 0, {}, {}};
  SyntaxError error_;
  std::vector<std::string_view> tags_;
  std::vector<EndTags> endTags_;
  std::vector<uint16_t> heights_;                           // of the expressions below each node
  std::unordered_map<std::string_view, uint32_t> nameIds_;  // keys point into the source
};

// One level of nesting while it lives; refuses the level past the limit.
class Parser::Deeper {
 public:
  explicit Deeper(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ > kMaxDepth) parser_.fail("depth limit: nested more than " + std::to_string(kMaxDepth) + " levels deep");
  }
  ~Deeper() { --parser_.depth_; }
  Deeper(const Deeper&) = delete;

 private:
  Parser& parser_;
};

}  // namespace ingot::text
