#include "compiler/text/sentencepiece_model.h"

#include <array>
#include <cstring>
#include <set>

#include "compiler/text/foreign_vocabulary.h"
#include "compiler/text/piece_vocabulary.h"
#include "runtime/base/utf8.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

// One field of a protobuf message: a number or bytes. Groups do not occur.
struct Field {
  uint32_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
  bool isBytes = false;
};

// Reads the wire format; every length is checked against what remains.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes), all_(bytes.size()) {}

  bool atEnd() const { return rest_.empty(); }
  Result<Field> next() {
    INGOT_ASSIGN(uint64_t tag, varint());
    Field field{.number = static_cast<uint32_t>(tag >> 3), .value = 0, .bytes = {}};
    uint64_t size = 0;
    switch (tag & 7) {
      case 0: {
        INGOT_ASSIGN(field.value, varint());
        return field;
      }
      case 1: size = 8; break;
      case 2: {
        INGOT_ASSIGN(size, varint());
        field.isBytes = true;
        break;
      }
      case 5: size = 4; break;
      default: return Status::invalidInput("at byte {}: wire type {} is not expected", all_ - rest_.size(), tag & 7);
    }
    if (size > rest_.size())
      return Status::invalidInput("at byte {}: field {} has {} bytes, {} remain", all_ - rest_.size(), field.number, size, rest_.size());
    field.bytes = rest_.substr(0, size);
    if (!field.isBytes) std::memcpy(&field.value, field.bytes.data(), size);
    rest_.remove_prefix(size);
    return field;
  }

 private:
  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 127u} << shift;
      if (byte < 128) return value;
    }
    return Status::invalidInput("at byte {}: a number does not end", all_ - rest_.size());
  }

  std::string_view rest_;
  size_t all_;
};

template <class Visit>
Status eachField(std::string_view bytes, Visit visit) {
  WireReader reader(bytes);
  while (!reader.atEnd()) {
    INGOT_ASSIGN(Field field, reader.next());
    INGOT_TRY(visit(field));
  }
  return {};
}

// TrainerSpec.ModelType.
enum ModelType : uint64_t { kUnigram = 1, kBpe = 2, kCharacters = 4 };

struct SpecialIds {
  int32_t bos = 1, eos = 2;
};

class ModelReader {
 public:
  Status run(std::string_view bytes) {
    INGOT_TRY(eachField(bytes, [&](const Field& field) -> Status {
      if (field.number == 1 && field.isBytes) return piece(field.bytes).at(fmt::format("piece {}", vocabulary.pieces.size()));
      if (field.number == 2 && field.isBytes) return trainer(field.bytes).at("trainer_spec");
      if (field.number == 3 && field.isBytes) return normalizer(field.bytes).at("normalizer_spec");
      if (field.number == 5 && field.isBytes) return denormalizer(field.bytes).at("denormalizer_spec");
      return {};
    }));
    if (vocabulary.pieces.empty()) return Status::invalidInput("has no pieces: is it a SentencePiece model?");
    if (counts_[size_t(PieceType::unknown)] != 1)
      return Status::invalidInput("has {} unknown pieces, expected 1", counts_[size_t(PieceType::unknown)]);
    size_t bytePieces = counts_[size_t(PieceType::byte)];
    return bytePieces == 0 || bytePieces == 256 ? Status() : Status::invalidInput("has {} byte pieces, expected none or 256", bytePieces);
  }

  PieceVocabulary vocabulary{.singleSpaces = true, .freezesUser = true, .characterMap = {}};
  SpecialIds special;

 private:
  Status piece(std::string_view bytes) {
    std::string text;
    float score = 0;
    uint64_t type = 1;
    INGOT_TRY(eachField(bytes, [&](const Field& field) -> Status {
      if (field.number == 1 && field.isBytes) text = field.bytes;
      if (field.number == 2) std::memcpy(&score, &field.value, 4);
      if (field.number == 3) type = field.value;
      return {};
    }));
    if (text.empty() || !isValidUtf8(text)) return Status::invalidInput("is empty or no UTF-8");
    if (type < 1 || type > 6) return Status::invalidInput("has type {}, expected 1 to 6", type);
    if (!(score > -1e30f && score < 1e30f)) return Status::invalidInput("has score {}", score);
    if (vocabulary.pieces.size() >= (1u << text::kIdBits) - 1) return Status::unsupported("is one too many");
    ++counts_[type];
    if (!seen_.insert({type == uint64_t(PieceType::normal) || type == uint64_t(PieceType::userDefined) || type == uint64_t(PieceType::unused), text})
             .second)
      return Status::invalidInput("\"{}\" stands twice", text);
    vocabulary.pieces.push_back(std::move(text));
    vocabulary.scores.push_back(score);
    vocabulary.types.push_back(static_cast<PieceType>(type));
    return {};
  }

  Status trainer(std::string_view bytes) {
    return eachField(bytes, [&](const Field& field) -> Status {
      if (field.number == 3 && field.value != kUnigram && field.value != kBpe && field.value != kCharacters)
        return Status::unsupported("model_type {}: unigram (1), bpe (2) and char (4) are read", field.value);
      if (field.number == 3) vocabulary.isUnigram = field.value == kUnigram, vocabulary.mergesNothing = field.value == kCharacters;
      if (field.number == 24 && field.value) return Status::unsupported("treat_whitespace_as_suffix");
      if (field.number == 41) special.bos = static_cast<int32_t>(field.value);
      if (field.number == 42) special.eos = static_cast<int32_t>(field.value);
      return {};
    });
  }

  Status normalizer(std::string_view bytes) {
    return eachField(bytes, [&](const Field& field) -> Status {
      if (field.number == 2 && field.isBytes) vocabulary.characterMap = field.bytes;
      if (field.number == 3) vocabulary.addPrefix = field.value;
      if (field.number == 4) vocabulary.singleSpaces = field.value;
      if (field.number == 5 && !field.value) return Status::unsupported("escape_whitespaces is off");
      return {};
    });
  }

  static Status denormalizer(std::string_view bytes) {
    return eachField(bytes, [](const Field& field) -> Status {
      return field.number == 2 && !field.bytes.empty() ? Status::unsupported("precompiled_charsmap") : Status();
    });
  }

  std::array<size_t, 7> counts_{};               // pieces by type
  std::set<std::pair<bool, std::string>> seen_;  // what text may match, and the rest: each has a text once
};

}  // namespace

Result<TokenizerTables> readSentencePiece(std::string_view bytes, const TextJson& config) {
  ModelReader reader;
  reader.vocabulary.isUnigram = true;  // the proto's default
  INGOT_TRY(reader.run(bytes));
  PieceVocabulary& vocabulary = reader.vocabulary;
  TextJson settings = config.is_object() ? config : TextJson::object();
  // Llama and its kin add <s>; T5 and its kin </s>.
  INGOT_ASSIGN(bool bos, member<bool>(settings, "add_bos_token", !vocabulary.isUnigram));
  INGOT_ASSIGN(bool eos, member<bool>(settings, "add_eos_token", vocabulary.isUnigram));
  INGOT_ASSIGN(bool legacy, member<bool>(settings, "legacy", true));
  vocabulary.prefixOnlyFirst = !legacy;
  if (bos && reader.special.bos >= 0) vocabulary.prefixIds = {reader.special.bos};
  if (eos && reader.special.eos >= 0) vocabulary.suffixIds = {reader.special.eos};
  return tablesOfPieces(vocabulary);
}

}  // namespace ingot
