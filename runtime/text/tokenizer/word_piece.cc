#include "runtime/text/tokenizer/word_piece.h"

#include "runtime/base/utf8.h"

namespace ingot::text {

WordPiece::WordPiece(const plan::Model& model) : model_(model), trie_(model) {
  if (!model.prefix() || model.kind() != plan::ModelKind::wordpiece) return;
  for (char c : model.prefix()->string_view())
    if (inside_ != Trie::kNone) inside_ = trie_.child(inside_, static_cast<uint8_t>(c));
}

void WordPiece::encode(std::string_view word, std::vector<int32_t>& ids) const {
  size_t before = ids.size();
  bool known = true;
  if (word.size() > model_.max_chars()) {
    size_t characters = 0;
    for (char c : word) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    known = characters <= model_.max_chars();
  }
  for (size_t start = 0; known && start < word.size();) {
    size_t end = start;
    int32_t id = -1;
    uint32_t node = start == 0 ? Trie::kRoot : inside_;
    for (size_t at = start; at < word.size() && node != Trie::kNone;) {
      node = trie_.child(node, static_cast<uint8_t>(word[at++]));
      if (node != Trie::kNone && trie_.id(node) >= 0) id = trie_.id(node), end = at;
    }
    known = id >= 0;
    if (known) ids.push_back(id);
    start = end;
  }
  if (known) return;
  ids.resize(before);
  if (model_.unk_id() >= 0) ids.push_back(model_.unk_id());
}

}  // namespace ingot::text
