#include "runtime/text/tokenizer/stream_decoder.h"

#include "runtime/base/utf8.h"

namespace ingot::text {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skipSpecialTokens, bool spacesBetweenSpecial)
    : tokenizer_(&tokenizer),
      skipSpecial_(skipSpecialTokens),
      spacesBetweenSpecial_(skipSpecialTokens || spacesBetweenSpecial),
      steps_(tokenizer.tables().decoders(), tokenizer.dfas()) {
  const auto* steps = tokenizer.tables().decoders();
  takesBytes_ = steps && steps->size() && steps->Get(0)->kind() == plan::DecodeKind::bytes && steps->Get(0)->flag();
}

void StreamDecoder::push(int32_t id, std::string& text) {
  uint8_t flags = tokenizer_->vocabulary().flags(id);
  if (!(flags & kExists) || (skipSpecial_ && (flags & kSpecial))) return;
  bool isAdded = flags & kAdded, asSpelt = !spacesBetweenSpecial_ && isAdded && afterAdded_;
  afterAdded_ = isAdded;
  if (!asSpelt) return pushText(tokenizer_->textOf(id), text);
  std::string dropped;
  pushText(tokenizer_->textOf(id), dropped);  // the decoder goes on as if it had shown it
  text.append(tokenizer_->token(id));
}

void StreamDecoder::pushText(std::string_view piece, std::string& text) {
  if (takesBytes_ || isValidUtf8(piece)) return steps_.push(piece, text);
  std::string valid;
  appendLossy(piece, valid);
  steps_.push(valid, text);
}

}  // namespace ingot::text
