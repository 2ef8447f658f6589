// tokenizer.model from outside, of SentencePiece or tiktoken: tables or an error; what compiles opens, encodes and decodes.
#include "compiler/text/sentencepiece_model.h"
#include "runtime/text/tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  std::string_view file(reinterpret_cast<const char*>(data), size);
  auto tables = isTiktoken(file) ? readTiktoken(file, TextJson(), [](const std::string&) {}) : readSentencePiece(file, TextJson());
  if (!tables.ok()) return 0;
  auto bytes = tables->serialize();
  if (!bytes.ok()) return 0;
  auto tokenizer = text::Tokenizer::open(*bytes);
  if (!tokenizer.ok()) std::abort();
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  tokenizer->encode("  Hello  world 123 <s> \xc3\xa9 e\xcc\x81 \xe4\xbd\xa0\n\n \xff\xe2\x96\x81", {}, scratch, ids);
  if (!tokenizer->decode(ids, false).ok()) std::abort();
  return 0;
}
