#include "compiler/text/components.h"
#include "compiler/text/tokenizer_json.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

using Kind = plan_text::ModelKind;

constexpr int64_t kMaxId = (1 << text::kIdBits) - 2;

// "<0x41>" -> 0x41.
std::optional<uint8_t> byteOf(const std::string& content) {
  if (content.size() != 6 || content.substr(0, 3) != "<0x" || content[5] != '>') return std::nullopt;
  int value = 0;
  for (char c : content.substr(3, 2)) {
    if (!std::isxdigit(static_cast<unsigned char>(c)) || std::islower(static_cast<unsigned char>(c))) return std::nullopt;
    value = value * 16 + (c <= '9' ? c - '0' : c - 'A' + 10);
  }
  return static_cast<uint8_t>(value);
}

class ModelReader {
 public:
  ModelReader(const TextJson& json, TokenizerTables& tables) : json_(json), tables_(tables), model_(tables.model) {}

  Status run() {
    INGOT_ASSIGN(std::string type, member<std::string>(json_, "type", guess()));
    INGOT_ASSIGN(model_.byteFallback, member<bool>(json_, "byte_fallback", false));
    if (type == "BPE") return bpe();
    if (type == "Unigram") return unigram();
    if (type == "WordPiece") return wordPiece();
    if (type == "WordLevel") return wordLevel();
    return Status::unsupported("type {} is not supported; BPE, Unigram, WordPiece and WordLevel are", type);
  }

 private:
  // Older files have no "type".
  const char* guess() const {
    if (json_.contains("merges")) return "BPE";
    if (json_.contains("vocab") && json_["vocab"].is_array()) return "Unigram";
    return json_.contains("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
  }

  Status vocabulary() {
    const TextJson* vocab = memberObject(json_, "vocab");
    if (!vocab) return Status::invalidInput("vocab: is not an object");
    for (const auto& [content, id] : vocab->items()) {
      if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kMaxId)
        return Status::invalidInput("vocab: id of \"{}\" is {}, expected 0 to {}", content, id.dump(), kMaxId);
      auto index = id.get<int32_t>();
      TokenEntry& token = tables_.tokenAt(index);
      if (token.flags & text::kExists) return Status::invalidInput("vocab: id {} is both \"{}\" and \"{}\"", index, token.content, content);
      token.content = content;
      token.flags = text::kExists;
      ids_[content] = index;
    }
    return {};
  }

  Status unknown(const char* fallback) {
    INGOT_ASSIGN(std::string unk, member<std::string>(json_, "unk_token", fallback));
    auto found = ids_.find(unk);
    if (!unk.empty() && found == ids_.end() && json_.contains("unk_token"))
      return Status::invalidInput("unk_token: \"{}\" is not in the vocabulary", unk);
    if (found != ids_.end()) model_.unkId = found->second;
    return {};
  }

  // A pre-tokenizer that spells bytes last, and nothing before it: the model sees the bytes themselves.
  bool takeByteLevel() {
    auto& steps = tables_.splits;
    if (steps.empty() || steps.back().kind != plan_text::SplitKind::byte_alphabet || model_.byteFallback || !model_.prefix.empty() ||
        !model_.suffix.empty())
      return false;
    auto spells = [](const auto& step) { return step.kind == std::remove_cvref_t<decltype(step.kind)>::byte_alphabet; };
    if (std::any_of(steps.begin(), steps.end() - 1, spells) || std::any_of(tables_.normalizers.begin(), tables_.normalizers.end(), spells))
      return false;
    steps.pop_back();
    return true;
  }

  Status bpe() {
    model_.kind = Kind::bpe;
    INGOT_ASSIGN(double dropout, member<double>(json_, "dropout", 0.0));
    if (dropout != 0) return Status::unsupported("dropout is {}: ids would be random", dropout);
    INGOT_ASSIGN(model_.ignoreMerges, member<bool>(json_, "ignore_merges", false));
    INGOT_ASSIGN(model_.fuseUnk, member<bool>(json_, "fuse_unk", false));
    INGOT_ASSIGN(model_.prefix, member<std::string>(json_, "continuing_subword_prefix", ""));
    INGOT_ASSIGN(model_.suffix, member<std::string>(json_, "end_of_word_suffix", ""));
    model_.byteLevel = takeByteLevel();
    INGOT_TRY(vocabulary());
    INGOT_TRY(merges());
    INGOT_TRY(unknown(""));
    matchTokens();
    for (int byte = 0; model_.byteLevel && byte < 256; ++byte) {
      auto found = ids_.find(toByteAlphabet(std::string(1, static_cast<char>(byte))));
      if (found != ids_.end()) model_.byteIds[static_cast<size_t>(byte)] = found->second;
    }
    return {};
  }

