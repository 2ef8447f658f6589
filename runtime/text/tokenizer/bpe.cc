#include "runtime/text/tokenizer/bpe.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "runtime/base/utf8.h"

namespace ingot::text {
namespace {

std::string_view viewOf(const flatbuffers::String* text) { return text ? text->string_view() : std::string_view(); }

std::span<const Bpe::Unused> rowsOf(const flatbuffers::Vector<int32_t>* unused) {
  if (!unused) return {};
  return {reinterpret_cast<const Bpe::Unused*>(unused->data()), unused->size() / 3};
}

uint64_t nextNumber() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

}  // namespace

Bpe::Bpe(const plan::Model& model, const Vocabulary& vocabulary)
    : model_(model),
      vocabulary_(vocabulary),
      merges_(model.merges()->data()),
      mask_(model.merges()->size() - 1),
      probes_(std::min<uint64_t>(model.merge_probes(), mask_ + 1)),
      mergeCount_(model.merged()->size()),
      merged_(model.merged()->data()),
      ranks_(model.ranks() && model.ranks()->size() ? model.ranks()->data() : nullptr),
      whole_(model.whole()->data()),
      atoms_(model.atoms() && model.atoms()->size() ? model.atoms()->data() : nullptr),
      unused_(rowsOf(model.unused())),
      boundary_(viewOf(model.boundary())),
      hasAffixes_(!viewOf(model.prefix()).empty() || !viewOf(model.suffix()).empty()),
      byteLevel_(model.byte_level()),
      ignoreMerges_(model.ignore_merges()),
      longest_(model.longest()),
      number_(nextNumber()) {}

bool Bpe::addBytes(std::string_view symbol, std::vector<int32_t>& ids) const {
  size_t before = ids.size();
  for (char c : symbol) {
    int32_t id = model_.byte_ids()->Get(static_cast<unsigned char>(c));
    if (id < 0) return ids.resize(before), false;
    ids.push_back(id);
  }
  return true;
}

// The token of one character with its affixes; leaves the spelling in scratch.affixed where there are any.
int32_t Bpe::symbolId(std::string_view piece, size_t start, size_t end, BpeScratch& scratch) const {
  std::string_view symbol = piece.substr(start, end - start);
  if (!hasAffixes_) return vocabulary_.find(symbol);
  scratch.affixed.clear();
  if (start > 0) scratch.affixed.append(viewOf(model_.prefix()));
  scratch.affixed.append(symbol);
  if (end == piece.size()) scratch.affixed.append(viewOf(model_.suffix()));
  return vocabulary_.find(scratch.affixed);
}

int32_t Bpe::atomAt(std::string_view piece, size_t& at, BpeScratch& scratch) const {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(piece[i]); };
  if (!atoms_ || byte(at) < 0xc0 || (at > 0 && byte(at - 1) < 0x80)) return -1;
  size_t end = at + (byte(at) < 0xe0 ? 2 : byte(at) < 0xf0 ? 3 : 4);
  if (end > piece.size() || (end < piece.size() && byte(end) < 0x80)) return -1;
  int32_t id = findAtom(piece.substr(at, end - at), scratch);
  if (id >= 0) at = end;
  return id;
}

// An entry is the character's bytes and the token plus one, 0 where it is none.
int32_t Bpe::findAtom(std::string_view character, BpeScratch& scratch) const {
  uint32_t bytes = 0;
  std::memcpy(&bytes, character.data(), character.size());
  uint64_t& known = scratch.knownAtoms[hashPair(bytes, 0) % scratch.knownAtoms.size()];
  if (known >> 32 != bytes) {
    int32_t id = vocabulary_.find(character);
    bool isAtom = id >= 0 && (atoms_[id >> 3] >> (id & 7) & 1);
    known = uint64_t{bytes} << 32 | static_cast<uint32_t>(isAtom ? id + 1 : 0);
  }
  return static_cast<int32_t>(known & UINT32_MAX) - 1;
}

void Bpe::addSymbols(std::string_view piece, BpeScratch& scratch) const {
  auto& ids = scratch.ids;
  ids.clear();
  bool unknown = false;  // one waits, and comes after bytes that follow it: so does the reference
  for (size_t at = 0; at < piece.size();) {
    size_t start = at;
    int32_t id;
    if (byteLevel_) {
      id = atomAt(piece, at, scratch);
      if (id < 0) id = model_.byte_ids()->Get(static_cast<unsigned char>(piece[at++]));
    } else {
      decodeAt(piece, at);
      id = symbolId(piece, start, at, scratch);
    }
    if (id >= 0) {
      if (std::exchange(unknown, false)) ids.push_back(model_.unk_id());
      ids.push_back(id);
      continue;
    }
    std::string_view symbol = hasAffixes_ ? std::string_view(scratch.affixed) : piece.substr(start, at - start);
    if (model_.byte_fallback() && addBytes(symbol, ids)) continue;
    if (model_.unk_id() < 0) continue;
    if (unknown && !model_.fuse_unk()) ids.push_back(model_.unk_id());
    unknown = true;
  }
  if (unknown) ids.push_back(model_.unk_id());
}

void Bpe::addToken(int32_t id, std::vector<int32_t>& ids) const {
  auto row = std::lower_bound(unused_.begin(), unused_.end(), id, [](const Unused& one, int32_t wanted) { return one.id < wanted; });
  if (row == unused_.end() || row->id != id) return ids.push_back(id);
  addToken(row->left, ids);
  addToken(row->right, ids);
}

// What is known of other tables is forgotten.
void Bpe::own(BpeScratch& scratch) const {
  if (scratch.owner == number_) return;
  scratch.owner = number_;
  scratch.knownMerges.fill(0);
  scratch.knownAtoms.fill(0);
}

void Bpe::encodePart(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (piece.size() <= longest_) {
    int32_t id = vocabulary_.find(piece);
    if (id >= 0 && (ignoreMerges_ || (whole_[id >> 3] >> (id & 7) & 1))) return ids.push_back(id);
  }
  own(scratch);
  addSymbols(piece, scratch);
  mergeSymbols(scratch);
  for (const auto& token : scratch.tokens) addToken(token.id, ids);
}

void Bpe::encode(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const {
  if (boundary_.empty()) return encodePart(piece, scratch, ids);
  if (ignoreMerges_ && piece.size() <= longest_)
    if (int32_t id = vocabulary_.find(piece); id >= 0) return ids.push_back(id);
  // Words are apart: cut before every run of the boundary.
  size_t begin = 0;
  for (size_t at = 0; (at = piece.find(boundary_, at)) != std::string_view::npos;) {
    if (at > begin) encodePart(piece.substr(begin, at - begin), scratch, ids);
    begin = at;
    while (piece.substr(at, boundary_.size()) == boundary_) at += boundary_.size();
  }
  if (begin < piece.size()) encodePart(piece.substr(begin), scratch, ids);
}

}  // namespace ingot::text
