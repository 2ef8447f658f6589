#include "runtime/engine/step_rows.h"

namespace ingot {
namespace {

// Calls `visit` for each row of the chunk that yields a log-probability of the prompt, with the token it belongs to.
template <class Visit>
void forPromptRows(const ScheduledChunk& chunk, const Request& request, Visit visit) {
  if (!chunk.sequence->wantsPromptRows) return;
  const auto& prompt = request.output.prompt_token_ids;
  for (int32_t i = 0; i < chunk.rows; ++i) {
    auto next = static_cast<size_t>(chunk.first + chunk.count - chunk.rows + i + 1);
    if (next >= prompt.size()) break;
    visit(chunk.firstRow + i, next);
  }
}

}  // namespace

StepRows::StepRows(Program& program, Batch& batch, const RequestContext& context)
    : program_(program), batch_(batch), context_(context), isLeft_(static_cast<size_t>(batch.limits().rows)) {}

void StepRows::ask(const ScheduledChunk& chunk, const Request& request, const Output& output) {
  forPromptRows(chunk, request,
                [&](int32_t row, size_t next) { askPrompt(row, request.output.prompt_token_ids[next], *request.params.prompt_logprobs); });
  if (chunk.samples) askNext(chunk, output);
}

void StepRows::askPrompt(int32_t row, int32_t nextToken, int logprobs) {
  bool isLeft = isLeft_[static_cast<size_t>(row)] = leavesLogits(logprobs);
  if (isLeft) batch_.choose(row, {.top_k = 1, .logprobs = logprobs + 1, .own = nextToken});
  else batch_.readLogits({row, 1});
  letNextBegin_ &= isLeft;
}

void StepRows::askNext(const ScheduledChunk& chunk, const Output& output) {
  int32_t row = chunk.lastRow(), position = chunk.first + chunk.count - chunk.sequence->promptTokens;
  auto& edits = scratch_.edits;
  edits.clear();
  bool isLeft = leavesLogits(output.logprobs().value_or(0)) && output.numAllowed() <= program_.mostAllowed();
  if (isLeft) output.collectEdits(position, edits);
  isLeft_[static_cast<size_t>(row)] = isLeft = isLeft && batch_.hasRoomFor(edits.size());
  if (isLeft) batch_.choose(row, output.sampling(position), edits);
  else batch_.readLogits({row, 1});
  letNextBegin_ &= isLeft;
}

void StepRows::readPrompt(const ScheduledChunk& chunk, Request& request) {
  forPromptRows(chunk, request, [&](int32_t row, size_t next) {
    int32_t token = request.output.prompt_token_ids[next];
    bool isLeft = isLeft_[static_cast<size_t>(row)];
    auto logprobs =
        isLeft ? topLogprobs(program_.logprobs(row), token) : topLogprobs(program_.logits(row), token, *request.params.prompt_logprobs, scratch_);
    (*request.output.prompt_logprobs)[next] = describeLogprobs(context_, logprobs);
  });
}

std::optional<int32_t> StepRows::next(const ScheduledChunk& chunk, Output& output) {
  int32_t row = chunk.lastRow();
  if (!isLeft_[static_cast<size_t>(row)]) return output.sample(program_.logits(row), scratch_);
  return output.takeDrawn(program_.chosen(row), program_.logprobs(row));
}

}  // namespace ingot
