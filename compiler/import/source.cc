#include "compiler/import/source.h"

#include <regex>

#include "compiler/import/config.h"
#include "compiler/import/float8.h"
#include "compiler/import/gguf.h"
#include "compiler/import/pytorch.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;

// Layout: huggingface_hub's documentation, "Understand caching".
Result<fs::path> findInHubCache(const std::string& id, const fs::path& cache) {
  std::string folder = "models--" + std::regex_replace(id, std::regex("/"), "--");
  fs::path model = cache / folder;
  std::error_code ignored;
  auto revision = readTextFile(model / "refs" / "main", 256);
  if (revision.ok()) {
    fs::path snapshot = model / "snapshots" / revision->substr(0, revision->find_last_not_of(" \n\r") + 1);
    if (fs::exists(snapshot / "config.json", ignored)) return snapshot;
  }
  return Status::notFound("{}: is no folder, no .gguf file, and not in the hub cache; `hf download {}` brings it there", id, id);
}

Result<CheckpointSource> openGguf(const fs::path& path) {
  CheckpointSource source;
  source.where = path.string();
  Checkpoint raw;
  INGOT_ASSIGN(source.gguf, readGguf(path, raw));
  INGOT_ASSIGN(source.config, configOfGguf(source.gguf, raw, source.where));
  INGOT_ASSIGN(source.checkpoint, renameGgufTensors(std::move(raw), source.config, source.where));
  INGOT_ASSIGN(source.spec, readConfig(source.config, source.where));
  if (const TensorInfo* factors = source.checkpoint.find("rope_freqs.weight")) {
    if (factors->columns() != source.spec.rope.rotaryDim / 2)
      return Status::invalidInput("{}: rope_freqs.weight has {} values, expected {}", source.where, factors->columns(),
                                  source.spec.rope.rotaryDim / 2);
    source.spec.rope.factors.resize(static_cast<size_t>(factors->columns()));
    INGOT_TRY(source.checkpoint.readRows(*factors, 0, 1, source.spec.rope.factors.data()));
  }
  return source;
}

// The one place that knows which weight files a folder may have, in the order of preference.
Status readWeights(const fs::path& folder, Checkpoint& checkpoint) {
  std::error_code ignored;
  if (fs::exists(folder / "model.safetensors", ignored) || fs::exists(folder / "model.safetensors.index.json", ignored))
    return readSafetensorsFolder(folder, checkpoint);
  if (fs::exists(folder / "pytorch_model.bin", ignored) || fs::exists(folder / "pytorch_model.bin.index.json", ignored))
    return readPytorchFolder(folder, checkpoint);
  return Status::notFound("{}: has no model.safetensors and no pytorch_model.bin, whole or as an index", folder.string());
}

// Where q, k and v of a head lie together, they are to be read apart. Tensors of other shapes are refused once the model is built.
Status orderFusedHeads(const DecoderSpec& spec, Checkpoint& checkpoint) {
  std::string part = spec.names.qkv.substr(spec.names.qkv.find("{}") + 2) + ".";
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (name.find(part) == std::string::npos || tensor.shape.empty() || tensor.shape[0] != 3 * spec.heads * spec.headDim) continue;
    if (tensor.scales) return Status::unsupported("{}: {}, where q, k and v of a head lie together", name, describe(tensor));
    checkpoint.setFusedHeads(name, spec.heads);
  }
  return {};
}

Result<CheckpointSource> openFolder(const fs::path& folder, bool shapesOnly) {
  CheckpointSource source;
  source.where = (folder / "config.json").string();
  source.folder = folder;
  std::error_code ignored;
  if (!fs::exists(folder / "config.json", ignored))
    return Status::notFound("{}: has no config.json, expected a Hugging Face checkpoint", folder.string());
  INGOT_ASSIGN(source.config, readJsonFile(folder / "config.json"));
  INGOT_ASSIGN(source.spec, readConfig(source.config, source.where));
  if (fs::exists(folder / "generation_config.json", ignored)) {
    INGOT_ASSIGN(source.generation, readJsonFile(folder / "generation_config.json"));
  }
  if (shapesOnly) return source;
  INGOT_TRY(readWeights(folder, source.checkpoint));
  INGOT_TRY(attachScales(source.spec, source.checkpoint, source.notes));
  if (source.spec.qkvByHead) INGOT_TRY(orderFusedHeads(source.spec, source.checkpoint));
  return source;
}

}  // namespace

Result<CheckpointSource> openSource(const std::string& name, const fs::path& hubCache, bool shapesOnly) {
  std::error_code ignored;
  fs::path path(name);
  if (fs::is_directory(path, ignored)) return openFolder(path, shapesOnly);
  if (fs::exists(path, ignored) || path.extension() == ".gguf") return openGguf(path);
  static const std::regex kHubId("[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?");
  if (!std::regex_match(name, kHubId)) return Status::notFound("{}: does not exist", name);
  INGOT_ASSIGN(fs::path snapshot, findInHubCache(name, hubCache));
  return openFolder(snapshot, shapesOnly);
}

}  // namespace ingot
