#include "compiler/import/float8.h"

#include "compiler/import/config.h"

namespace ingot {
namespace {

constexpr std::string_view kReadable = "fp8, or compressed-tensors of the format float-quantized; or use the unquantised checkpoint";

Status readBlock(const nlohmann::ordered_json& json, const std::string& where, DecoderSpec& spec) {
  auto isSize = [](const nlohmann::ordered_json& value) { return value.is_number_unsigned() && value >= 1 && value <= 1 << 20; };
  if (!json.is_array() || json.size() != 2 || !isSize(json[0]) || !isSize(json[1]))
    return Status::invalidInput("{} is {}, expected rows and columns of a block", where, describe(json));
  spec.scaleRows = json[0].get<int64_t>();
  spec.scaleColumns = json[1].get<int64_t>();
  return {};
}

// Transformers' and vLLM's fp8. How activations were to be rounded is no part of the checkpoint's values: ours are, when it is run.
Status readFp8(ConfigReader& config, DecoderSpec& spec) {
  INGOT_ASSIGN(std::string format, config.text("fmt", "e4m3"));
  if (format != "e4m3") return config.wrong("fmt", "e4m3");
  for (const char* ignored : {"activation_scheme", "scale_fmt", "modules_to_not_convert", "ignored_layers", "dequantize"}) config.value(ignored);
  if (const auto* block = config.value("weight_block_size")) INGOT_TRY(readBlock(*block, config.where() + ": weight_block_size", spec));
  return config.refuseUnknown();
}

Status readGroup(const nlohmann::ordered_json& group, const std::string& where, DecoderSpec& spec) {
  if (!group.is_object() || !group.contains("weights") || !group["weights"].is_object()) return Status::invalidInput("{}: has no weights", where);
  ConfigReader weights(group["weights"], where + ": weights");
  INGOT_ASSIGN(int64_t bits, weights.integer("num_bits", std::nullopt, 1, 64));
  INGOT_ASSIGN(std::string type, weights.text("type", std::nullopt));
  if (bits != 8) return weights.wrong("num_bits", "8");
  if (type != "float") return weights.wrong("type", "float");
  if (const auto* block = weights.value("block_structure")) INGOT_TRY(readBlock(*block, where + ": weights: block_structure", spec));
  return {};
}

Status readCompressedTensors(ConfigReader& config, DecoderSpec& spec) {
  INGOT_ASSIGN(std::string format, config.text("format", std::nullopt));
  if (format != "float-quantized") return config.wrong("format", kReadable);
  const auto* groups = config.value("config_groups");
  if (!groups || !groups->is_object()) return config.wrong("config_groups", "an object");
  for (const auto& [name, group] : groups->items()) INGOT_TRY(readGroup(group, config.where() + ": " + name, spec));
  for (const char* changing : {"sparsity_config", "transform_config"})
    if (const auto* value = config.value(changing); value && !value->empty()) return config.wrong(changing, "empty");
  for (const char* ignored : {"ignore", "quantization_status", "global_compression_ratio", "kv_cache_scheme", "version"}) config.value(ignored);
  return config.refuseUnknown();
}

// The blocks that scales of this shape have in a matrix: all of it, a row, or what the config says.
std::optional<BlockScales> blocksOf(const TensorInfo& matrix, const TensorInfo& scales, const DecoderSpec& spec) {
  int64_t rows = matrix.rows(), columns = matrix.columns(), down = scales.shape.empty() ? 1 : scales.shape[0],
          count = scales.rows() * scales.columns();
  auto isOfBlocks = [&](int64_t blockRows, int64_t blockColumns) {
    return down == (rows + blockRows - 1) / blockRows && count == down * ((columns + blockColumns - 1) / blockColumns);
  };
  if (spec.scaleRows && scales.shape.size() == 2 && isOfBlocks(spec.scaleRows, spec.scaleColumns))
    return BlockScales{spec.scaleRows, spec.scaleColumns, count / down, {}};
  if (count == 1) return BlockScales{rows, columns, 1, {}};
  if (isOfBlocks(1, columns)) return BlockScales{1, columns, 1, {}};
  return std::nullopt;
}

Status attach(const DecoderSpec& spec, const std::string& name, Checkpoint& checkpoint) {
  const TensorInfo& matrix = *checkpoint.find(name);
  for (const char* ending : {"_scale_inv", "_scale"}) {  // both are factors
    const TensorInfo* scales = checkpoint.find(name + ending);
    if (!scales) continue;
    auto blocks = scales->scales || scales->type == ElementType::f8 ? std::nullopt : blocksOf(matrix, *scales, spec);
    if (!blocks) return Status::invalidInput("{}: {} does not fit {} of {}", scales->name, describe(*scales), name, describe(matrix));
    blocks->values.resize(static_cast<size_t>(scales->rows() * scales->columns()));
    INGOT_TRY(checkpoint.readRows(*scales, 0, scales->rows(), blocks->values.data()));
    checkpoint.setScales(name, *std::move(blocks));
    checkpoint.drop(name + ending);
    return {};
  }
  return Status::unsupported("{}: 8-bit floats need scales, and the checkpoint has no {}_scale and no {}_scale_inv", name, name, name);
}

}  // namespace

Status readQuantization(const nlohmann::ordered_json& json, const std::string& where, DecoderSpec& spec) {
  if (!json.is_object()) return Status::invalidInput("{}: is not an object", where);
  ConfigReader config(json, where);
  INGOT_ASSIGN(std::string method, config.text("quant_method", std::nullopt));
  if (method == "fp8") return readFp8(config, spec);
  if (method == "compressed-tensors") return readCompressedTensors(config, spec);
  return config.wrong("quant_method", kReadable);
}

Status attachScales(const DecoderSpec& spec, Checkpoint& checkpoint, std::vector<std::string>& notes) {
  std::vector<std::string> matrices, others;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (tensor.type == ElementType::f8) matrices.push_back(name);
    for (const char* ending : {".input_scale", ".k_scale", ".v_scale"})
      if (name.ends_with(ending)) others.push_back(name);
  }
  if (matrices.empty()) return {};
  for (const std::string& name : matrices) INGOT_TRY(attach(spec, name, checkpoint));
  for (const std::string& name : others) checkpoint.drop(name);
  if (!others.empty())
    notes.push_back(fmt::format("{} fixed scales of activations and cache, as {}, are not used: rows are scaled by what is in them", others.size(),
                                others.front()));
  return {};
}

}  // namespace ingot
