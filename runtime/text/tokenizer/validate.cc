// Sizes and indexes of a tokenizer's tables, once, so that encode and decode need not look. The large hash tables are not
// read here: what they say is checked where it is used, so that opening a file touches little of it.
#include <bit>

#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/tokenizer.h"

namespace ingot::text {
namespace {

template <class V>
uint64_t sizeOf(const V* vector) {
  return vector ? vector->size() : 0;
}

Status checkOffsets(const char* what, const flatbuffers::Vector<uint32_t>* offsets, uint64_t count, uint64_t bytes) {
  if (sizeOf(offsets) != count + 1) return Status::invalidArtifact("tokenizer: {} has {} offsets, expected {}", what, sizeOf(offsets), count + 1);
  const uint32_t* at = offsets->data();
  bool ascending = at[0] == 0 && at[count] <= bytes;
  for (uint64_t i = 0; i < count; ++i) ascending &= at[i] <= at[i + 1];
  return ascending ? Status() : Status::invalidArtifact("tokenizer: {} has offsets outside its bytes", what);
}

Status checkIds(const char* what, const flatbuffers::Vector<int32_t>* ids, int32_t low, uint64_t vocab) {
  bool inside = true;
  for (uint64_t i = 0; i < sizeOf(ids); ++i) {
    int32_t id = ids->Get(static_cast<uint32_t>(i));
    inside &= id >= low && id < static_cast<int64_t>(vocab);
  }
  return inside ? Status() : Status::invalidArtifact("tokenizer: {} names an id outside [0, {})", what, vocab);
}

Status checkDfa(const plan::Dfa& dfa) {
  uint64_t classes = dfa.classes(), size = sizeOf(dfa.transitions());
  bool sizes = classes > 0 && sizeOf(dfa.ascii()) == 128 && sizeOf(dfa.blocks()) == 0x1100 && size >= 2 * classes && size % classes == 0;
  if (!sizes) return Status::invalidArtifact("tokenizer: a pattern has tables of the wrong size");
  bool inside = true;
  for (uint32_t next : *dfa.transitions()) inside &= (next >> 3) + classes <= size;
  for (uint8_t kind : *dfa.ascii()) inside &= kind < classes;
  for (uint64_t i = 0; i < sizeOf(dfa.block_classes()); ++i) inside &= dfa.block_classes()->Get(static_cast<uint32_t>(i)) < classes;
  for (uint16_t block : *dfa.blocks()) inside &= block * 256ull + 256 <= sizeOf(dfa.block_classes());
  return inside ? Status() : Status::invalidArtifact("tokenizer: a pattern has an entry outside its tables");
}

Status checkAdded(const plan::AddedTokens* added, uint64_t vocab) {
  if (!added) return {};
  uint64_t count = sizeOf(added->ids());
  if (sizeOf(added->flags()) != count)
    return Status::invalidArtifact("tokenizer: added tokens have {} flags, expected {}", sizeOf(added->flags()), count);
  INGOT_TRY(checkOffsets("added tokens", added->offsets(), count, sizeOf(added->bytes())));
  for (uint32_t i = 0; i < count; ++i)
    if (added->offsets()->Get(i) == added->offsets()->Get(i + 1)) return Status::invalidArtifact("tokenizer: an added token is empty");
  return checkIds("an added token", added->ids(), 0, vocab);
}

Status checkModel(const plan::Model* model, uint64_t vocab) {
  if (!model) return Status::invalidArtifact("tokenizer: has no model");
  using Kind = plan::ModelKind;
  bool usesTrie = model->kind() == Kind::unigram || model->kind() == Kind::wordpiece;
  bool sizes = model->kind() <= Kind::MAX && (!model->boundary() || isValidUtf8(model->boundary()->string_view())) &&
               std::has_single_bit(sizeOf(model->pieces())) && std::has_single_bit(sizeOf(model->merges())) && model->merged() && model->byte_ids() &&
               sizeOf(model->byte_ids()) == 256 && sizeOf(model->whole()) >= (vocab + 7) / 8 &&
               (sizeOf(model->atoms()) == 0 || sizeOf(model->atoms()) >= (vocab + 7) / 8) &&
               (sizeOf(model->ranks()) == 0 || sizeOf(model->ranks()) == sizeOf(model->merged())) &&
               (!usesTrie || (std::has_single_bit(sizeOf(model->trie())) && sizeOf(model->trie_ids()) > 0)) &&
               (model->kind() != Kind::unigram || sizeOf(model->scores()) == vocab);
  if (!sizes) return Status::invalidArtifact("tokenizer: the model has tables of the wrong size");
  if (model->unk_id() >= static_cast<int64_t>(vocab)) return Status::invalidArtifact("tokenizer: unk_id is {} of {}", model->unk_id(), vocab);
  INGOT_TRY(checkIds("a merge", model->merged(), 0, vocab));
  INGOT_TRY(checkIds("the trie", model->trie_ids(), -1, vocab));
  return checkIds("a byte", model->byte_ids(), -1, vocab);
}

// A token's parts are not empty and as long as the token together, so that taking it apart ends.
Status checkUnused(const plan::Tokenizer& t, uint64_t vocab) {
  const auto* unused = t.model()->unused();
  INGOT_TRY(checkIds("an unused token", unused, 0, vocab));
  auto length = [&](uint32_t i) { return t.offsets()->Get(unused->Get(i) + 1) - t.offsets()->Get(unused->Get(i)); };
  bool ok = sizeOf(unused) % 3 == 0;
  for (uint32_t i = 0; ok && i < sizeOf(unused); i += 3)
    ok = length(i + 1) > 0 && length(i + 2) > 0 && uint64_t{length(i + 1)} + length(i + 2) == length(i) &&
         (i == 0 || unused->Get(i - 3) < unused->Get(i));
  return ok ? Status() : Status::invalidArtifact("tokenizer: unused tokens are not well formed");
}

bool isText(const flatbuffers::String* text) { return !text || isValidUtf8(text->string_view()); }

Status checkUnicode(const plan::Unicode* u) {
  if (!u || sizeOf(u->decomposition_offsets()) != sizeOf(u->decomposed()) + 1 || sizeOf(u->compatible()) != sizeOf(u->decomposed()) ||
      sizeOf(u->combining()) != sizeOf(u->marked()) || sizeOf(u->compositions()) % 3 || sizeOf(u->lower()) % 4)
    return Status::invalidArtifact("tokenizer: Unicode tables have the wrong size");
  bool inside = true;
  for (const auto* points : {u->decompositions(), u->compositions(), u->lower()})
    for (uint64_t i = 0; i < sizeOf(points); ++i) inside &= points->Get(static_cast<uint32_t>(i)) <= 0x10ffff;
  if (!inside) return Status::invalidArtifact("tokenizer: Unicode tables name a code point that does not exist");
  return checkOffsets("decompositions", u->decomposition_offsets(), sizeOf(u->decomposed()), sizeOf(u->decompositions()));
}

Status checkNormalizers(const plan::Tokenizer& t, int64_t dfas) {
  using Kind = plan::NormalizerKind;
  bool needsUnicode = false;
  for (uint32_t i = 0; i < sizeOf(t.normalizers()); ++i) {
    const auto* step = t.normalizers()->Get(i);
    needsUnicode |= step->kind() <= Kind::lowercase;
    bool ok = step->kind() <= Kind::MAX && step->dfa() < dfas && isText(step->text()) && isText(step->pattern());
    if (step->kind() == Kind::space_around || step->kind() == Kind::precompiled) ok &= step->dfa() >= 0;
    if (step->kind() == Kind::replace) ok &= step->dfa() >= 0 || (step->pattern() && step->pattern()->size() > 0);
    if (step->kind() == Kind::precompiled || step->kind() == Kind::sentence_piece) ok &= step->trie() && step->texts();
    if (!ok) return Status::invalidArtifact("tokenizer: normalizer {} is not well formed", i);
  }
  return needsUnicode ? checkUnicode(t.unicode()) : Status();
}

Status checkSplits(const plan::Tokenizer& t, int64_t dfas) {
  using Kind = plan::SplitKind;
  for (uint32_t i = 0; i < sizeOf(t.splits()); ++i) {
    const auto* step = t.splits()->Get(i);
    bool ok = step->kind() <= Kind::MAX && step->behaviour() <= plan::Behaviour::MAX && isText(step->text());
    if (step->kind() == Kind::split) ok &= step->dfa() >= 0 && step->dfa() < dfas;
    if (step->kind() == Kind::metaspace) ok &= step->text() && step->text()->size() > 0;
    if (!ok) return Status::invalidArtifact("tokenizer: pre-tokenizer {} is not well formed", i);
  }
  return {};
}

Status checkDecoders(const plan::Tokenizer& t, int64_t dfas) {
  using Kind = plan::DecodeKind;
  for (uint32_t i = 0; i < sizeOf(t.decoders()); ++i) {
    const auto* step = t.decoders()->Get(i);
    bool ok = step->kind() <= Kind::MAX && step->dfa() < dfas && isText(step->text()) && isText(step->pattern());
    if (step->kind() == Kind::strip || step->kind() == Kind::metaspace) ok &= step->pattern() && step->pattern()->size() > 0;
    if (!ok) return Status::invalidArtifact("tokenizer: decoder {} is not well formed", i);
  }
  return {};
}

}  // namespace

Status validateTables(const plan::Tokenizer& t) {
  uint64_t vocab = sizeOf(t.flags());
  if (!t.flags() || !t.bytes() || !t.text() || !t.contents()) return Status::invalidArtifact("tokenizer: has no tokens");
  if (vocab >= 1u << kIdBits) return Status::invalidArtifact("tokenizer: {} tokens, at most {} are read", vocab, (1u << kIdBits) - 1);
  INGOT_TRY(checkOffsets("tokens", t.offsets(), vocab, sizeOf(t.bytes())));
  INGOT_TRY(checkOffsets("texts", t.text_offsets(), vocab, sizeOf(t.text())));
  INGOT_TRY(checkOffsets("contents", t.content_offsets(), vocab, sizeOf(t.contents())));
  INGOT_TRY(checkModel(t.model(), vocab));
  for (uint32_t i = 0; i < sizeOf(t.dfas()); ++i) INGOT_TRY(checkDfa(*t.dfas()->Get(i)));
  auto dfas = static_cast<int64_t>(sizeOf(t.dfas()));
  if (t.word() >= dfas) return Status::invalidArtifact("tokenizer: pattern {} does not exist", t.word());
  INGOT_TRY(checkNormalizers(t, dfas));
  INGOT_TRY(checkSplits(t, dfas));
  INGOT_TRY(checkDecoders(t, dfas));
  INGOT_TRY(checkAdded(t.added(), vocab));
  INGOT_TRY(checkAdded(t.added_normalized(), vocab));
  INGOT_TRY(checkAdded(t.kept(), vocab));
  INGOT_TRY(checkUnused(t, vocab));
  INGOT_TRY(checkIds("the post-processor", t.prefix_ids(), 0, vocab));
  return checkIds("the post-processor", t.suffix_ids(), 0, vocab);
}

}  // namespace ingot::text
