// The parts of an Engine. Private to runtime/engine.
#pragma once

#include <mutex>

#include "runtime/engine/chat.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/requests.h"
#include "runtime/exec/program.h"
#include "runtime/format/artifact.h"

namespace ingot {

struct Engine::Parts {
  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Program> program;
  std::unique_ptr<Batch> batch;
  std::unique_ptr<Scheduler> scheduler;
  std::optional<text::Tokenizer> tokenizer;
  ChatRenderer chat;
  RequestContext context;
  EngineStats stats;
  int stepsAtOnce = 1;  // steps in flight, at most
  int64_t nextSequence = 0;
  std::mutex mutex;  // serialises generate()
  std::atomic<bool> cancelled{false};
};

}  // namespace ingot
