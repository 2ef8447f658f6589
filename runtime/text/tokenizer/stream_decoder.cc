#include "runtime/text/tokenizer/stream_decoder.h"

#include "runtime/base/utf8.h"

namespace ingot::text {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skipSpecialTokens)
    : tokenizer_(&tokenizer), skipSpecial_(skipSpecialTokens), steps_(tokenizer.tables().decoders(), tokenizer.dfas()) {
  const auto* steps = tokenizer.tables().decoders();
  takesBytes_ = steps && steps->size() && steps->Get(0)->kind() == plan::DecodeKind::bytes && steps->Get(0)->flag();
}

void StreamDecoder::push(int32_t id, std::string& text) {
  uint8_t flags = tokenizer_->vocabulary().flags(id);
  if (!(flags & kExists) || (skipSpecial_ && (flags & kSpecial))) return;
  std::string_view piece = tokenizer_->textOf(id);
  if (takesBytes_ || isValidUtf8(piece)) return steps_.push(piece, text);
  std::string valid;
  appendLossy(piece, valid);
  steps_.push(valid, text);
}

}  // namespace ingot::text
