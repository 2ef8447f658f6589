// A checkpoint in several files: the index that names them, as transformers writes it.
#include <set>

#include "compiler/import/checkpoint.h"

namespace ingot {
namespace {

Result<std::map<std::string, std::string>> readIndex(const std::filesystem::path& indexPath) {
  INGOT_ASSIGN(auto index, readJsonFile(indexPath));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    return Status::invalidInput("{}: has no weight_map", indexPath.string());
  std::map<std::string, std::string> shardOf;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    if (!shard.is_string()) return Status::invalidInput("{}: {}: shard name is not a string", indexPath.string(), tensor);
    std::string name = shard.get<std::string>();
    if (name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos || name[0] == '.')
      return Status::invalidInput("{}: {}: shard \"{}\" is not a plain file name", indexPath.string(), tensor, name);
    shardOf[tensor] = name;
  }
  return shardOf;
}

}  // namespace

Status readShards(const std::filesystem::path& whole, const ShardReader& read, Checkpoint& checkpoint) {
  std::filesystem::path indexPath = whole.string() + ".index.json";
  if (!std::filesystem::exists(indexPath)) return read(whole, checkpoint);
  INGOT_ASSIGN(auto shardOf, readIndex(indexPath));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : shardOf) shards.insert(shard);
  for (const auto& shard : shards) {
    if (!std::filesystem::exists(whole.parent_path() / shard))
      return Status::notFound("{}: names shard {}, which is not in the folder; download it again", indexPath.string(), shard);
    INGOT_TRY(read(whole.parent_path() / shard, checkpoint));
  }
  for (const auto& [tensor, shard] : shardOf)
    if (!checkpoint.find(tensor)) return Status::invalidInput("{}: {} should be in {}, and is not", indexPath.string(), tensor, shard);
  return {};
}

}  // namespace ingot
