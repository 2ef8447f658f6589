// Ids from outside: text or an error; piece by piece the same text, and never half a character.
// The first byte picks a vocabulary, the second the options; every two bytes more are an id.
#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/stream_decoder.h"
#include "tests/fuzz/tokenizer_fixtures.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  if (size < 2) return 0;
  static fuzz::TokenizerFixtures fixtures;
  const text::Tokenizer& tokenizer = fixtures.pick(data[0]);
  bool skipSpecial = data[1] & 1, wrap = data[1] & 2;
  std::vector<int32_t> ids;
  for (size_t i = 2; i + 1 < size; i += 2) {
    int32_t id = data[i] | data[i + 1] << 8;
    ids.push_back(wrap ? id % tokenizer.vocabSize() : id - 100);
  }
  auto whole = tokenizer.decode(ids, skipSpecial);
  bool inside = std::all_of(ids.begin(), ids.end(), [&](int32_t id) { return id >= 0 && id < tokenizer.vocabSize(); });
  if (whole.ok() != inside) std::abort();
  if (!inside) return 0;
  text::StreamDecoder decoder(tokenizer, skipSpecial);
  std::string streamed;
  for (int32_t id : ids) {
    decoder.push(id, streamed);
    if (!isValidUtf8(streamed)) std::abort();
  }
  decoder.flush(streamed);
  if (streamed != *whole) std::abort();
  return 0;
}
