// Runs prompts and decoding steps of a model and times them: what `ingot bench` reports on. Knows no limits of machines.
#pragma once

#include <chrono>

#include "runtime/exec/program.h"
#include "runtime/sample/params.h"

namespace ingot::cli {

using BenchClock = std::chrono::steady_clock;
double secondsSince(BenchClock::time_point start);

struct RoundOptions {
  int promptTokens = 512, outputTokens = 64, batch = 1, threads = 0, rounds = 3;
  int chunk = 512;  // prompt tokens in one step, at most
  bool profile = false;
  SamplerSettings sampling{.temperature = 0};  // of decoding steps, where the device draws
  bool asyncScheduling = true;                 // a step begins while the one before it is at work, where the device allows it
};

// The best round's times.
struct Figures {
  double promptSeconds = 1e9, decodeSeconds = 1e9;    // of one prompt, of one step
  double hostSeconds = 0;                             // of one step of that round: what its thread did beside waiting for a GPU
  double firstTokenSeconds = 0;                       // from `opened` to the logits behind the first prompt
  uint64_t hash = 0;                                  // of the logits
  std::vector<StepProfile> promptSteps, decodeSteps;  // of the last round
};

// Loads the program and runs a round to warm up, then `rounds` more. `opened` is when the opening of the file began.
Result<Figures> runRounds(const Artifact& artifact, const Choice& choice, const RoundOptions& options, BenchClock::time_point opened);

}  // namespace ingot::cli
