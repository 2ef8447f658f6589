// ingot inspect: what is in a model.ingot, for people or as JSON.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "runtime/format/artifact.h"
#include "runtime/text/tokenizer/tokenizer.h"
#include "tools/cli/terminal.h"
#include "tools/ingot/commands.h"

namespace ingot::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const flatbuffers::String* string) { return string ? string->str() : std::string(); }

Json modelOf(const plan::Model& m) {
  return {{"family", text(m.family())}, {"parameters", m.parameters()}, {"layers", m.layers()}, {"hidden", m.hidden()},        {"heads", m.heads()},
          {"kv_heads", m.kv_heads()},   {"head_dim", m.head_dim()},     {"vocab", m.vocab()},   {"max_model_len", m.max_len()}};
}

// Bytes and number of weights by format.
Json weightsOf(const plan::Plan& plan) {
  std::map<std::string, std::pair<uint64_t, uint64_t>> sums;
  for (const auto* weight : *plan.weights()) {
    auto& [count, bytes] = sums[text(weight->format())];
    ++count;
    bytes += weight->bytes();
  }
  Json json = Json::object();
  for (const auto& [format, sum] : sums) json[format] = {{"tensors", sum.first}, {"bytes", sum.second}};
  return json;
}

Json stepsOf(const plan::Variant& variant) {
  auto nameOf = [&](uint32_t kernel) { return text(variant.kernels()->Get(kernel)->name()); };
  Json steps = Json::array();
  for (const auto* step : *variant.steps()) {
    steps.push_back({{"kernel", nameOf(step->kernel())},
                     {"tiles", step->tiles()},
                     {"per", plan::EnumNameExtent(step->extent())},
                     {"fused", text(step->label())}});
    if (step->batches() != plan::Batches::any) steps.back()["batches"] = plan::EnumNameBatches(step->batches());
    if (!step->larger()) continue;
    for (const auto* larger : *step->larger())
      steps.back()["larger"].push_back({{"kernel", nameOf(larger->kernel())}, {"from", larger->least_rows()}, {"tiles", larger->tiles()}});
  }
  return steps;
}

Json kernelOf(const plan::Kernel& kernel) {
  if (kernel.threads() == 0) return {{"name", text(kernel.name())}, {"scratch_bytes", kernel.scratch_bytes()}};
  return {{"name", text(kernel.name())},
          {"code_bytes", kernel.code_bytes()},
          {"threads", kernel.threads()},
          {"registers", kernel.registers()},
          {"shared_bytes", kernel.shared_bytes() + kernel.dynamic_bytes()},
          {"spill_bytes", kernel.spill_bytes()}};
}

Json persistentOf(const plan::Variant& variant) {
  const auto* persistent = variant.persistent();
  if (!persistent) return nullptr;
  return {{"steps", persistent->steps()}};
}

Json variantOf(const plan::Plan& plan, const plan::Variant& variant) {
  Json features = Json::array(), kernels = Json::array();
  for (const auto* feature : *variant.features()) features.push_back(feature->str());
  for (const auto* kernel : *variant.kernels()) kernels.push_back(kernelOf(*kernel));
  uint64_t slotBytes = 0;
  for (const auto* slot : *variant.slots()) slotBytes += slot->row_bytes();
  return {{"target", text(variant.target())},
          {"features", features},
          {"code_bytes", plan.segments()->Get(variant.code_segment())->bytes()},
          {"kernels", kernels},
          {"buffers", variant.slots()->size()},
          {"buffer_bytes_per_token", slotBytes},
          {"kv_cache_type", plan::EnumNameCacheType(variant.cache_type())},
          {"kv_bytes_per_token", plan.model()->layers() * (variant.key_page_bytes() + variant.value_page_bytes()) / plan.model()->page_tokens()},
          {"steps", stepsOf(variant)},
          {"persistent", persistentOf(variant)}};
}

Json textOf(const Artifact& artifact) {
  const plan::Text& t = *artifact.plan().text();
  Json templates = Json::array(), special = Json::object(), tokenizer;
  for (const auto* one : *t.chat_templates()) templates.push_back(text(one->name()));
  for (flatbuffers::uoffset_t i = 0; t.special_tokens() && i + 1 < t.special_tokens()->size(); i += 2)
    special[t.special_tokens()->Get(i)->str()] = t.special_tokens()->Get(i + 1)->str();
  if (t.tokenizer_segment() >= 0) {
    auto bytes = artifact.segment(static_cast<uint32_t>(t.tokenizer_segment()));
    auto opened = text::Tokenizer::open(bytes);
    tokenizer = {{"bytes", bytes.size()}, {"tokens", opened.ok() ? opened->vocabSize() : 0}};
  }
  return {{"tokenizer", tokenizer}, {"chat_templates", templates}, {"special_tokens", special}};
}

Json generationOf(const plan::Generation& g) {
  Json eos = Json::array(), json;
  for (int32_t id : *g.eos_token_ids()) eos.push_back(id);
  json["eos_token_ids"] = eos;
  if (g.temperature() >= 0) json["temperature"] = g.temperature();
  if (g.top_p() > 0) json["top_p"] = g.top_p();
  if (g.top_k() >= -1) json["top_k"] = g.top_k();
  if (g.min_p() >= 0) json["min_p"] = g.min_p();
  if (g.repetition_penalty() > 0) json["repetition_penalty"] = g.repetition_penalty();
  if (g.max_new_tokens() > 0) json["max_new_tokens"] = g.max_new_tokens();
  return json;
}