  static Status splitMerge(const TextJson& merge, std::string& left, std::string& right) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) return left = merge[0], right = merge[1], Status();
    auto text = merge.is_string() ? merge.get<std::string>() : std::string();
    auto space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) return Status::invalidInput("\"{}\" is not two tokens", text);
    left = text.substr(0, space), right = text.substr(space + 1);
    return {};
  }

  Status merges() {
    if (!json_.contains("merges") || !json_["merges"].is_array()) return Status::invalidInput("merges: is not a list");
    // The reference cuts as many bytes off the right token as the prefix has characters.
    auto cut = static_cast<size_t>(
        std::count_if(model_.prefix.begin(), model_.prefix.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
    size_t rank = 0;
    for (const TextJson& merge : json_["merges"]) {
      std::string where = fmt::format("merges[{}]", rank++), left, right;
      INGOT_TRY(splitMerge(merge, left, right).at(where));
      if (right.size() < cut) return Status::invalidInput("{}: \"{}\" is shorter than the prefix \"{}\"", where, right, model_.prefix);
      int32_t parts[3];
      const std::string names[3] = {left, right, left + right.substr(cut)};
      for (int i = 0; i < 3; ++i) {
        auto found = ids_.find(names[i]);
        if (found == ids_.end()) return Status::invalidInput("{}: \"{}\" is not in the vocabulary", where, names[i]);
        parts[i] = found->second;
      }
      model_.merges.push_back({parts[0], parts[1], parts[2]});
    }
    return {};
  }

  // Which bytes tokens match, and which tokens stand for bytes.
  void matchTokens() {
    for (auto& [content, id] : ids_) {
      TokenEntry& token = tables_.tokenAt(id);
      token.match = model_.byteLevel ? fromByteAlphabet(content) : std::optional(content);
      if (auto byte = byteOf(content); byte && model_.byteFallback) model_.byteIds[*byte] = id;
    }
  }

  Status unigram() {
    model_.kind = Kind::unigram;
    if (!json_.contains("vocab") || !json_["vocab"].is_array()) return Status::invalidInput("vocab: is not a list");
    const TextJson& vocab = json_["vocab"];
    if (static_cast<int64_t>(vocab.size()) > kMaxId) return Status::unsupported("vocab: {} entries, at most {} are read", vocab.size(), kMaxId);
    double lowest = 0;
    for (const TextJson& entry : vocab) {
      auto id = static_cast<int32_t>(tables_.tokens.size());
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
        return Status::invalidInput("vocab[{}]: is not a token and its score", id);
      tables_.tokenAt(id) = {.content = entry[0].get<std::string>(), .match = {}, .flags = text::kExists};
      model_.scores.push_back(entry[1].get<double>());
      lowest = id == 0 ? model_.scores[0] : std::min(lowest, model_.scores.back());
      ids_[entry[0].get<std::string>()] = id;  // of equal tokens the reference takes the last
    }
    INGOT_ASSIGN(int64_t unk, member<int64_t>(json_, "unk_id", -1));
    if (unk < -1 || unk >= static_cast<int64_t>(vocab.size())) return Status::invalidInput("unk_id is {}, expected 0 to {}", unk, vocab.size());
    model_.unkId = static_cast<int32_t>(unk);
    model_.fuseUnk = true;
    model_.unknownScore = lowest - 10;
    matchTokens();
    return {};
  }

  Status wordPiece() {
    model_.kind = Kind::wordpiece;
    INGOT_TRY(vocabulary());
    INGOT_TRY(unknown("[UNK]"));
    INGOT_ASSIGN(model_.prefix, member<std::string>(json_, "continuing_subword_prefix", "##"));
    INGOT_ASSIGN(int64_t most, member<int64_t>(json_, "max_input_chars_per_word", 100));
    model_.maxChars = static_cast<uint32_t>(std::clamp<int64_t>(most, 0, UINT32_MAX));
    model_.byteFallback = false;
    matchTokens();
    return {};
  }

  Status wordLevel() {
    model_.kind = Kind::wordlevel;
    INGOT_TRY(vocabulary());
    INGOT_TRY(unknown("<unk>"));
    model_.byteFallback = false;
    matchTokens();
    return {};
  }

  const TextJson& json_;
  TokenizerTables& tables_;
  ModelEntry& model_;
  std::map<std::string, int32_t> ids_;
};

}  // namespace

Status readTokenModel(const TextJson& model, TokenizerTables& tables) { return ModelReader(model, tables).run(); }

}  // namespace ingot
