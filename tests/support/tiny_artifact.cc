#include "tests/support/tiny_artifact.h"

#include <cstdio>

#include "compiler/pipeline/pipeline.h"
#include "tests/support/tiny_checkpoint.h"

namespace ingot::test {
namespace {

struct Tiny {
  TemporaryFolder folder;
  std::filesystem::path checkpoint = folder / "tiny", artifact = folder / "tiny.ingot";
  Tiny() { writeCheckpoint(checkpoint, makeTinyLlama()); }
};

const Tiny& tiny() {
  static const Tiny one;
  return one;
}

}  // namespace

CompileOptions tinyOptions(const std::filesystem::path& checkpoint, const std::filesystem::path& output) {
  CompileOptions options;
  options.checkpoint = checkpoint.string();
  options.output = output;
#if defined(__x86_64__)
  options.targets = {"cpu:x86-64-v3"};
#else
  options.targets = {"cpu:aarch64"};
#endif
  options.jobs = 2;
  return options;
}

const std::filesystem::path& tinyCheckpoint() { return tiny().checkpoint; }

const std::filesystem::path& tinyArtifact() {
  static const bool made = [] {
    Status status = compileModel(tinyOptions(tiny().checkpoint, tiny().artifact));
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str()), std::abort();
    return true;
  }();
  (void)made;
  return tiny().artifact;
}

}  // namespace ingot::test
