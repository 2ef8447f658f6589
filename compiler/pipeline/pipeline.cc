#include "compiler/pipeline/pipeline.h"

#include <set>

#include "compiler/calibrate/calibrate.h"
#include "compiler/codegen/targets.h"
#include "compiler/emit/emit.h"
#include "compiler/emit/output_file.h"
#include "compiler/import/build_graph.h"
#include "compiler/import/source.h"
#include "compiler/lower/lower.h"
#include "compiler/pack/kept_storage.h"
#include "compiler/pack/pack.h"
#include "compiler/passes/passes.h"
#include "compiler/pipeline/generation_config.h"
#include "compiler/pipeline/storages.h"
#include "compiler/support/parallel.h"
#include "compiler/text/read_text.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;

Status writeText(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  llvm::raw_fd_ostream out(path.string(), error);
  if (!error) out << text;
  return error ? Status::io("{}: cannot be written: {}", path.string(), error.message()) : Status();
}

class Compilation {
 public:
  explicit Compilation(const CompileOptions& options) : options_(options) { context_.disableMultithreading(); }

  Status run() {
    INGOT_TRY(validate(options_));
    INGOT_TRY(parseTargets());
    if (options_.to == Phase::emit) INGOT_TRY(OutputFile::create(options_.output, 0).status());  // before minutes of work, not after them
    using Step = Status (Compilation::*)();
    constexpr std::pair<Phase, Step> kPhases[] = {{Phase::import, &Compilation::import},
                                                  {Phase::passes, &Compilation::transform},
                                                  {Phase::lower, &Compilation::lower},
                                                  {Phase::codegen, &Compilation::generate},
                                                  {Phase::emit, &Compilation::emit}};
    for (auto [phase, step] : kPhases) {
      if (options_.cancelled && *options_.cancelled) return Status::cancelled("interrupted");
      if (options_.progress) options_.progress(phaseName(phase), 0, 0);
      INGOT_TRY((this->*step)());
      if (!options_.dump_phases.empty() && phase <= Phase::lower) INGOT_TRY(dump(phase));
      if (phase == options_.to) break;
    }
    return {};
  }

 private:
  Status parseTargets() {
    for (const std::string& name : options_.targets.empty() ? std::vector<std::string>{"cpu:native"} : options_.targets) {
      INGOT_ASSIGN(std::vector<Target> parsed, parseTarget(name, options_.code));
      for (Target& target : parsed) {
        for (const Target& other : targets_)
          if (other.name == target.name) return Status::invalidArgument("--target={}: is {} too, which stands there already", name, target.name);
        targets_.push_back(std::move(target));
      }
    }
    return {};
  }

  Status import() {
    INGOT_ASSIGN(source_, openSource(options_.checkpoint, options_.hub_cache, options_.random_weights.has_value()));
    for (const std::string& message : source_.notes) note(message);
    DecoderSpec& spec = source_.spec;
    if (options_.max_model_len > spec.maxPositions)
      return Status::invalidArgument("--max-model-len={}: {} allows {}", options_.max_model_len, source_.where, spec.maxPositions);
    if (options_.max_model_len) spec.maxPositions = options_.max_model_len;
    INGOT_ASSIGN(generation_, readGenerationConfig(source_));
    INGOT_ASSIGN(text_, readText(source_, options_.chat_template, [this](const std::string& message) { note(message); }));
    module_ = buildGraph(spec, context_);
    storages_ = chooseStorages(options_, spec.dtype);
    if (options_.random_weights) return {};
    INGOT_TRY(bindCheckpoint(*module_, spec, source_.checkpoint));
    if (storages_.keepBlocks) keepStorage(*module_, source_.checkpoint, [this](const std::string& message) { note(message); });
    if (options_.calibrate) INGOT_TRY(measure());
    return options_.quantize == "int4" ? chooseMinima(*module_, source_, importance_, storages_) : Status();
  }

  Status measure() {
    if (text_.tokenizer.empty()) return Status::invalidArgument("--calibrate: {} has no tokenizer to read the calibration text with", source_.where);
    CalibrateOptions calibration{.maxPositions = source_.spec.maxPositions, .jobs = options_.jobs, .cancelled = options_.cancelled};
    if (options_.progress) calibration.progress = [this](uint64_t done, uint64_t all) { options_.progress("calibrate", done, all); };
    INGOT_ASSIGN(importance_, calibrate(*module_, source_.checkpoint, text_.tokenizer, calibration));
    return {};
  }

