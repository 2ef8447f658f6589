// Every size and index of a tokenizer's tables, once, so that encode and decode need not look.
#include <bit>

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

Status checkDfa(const plan::Dfa& dfa) {
  uint64_t classes = dfa.classes(), states = sizeOf(dfa.accepts());
  bool sizes = classes > 0 && sizeOf(dfa.ascii()) == 128 && sizeOf(dfa.blocks()) == 0x1100 && states >= 2 && states <= 65535 &&
               sizeOf(dfa.transitions()) == states * classes;
  if (!sizes) return Status::invalidArtifact("tokenizer: a pattern has tables of the wrong size");
  bool inside = true;
  for (uint16_t next : *dfa.transitions()) inside &= next < states;
  for (uint8_t kind : *dfa.ascii()) inside &= kind < classes;
  for (uint8_t kind : *dfa.block_classes()) inside &= kind < classes;
  for (uint16_t block : *dfa.blocks()) inside &= block * 256ull + 256 <= sizeOf(dfa.block_classes());
  return inside ? Status() : Status::invalidArtifact("tokenizer: a pattern has an entry outside its tables");
}

Status checkIds(const char* what, const flatbuffers::Vector<int32_t>* ids, int64_t low, uint64_t vocab) {
  for (uint64_t i = 0; i < sizeOf(ids); ++i)
    if (int64_t id = ids->Get(static_cast<uint32_t>(i)); id < low || id >= static_cast<int64_t>(vocab))
      return Status::invalidArtifact("tokenizer: {} names id {} of {}", what, id, vocab);
  return {};
}

Status checkAdded(const plan::AddedTokens* added, uint64_t vocab) {
  if (!added) return {};
  uint64_t count = sizeOf(added->ids());
  if (sizeOf(added->flags()) != count) return Status::invalidArtifact("tokenizer: added tokens have {} flags, expected {}", sizeOf(added->flags()), count);
  INGOT_TRY(checkOffsets("added tokens", added->offsets(), count, sizeOf(added->bytes())));
  for (uint32_t i = 0; i < count; ++i)
    if (added->offsets()->Get(i) == added->offsets()->Get(i + 1)) return Status::invalidArtifact("tokenizer: an added token is empty");
  return checkIds("an added token", added->ids(), 0, vocab);
}

Status checkModel(const plan::Model* model, uint64_t vocab) {
  if (!model) return Status::invalidArtifact("tokenizer: has no model");
  if (model->kind() != plan::ModelKind::bpe) return Status::unsupported("tokenizer: model kind {}", static_cast<int>(model->kind()));
  uint64_t pieces = sizeOf(model->pieces()), merges = sizeOf(model->merges());
  if (!std::has_single_bit(pieces) || merges % 4 || !std::has_single_bit(merges / 4) || sizeOf(model->byte_ids()) != 256 ||
      sizeOf(model->whole()) < (vocab + 7) / 8)
    return Status::invalidArtifact("tokenizer: the model has tables of the wrong size");
  // A full table would never end a search.
  uint64_t usedPieces = 0, usedMerges = 0;
  bool inside = true;
  for (uint32_t entry : *model->pieces()) usedPieces += entry != 0, inside &= entry <= vocab;
  const uint32_t* merge = model->merges()->data();
  for (uint64_t i = 0; i < merges; i += 4) usedMerges += merge[i] != 0, inside &= merge[i] <= vocab && merge[i + 3] < std::max<uint64_t>(vocab, 1) && merge[i + 2] < INT32_MAX;
  if (!inside || usedPieces == pieces || usedMerges == merges / 4) return Status::invalidArtifact("tokenizer: the model has an entry outside its tables");
  if (model->unk_id() >= static_cast<int64_t>(vocab)) return Status::invalidArtifact("tokenizer: unk_id is {} of {}", model->unk_id(), vocab);
  return checkIds("a byte", model->byte_ids(), -1, vocab);
}

}  // namespace

Status validateTables(const plan::Tokenizer& t) {
  uint64_t vocab = sizeOf(t.flags());
  if (vocab > 1u << 28) return Status::invalidArtifact("tokenizer: {} tokens", vocab);
  INGOT_TRY(checkOffsets("tokens", t.offsets(), vocab, sizeOf(t.bytes())));
  INGOT_TRY(checkOffsets("texts", t.text_offsets(), vocab, sizeOf(t.text())));
  INGOT_TRY(checkOffsets("contents", t.content_offsets(), vocab, sizeOf(t.contents())));
  INGOT_TRY(checkModel(t.model(), vocab));
  for (uint32_t i = 0; i < sizeOf(t.dfas()); ++i) INGOT_TRY(checkDfa(*t.dfas()->Get(i)));
  auto dfas = static_cast<int64_t>(sizeOf(t.dfas()));
  bool needsUnicode = false;
  for (uint32_t i = 0; i < sizeOf(t.normalizers()); ++i) {
    const auto* step = t.normalizers()->Get(i);
    needsUnicode |= step->kind() <= plan::NormalizerKind::lowercase || step->kind() == plan::NormalizerKind::strip_accents;
    if (step->kind() > plan::NormalizerKind::MAX || (step->kind() == plan::NormalizerKind::replace && (step->dfa() < 0 || step->dfa() >= dfas)))
      return Status::invalidArtifact("tokenizer: normalizer {} is not well formed", i);
  }
  const auto* u = t.unicode();
  if (needsUnicode && (!u || sizeOf(u->decomposition_offsets()) != sizeOf(u->decomposed()) + 1 || sizeOf(u->compatible()) != sizeOf(u->decomposed()) ||
                       sizeOf(u->combining()) != sizeOf(u->marked())))
    return Status::invalidArtifact("tokenizer: Unicode tables have the wrong size");
  if (needsUnicode) INGOT_TRY(checkOffsets("decompositions", u->decomposition_offsets(), sizeOf(u->decomposed()), sizeOf(u->decompositions())));
  for (uint32_t i = 0; i < sizeOf(t.splits()); ++i) {
    const auto* step = t.splits()->Get(i);
    bool ok = step->kind() <= plan::SplitKind::MAX && step->behaviour() <= plan::Behaviour::MAX;
    if (step->kind() == plan::SplitKind::split) ok &= step->dfa() >= 0 && step->dfa() < dfas;
    if (step->kind() == plan::SplitKind::metaspace) ok &= step->text() && step->text()->size() > 0;
    if (!ok) return Status::invalidArtifact("tokenizer: pre-tokenizer {} is not well formed", i);
  }
  if (t.word() >= dfas) return Status::invalidArtifact("tokenizer: pattern {} does not exist", t.word());
  if (t.decoding() > plan::Decoding::MAX) return Status::invalidArtifact("tokenizer: decoder {} does not exist", static_cast<int>(t.decoding()));
  INGOT_TRY(checkAdded(t.added(), vocab));
  INGOT_TRY(checkAdded(t.added_normalized(), vocab));
  INGOT_TRY(checkIds("the post-processor", t.prefix_ids(), 0, vocab));
  return checkIds("the post-processor", t.suffix_ids(), 0, vocab);
}

}  // namespace ingot::text
