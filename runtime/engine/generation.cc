// The step loop: schedule, run, sample, until every request of a call is done. If the device allows it, a step begins while the previous one is
// still in flight, and uses tokens that the device is about to sample there.
#include <array>
#include <unordered_map>

#include "runtime/engine/parts.h"
#include "runtime/engine/step_rows.h"

namespace ingot {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The request and output that a sequence belongs to.
struct Destination {
  Request* request;
  Output* output;
};

// A step in flight, and the use of each of its chunks.
struct BegunStep {
  explicit BegunStep(Engine::Parts& parts) : rows(*parts.program, *parts.batch, parts.context) {}

  StepRows rows;
  std::vector<std::pair<ScheduledChunk, Destination>> chunks;
};

// One generate() call. Lives on the stack of the call.
class Generation {
 public:
  Generation(Engine::Parts& parts, std::vector<std::unique_ptr<Request>>& requests, const StreamCallback& callback)
      : parts_(parts), requests_(requests), callback_(callback), steps_{BegunStep(parts), BegunStep(parts)} {}
  // Removes all sequences and finishes all steps, however the call ends.
  ~Generation() {
    for (auto& [id, to] : destinations_) parts_.scheduler->remove(id);
    for (; numFinished_ < numBegun_; ++numFinished_) (void)parts_.program->finish();
  }
  Generation(const Generation&) = delete;

  Status run() {
    for (auto& request : requests_) INGOT_TRY(addSequences(*request));
    while (!parts_.cancelled.exchange(false)) {
      INGOT_TRY(beginSteps());
      if (numFinished_ == numBegun_) return {};
      INGOT_TRY(finish());
    }
    abortAll();
    return {};
  }

 private:
  Status addSequences(Request& request) {
    auto prompt = std::span(request.output.prompt_token_ids);
    if (request.params.prompt_logprobs) request.output.prompt_logprobs.emplace(prompt.size());
    for (auto& output : request.outputs) {
      auto sequence = std::make_unique<Sequence>();
      sequence->id = parts_.nextSequence++;
      sequence->promptTokens = static_cast<int32_t>(prompt.size());
      int64_t longest = request.params.max_tokens ? sequence->promptTokens + int64_t{*request.params.max_tokens} : parts_.context.maxLen;
      sequence->maxTokens = static_cast<int32_t>(std::min<int64_t>(longest, parts_.context.maxLen));
      sequence->tokens.reserve(static_cast<size_t>(sequence->maxTokens));
      sequence->tokens.assign(prompt.begin(), prompt.end());
      sequence->wantsPromptRows = request.params.prompt_logprobs.has_value() && output->completion.index == 0;
      SequenceId id = sequence->id;
      INGOT_TRY(parts_.scheduler->add(std::move(sequence)).at("request " + request.output.request_id));
      destinations_[id] = {&request, output.get()};
    }
    return {};
  }

  BegunStep& stepAt(int64_t number) { return steps_[static_cast<size_t>(number) % steps_.size()]; }

  bool mayBegin() {
    int64_t atWork = numBegun_ - numFinished_;
    return atWork == 0 || (atWork < parts_.stepsAtOnce && stepAt(numBegun_ - 1).rows.letNextBegin());
  }

  Status beginSteps() {
    while (mayBegin()) {
      const BatchPlan& plan = parts_.scheduler->next();
      if (plan.chunks.empty()) break;
      INGOT_TRY(begin(plan));
    }
    return {};
  }

  Status begin(const BatchPlan& plan) {
    BegunStep& step = stepAt(numBegun_);
    step.chunks.clear();
    step.rows.clear();
    parts_.batch->clear();
    for (const ScheduledChunk& chunk : plan.chunks) addChunk(chunk, step);
    INGOT_TRY(parts_.program->begin(*parts_.batch));
    ++numBegun_;
    parts_.scheduler->commit();
    for (const ScheduledChunk& chunk : plan.chunks)
      if (chunk.samples) chunk.sequence->tokens.push_back(~chunk.lastRow());  // IngotBatch's encoding of a token that is not sampled yet
    return {};
  }

