// Characters of several bytes that byte-level merging always finishes first, so that it may begin with them whole.
//
// Let a character's own merges, made alone, end in one token, the highest rank among them being m. If every merge of one of
// its unfinished ends with a neighbour outside ASCII, and every merge of the finished token, has a rank above m, then no such
// merge is chosen while the character is unfinished; and finishing it early offers nothing that would be chosen before.
#include <algorithm>
#include <unordered_map>

#include "compiler/text/tables.h"
#include "runtime/base/utf8.h"

namespace ingot {
namespace {

constexpr uint32_t kNever = UINT32_MAX;

class AtomFinder {
 public:
  explicit AtomFinder(const TokenizerTables& tables)
      : tables_(tables), joinsLeft_(tables.tokens.size(), kNever), joinsRight_(tables.tokens.size(), kNever), used_(tables.tokens.size(), kNever) {
    const auto& merges = tables.model.merges;
    uint32_t rank = 0;
    for (uint32_t i = 0; i < merges.size(); ++i) {
      if (!merges[i].sameRank) rank = i;
      merges_[key(merges[i].left, merges[i].right)] = {rank, merges[i].merged};
    }
    for (const auto& [pair, merge] : merges_) note(static_cast<size_t>(pair >> 32), static_cast<size_t>(pair & UINT32_MAX), merge.rank);
  }

  bool isAtom(int32_t id) const {
    const auto& match = tables_.tokens[static_cast<size_t>(id)].match;
    if (!match || match->size() < 2 || match->size() > 4 || !isValidUtf8(*match)) return false;
    size_t length = 0;
    decodeAt(*match, length);
    if (length != match->size()) return false;
    std::vector<int32_t> symbols;
    for (char c : *match) symbols.push_back(tables_.model.byteIds[static_cast<unsigned char>(c)]);
    if (std::count(symbols.begin(), symbols.end(), -1)) return false;
    uint32_t own = 0, others = used_[static_cast<size_t>(id)];
    while (symbols.size() > 1) {
      others = std::min({others, joinsLeft_[static_cast<size_t>(symbols.front())], joinsRight_[static_cast<size_t>(symbols.back())]});
      if (!mergeOnce(symbols, own)) return false;
    }
    return symbols[0] == id && own < others;
  }

 private:
  struct Merge {
    uint32_t rank;
    int32_t merged;
  };
  static uint64_t key(int32_t left, int32_t right) { return uint64_t(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right); }

  void note(size_t left, size_t right, uint32_t rank) {
    used_[left] = std::min(used_[left], rank);
    used_[right] = std::min(used_[right], rank);
    const auto &l = tables_.tokens[left].match, &r = tables_.tokens[right].match;
    if (!l || !r || l->empty() || r->empty()) return;
    if (static_cast<unsigned char>(l->back()) >= 0x80) joinsLeft_[right] = std::min(joinsLeft_[right], rank);
    if (static_cast<unsigned char>(r->front()) >= 0xc0) joinsRight_[left] = std::min(joinsRight_[left], rank);
  }

  bool mergeOnce(std::vector<int32_t>& symbols, uint32_t& highest) const {
    const Merge* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      auto found = merges_.find(key(symbols[i], symbols[i + 1]));
      if (found != merges_.end() && (!best || found->second.rank < best->rank)) best = &found->second, at = i;
    }
    if (!best) return false;
    highest = std::max(highest, best->rank);
    symbols[at] = best->merged;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    return true;
  }

  const TokenizerTables& tables_;
  std::unordered_map<uint64_t, Merge> merges_;
  std::vector<uint32_t> joinsLeft_, joinsRight_, used_;  // by token: the lowest rank of a merge with a neighbour
};

}  // namespace

std::vector<uint8_t> findAtoms(const TokenizerTables& tables) {
  if (tables.model.kind != plan_text::ModelKind::bpe || !tables.model.byteLevel) return {};
  std::vector<uint8_t> atoms((tables.tokens.size() + 7) / 8);
  AtomFinder finder(tables);
  for (size_t id = 0; id < tables.tokens.size(); ++id)
    if (finder.isAtom(static_cast<int32_t>(id))) atoms[id / 8] |= static_cast<uint8_t>(1 << id % 8);
  return atoms;
}

}  // namespace ingot
