// CPU targets: an architecture level plus features, as in cpu:x86-64-v4+vnni+bf16.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace ingot {

struct CpuTarget {
  std::string name;                   // canonical, with "cpu:"
  std::string triple;                 // x86_64-unknown-linux-gnu
  std::string cpu;                    // LLVM's -target-cpu
  std::vector<std::string> features;  // LLVM's names; the runtime checks each on the machine
  bool quick = false;                 // for code whose speed does not matter: the same results, with half of clang's work

  // `text` is the part after "cpu:": x86-64-v3, x86-64-v4, aarch64, each with +features, or native.
  static Result<CpuTarget> parse(std::string_view text);
};

// Every spelling that parse() takes, for messages and --print-targets.
std::vector<std::string> cpuTargetNames();

}  // namespace ingot
