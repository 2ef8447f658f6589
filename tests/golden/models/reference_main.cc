// ingot-reference: log probabilities of a checkpoint by the plain-loop interpreter, for compare.py. One JSON line a prompt:
// {"tokens": T, "vocabulary": V, "logprobs": [[V numbers] T times]}.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/support/reference_model.h"

namespace {

using ingot::Result;
using ingot::Status;

struct Arguments {
  std::string checkpoint, after = "passes", quantize = "none", dtype = "float32", cache = "f32";
  std::vector<std::string> prompts;
  bool keep = false, inDouble = false, print = false;
  int64_t chunk = 0, maxModelLen = 0, group = 0;
};

Result<std::vector<int>> parseIds(const std::string& text) {
  std::vector<int> ids;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    int id = 0;
    if (!CLI::detail::lexical_cast(part, id)) return Status::invalidArgument("--ids={}: expected numbers with commas", text);
    ids.push_back(id);
  }
  return ids;
}

// As compiler/pipeline chooses them.
ingot::ReferenceOptions optionsOf(const Arguments& arguments) {
  ingot::ReferenceOptions options{.passes = arguments.after == "passes", .keep = arguments.keep, .maxModelLen = arguments.maxModelLen};
  if (arguments.quantize != "none") {
    auto of = [&](const std::string& code, int64_t usual) { return code + "g" + std::to_string(arguments.group ? arguments.group : usual); };
    options.linear = arguments.quantize == "fp8" ? of("f8", 128) : of(arguments.quantize == "int8" ? "i8" : "i4", 32);
    options.head = of("i8", 32);
  } else {
    options.linear = arguments.dtype == "float32" ? "f32" : arguments.dtype == "float16" ? "f16" : "bf16";
  }
  return options;
}

template <class Real>
Status print(ingot::ReferenceModel& model, const std::vector<int>& ids, const Arguments& arguments) {
  ingot::DType cache = arguments.cache == "f16" ? ingot::DType::f16 : arguments.cache == "bf16" ? ingot::DType::bf16 : ingot::DType::f32;
  INGOT_ASSIGN(std::vector<Real> values, ingot::referenceLogprobs<Real>(model, ids, arguments.chunk, cache));
  size_t vocabulary = values.size() / ids.size();
  std::printf("{\"tokens\": %zu, \"vocabulary\": %zu, \"logprobs\": [", ids.size(), vocabulary);
  for (size_t i = 0; i < values.size(); ++i)
    std::printf("%s%.17g%s", i % vocabulary ? ", " : i ? ", [" : "[", static_cast<double>(values[i]), (i + 1) % vocabulary ? "" : "]");
  std::printf("]}\n");
  return {};
}

Status run(const Arguments& arguments) {
  INGOT_ASSIGN(ingot::ReferenceModel model, ingot::openReferenceModel(arguments.checkpoint, optionsOf(arguments)));
  if (arguments.print) model.module->dump();
  for (const std::string& prompt : arguments.prompts) {
    INGOT_ASSIGN(std::vector<int> ids, parseIds(prompt));
    INGOT_TRY(arguments.inDouble ? print<double>(model, ids, arguments) : print<float>(model, ids, arguments));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Log probabilities of a checkpoint by the plain-loop interpreter");
  app.add_option("checkpoint", arguments.checkpoint, "folder or .gguf file")->required();
  app.add_option("--ids", arguments.prompts, "token ids of a prompt, as 1,2,3; repeatable");
  app.add_option("--after", arguments.after, "which module runs")->check(CLI::IsMember({"import", "passes"}));
  app.add_option("--quantize", arguments.quantize)->check(CLI::IsMember({"none", "int8", "int4", "fp8"}));
  app.add_option("--group-size", arguments.group, "columns that share a scale; 0: ingotc's default");
  app.add_option("--dtype", arguments.dtype, "storage of matrices")->check(CLI::IsMember({"float32", "float16", "bfloat16"}));
  app.add_option("--cache", arguments.cache, "what keys and values are rounded to")->check(CLI::IsMember({"f32", "f16", "bf16"}));
  app.add_option("--chunk", arguments.chunk, "tokens at a time; 0: all");
  app.add_option("--max-model-len", arguments.maxModelLen);
  app.add_flag("--keep", arguments.keep, "GGUF blocks and 8-bit floats stay what they are");
  app.add_flag("--double", arguments.inDouble, "compute in double");
  app.add_flag("--print", arguments.print, "show the module on stderr");
  CLI11_PARSE(app, argc, argv);
  Status status = run(arguments);
  if (!status.ok()) std::fprintf(stderr, "ingot-reference: error: %s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
