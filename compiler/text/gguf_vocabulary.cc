// tokenizer.ggml.* of GGUF files.
#include "compiler/text/components.h"
#include "compiler/text/foreign_vocabulary.h"
#include "compiler/text/gguf_pre_tokenizers.h"
#include "compiler/text/piece_vocabulary.h"
#include "compiler/text/tokenizer_json.h"

namespace ingot {
namespace {

using GgufJson = nlohmann::ordered_json;

// enum llama_token_type.
enum TokenType { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByteType = 6 };

const GgufJson* find(const GgufJson& metadata, const std::string& key) {
  auto found = metadata.find(key);
  return found == metadata.end() ? nullptr : &*found;
}

struct GgufVocabulary {
  std::vector<std::string> tokens;
  std::vector<int> types;
  std::vector<double> scores;
};

Result<GgufVocabulary> readLists(const GgufJson& metadata) {
  GgufVocabulary vocabulary;
  const GgufJson* tokens = find(metadata, "tokenizer.ggml.tokens");
  for (const GgufJson& token : *tokens) {
    if (!token.is_string()) return Status::invalidInput("tokenizer.ggml.tokens: entry {} is no text", vocabulary.tokens.size());
    vocabulary.tokens.push_back(token.get<std::string>());
  }
  size_t count = vocabulary.tokens.size();
  vocabulary.types.assign(count, kNormal);
  vocabulary.scores.assign(count, 0);
  auto numbers = [&](const char* key, auto set) -> Status {
    const GgufJson* list = find(metadata, key);
    if (!list) return {};
    if (!list->is_array() || list->size() != count) return Status::invalidInput("{}: expected a list of {}", key, count);
    for (size_t i = 0; i < count; ++i) {
      if (!(*list)[i].is_number()) return Status::invalidInput("{}: entry {} is no number", key, i);
      set(i, (*list)[i].get<double>());
    }
    return {};
  };
  INGOT_TRY(numbers("tokenizer.ggml.token_type", [&](size_t i, double value) { vocabulary.types[i] = static_cast<int>(value); }));
  INGOT_TRY(numbers("tokenizer.ggml.scores", [&](size_t i, double value) { vocabulary.scores[i] = value; }));
  return vocabulary;
}

bool flag(const GgufJson& metadata, const char* key, bool fallback) {
  const GgufJson* value = find(metadata, key);
  return value && value->is_boolean() ? value->get<bool>() : fallback;
}

std::optional<std::string> contentOf(const GgufJson& metadata, const char* key) {
  const GgufJson *id = find(metadata, key), *tokens = find(metadata, "tokenizer.ggml.tokens");
  if (!id || !id->is_number_integer() || !tokens || !tokens->is_array()) return std::nullopt;
  auto index = id->get<int64_t>();
  if (index < 0 || index >= static_cast<int64_t>(tokens->size()) || !(*tokens)[static_cast<size_t>(index)].is_string()) return std::nullopt;
  return (*tokens)[static_cast<size_t>(index)].get<std::string>();
}

TextJson processor(const GgufJson& metadata) {
  TextJson single = TextJson::array();
  auto add = [&](const char* key, const char* id) {
    auto content = contentOf(metadata, id);
    if (flag(metadata, key, false) && content) single.push_back({{"SpecialToken", {{"id", *content}, {"type_id", 0}}}});
  };
  add("tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id");
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  add("tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id");
  return {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", TextJson::object()}};
}

// Control tokens and those of the user, as "added_tokens".
TextJson addedTokens(const GgufVocabulary& vocabulary) {
  TextJson added = TextJson::array();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    int type = vocabulary.types[id];
    if (type == kControl || type == kUserDefined || type == kUnknown)
      added.push_back({{"id", id},
                       {"content", vocabulary.tokens[id]},
                       {"special", type != kUserDefined},
                       {"normalized", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"single_word", false}});
  }
  return added;
}

Result<TextJson> vocabularyObject(const GgufVocabulary& vocabulary) {
  TextJson vocab = TextJson::object();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (!vocab.emplace(vocabulary.tokens[id], id).second)
      return Status::invalidInput("tokenizer.ggml.tokens: \"{}\" stands twice", vocabulary.tokens[id]);
  return vocab;
}

Result<TextJson> mergeList(const GgufJson& metadata) {
  const GgufJson* merges = find(metadata, "tokenizer.ggml.merges");
  if (!merges || !merges->is_array()) return Status::invalidInput("tokenizer.ggml.merges: is not a list");
  TextJson list = TextJson::array();
  for (const GgufJson& merge : *merges) {
    if (!merge.is_string()) return Status::invalidInput("tokenizer.ggml.merges: entry {} is no text", list.size());
    list.push_back(merge.get<std::string>());
  }
  return list;
}

Result<TokenizerTables> readGpt2(const GgufJson& metadata, const std::string& where, const Note& note) {
  INGOT_ASSIGN(GgufVocabulary vocabulary, readLists(metadata));
  const GgufJson* pre = find(metadata, "tokenizer.ggml.pre");
  INGOT_ASSIGN(GgufPreTokenizer steps, ggufPreTokenizer(pre && pre->is_string() ? pre->get<std::string>() : "default"));
  INGOT_ASSIGN(TextJson vocab, vocabularyObject(vocabulary));
  INGOT_ASSIGN(TextJson merges, mergeList(metadata));
  TextJson json = {{"model", {{"type", "BPE"}, {"vocab", std::move(vocab)}, {"merges", std::move(merges)}, {"ignore_merges", steps.ignoreMerges}}},
                   {"added_tokens", addedTokens(vocabulary)},
                   {"normalizer", std::move(steps.normalizer)},
                   {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", std::move(steps.steps)}}},
                   {"post_processor", processor(metadata)},
                   {"decoder", {{"type", "ByteLevel"}}}};
  return readTokenizerJson(json, where, note);
}

// Gemma's: merges over characters, spaces as U+2581, bytes for what is not known.
Result<TokenizerTables> readGemma(const GgufJson& metadata, const std::string& where, const Note& note) {
  INGOT_ASSIGN(GgufVocabulary vocabulary, readLists(metadata));
  INGOT_ASSIGN(TextJson vocab, vocabularyObject(vocabulary));
  INGOT_ASSIGN(TextJson merges, mergeList(metadata));
  const TextJson mark = {{"String", kSpaceMark}}, space = {{"String", " "}};
  TextJson json = {{"model",
                    {{"type", "BPE"},
                     {"vocab", std::move(vocab)},
                     {"merges", std::move(merges)},
                     {"byte_fallback", true},
                     {"fuse_unk", true},
                     {"unk_token", contentOf(metadata, "tokenizer.ggml.unknown_token_id").value_or("")}}},
                   {"added_tokens", addedTokens(vocabulary)},
                   {"normalizer", {{"type", "Replace"}, {"pattern", space}, {"content", kSpaceMark}}},
                   {"pre_tokenizer", {{"type", "Split"}, {"pattern", {{"Regex", "[^\\n]+|[\\n]+"}}}, {"behavior", "Isolated"}, {"invert", false}}},
                   {"post_processor", processor(metadata)},
                   {"decoder",
                    {{"type", "Sequence"},
                     {"decoders", {{{"type", "Replace"}, {"pattern", mark}, {"content", " "}}, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}}}}}};
  return readTokenizerJson(json, where, note);
}

// WordPiece: GGUF marks the pieces that begin a word instead of those that continue one.
Result<TokenizerTables> readBert(const GgufJson& metadata, const std::string& where, const Note& note) {
  INGOT_ASSIGN(GgufVocabulary vocabulary, readLists(metadata));
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    std::string& token = vocabulary.tokens[id];
    bool begins = token.compare(0, 3, kSpaceMark) == 0;
    if (vocabulary.types[id] != kNormal && vocabulary.types[id] != kByteType) continue;
    token = begins ? token.substr(3) : "##" + token;
  }
  INGOT_ASSIGN(TextJson vocab, vocabularyObject(vocabulary));
  std::string cls = contentOf(metadata, "tokenizer.ggml.cls_token_id").value_or(contentOf(metadata, "tokenizer.ggml.bos_token_id").value_or("[CLS]"));
  std::string sep = contentOf(metadata, "tokenizer.ggml.seperator_token_id").value_or("[SEP]");
  auto special = [](const std::string& token) { return TextJson{{"SpecialToken", {{"id", token}, {"type_id", 0}}}}; };
  TextJson json = {
      {"model",
       {{"type", "WordPiece"},
        {"vocab", std::move(vocab)},
        {"max_input_chars_per_word", 100},
        {"unk_token", contentOf(metadata, "tokenizer.ggml.unknown_token_id").value_or("[UNK]")}}},
      {"added_tokens", addedTokens(vocabulary)},
      {"normalizer", {{"type", "BertNormalizer"}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor", {{"type", "TemplateProcessing"}, {"single", {special(cls), {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}, special(sep)}}}},
      {"decoder", {{"type", "WordPiece"}}}};
  return readTokenizerJson(json, where, note);
}

// "llama" and "t5": scored pieces.
Result<TokenizerTables> readPieces(const GgufJson& metadata, bool isUnigram) {
  INGOT_ASSIGN(GgufVocabulary lists, readLists(metadata));
  PieceVocabulary vocabulary{.pieces = std::move(lists.tokens), .scores = std::move(lists.scores), .isUnigram = isUnigram, .characterMap = {}};
  for (int type : lists.types) {
    if (type < 1 || type > 6) return Status::invalidInput("tokenizer.ggml.token_type: {} is none of 1 to 6", type);
    vocabulary.types.push_back(static_cast<PieceType>(type));
  }
  vocabulary.addPrefix = flag(metadata, "tokenizer.ggml.add_space_prefix", true);
  vocabulary.singleSpaces = flag(metadata, "tokenizer.ggml.remove_extra_whitespaces", false);
  if (const GgufJson* map = find(metadata, "tokenizer.ggml.precompiled_charsmap"); map && map->is_array())
    for (const GgufJson& byte : *map) vocabulary.characterMap += static_cast<char>(byte.is_number_integer() ? byte.get<int>() : 0);
  auto add = [&](const char* wanted, bool fallback, const char* key, std::vector<int32_t>& ids) {
    const GgufJson* id = find(metadata, key);
    if (flag(metadata, wanted, fallback) && id && id->is_number_integer()) ids.push_back(id->get<int32_t>());
  };
  add("tokenizer.ggml.add_bos_token", !isUnigram, "tokenizer.ggml.bos_token_id", vocabulary.prefixIds);
  add("tokenizer.ggml.add_eos_token", isUnigram, "tokenizer.ggml.eos_token_id", vocabulary.suffixIds);
  return tablesOfPieces(vocabulary);
}

Result<TokenizerTables> readKind(const std::string& kind, const GgufJson& metadata, const std::string& where, const Note& note) {
  if (kind == "gpt2") return readGpt2(metadata, where, note);
  if (kind == "gemma4") return readGemma(metadata, where, note);
  if (kind == "bert") return readBert(metadata, where, note);
  if (kind == "llama" || kind == "t5") return readPieces(metadata, kind == "t5");
  return Status::unsupported("tokenizer.ggml.model: {} is not supported; gpt2, llama, bert, t5 and gemma4 are", kind);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ggufSpecialTokens(const GgufJson& metadata) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"bos_token", "tokenizer.ggml.bos_token_id"},     {"eos_token", "tokenizer.ggml.eos_token_id"},
      {"unk_token", "tokenizer.ggml.unknown_token_id"}, {"sep_token", "tokenizer.ggml.seperator_token_id"},
      {"pad_token", "tokenizer.ggml.padding_token_id"}, {"cls_token", "tokenizer.ggml.cls_token_id"},
      {"mask_token", "tokenizer.ggml.mask_token_id"}};
  std::vector<std::pair<std::string, std::string>> tokens;
  for (auto [name, key] : kNames)
    if (auto content = contentOf(metadata, key)) tokens.emplace_back(name, *content);
  return tokens;
}

Result<std::optional<TokenizerTables>> readGgufVocabulary(const GgufJson& metadata, const std::string& where, const Note& note) {
  const GgufJson *model = find(metadata, "tokenizer.ggml.model"), *tokens = find(metadata, "tokenizer.ggml.tokens");
  if (!model || !tokens) return std::optional<TokenizerTables>();
  if (!model->is_string() || !tokens->is_array())
    return Status::invalidInput("{}: tokenizer.ggml.model is no text, or its tokens are no list", where);
  auto kind = model->get<std::string>();
  if (kind == "none" || kind == "no_vocab") return std::optional<TokenizerTables>();
  auto tables = readKind(kind, metadata, where, note);
  if (!tables.ok()) return tables.status().at(where);
  return std::optional(std::move(tables).value());
}

}  // namespace ingot
