#include "compiler/text/chat_templates.h"

#include <algorithm>

namespace ingot {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxTemplateBytes = 16u << 20;

class Templates {
 public:
  std::vector<ChatTemplateSource> found;

  // A later source of the same name replaces an earlier one.
  void add(std::string name, std::string source) {
    for (auto& one : found)
      if (one.name == name) return void(one.source = std::move(source));
    found.push_back({std::move(name), std::move(source)});
  }

  // "chat_template" of a JSON file: a string, a list of {name, template}, or an object of them.
  Status addJson(const TextJson& json) {
    if (!json.is_object() || !json.contains("chat_template") || json["chat_template"].is_null()) return {};
    const TextJson& value = json["chat_template"];
    if (value.is_string()) return add("default", value.get<std::string>()), Status();
    if (value.is_object()) {
      for (const auto& [name, source] : value.items()) {
        if (!source.is_string()) return Status::invalidInput("chat_template: \"{}\" is not a text", name);
        add(name, source.get<std::string>());
      }
      return {};
    }
    if (!value.is_array()) return Status::invalidInput("chat_template: is neither a text nor a list");
    for (const TextJson& one : value) {
      if (!one.is_object()) return Status::invalidInput("chat_template: an entry is not an object");
      INGOT_ASSIGN(std::string name, member<std::string>(one, "name", "default"));
      INGOT_ASSIGN(std::string source, member<std::string>(one, "template", ""));
      add(std::move(name), std::move(source));
    }
    return {};
  }

  Status addFile(std::string name, const fs::path& path) {
    INGOT_ASSIGN(std::string source, readTextFile(path, kMaxTemplateBytes));
    add(std::move(name), std::move(source));
    return {};
  }

  Status addFolder(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> paths;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
      if (entry->path().extension() == ".jinja") paths.push_back(entry->path());
    std::sort(paths.begin(), paths.end());
    for (const fs::path& path : paths) INGOT_TRY(addFile(path.stem().string(), path));
    return {};
  }

  // tokenizer.chat_template is the default one, tokenizer.chat_template.NAME the others.
  void addGguf(const nlohmann::ordered_json& metadata) {
    const std::string key = "tokenizer.chat_template";
    for (const auto& [name, value] : metadata.items()) {
      if (!value.is_string() || name.compare(0, key.size(), key) != 0) continue;
      if (name == key) add("default", value.get<std::string>());
      else if (name[key.size()] == '.') add(name.substr(key.size() + 1), value.get<std::string>());
    }
  }
};

}  // namespace

Result<std::vector<ChatTemplateSource>> readChatTemplates(const CheckpointSource& source, const TextJson& config, const fs::path& file) {
  Templates templates;
  if (!file.empty()) {
    INGOT_TRY(templates.addFile("default", file));
    return std::move(templates.found);
  }
  if (source.gguf.is_object()) templates.addGguf(source.gguf);
  if (source.folder.empty()) return std::move(templates.found);
  INGOT_TRY(templates.addJson(config).at((source.folder / "tokenizer_config.json").string()));
  std::error_code ignored;
  if (fs::path path = source.folder / "chat_template.json"; fs::exists(path, ignored)) {
    INGOT_ASSIGN(TextJson json, readTextJsonFile(path));
    INGOT_TRY(templates.addJson(json).at(path.string()));
  }
  if (fs::path path = source.folder / "chat_template.jinja"; fs::exists(path, ignored)) INGOT_TRY(templates.addFile("default", path));
  if (fs::path path = source.folder / "additional_chat_templates"; fs::is_directory(path, ignored)) INGOT_TRY(templates.addFolder(path));
  return std::move(templates.found);
}

}  // namespace ingot
