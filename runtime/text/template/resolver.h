// Gives every name of a program its slot, by Jinja's rules of scope, and refuses what Jinja's compiler refuses.
//
// A template becomes functions (the root, each macro, block, call block and recursive loop) whose activations hold slots.
// A frame (loop body, with, ...) is a part of a function with names of its own; when it is entered, its loads run.
#pragma once

#include <deque>
#include <unordered_map>

#include "runtime/text/template/parser.h"

namespace ingot::text {

class Resolver {
 public:
  explicit Resolver(Program& program) : program_(program) {}
  bool run();
  const SyntaxError& error() const { return error_; }

 private:
  struct Symbol {
    uint32_t slot = 0;
    bool hasSlot = false, isStored = false, hasLoad = false;
    Load load = Load::undefined;
    uint32_t ownerFunction = 0, ownerSlot = 0;  // of alias
  };
  struct Symbols {
    Symbols* parent;
    uint32_t level, function;
    std::unordered_map<uint32_t, Symbol> names;
    std::vector<uint32_t> order;
  };
  struct Reference {
    uint32_t function, slot;
  };
  struct Frame {
    Symbols* symbols;
    bool top = false, soft = false, inLoop = false;
  };
  // What a branch of an if changed, by name.
  using Changes = std::unordered_map<uint32_t, Symbol>;
  enum class Mode { plain, parameters };

  // Symbols
  Symbols* newSymbols(Symbols* parent, uint32_t function);
  uint32_t newFunction(uint32_t parent);
  const Reference* findReference(const Symbols* symbols, uint32_t name);
  Symbol& edit(Symbols& symbols, uint32_t name);
  void define(Symbols& symbols, uint32_t name, Load load, Reference from = {});
  void store(Symbols& symbols, uint32_t name);
  void load(Symbols& symbols, uint32_t name);
  uint32_t declareParameter(Symbols& symbols, uint32_t name);
  uint32_t writeScope(const Symbols& symbols);

  // Finding the names of one frame
  void collect(Symbols& symbols, NodeId id, Mode mode = Mode::plain);
  void collectBranch(Symbols& symbols, const Node& node);
  void mergeBranches(Symbols& symbols, const std::vector<Changes>& branches);
  void collectMacro(Symbols& symbols, const MacroNode& macro);

  // Giving nodes their slots
  void visit(NodeId id, const Frame& frame);
  void visitChildren(const Node& node, const Frame& frame);
  void visitName(Node& node, const Frame& frame);
  void visitLoop(Node& node, const Frame& frame);
  void visitMacro(NodeId id, const Frame& frame);
  void visitBlock(BlockNode& block);
  void noteVisible(BlockNode& block, const Frame& frame);
  void visitWith(Node& node, const Frame& frame);
  void visitInner(Node& node, NodeId body, NodeId filter, const Frame& frame);
  void visitTarget(NodeId id, const Frame& frame, bool isAssign);
  void checkKnown(Node& node, const Frame& frame);

  NodeId cloneTarget(NodeId id);
  // Removes from `names` those stored in the order of reading; adds to `found` those read first.
  void findUndeclared(NodeId id, std::vector<uint32_t>& names, std::vector<uint32_t>& found);
  bool contains(NodeId id, Kind kind, bool scopedOnly);
  bool storesLoop(NodeId id, uint32_t& at);
  uint32_t nameId(std::string_view name);
  void fail(std::string message, uint32_t at);

  Program& program_;
  std::deque<Symbols> symbols_;
  std::vector<uint32_t> functionParents_, functionDepths_;
  std::vector<std::unordered_map<uint64_t, uint32_t>> functionSlots_;
  std::vector<Changes*> journals_;  // of the branches being collected, innermost last: what names were before
  Reference found_{};
  SyntaxError error_;
  bool failed_ = false;
};

}  // namespace ingot::text