Json provenanceOf(const plan::Provenance* p) {
  if (!p) return {};
  Json inputs = Json::array();
  for (const auto* input : *p->inputs())
    inputs.push_back(
        {{"name", text(input->name())}, {"bytes", input->bytes()}, {"sha256", toHex({input->sha256()->data(), input->sha256()->size()})}});
  return {{"compiler", text(p->compiler())}, {"flags", text(p->flags())}, {"inputs", inputs}};
}

Json describe(const Artifact& artifact) {
  const plan::Plan& plan = artifact.plan();
  Json variants = Json::array();
  for (const auto* variant : *plan.variants()) variants.push_back(variantOf(plan, *variant));
  return {{"file", artifact.path().string()},
          {"bytes", artifact.bytes().size()},
          {"format", fmt::format("{}.{}", artifact.header().major, artifact.header().minor)},
          {"root_sha256", toHex(artifact.header().root)},
          {"model", modelOf(*plan.model())},
          {"weights", weightsOf(plan)},
          {"variants", variants},
          {"text", textOf(artifact)},
          {"generation", generationOf(*plan.generation())},
          {"provenance", provenanceOf(plan.provenance())}};
}

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void printSteps(const Json& variant) {
  // Equal neighbours of all layers are one line.
  std::map<std::string, int> counts;
  std::vector<std::string> order;
  for (const Json& step : variant["steps"]) {
    std::string fused = step["fused"];
    std::string line = fmt::format("{:<44} {}", plain(step["kernel"]), fused.empty() ? "" : "+ " + fused);
    if (counts[line]++ == 0) order.push_back(line);
  }
  for (const auto& line : order) fmt::print("    {:>4} x {}\n", counts[line], line);
}

// What each kernel takes of a GPU.
void printSizes(const Json& variant) {
  for (const Json& kernel : variant["kernels"])
    if (kernel.contains("registers"))
      fmt::print("    {:<44} {} threads, {} registers, {} bytes shared, {} spilt, {} of code\n", plain(kernel["name"]), plain(kernel["threads"]),
                 plain(kernel["registers"]), plain(kernel["shared_bytes"]), plain(kernel["spill_bytes"]), plain(kernel["code_bytes"]));
}

void print(const Json& json) {
  fmt::print("{}: {:.1f} MB, format {}\n", plain(json["file"]), json["bytes"].get<double>() / 1e6, plain(json["format"]));
  const Json& model = json["model"];
  fmt::print("model      {}, {:.1f} M parameters, {} layers, hidden {}, {} heads of {} ({} KV), vocabulary {}, up to {} tokens\n",
             plain(model["family"]), model["parameters"].get<double>() / 1e6, plain(model["layers"]), plain(model["hidden"]), plain(model["heads"]),
             plain(model["head_dim"]), plain(model["kv_heads"]), plain(model["vocab"]), plain(model["max_model_len"]));
  for (const auto& [format, sum] : json["weights"].items())
    fmt::print("weights    {:<8} {:>4} tensors {:>9.1f} MB\n", format, sum["tensors"].get<int>(), sum["bytes"].get<double>() / 1e6);
  const Json& text = json["text"];
  fmt::print("tokenizer  {}\n", text["tokenizer"].is_null() ? "none"
                                                            : fmt::format("{} tokens, {:.1f} MB", plain(text["tokenizer"]["tokens"]),
                                                                          text["tokenizer"]["bytes"].get<double>() / 1e6));
  fmt::print("templates  {}\n", text["chat_templates"].empty() ? "none" : plain(text["chat_templates"]));
  fmt::print("generation {}\n", plain(json["generation"]));
  for (const Json& variant : json["variants"]) {
    fmt::print("variant    {}: {} kernels, {:.1f} KB of code, {} steps, KV {} with {} bytes a token\n", plain(variant["target"]),
               variant["kernels"].size(), variant["code_bytes"].get<double>() / 1e3, variant["steps"].size(), plain(variant["kv_cache_type"]),
               plain(variant["kv_bytes_per_token"]));
    printSteps(variant);
    printSizes(variant);
  }
  if (!json["provenance"].is_null()) fmt::print("made by    {} {}\n", plain(json["provenance"]["compiler"]), plain(json["provenance"]["flags"]));
}

}  // namespace

Command inspectCommand(CLI::App& app) {
  struct Flags {
    std::string model;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("inspect", "Show what is in a model file.");
  command->add_option("model", flags->model, "a file that ingotc wrote")->required();
  command->add_flag("--json", flags->json, "everything, as JSON");
  return {command, [flags] {
            auto artifact = Artifact::open(flags->model);
            if (!artifact.ok()) return fail(kTool, artifact.status());
            Json json = describe(**artifact);
            if (flags->json) fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
            else print(json);
            return kDone;
          }};
}

}  // namespace ingot::cli
