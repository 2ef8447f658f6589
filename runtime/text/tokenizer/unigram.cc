#include "runtime/text/tokenizer/unigram.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "runtime/base/utf8.h"

namespace ingot::text {

// Where the sentencepiece library starts its sums anew, so that floats stay exact enough in a long text.
constexpr double kFarFromZero = 100000;

static void moveToZero(std::span<UnigramScratch::Node> reached) {
  const double offset = reached.front().score;
  for (auto& node : reached)
    if (node.start >= 0 || &node == &reached.front()) node.score = static_cast<float>(node.score - offset);
}

Unigram::Unigram(const plan::Model& model, const Vocabulary& vocabulary) : model_(model), vocabulary_(vocabulary), trie_(model) {}

void Unigram::fillNodes(std::string_view piece, std::vector<UnigramScratch::Node>& nodes) const {
  nodes.assign(piece.size() + 1, {0, -1, -1});
  const double* scores = model_.scores()->data();
  const bool single = model_.single_precision();
  auto rounded = [&](double score) { return single ? static_cast<float>(score) : score; };
  size_t furthest = 0;
  for (size_t start = 0; start < piece.size();) {
    size_t next = start;
    decodeAt(piece, next);
    if (single && std::abs(nodes[start].score) > kFarFromZero) moveToZero(std::span(nodes).subspan(start, furthest + 1 - start));
    double here = nodes[start].score;
    auto offer = [&](size_t end, double score, int32_t id) {
      auto& node = nodes[end];
      furthest = std::max(furthest, end);
      if (node.start < 0 || score > node.score) node = {score, static_cast<int32_t>(start), id};
    };
    bool hasSingle = false;
    uint32_t at = Trie::kRoot;
    for (size_t end = start; end < piece.size();) {
      at = trie_.child(at, static_cast<uint8_t>(piece[end++]));
      if (at == Trie::kNone) break;
      int32_t id = trie_.id(at);
      if (id < 0) continue;
      offer(end, rounded(scores[id] + here), id);
      hasSingle |= end == next;
    }
    if (!hasSingle) offer(next, rounded(model_.unknown_score() + here), model_.unk_id());
    start = next;
  }
}

void Unigram::addSegment(std::string_view segment, std::vector<int32_t>& ids) const {
  int32_t id = vocabulary_.find(segment);
  if (id >= 0) return ids.push_back(id);
  if (model_.byte_fallback()) {
    const auto& bytes = *model_.byte_ids();
    bool all = std::all_of(segment.begin(), segment.end(), [&](char c) { return bytes.Get(static_cast<unsigned char>(c)) >= 0; });
    if (all) {
      for (char c : segment) ids.push_back(bytes.Get(static_cast<unsigned char>(c)));
      return;
    }
  }
  if (model_.unk_id() >= 0) ids.push_back(model_.unk_id());
}

void Unigram::encode(std::string_view piece, UnigramScratch& scratch, std::vector<int32_t>& ids) const {
  fillNodes(piece, scratch.nodes);
  auto& path = scratch.path;
  path.clear();
  for (auto end = static_cast<int32_t>(piece.size()); end > 0; end = scratch.nodes[static_cast<size_t>(end)].start) {
    auto node = scratch.nodes[static_cast<size_t>(end)];
    bool unknown = node.id == model_.unk_id();
    // Neighbouring unknown segments are one.
    if (unknown && model_.fuse_unk() && !path.empty() && path.back().id == model_.unk_id()) path.back().begin = node.start;
    else path.push_back({node.start, end, node.id});
  }
  for (auto segment = path.rbegin(); segment != path.rend(); ++segment)
    addSegment(piece.substr(static_cast<size_t>(segment->begin), static_cast<size_t>(segment->end - segment->begin)), ids);
}

}  // namespace ingot::text
