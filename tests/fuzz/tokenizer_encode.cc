// Prompts from outside: any bytes give ids of the vocabulary, the same ones whatever a scratch was used for before.
// The first byte picks a vocabulary, the second the options; the rest is the text.
#include "tests/fuzz/tokenizer_fixtures.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot;
  if (size < 2) return 0;
  static fuzz::TokenizerFixtures fixtures;
  static text::EncodeScratch used;
  const text::Tokenizer& tokenizer = fixtures.pick(data[0]);
  text::EncodeOptions options{.add_special_tokens = (data[1] & 1) != 0, .parse_special = (data[1] & 2) != 0};
  std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
  text::EncodeScratch fresh;
  std::vector<int32_t> ids, again;
  tokenizer.encode(text, options, fresh, ids);
  tokenizer.encode(text, options, used, again);
  if (ids != again || !tokenizer.decode(ids, false).ok()) std::abort();
  return 0;
}
