// Vocabulary, merges and trie -> the hash tables of the runtime.
#include <algorithm>
#include <bit>

#include "compiler/text/tables.h"
#include "runtime/text/tokenizer/trie.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

// Open addressing at half load; `probes` is the longest way to any entry, and to the empty slot behind it.
template <class Entry>
class HashTable {
 public:
  explicit HashTable(size_t entries) : slots(std::bit_ceil(2 * entries + 2)) {}

  // Puts `entry` at its place; `same` tells an entry that it replaces.
  template <class Same>
  void put(uint64_t hash, Entry entry, Same same) {
    uint64_t slot = hash;
    while (slots[slot & (slots.size() - 1)] && !same(slots[slot & (slots.size() - 1)])) ++slot;
    slots[slot & (slots.size() - 1)] = entry;
    probes = std::max<uint32_t>(probes, static_cast<uint32_t>(slot - hash) + 1);
  }

  std::vector<Entry> slots;
  uint32_t probes = 1;
};

HashTable<uint32_t> pieceTable(const std::vector<TokenEntry>& tokens) {
  auto count = static_cast<size_t>(std::count_if(tokens.begin(), tokens.end(), [](const auto& t) { return t.match && !t.match->empty(); }));
  HashTable<uint32_t> table(count);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].match || tokens[id].match->empty()) continue;
    uint64_t hash = text::hashBytes(*tokens[id].match);
    auto same = [&](uint32_t entry) { return tokens[(entry & ((1u << text::kIdBits) - 1)) - 1].match == tokens[id].match; };
    auto tag = static_cast<uint32_t>(hash >> (32 + text::kIdBits));
    table.put(hash, tag << text::kIdBits | (static_cast<uint32_t>(id) + 1), same);
  }
  return table;
}

struct MergeTables {
  HashTable<uint64_t> table;
  std::vector<int32_t> merged;
  std::vector<uint32_t> ranks;
};

// Of equal pairs the reference keeps the last.
MergeTables mergeTables(const std::vector<MergeEntry>& merges) {
  MergeTables result{.table = HashTable<uint64_t>(merges.size()), .merged = {}, .ranks = {}};
  bool hasTies = std::any_of(merges.begin(), merges.end(), [](const auto& m) { return m.sameRank; });
  uint32_t rank = 0;
  for (size_t index = 0; index < merges.size(); ++index) {
    const MergeEntry& merge = merges[index];
    auto left = static_cast<uint32_t>(merge.left), right = static_cast<uint32_t>(merge.right);
    uint64_t key = uint64_t{left} << text::kIdBits | right;
    result.table.put(text::hashPair(left, right), key << text::kMergeBits | (index + 1),
                     [&](uint64_t entry) { return entry >> text::kMergeBits == key; });
    result.merged.push_back(merge.merged);
    if (!merge.sameRank) rank = static_cast<uint32_t>(index);
    if (hasTies) result.ranks.push_back(rank);
  }
  return result;
}

struct TrieTables {
  HashTable<uint64_t> table{0};
  std::vector<int32_t> ids;
};

TrieTables trieTables(const std::vector<TokenEntry>& tokens) {
  std::map<std::pair<uint32_t, uint8_t>, uint32_t> edges;
  TrieTables result;
  result.ids.push_back(-1);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].match || tokens[id].match->empty()) continue;
    uint32_t node = text::Trie::kRoot;
    for (char c : *tokens[id].match) {
      auto [edge, isNew] = edges.try_emplace({node, static_cast<uint8_t>(c)}, static_cast<uint32_t>(result.ids.size()));
      if (isNew) result.ids.push_back(-1);
      node = edge->second;
    }
    result.ids[node] = static_cast<int32_t>(id);
  }
  result.table = HashTable<uint64_t>(edges.size());
  for (auto [edge, child] : edges) {
    uint64_t key = uint64_t{edge.first} << 8 | edge.second;
    result.table.put(text::hashEdge(edge.first, edge.second), key << text::kNodeBits | child, [](uint64_t) { return false; });
  }
  return result;
}

// U+2581 where no merge joins it with what stands before it: texts are cut there, so that a whole prompt is not one piece.
std::string boundaryOf(const TokenizerTables& tables) {
  const std::string mark = "\xe2\x96\x81";
  const ModelEntry& m = tables.model;
  if (m.kind != plan_text::ModelKind::bpe || m.byteLevel || m.ignoreMerges || !m.prefix.empty() || !m.suffix.empty()) return {};
  bool isSymbol = std::any_of(tables.tokens.begin(), tables.tokens.end(), [&](const auto& t) { return t.match == mark; });
  bool joins = std::any_of(m.merges.begin(), m.merges.end(), [&](const MergeEntry& merge) {
    const auto &left = tables.tokens[static_cast<size_t>(merge.left)].match, &right = tables.tokens[static_cast<size_t>(merge.right)].match;
    return left && right && right->compare(0, mark.size(), mark) == 0 &&
           (left->size() < mark.size() || left->compare(left->size() - mark.size(), mark.size(), mark) != 0);
  });
  return isSymbol && !joins ? mark : std::string();
}

}  // namespace

flatbuffers::Offset<plan_text::Model> buildModel(flatbuffers::FlatBufferBuilder& b, const TokenizerTables& tables,
                                                 const std::vector<uint8_t>& whole) {
  const ModelEntry& m = tables.model;
  size_t longest = 0;
  for (const TokenEntry& token : tables.tokens)
    if (token.match) longest = std::max(longest, token.match->size());
  HashTable<uint32_t> pieces = pieceTable(tables.tokens);
  MergeTables merges = mergeTables(m.merges);
  bool usesTrie = m.kind == plan_text::ModelKind::unigram || m.kind == plan_text::ModelKind::wordpiece;
  TrieTables trie = usesTrie ? trieTables(tables.tokens) : TrieTables();
  std::vector<double> scores = m.scores;
  if (m.kind == plan_text::ModelKind::unigram) scores.resize(tables.tokens.size());
  auto pieceVector = b.CreateVector(pieces.slots);
  auto mergeVector = b.CreateVector(merges.table.slots), trieVector = b.CreateVector(trie.table.slots);
  auto merged = b.CreateVector(merges.merged), trieIds = b.CreateVector(trie.ids), byteIds = b.CreateVector(m.byteIds);
  auto ranks = b.CreateVector(merges.ranks);
  auto wholeVector = b.CreateVector(whole), atoms = b.CreateVector(findAtoms(tables));
  auto prefix = b.CreateString(m.prefix), suffix = b.CreateString(m.suffix), boundary = b.CreateString(boundaryOf(tables));
  auto scoreVector = b.CreateVector(scores);
  auto unused = b.CreateVector(reinterpret_cast<const int32_t*>(m.unused.data()), 3 * m.unused.size());
  return plan_text::CreateModel(b, m.kind, pieceVector, pieces.probes, mergeVector, merges.table.probes, merged, ranks, byteIds, m.byteLevel,
                                m.byteFallback, m.ignoreMerges, m.fuseUnk, m.unkId, wholeVector, prefix, suffix, scoreVector, m.unknownScore,
                                m.singlePrecision, trieVector, trie.table.probes, trieIds, m.maxChars, static_cast<uint32_t>(longest), atoms,
                                boundary, unused);
}

}  // namespace ingot
