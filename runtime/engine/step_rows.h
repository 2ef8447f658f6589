// The use of each row of a step's logits: requests results in the batch, and reads them from the program. Tokens and log-probabilities come from
// the device if it samples; logits are copied to the host only for requests that the device cannot serve.
#pragma once

#include "runtime/engine/requests.h"
#include "runtime/exec/program.h"

namespace ingot {

// Refers to program, batch and context. Thread-compatible.
class StepRows {
 public:
  StepRows(Program& program, Batch& batch, const RequestContext& context);

  // Starts a new batch.
  void clear() { letNextBegin_ = true; }
  // Call after Batch::add() of the chunk: its rows are the last ones added.
  void ask(const ScheduledChunk& chunk, const Request& request, const Output& output);
  // Whether the next step can begin before this one's tokens are known: the device samples all of them.
  bool letNextBegin() const { return letNextBegin_; }
  // After the batch is computed. readPrompt() stores log-probabilities of prompt tokens, if requested. next() is the next token, for chunks that
  // sample; none if the rules leave none.
  void readPrompt(const ScheduledChunk& chunk, Request& request);
  std::optional<int32_t> next(const ScheduledChunk& chunk, Output& output);

 private:
  bool leavesLogits(int logprobs) const { return program_.choosesTokens() && logprobs >= 0 && logprobs <= INGOT_MAX_LOGPROBS; }
  void askNext(const ScheduledChunk& chunk, const Output& output);
  void askPrompt(int32_t row, int32_t nextToken, int logprobs);

  Program& program_;
  Batch& batch_;
  const RequestContext& context_;
  std::vector<bool> isLeft_;  // per row: logits stay on the device
  bool letNextBegin_ = true;
  SamplerScratch scratch_;
};

}  // namespace ingot
