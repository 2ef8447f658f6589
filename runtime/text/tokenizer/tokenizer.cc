#include "runtime/text/tokenizer/tokenizer.h"

#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/stream_decoder.h"

namespace ingot::text {
namespace {

std::vector<Dfa> viewDfas(const plan::Tokenizer& tables) {
  std::vector<Dfa> dfas;
  if (tables.dfas())
    for (const auto* dfa : *tables.dfas()) dfas.emplace_back(dfa);
  return dfas;
}

std::optional<Dfa> wordOf(const plan::Tokenizer& tables, const std::vector<Dfa>& dfas) {
  if (tables.word() < 0) return std::nullopt;
  return dfas[static_cast<size_t>(tables.word())];
}

std::string_view slice(const flatbuffers::Vector<uint32_t>* offsets, const flatbuffers::Vector<uint8_t>* bytes, int32_t id) {
  uint32_t begin = offsets->Get(static_cast<uint32_t>(id)), end = offsets->Get(static_cast<uint32_t>(id) + 1);
  return {reinterpret_cast<const char*>(bytes->data()) + begin, end - begin};
}

}  // namespace

Result<Tokenizer> Tokenizer::open(std::span<const std::byte> tables) {
  flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(tables.data()), tables.size(), 16, 1'000'000);
  if (tables.empty() || !plan::VerifyTokenizerBuffer(verifier)) return Status::invalidArtifact("tokenizer: its tables are damaged");
  const plan::Tokenizer& root = *plan::GetTokenizer(tables.data());
  INGOT_TRY(validateTables(root));
  return Tokenizer(root);
}

Tokenizer::Tokenizer(const plan::Tokenizer& tables)
    : tables_(tables),
      dfas_(viewDfas(tables)),
      vocabulary_(tables),
      model_(*tables.model(), vocabulary_),
      added_(tables.added(), wordOf(tables, dfas_)),
      addedNormalized_(tables.added_normalized(), wordOf(tables, dfas_)),
      kept_(tables.kept(), std::nullopt) {}

std::string_view Tokenizer::textOf(int32_t id) const { return slice(tables_.text_offsets(), tables_.text(), id); }
std::string_view Tokenizer::token(int32_t id) const { return slice(tables_.content_offsets(), tables_.contents(), id); }

std::optional<int32_t> Tokenizer::idOf(std::string_view token) const {
  for (int32_t id = 0; id < vocabSize(); ++id)
    if ((vocabulary_.flags(id) & kExists) && this->token(id) == token) return id;
  return std::nullopt;
}

void Tokenizer::encode(std::string_view text, const EncodeOptions& options, EncodeScratch& scratch, std::vector<int32_t>& ids) const {
  if (!isValidUtf8(text)) {
    scratch.valid.clear();
    appendLossy(text, scratch.valid);
    text = scratch.valid;
  }
  auto addIds = [&](const flatbuffers::Vector<int32_t>* special) {
    if (options.add_special_tokens && special) ids.insert(ids.end(), special->begin(), special->end());
  };
  addIds(tables_.prefix_ids());
  size_t from = 0, searched = 0, firstCharacter = 0;
  if (!text.empty()) decodeAt(text, firstCharacter);
  auto addSection = [&](size_t end) {
    if (from < end) encodeSection(text.substr(from, end - from), from == 0 ? firstCharacter : 0, options, scratch, ids);
  };
  while (!added_.empty()) {
    auto match = added_.find(text, from, options.parse_special, searched);
    if (!match) break;
    addSection(match->begin);
    ids.push_back(match->id);
    from = match->end;
  }
  addSection(text.size());
  addIds(tables_.suffix_ids());
}

// Between two added tokens: normalise, look for added tokens again, then pieces and model.
void Tokenizer::encodeSection(std::string_view text, size_t head, const EncodeOptions& options, EncodeScratch& scratch,
                              std::vector<int32_t>& ids) const {
  scratch.section.assign(text);
  normalize(tables_, dfas_, kept_, scratch.section, head, scratch.normalize);
  size_t from = 0, searched = 0;
  auto addNormal = [&](size_t end) {
    if (from >= end) return;
    if (from == 0 && end == scratch.section.size()) scratch.normal.swap(scratch.section);
    else scratch.normal.assign(scratch.section, from, end - from);
    encodeNormal(head > from ? head - from : 0, scratch, ids);
  };
  while (!addedNormalized_.empty()) {
    auto match = addedNormalized_.find(scratch.section, from, options.parse_special, searched);
    if (!match) break;
    addNormal(match->begin);
    ids.push_back(match->id);
    from = match->end;
  }
  addNormal(scratch.section.size());
}

void Tokenizer::encodeNormal(size_t head, EncodeScratch& scratch, std::vector<int32_t>& ids) const {
  split(tables_, dfas_, head, scratch.normal, scratch.pieces, scratch.split);
  std::string_view text = scratch.normal;
  for (Piece piece : scratch.pieces) model_.encode(text.substr(piece.begin, piece.end - piece.begin), scratch.model, ids);
}

Result<std::string> Tokenizer::decode(std::span<const int32_t> ids, bool skipSpecialTokens) const {
  for (int32_t id : ids)
    if (id < 0 || id >= vocabSize()) return Status::invalidArgument("token id {} is outside the vocabulary of {}", id, vocabSize());
  std::string text;
  StreamDecoder decoder(*this, skipSpecialTokens);
  for (int32_t id : ids) decoder.push(id, text);
  decoder.flush(text);
  return text;
}

}  // namespace ingot::text
