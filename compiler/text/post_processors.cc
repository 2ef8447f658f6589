#include "compiler/text/components.h"
#include "runtime/text/tokenizer/vocabulary.h"

namespace ingot {
namespace {

Status checkId(const TextJson& id, const TokenizerTables& tables) {
  if (id.is_number_integer() && id.get<int64_t>() >= 0 && id.get<int64_t>() < static_cast<int64_t>(tables.tokens.size())) return {};
  return Status::invalidInput("id {} is not in the vocabulary of {}", id.dump(), tables.tokens.size());
}

Status clsAndSep(const TextJson& part, TokenizerTables& tables) {
  for (auto [key, ids] : {std::pair{"cls", &tables.prefixIds}, std::pair{"sep", &tables.suffixIds}}) {
    if (!part.contains(key) || !part[key].is_array() || part[key].size() != 2) return Status::invalidInput("{}: is not a token and its id", key);
    INGOT_TRY(checkId(part[key][1], tables).at(key));
    ids->push_back(part[key][1].get<int32_t>());
  }
  return {};
}

Result<int32_t> idOf(const std::string& content, const TokenizerTables& tables) {
  for (size_t id = 0; id < tables.tokens.size(); ++id)
    if ((tables.tokens[id].flags & text::kExists) && tables.tokens[id].content == content) return static_cast<int32_t>(id);
  return Status::invalidInput("token \"{}\" is not in the vocabulary", content);
}

// The ids of a template's special token: those that "special_tokens" lists, or the token's own.
Status specialIds(const TextJson& part, const std::string& name, const TokenizerTables& tables, std::vector<int32_t>& ids) {
  const TextJson* all = memberObject(part, "special_tokens");
  const TextJson* special = all ? memberObject(*all, name.c_str()) : nullptr;
  if (!special || !special->contains("ids") || !(*special)["ids"].is_array()) {
    INGOT_ASSIGN(int32_t id, idOf(name, tables));
    ids.push_back(id);
    return {};
  }
  for (const TextJson& id : (*special)["ids"]) {
    INGOT_TRY(checkId(id, tables).at(fmt::format("special_tokens: \"{}\"", name)));
    ids.push_back(id.get<int32_t>());
  }
  return {};
}

Status templateProcessing(const TextJson& part, TokenizerTables& tables) {
  if (!part.contains("single") || !part["single"].is_array()) return Status::invalidInput("single: is not a list");
  bool seen = false;
  for (const TextJson& item : part["single"]) {
    if (!item.is_object()) return Status::invalidInput("single: an item is not an object");
    if (item.contains("Sequence")) {
      if (std::exchange(seen, true)) return Status::unsupported("single: repeats its sequence");
      continue;
    }
    const TextJson* special = memberObject(item, "SpecialToken");
    if (!special) return Status::invalidInput("single: an item is neither Sequence nor SpecialToken");
    INGOT_ASSIGN(std::string name, member<std::string>(*special, "id", ""));
    INGOT_TRY(specialIds(part, name, tables, seen ? tables.suffixIds : tables.prefixIds));
  }
  return seen ? Status() : Status::unsupported("single: has no sequence");
}

}  // namespace

Status readPostProcessor(const TextJson& part, const std::string& type, TokenizerTables& tables) {
  if (type == "ByteLevel") return {};  // only moves offsets
  bool isTemplate = type == "TemplateProcessing";
  if (!isTemplate && type != "BertProcessing" && type != "RobertaProcessing") return Status::unsupported("is not supported");
  if (!tables.prefixIds.empty() || !tables.suffixIds.empty()) return Status::unsupported("follows another one that adds tokens");
  return isTemplate ? templateProcessing(part, tables) : clsAndSep(part, tables);
}

}  // namespace ingot