  Status transform() {
    mlir::PassManager passes(&context_);
    std::string messages;
    mlir::ScopedDiagnosticHandler handler(&context_, [&](mlir::Diagnostic& diagnostic) {
      if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark) note(diagnostic.str());
      else messages += diagnostic.str() + "; ";
      return mlir::success();
    });
    addLlmPasses(passes, storages_.linear, storages_.head);
    if (mlir::failed(passes.run(*module_))) return Status::internal("passes: {}", messages);
    return {};
  }

  Status lower() {
    cacheType_ = cacheType();
    INGOT_ASSIGN(program_, lowerToExec(*module_, "cpu", {.cacheType = cacheType_}));
    if (mlir::failed(mlir::verify(*module_))) return Status::internal("lower: the exec program is not valid");
    return {};
  }

  // f32 for weights of f32, else f16, unless the user says another.
  std::string cacheType() const {
    if (std::string_view asked = *parseCacheType(options_.kv_cache_dtype); !asked.empty()) return std::string(asked);
    bool isPlain = options_.dtype == "auto" && options_.quantize == "none" && source_.spec.dtype == DType::f32 && !source_.gguf.is_object();
    return isPlain || (storages_.linear == "f32" && !storages_.keepBlocks) ? "f32" : "f16";
  }

  Status generate() {
    std::set<std::string> alone;
    for (auto step : program_.getOps<exec::StepOp>())
      if (step.getBatches() != exec::Batches::several && step.getBatches() != exec::Batches::together) alone.insert(step.getKernel().str());
    for (auto kernel : program_.getOps<exec::KernelOp>()) {
      INGOT_ASSIGN(KernelUnit unit, generateUnit(kernel));
      unit.alone = alone.contains(kernel.getSymName().str());
      units_.push_back(std::move(unit));
    }
    if (!options_.keep_kernels.empty()) INGOT_TRY(keepSources());
    for (const Target& target : targets_) {
      if (options_.cancelled && *options_.cancelled) return Status::cancelled("interrupted");
      auto variant = target.generate(unitsOf(target), options_.jobs);
      if (!variant.ok()) return variant.status().at(target.name);
      if (!options_.keep_kernels.empty()) INGOT_TRY(keepSources(target, variant->extra));
      variants_.push_back(std::move(variant).value());
    }
    return {};
  }

  std::vector<KernelUnit> unitsOf(const Target& target) const {
    std::vector<KernelUnit> units;
    std::copy_if(units_.begin(), units_.end(), std::back_inserter(units), [&](const KernelUnit& unit) { return target.isGpu || !unit.gpuOnly; });
    return units;
  }

  // The source of every kernel, once for the targets that share it.
  Status keepSources() {
    for (const Target& target : targets_)
      for (const KernelUnit& unit : unitsOf(target)) INGOT_TRY(keepSource(target, unit.symbol, target.source(unit).source));
    return {};
  }
  Status keepSources(const Target& target, const ExtraKernels& extra) {
    for (const LargerKernel& larger : extra.larger) INGOT_TRY(keepSource(target, larger.unit.symbol, target.source(larger.unit).source));
    return extra.persistent ? keepSource(target, extra.persistent->unit.symbol, extra.persistent->source) : Status();
  }
  Status keepSource(const Target& target, const std::string& symbol, const std::string& source) {
    return writeText(options_.keep_kernels / (symbol + target.sourceEnding), source);
  }

  Status emit() {
    std::vector<InputFile> inputs;
    if (!options_.random_weights) INGOT_TRY(hashInputs(inputs));
    Contents contents{.spec = source_.spec,
                      .module = *module_,
                      .program = program_,
                      .cacheType = cacheType_,
                      .checkpoint = options_.random_weights ? nullptr : &source_.checkpoint,
                      .importance = std::move(importance_),
                      .seed = options_.random_weights.value_or(0),
                      .filled = options_.random_weights && std::all_of(targets_.begin(), targets_.end(), [](const Target& t) { return t.isGpu; }),
                      .units = std::move(units_),
                      .variants = std::move(variants_),
                      .generation = std::move(generation_),
                      .text = std::move(text_),
                      .flags = flags(),
                      .inputs = std::move(inputs)};
    EmitOptions emitOptions{.jobs = options_.jobs, .cancelled = options_.cancelled};
    if (options_.progress) emitOptions.progress = [this](uint64_t done, uint64_t all) { options_.progress("emit", done, all); };
    return emitArtifact(contents, options_.output, emitOptions);
  }

  // Only what changes the file's bytes.
  std::string flags() const {
    std::vector<std::string> names;
    for (const Target& target : targets_) names.push_back(target.name);
    return fmt::format("--target={} --dtype={} --quantize={}{}{} --kv-cache-dtype={} --max-model-len={}{}", fmt::join(names, ","), options_.dtype,
                       options_.quantize, options_.group_size ? fmt::format(" --group-size={}", options_.group_size) : "",
                       options_.calibrate ? " --calibrate" : "", options_.kv_cache_dtype, source_.spec.maxPositions,
                       options_.random_weights ? fmt::format(" --random-weights={}", *options_.random_weights) : "");
  }

  Status hashInputs(std::vector<InputFile>& inputs) {
    std::vector<fs::path> paths;
    for (const auto& file : source_.checkpoint.files()) paths.push_back(file->path());
    for (const char* name : {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"})
      if (std::error_code ignored; !source_.folder.empty() && fs::exists(source_.folder / name, ignored)) paths.push_back(source_.folder / name);
    if (!options_.chat_template.empty()) paths.push_back(options_.chat_template);
    inputs.resize(paths.size());
    return parallelFor(paths.size(), options_.jobs, [&](size_t i) -> Status {
      INGOT_ASSIGN(File file, File::open(paths[i]));
      Sha256Stream hash;
      std::vector<std::byte> piece(1 << 20);
      for (uint64_t at = 0; at < file.size(); at += piece.size()) {
        if (options_.cancelled && *options_.cancelled) return Status::cancelled("interrupted");
        std::span<std::byte> part(piece.data(), std::min<uint64_t>(piece.size(), file.size() - at));
        INGOT_TRY(file.read(at, part));
        hash.add(part);
      }
      inputs[i] = {paths[i].filename().string(), file.size(), hash.finish()};
      return {};
    });
  }

  Status dump(Phase phase) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module_->print(stream);
    return writeText(options_.dump_phases / fmt::format("{}-{}.mlir", static_cast<int>(phase), phaseName(phase)), text);
  }

  void note(const std::string& message) const {
    if (options_.note) options_.note(message);
  }

  const CompileOptions& options_;
  mlir::MLIRContext context_;
  std::vector<Target> targets_;
  CheckpointSource source_;
  GenerationConfig generation_;
  TextContents text_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  Storages storages_;
  Importance importance_;
  std::string cacheType_;
  exec::ProgramOp program_;
  std::vector<KernelUnit> units_;
  std::vector<VariantCode> variants_;
};

}  // namespace

Status compileModel(const CompileOptions& options) { return Compilation(options).run(); }

}  // namespace ingot
