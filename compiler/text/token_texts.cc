#include "compiler/text/token_texts.h"

#include "compiler/text/tokenizer_json.h"

namespace ingot {
namespace {

using plan_text::DecodeKind;

void replaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
}

}  // namespace

TokenTexts::TokenTexts(const TokenizerTables& tables) : tables_(tables) {
  const auto& steps = tables.decoders;
  while (done_ < steps.size() && steps[done_].kind == DecodeKind::replace && !steps[done_].pattern.regex) ++done_;
  areBytes_ = done_ < steps.size() && steps[done_].kind == DecodeKind::bytes;
}

std::string TokenTexts::of(std::string spelling) const {
  for (size_t i = 0; i < done_; ++i) replaceAll(spelling, tables_.decoders[i].pattern.literal, tables_.decoders[i].text);
  if (!areBytes_) return spelling;
  auto bytes = fromByteAlphabet(spelling);
  return bytes ? *bytes : spelling;
}

}  // namespace ingot
