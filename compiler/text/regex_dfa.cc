#include <algorithm>
#include <map>
#include <set>

#include "compiler/text/regex.h"

namespace ingot {
namespace {

using Kind = RegexNode::Kind;

constexpr size_t kMaxInstructions = 100'000, kMaxStates = 20'000;

// A program for threads: `take` consumes a code point of a set, `fork` prefers `next` over `other`, `look` asks what follows.
struct Instruction {
  enum class Kind { take, fork, jump, look, match } kind = Kind::match;
  size_t next = 0, other = 0, set = 0;
  bool endAllowed = false;
};
using Code = Instruction::Kind;

class Program {
 public:
  Status add(const RegexNode& root) {
    emit(root);
    instructions.push_back({.kind = Code::match});
    if (instructions.size() > kMaxInstructions) return Status::unsupported("is too large: {} instructions", instructions.size());
    for (size_t i = 0; i < instructions.size(); ++i) {
      if (instructions[i].kind != Code::look) continue;
      size_t next = i + 1;
      while (instructions[next].kind == Code::jump) next = instructions[next].next;
      if (instructions[next].kind != Code::match) return Status::unsupported("looks ahead in the middle of an alternative");
    }
    return {};
  }

  std::vector<Instruction> instructions;
  std::vector<icu::UnicodeSet> sets;

 private:
  size_t here() const { return instructions.size(); }

  void emit(const RegexNode& node) {
    if (instructions.size() > kMaxInstructions) return;
    switch (node.kind) {
      case Kind::empty: return;
      case Kind::set:
      case Kind::look:
        sets.push_back(node.set);
        instructions.push_back(
            {.kind = node.kind == Kind::set ? Code::take : Code::look, .next = here() + 1, .set = sets.size() - 1, .endAllowed = node.endAllowed});
        return;
      case Kind::sequence:
        for (const auto& child : node.children) emit(*child);
        return;
      case Kind::choice: return emitChoice(node);
      case Kind::repeat: return emitRepeat(node);
    }
  }

  void emitChoice(const RegexNode& node) {
    std::vector<size_t> jumps;
    for (size_t i = 0; i < node.children.size(); ++i) {
      bool last = i + 1 == node.children.size();
      size_t fork = here();
      if (!last) instructions.push_back({.kind = Code::fork, .next = fork + 1});
      emit(*node.children[i]);
      if (last) break;
      jumps.push_back(here());
      instructions.push_back({.kind = Code::jump});
      instructions[fork].other = here();
    }
    for (size_t jump : jumps) instructions[jump].next = here();
  }

  void setFork(size_t at, size_t inside, size_t outside, bool greedy) {
    instructions[at] = {.kind = Code::fork, .next = greedy ? inside : outside, .other = greedy ? outside : inside};
  }

  void emitRepeat(const RegexNode& node) {
    for (int i = 0; i < node.low; ++i) emit(*node.children[0]);
    if (node.high < 0) {
      size_t fork = here();
      instructions.push_back({});
      emit(*node.children[0]);
      instructions.push_back({.kind = Code::jump, .next = fork});
      setFork(fork, fork + 1, here(), node.greedy);
      return;
    }
    std::vector<size_t> forks;
    for (int i = node.low; i < node.high; ++i) {
      forks.push_back(here());
      instructions.push_back({});
      emit(*node.children[0]);
    }
    for (size_t fork : forks) setFork(fork, fork + 1, here(), node.greedy);
  }
};

// Code points that no set of the program tells apart have one class.
struct Classes {
  std::vector<UChar32> starts;  // ascending; a class holds from its start to the next
  std::vector<size_t> kinds;
  size_t count = 0;

  explicit Classes(const std::vector<icu::UnicodeSet>& sets) {
    std::vector<UChar32> bounds = {0};
    for (const auto& set : sets)
      for (int32_t i = 0; i < set.getRangeCount(); ++i) bounds.push_back(set.getRangeStart(i)), bounds.push_back(set.getRangeEnd(i) + 1);
    std::sort(bounds.begin(), bounds.end());
    bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    std::map<std::vector<bool>, size_t> known;
    for (UChar32 start : bounds) {
      if (start > 0x10ffff) break;
      std::vector<bool> member;
      for (const auto& set : sets) member.push_back(set.contains(start));
      auto [found, isNew] = known.try_emplace(member, count);
      count += isNew;
      if (isNew) members.push_back(member);
      starts.push_back(start);
      kinds.push_back(found->second);
    }
  }

  uint8_t kindOf(UChar32 c) const {
    auto after = std::upper_bound(starts.begin(), starts.end(), c);
    return static_cast<uint8_t>(kinds[static_cast<size_t>(after - starts.begin()) - 1]);
  }

  std::vector<std::vector<bool>> members;  // of each class: is it in set i
};

// Thread lists. A list entry is an instruction, or kLate: a match that ended one code point ago.
class Determinizer {
 public:
  Determinizer(const Program& program, const Classes& classes) : program_(program), classes_(classes) {}

