// The tables of a compiled tokenizer, as a model file holds them: refused, or harmless whatever they say.
// The first byte picks a vocabulary; every five bytes more are an offset into its tables and the byte to put there.
#include <cstring>

#include "tests/fuzz/tokenizer_fixtures.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  if (size < 1) return 0;
  static fuzz::TokenizerFixtures fixtures;
  auto tables = fixtures.tables(data[0]);
  for (size_t i = 1; i + 5 <= size; i += 5) {
    uint32_t offset;
    std::memcpy(&offset, data + i, 4);
    tables[offset % tables.size()] = static_cast<std::byte>(data[i + 4]);
  }
  auto tokenizer = text::Tokenizer::open(tables);
  if (!tokenizer.ok()) return 0;
  text::EncodeScratch scratch;
  std::vector<int32_t> ids;
  tokenizer->encode("Hello  world 123 <s> \xc3\xa9 e\xcc\x81 \xe4\xbd\xa0\n\n tag", {}, scratch, ids);
  (void)tokenizer->decode(ids, true).ok();
  return 0;
}
