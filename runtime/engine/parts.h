// What an Engine is made of. Private to runtime/engine.
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
  int stepsAtOnce = 1;  // that have begun and not finished
  int64_t nextSequence = 0;
  std::mutex mutex;  // one generate() at a time
  std::atomic<bool> cancelled{false};
};

}  // namespace ingot