  Status run(DfaTables& out) {
    auto width = classes_.count;
    states_[{}] = 0;
    lists_ = {{}};
    List start;
    std::set<size_t> seen;
    follow(0, start, seen);
    stateOf(start);
    std::vector<size_t> next;
    for (size_t state = 0; state < lists_.size(); ++state) {
      if (lists_.size() > kMaxStates) return Status::unsupported("needs more than {} states", kMaxStates);
      for (size_t kind = 0; kind < width; ++kind) next.push_back(stateOf(step(lists_[state], kind)));
    }
    for (size_t state : next) out.transitions.push_back(static_cast<uint32_t>(state * width) << 3 | accepts(lists_[state]));
    out.start = accepts(lists_[1]);
    return {};
  }

 private:
  static constexpr size_t kLate = SIZE_MAX;
  using List = std::vector<size_t>;

  bool isMatch(size_t entry) const { return entry == kLate || program_.instructions[entry].kind == Code::match; }

  // Adds what is reachable from `at` without consuming, in order of preference. `seen`: visited for this list.
  void follow(size_t at, List& list, std::set<size_t>& seen) const {
    std::vector<size_t> stack = {at};
    while (!stack.empty()) {
      size_t i = stack.back();
      stack.pop_back();
      if (!seen.insert(i).second) continue;
      const Instruction& instruction = program_.instructions[i];
      if (instruction.kind == Code::jump) {
        stack.push_back(instruction.next);
      } else if (instruction.kind == Code::fork) {
        stack.push_back(instruction.other);
        stack.push_back(instruction.next);
      } else {
        list.push_back(i);
      }
    }
  }

  List step(const List& list, size_t kind) const {
    List next;
    std::set<size_t> seen;
    for (size_t entry : list) {
      if (isMatch(entry)) break;
      const Instruction& instruction = program_.instructions[entry];
      if (!classes_.members[kind][instruction.set]) continue;
      if (instruction.kind == Code::look) next.push_back(kLate);
      else follow(instruction.next, next, seen);
      auto match = std::find_if(next.begin(), next.end(), [&](size_t e) { return isMatch(e); });
      if (match == next.end()) continue;
      next.erase(match + 1, next.end());  // whatever is less preferred than a match cannot win
      break;
    }
    return next;
  }

  uint8_t accepts(const List& list) const {
    uint8_t flags = 0;
    for (size_t entry : list) {
      bool atEnd = entry != kLate && (program_.instructions[entry].kind == Code::match ||
                                      (program_.instructions[entry].kind == Code::look && program_.instructions[entry].endAllowed));
      if (atEnd) flags |= 4;
      if (isMatch(entry)) flags |= entry == kLate ? 2 : 1;
      if (atEnd || isMatch(entry)) {
        if (isMatch(entry)) return flags;
        break;
      }
    }
    for (size_t entry : list)
      if (isMatch(entry)) flags |= entry == kLate ? 2 : 1;
    return flags;
  }

  size_t stateOf(const List& list) {
    auto [found, isNew] = states_.try_emplace(list, lists_.size());
    if (isNew) lists_.push_back(list);
    return found->second;
  }

  const Program& program_;
  const Classes& classes_;
  std::map<List, size_t> states_;
  std::vector<List> lists_;
};

void fillClasses(const Classes& classes, DfaTables& out) {
  out.classes = static_cast<uint8_t>(classes.count);
  for (UChar32 c = 0; c < 128; ++c) out.ascii.push_back(classes.kindOf(c));
  std::map<std::vector<uint8_t>, uint16_t> rows;
  for (UChar32 block = 0; block < 0x1100; ++block) {
    std::vector<uint8_t> row(256);
    for (UChar32 i = 0; i < 256; ++i) row[static_cast<size_t>(i)] = classes.kindOf(block * 256 + i);
    auto [found, isNew] = rows.try_emplace(row, static_cast<uint16_t>(rows.size()));
    if (isNew) out.blockClasses.insert(out.blockClasses.end(), row.begin(), row.end());
    out.blocks.push_back(found->second);
  }
}

Result<DfaTables> compile(const RegexNode& root) {
  Program program;
  INGOT_TRY(program.add(root));
  Classes classes(program.sets);
  if (classes.count > 255) return Status::unsupported("tells more than 255 kinds of code points apart");
  DfaTables tables;
  INGOT_TRY(Determinizer(program, classes).run(tables));
  fillClasses(classes, tables);
  return tables;
}

}  // namespace

Result<DfaTables> compileRegex(const RegexNode& root, std::string_view pattern) {
  auto tables = compile(root);
  return tables.ok() ? std::move(tables) : Result<DfaTables>(tables.status().at(fmt::format("pattern {}", pattern)));
}

}  // namespace ingot