  void addChunk(const ScheduledChunk& chunk, BegunStep& step) {
    const Sequence& sequence = *chunk.sequence;
    pageIds_.clear();
    for (const PageHandle& page : sequence.pages) pageIds_.push_back(static_cast<int32_t>(page.id()));
    auto tokens = std::span(sequence.tokens).subspan(static_cast<size_t>(chunk.first), static_cast<size_t>(chunk.count));
    parts_.batch->add(tokens, chunk.first, chunk.rows, pageIds_);
    Destination to = destinations_.at(sequence.id);
    step.rows.ask(chunk, *to.request, *to.output);
    step.chunks.emplace_back(chunk, to);
  }

  // Drops the chunks of outputs that have ended since the step began: their sequences are gone.
  Status finish() {
    INGOT_TRY(parts_.program->finish());
    BegunStep& step = stepAt(numFinished_++);
    ++parts_.stats.steps;
    for (auto& [chunk, to] : step.chunks)
      if (!to.output->finished()) finishChunk(chunk, to, step.rows);
    return {};
  }

  void finishChunk(const ScheduledChunk& chunk, Destination to, StepRows& rows) {
    Request& request = *to.request;
    rows.readPrompt(chunk, request);
    if (!chunk.samples) return;
    if (auto token = rows.next(chunk, *to.output)) chunk.sequence->tokens[static_cast<size_t>(chunk.first + chunk.count)] = *token;
    if (request.firstTokenSeconds == 0) {
      request.firstTokenSeconds = secondsSince(request.arrived);
      request.output.num_cached_tokens = chunk.sequence->cachedTokens;
    }
    bool finished = to.output->finished();
    if (finished) {
      parts_.scheduler->remove(chunk.sequence->id);
      --request.unfinished;
    }
    if (request.unfinished == 0) finishRequest(request);
    if (callback_) stream(request, *to.output);
  }

  void finishRequest(Request& request) {
    request.output.finished = true;
    double total = secondsSince(request.arrived);
    size_t most = 0;
    for (const auto& output : request.outputs) most = std::max(most, output->completion.token_ids.size());
    request.output.metrics.time_to_first_token_s = request.firstTokenSeconds;
    request.output.metrics.time_per_output_token_s = most > 1 ? (total - request.firstTokenSeconds) / static_cast<double>(most - 1) : 0;
  }

  void stream(const Request& request, Output& output) {
    RequestOutput delta = request.output;
    delta.outputs.push_back(output.takeDelta());
    callback_(delta);
  }

  void abortAll() {
    for (auto& [id, to] : destinations_) {
      if (to.output->finished()) continue;
      parts_.scheduler->remove(id);
      to.output->abort();
      if (--to.request->unfinished == 0) finishRequest(*to.request);
      if (callback_) stream(*to.request, *to.output);
    }
  }

  Engine::Parts& parts_;
  std::vector<std::unique_ptr<Request>>& requests_;
  const StreamCallback& callback_;
  std::unordered_map<SequenceId, Destination> destinations_;
  std::vector<int32_t> pageIds_;
  std::array<BegunStep, 2> steps_;  // step i at i % 2
  int64_t numBegun_ = 0, numFinished_ = 0;
};

}  // namespace

Result<std::vector<RequestOutput>> Engine::generate(const std::vector<Prompt>& prompts, const std::vector<SamplingParams>& params,
                                                    const StreamCallback& callback) {
  if (params.size() != 1 && params.size() != prompts.size())
    return Status::invalidArgument("{} SamplingParams for {} prompts, expected one for all or one each", params.size(), prompts.size());
  std::lock_guard lock(parts_->mutex);
  std::vector<std::unique_ptr<Request>> requests;
  for (size_t i = 0; i < prompts.size(); ++i) {
    auto request = makeRequest(parts_->context, prompts[i], params[params.size() == 1 ? 0 : i], static_cast<int>(i));
    if (!request.ok()) return prompts.size() == 1 ? request.status() : request.status().at(fmt::format("prompt {}", i));
    requests.push_back(std::move(request).value());
  }
  parts_->cancelled = false;
  INGOT_TRY(Generation(*parts_, requests, callback).run());
  std::vector<RequestOutput> results;
  for (auto& request : requests) {
    for (auto& output : request->outputs) request->output.outputs.push_back(std::move(output->completion));
    results.push_back(std::move(request->output));
  }
  return results;
}

void Engine::cancel() { parts_->cancelled = true; }

}  // namespace ingot
