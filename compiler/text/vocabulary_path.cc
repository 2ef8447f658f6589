// A vocabulary by its path, for tools and tests; ingotc comes here through read_text.h.
#include "compiler/import/gguf.h"
#include "compiler/text/foreign_vocabulary.h"
#include "compiler/text/tokenizer_json.h"

namespace ingot {

namespace fs = std::filesystem;

Result<TokenizerTables> readVocabulary(const fs::path& path, const Note& note) {
  std::error_code ignored;
  std::optional<TokenizerTables> tables;
  if (fs::is_directory(path, ignored)) {
    TextJson config, specialMap;
    if (fs::exists(path / "tokenizer_config.json", ignored)) {
      INGOT_ASSIGN(config, readTextJsonFile(path / "tokenizer_config.json"));
    }
    if (fs::exists(path / "special_tokens_map.json", ignored)) {
      INGOT_ASSIGN(specialMap, readTextJsonFile(path / "special_tokens_map.json"));
    }
    INGOT_ASSIGN(tables, readVocabularyFolder(path, config, specialMap, note));
  } else if (path.extension() == ".gguf") {
    Checkpoint checkpoint;
    INGOT_ASSIGN(auto metadata, readGguf(path, checkpoint));
    INGOT_ASSIGN(tables, readGgufVocabulary(metadata, path.string(), note));
  } else if (path.extension() == ".model" || path.extension() == ".tiktoken") {
    return readModelFile(path, TextJson(), note);
  } else {
    INGOT_ASSIGN(TextJson json, readTextJsonFile(path));
    return readTokenizerJson(json, path.string(), note);
  }
  if (!tables) return Status::notFound("{}: has no vocabulary", path.string());
  return std::move(*tables);
}

}  // namespace ingot
