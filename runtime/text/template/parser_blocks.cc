// The part of Parser that reads blocks, and the tags that load other templates.
#include <algorithm>

#include "runtime/text/template/numbers.h"
#include "runtime/text/template/parser.h"

namespace ingot::text {

bool Parser::checkRequired(NodeId body) {
  if (failed_) return true;
  for (uint32_t i = 0; i < program_.nodes[body].b; ++i) {
    const Node& statement = program_.nodes[program_.lists[program_.nodes[body].a + i]];
    if (statement.kind != Kind::output) return false;
    for (uint32_t j = 0; j < statement.b; ++j) {
      const Node& part = program_.nodes[program_.lists[statement.a + j]];
      if (part.kind != Kind::data || program_.constants[part.a].text().find_first_not_of(" \t\n\r\f\v") != std::string_view::npos) return false;
    }
  }
  return true;
}

NodeId Parser::parseBlock() {
  uint32_t position = take().at;
  BlockNode block{};
  Token name = expect(TokenKind::name);
  block.scoped = skipName("scoped");
  block.required = skipName("required");
  if (at(TokenKind::sub))
    return fail("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.");
  block.body = parseStatements({"endblock"}, true);
  if (block.required && !checkRequired(block.body)) return fail("Required blocks can only contain comments or whitespace");
  skipName(name.text);
  if (failed_) return kNoNode;
  block.name = nameId(name.text);
  for (const BlockNode& other : program_.blocks)
    if (other.name == block.name) return fail("block " + quotePython(name.text) + " defined twice", position);
  program_.blocks.push_back(block);
  return add(Kind::block, position, static_cast<uint32_t>(program_.blocks.size() - 1));
}

bool Parser::parseContextWords() {
  bool found = (atName("with") || atName("without")) && look().kind == TokenKind::name && look().text == "context";
  if (found) take(), take();
  return found;
}

void Parser::parseImportNames() {
  for (bool first = true; !failed_; first = false) {
    if (!first) expect(TokenKind::comma);
    if (!at(TokenKind::name)) {
      expect(TokenKind::name);
      return;
    }
    if (parseContextWords()) return;
    Token name = take();
    if (name.text.starts_with('_')) fail("names starting with an underline can not be imported", name.at);
    if (skipName("as")) expect(TokenKind::name);
    if (parseContextWords() || !at(TokenKind::comma)) return;
  }
}

NodeId Parser::parseLoad(std::string_view tag) {
  uint32_t position = take().at;
  NodeId source = parseExpression();
  bool ignoresMissing = false;
  if (tag == "include") {
    ignoresMissing = atName("ignore") && look().kind == TokenKind::name && look().text == "missing";
    if (ignoresMissing) take(), take();
    parseContextWords();
  } else if (tag == "import") {
    expectName("as");
    parseNameTarget();
    parseContextWords();
  } else if (tag == "from") {
    expectName("import");
    parseImportNames();
  }
  return add(Kind::load, position, source, ignoresMissing);
}

}  // namespace ingot::text
