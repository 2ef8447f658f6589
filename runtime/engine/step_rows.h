// What the rows of a step's logits are for: says so to the batch, and takes the answers from the program, which has them of the device
// where that draws; logits come to the host for what it cannot do.
#pragma once

#include "runtime/engine/requests.h"
#include "runtime/exec/program.h"

namespace ingot {

// Refers to program, batch and context. Thread-compatible.
class StepRows {
 public:
  StepRows(Program& program, Batch& batch, const RequestContext& context);

  // For the chunks of another batch.
  void clear() { letNextBegin_ = true; }
  // Behind Batch::add() of the chunk: its rows are the last that were added.
  void ask(const ScheduledChunk& chunk, const Request& request, const Output& output);
  // Whether the next step can begin before this one's tokens are known: the device chooses them, and logits stay there.
  bool letNextBegin() const { return letNextBegin_; }
  // Once the batch was computed: log-probabilities of prompt tokens, for chunks of sequences that want them, and the next token, of chunks
  // that sample; none where the rules leave none.
  void readPrompt(const ScheduledChunk& chunk, Request& request);
  std::optional<int32_t> next(const ScheduledChunk& chunk, Output& output);

 private:
  bool leavesLogits(int logprobs) const { return program_.choosesTokens() && logprobs >= 0 && logprobs <= INGOT_MAX_LOGPROBS; }
  void askNext(const ScheduledChunk& chunk, const Output& output);
  void askPrompt(int32_t row, int32_t nextToken, int logprobs);

  Program& program_;
  Batch& batch_;
  const RequestContext& context_;
  std::vector<bool> isLeft_;  // on the device, of each row
  bool letNextBegin_ = true;
  SamplerScratch scratch_;
};

}  // namespace ingot
