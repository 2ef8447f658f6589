// Compiles a vocabulary (a folder, or one file of any kind that is read) and answers requests, one JSON value a line:
//   "text"            -> {"ids": [...], "plain": [...]}: with and without the post-processor's tokens
//   {"text": "..."}   -> {"raw": [...]}: its special tokens are text too, and none are added
//   [1, 2, 3]         -> {"text": "...", "skipped": "...", "streamed": "..."}: decoded; without special tokens; piece by piece
// Texts that the reference decodes to are valid UTF-8, so JSON carries them.
#include <cstdio>
#include <iostream>

#include "compiler/text/foreign_vocabulary.h"
#include "runtime/text/tokenizer/stream_decoder.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot {
namespace {

using text::Tokenizer;

TextJson answerText(const Tokenizer& tokenizer, const std::string& text, text::EncodeScratch& scratch) {
  std::vector<int32_t> ids, plain;
  tokenizer.encode(text, {}, scratch, ids);
  tokenizer.encode(text, {.add_special_tokens = false}, scratch, plain);
  return {{"ids", ids}, {"plain", plain}};
}

TextJson answerRaw(const Tokenizer& tokenizer, const std::string& text, text::EncodeScratch& scratch) {
  std::vector<int32_t> ids;
  tokenizer.encode(text, {.add_special_tokens = false, .parse_special = false}, scratch, ids);
  return {{"raw", ids}};
}

TextJson answerIds(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  auto text = tokenizer.decode(ids, false), skipped = tokenizer.decode(ids, true);
  if (!text.ok()) return {{"error", text.status().message()}};
  std::string streamed;
  text::StreamDecoder decoder(tokenizer, false);
  bool whole = true;
  for (int32_t id : ids) {
    decoder.push(id, streamed);
    whole &= isValidUtf8(streamed);
  }
  decoder.flush(streamed);
  return {{"text", *text}, {"skipped", *skipped}, {"streamed", whole ? streamed : "half a character was shown"}};
}

int run(const char* path) {
  auto tables = readVocabulary(path, [](const std::string& note) { std::fprintf(stderr, "note: %s\n", note.c_str()); });
  auto bytes = tables.ok() ? tables->serialize() : Result<std::vector<std::byte>>(tables.status());
  if (!bytes.ok()) return std::fprintf(stderr, "error: %s\n", bytes.status().message().c_str()), 1;
  auto tokenizer = Tokenizer::open(*bytes);
  if (!tokenizer.ok()) return std::fprintf(stderr, "error: %s\n", tokenizer.status().message().c_str()), 1;
  text::EncodeScratch scratch;
  for (std::string line; std::getline(std::cin, line);) {
    TextJson request = TextJson::parse(line);
    TextJson answer = request.is_string()   ? answerText(*tokenizer, request.get<std::string>(), scratch)
                      : request.is_object() ? answerRaw(*tokenizer, request["text"].get<std::string>(), scratch)
                                            : answerIds(*tokenizer, request.get<std::vector<int32_t>>());
    std::cout << answer.dump(-1, ' ', false, TextJson::error_handler_t::replace) << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace ingot

int main(int argc, char** argv) {
  if (argc == 2) return ingot::run(argv[1]);
  std::fprintf(stderr, "usage: ingot_tokenizer_driver VOCABULARY < requests\n");
  return 2;
}
