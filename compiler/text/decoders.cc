#include "compiler/text/components.h"

namespace ingot {
namespace {

using Kind = plan_text::DecodeKind;

Result<DecodeStep> stripStep(const TextJson& part) {
  DecodeStep step{.kind = Kind::strip};
  INGOT_ASSIGN(step.pattern.literal, member<std::string>(part, "content", " "));
  INGOT_ASSIGN(int64_t start, member<int64_t>(part, "start", 0));
  INGOT_ASSIGN(int64_t stop, member<int64_t>(part, "stop", 0));
  if (start < 0 || stop < 0 || start > INT32_MAX || stop > INT32_MAX || step.pattern.literal.empty())
    return Status::invalidInput("of \"{}\", {} at the start and {} at the end", step.pattern.literal, start, stop);
  step.start = static_cast<uint32_t>(start);
  step.stop = static_cast<uint32_t>(stop);
  return step;
}

Result<DecodeStep> metaspaceStep(const TextJson& part) {
  DecodeStep step{.kind = Kind::metaspace};
  INGOT_ASSIGN(step.pattern.literal, member<std::string>(part, "replacement", kSpaceMark));
  INGOT_ASSIGN(uint8_t scheme, readPrependScheme(part));
  step.flag = scheme != 0;
  if (step.pattern.literal.empty()) return Status::invalidInput("replacement: is empty");
  return step;
}

Result<DecodeStep> namedStep(const TextJson& part, Kind kind, const char* key, const char* fallback) {
  DecodeStep step{.kind = kind};
  INGOT_ASSIGN(step.pattern.literal, member<std::string>(part, key, fallback));
  if (kind == Kind::suffix) return step;
  INGOT_ASSIGN(step.flag, member<bool>(part, "cleanup", true));
  if (kind == Kind::ctc) {
    INGOT_ASSIGN(step.text, member<std::string>(part, "word_delimiter_token", "|"));
  }
  return step;
}

Result<DecodeStep> replaceStep(const TextJson& part) {
  DecodeStep step{.kind = Kind::replace};
  INGOT_ASSIGN(step.pattern, readPattern(part));
  INGOT_ASSIGN(step.text, member<std::string>(part, "content", ""));
  return step;
}

Result<DecodeStep> readStep(const TextJson& part, const std::string& type) {
  if (type == "ByteLevel") return DecodeStep{.kind = Kind::bytes};
  if (type == "ByteFallback") return DecodeStep{.kind = Kind::byte_fallback};
  if (type == "Fuse") return DecodeStep{.kind = Kind::fuse};
  if (type == "Replace") return replaceStep(part);
  if (type == "Strip") return stripStep(part);
  if (type == "Metaspace") return metaspaceStep(part);
  if (type == "WordPiece") return namedStep(part, Kind::word_piece, "prefix", "##");
  if (type == "BPEDecoder") return namedStep(part, Kind::suffix, "suffix", "</w>");
  if (type == "CTC") return namedStep(part, Kind::ctc, "pad_token", "<pad>");
  return Status::unsupported("is not supported");
}

}  // namespace

Status readDecoder(const TextJson& part, const std::string& type, TokenizerTables& tables) {
  INGOT_ASSIGN(DecodeStep step, readStep(part, type));
  tables.decoders.push_back(std::move(step));
  return {};
}

}  // namespace ingot
