// tokenizer.json from outside: tables or an error; what compiles opens, encodes and decodes.
#include "compiler/text/tokenizer_json.h"
#include "runtime/text/tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  auto json = parseTextJson(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
  if (!json.ok()) return 0;
  auto tables = readTokenizerJson(*json, "fuzz", [](const std::string&) {});
  if (!tables.ok()) return 0;
  auto bytes = tables->serialize();
  if (!bytes.ok()) return 0;
  auto tokenizer = text::Tokenizer::open(*bytes);
  if (!tokenizer.ok()) std::abort();
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  tokenizer->encode("Hello  world 123 <s> \xc3\xa9 e\xcc\x81 \xe4\xbd\xa0\n\n \xff", {}, scratch, ids);
  if (!tokenizer->decode(ids, false).ok()) std::abort();
  return 0;
}
