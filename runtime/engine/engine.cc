#include "runtime/engine/engine.h"

#include <algorithm>

#include "runtime/device/cpu/topology.h"
#include "runtime/engine/parts.h"
#include "runtime/engine/sizes.h"

namespace ingot {
namespace {

constexpr int32_t kEditsOfSequence = 1024;  // average room for edits of logits on GPUs; beyond, logits are copied to the host

GenerationDefaults readDefaults(const plan::Generation& g) {
  GenerationDefaults defaults;
  if (g.eos_token_ids()) defaults.eos_token_ids.assign(g.eos_token_ids()->begin(), g.eos_token_ids()->end());
  if (g.temperature() >= 0) defaults.temperature = g.temperature();
  if (g.top_p() > 0) defaults.top_p = g.top_p();
  if (g.min_p() >= 0) defaults.min_p = g.min_p();
  if (g.repetition_penalty() > 0) defaults.repetition_penalty = g.repetition_penalty();
  if (g.top_k() >= -1) defaults.top_k = g.top_k();
  if (g.max_new_tokens() > 0) defaults.max_new_tokens = g.max_new_tokens();
  return defaults;
}

}  // namespace

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(const std::string& path, const EngineOptions& options) {
  auto parts = std::make_unique<Parts>();
  INGOT_ASSIGN(parts->artifact, Artifact::open(path));
  const plan::Plan& plan = parts->artifact->plan();
  INGOT_ASSIGN(Choice choice, chooseVariant(*parts->artifact, {options.device, options.cuda_library, options.device_timeout}));
  const plan::Variant* variant = choice.variant;
  INGOT_ASSIGN(Sizes sizes, chooseSizes(options, plan, choice));

  int32_t maxLen = static_cast<int32_t>(plan.model()->max_len()), pageTokens = static_cast<int32_t>(plan.model()->page_tokens());
  BatchLimits batch{.tokens = sizes.batchedTokens,
                    .sequences = sizes.sequences,
                    .rows = std::max(sizes.sequences, 64),
                    .pagesPerSequence = (maxLen + pageTokens - 1) / pageTokens,
                    .queryBlock = static_cast<int32_t>(plan.model()->query_block()),
                    .edits = variant->chosen_slot() >= 0 ? sizes.sequences * kEditsOfSequence : 0};
  int threads = options.threads ? options.threads : usableCores();
  INGOT_ASSIGN(parts->program, Program::load(*parts->artifact, choice, batch, sizes.cache, threads));
  if (options.wait_for_graphs) parts->program->settle();
  if (options.async_scheduling) parts->stepsAtOnce = parts->program->mostBegun();
  parts->batch = std::make_unique<Batch>(parts->program->limits());
  int32_t pages = parts->program->pages();
  parts->scheduler = std::make_unique<Scheduler>(SchedulerLimits{.pages = pages,
                                                                 .pageTokens = pageTokens,
                                                                 .maxBatchedTokens = batch.tokens,
                                                                 .maxSequences = batch.sequences,
                                                                 .maxRows = batch.rows,
                                                                 .prefixCaching = options.enable_prefix_caching});

  if (plan.text()->tokenizer_segment() >= 0) {
    INGOT_ASSIGN(auto tokenizer, text::Tokenizer::open(parts->artifact->segment(static_cast<uint32_t>(plan.text()->tokenizer_segment()))));
    parts->tokenizer.emplace(std::move(tokenizer));
    parts->context.tokenizer = &*parts->tokenizer;
  }
  INGOT_ASSIGN(parts->chat, ChatRenderer::open(*plan.text()));
  RequestContext& context = parts->context;
  context.defaults = readDefaults(*plan.generation());
  context.vocab = static_cast<int32_t>(plan.model()->vocab());
  context.maxLen = maxLen;
  const auto& eos = context.defaults.eos_token_ids;
  context.primaryEos = eos.empty() ? -1 : eos.front();
  if (parts->tokenizer && plan.text()->eos_token())
    if (auto id = parts->tokenizer->idOf(plan.text()->eos_token()->string_view())) context.primaryEos = *id;
  parts->stats = {.threads = parts->program->threads(),
                  .target = variant->target()->str(),
                  .warning = choice.warning,
                  .kv_pages = pages,
                  .kv_bytes = static_cast<uint64_t>(pages) * cacheBytesPerPage(plan, *variant),
                  .max_len = maxLen};
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

Result<std::vector<int32_t>> Engine::encode(std::string_view text, bool addSpecialTokens) const {
  if (!parts_->tokenizer) return Status::unsupported("this model was compiled without a tokenizer");
  std::vector<int32_t> ids;
  text::EncodeScratch scratch;
  parts_->tokenizer->encode(text, {.add_special_tokens = addSpecialTokens}, scratch, ids);
  return ids;
}

Result<std::string> Engine::decode(const std::vector<int32_t>& ids, bool skipSpecialTokens) const {
  if (!parts_->tokenizer) return Status::unsupported("this model was compiled without a tokenizer");
  return parts_->tokenizer->decode(ids, skipSpecialTokens);
}

SamplingParams Engine::defaultSamplingParams() const {
  const GenerationDefaults& defaults = parts_->context.defaults;
  SamplingParams params;
  params.temperature = defaults.temperature;
  params.top_p = defaults.top_p;
  params.top_k = defaults.top_k;
  params.min_p = defaults.min_p;
  params.repetition_penalty = defaults.repetition_penalty;
  if (defaults.max_new_tokens) params.max_tokens = defaults.max_new_tokens;
  return params;
}

bool Engine::limitsNewTokens() const { return parts_->context.defaults.max_new_tokens.has_value(); }

bool Engine::hasTokenizer() const { return parts_->tokenizer.has_value(); }

EngineStats Engine::stats() const {
  EngineStats stats = parts_->stats;
  stats.preemptions = parts_->scheduler->preemptions();
  if (stats.warning.empty()) stats.warning = parts_->program->warning();
  return stats;
}

}  // namespace ingot
