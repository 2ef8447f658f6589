#include "runtime/text/tokenizer/stream_decoder.h"

namespace ingot::text {

// Takes the leading spaces that the decoder strips off the whole text.
void StreamDecoder::append(std::string_view piece, std::string& text) {
  while (stripping_ && !piece.empty()) {
    stripping_ = piece[0] == ' ' && stripped_ < tokenizer_->tables().strip_first();
    if (!stripping_) break;
    ++stripped_;
    piece.remove_prefix(1);
  }
  text.append(piece);
}

void StreamDecoder::pushBytes(std::string_view bytes, std::string& text) {
  held_.append(bytes);
  // All but an unfinished character at the end is certain.
  std::string_view rest = held_;
  std::string certain;
  while (!rest.empty()) {
    size_t invalid;
    bool incomplete;
    size_t length = validSequence(rest, invalid, incomplete);
    if (length == 0 && incomplete) break;
    if (length) certain.append(rest.substr(0, length));
    else certain += "\xef\xbf\xbd";
    rest.remove_prefix(length ? length : invalid);
  }
  append(certain, text);
  held_.erase(0, held_.size() - rest.size());
}

// A run of byte tokens is text if all of it is valid; else every byte is U+FFFD.
void StreamDecoder::endByteRun(std::string& text) {
  if (held_.empty()) return;
  if (isValidUtf8(held_)) {
    append(held_, text);
  } else {
    for (size_t i = 0; i < held_.size(); ++i) append("\xef\xbf\xbd", text);
  }
  held_.clear();
}

void StreamDecoder::push(int32_t id, std::string& text) {
  uint8_t flags = tokenizer_->vocabulary().flags(id);
  if (!(flags & kExists) || (skipSpecial_ && (flags & kSpecial))) return;
  std::string_view piece = tokenizer_->textOf(id);
  const auto& tables = tokenizer_->tables();
  bool isFirst = std::exchange(isFirst_, false);
  if (isFirst && tables.strip_token() && tables.strip_token()->size() && piece.substr(0, tables.strip_token()->size()) == tables.strip_token()->string_view())
    piece.remove_prefix(tables.strip_token()->size());
  switch (tables.decoding()) {
    case plan::Decoding::bytes: return pushBytes(piece, text);
    case plan::Decoding::byte_fallback:
      if (flags & kByte) {
        held_.append(piece);
        return;
      }
      endByteRun(text);
      return append(piece, text);
    case plan::Decoding::spaced:
      if (!isFirst) text += ' ';
      return append(piece, text);
  }
}

void StreamDecoder::flush(std::string& text) {
  if (tokenizer_->tables().decoding() == plan::Decoding::byte_fallback) return endByteRun(text);
  std::string rest;
  appendLossy(held_, rest);
  held_.clear();
  append(rest, text);
}

}  // namespace ingot::text
