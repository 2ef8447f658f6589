// Header of an emulated kernel's scratch. All zeros or any other contents are valid.
#pragma once

namespace simt {

// Programmatic dependent launch: on a GPU a launch may start while earlier ones run, and waits for them in awaitLaunches(). A host that emulates
// this sets `early` to kEarly; finish(context) is then called once, when no thread of the first block can proceed without the earlier launches.
struct Front {
  unsigned long long blocks;  // number run so far, which seeds the order of threads
  unsigned long long early;
  void (*finish)(void*);
  void* context;
};
constexpr unsigned long long kEarly = 0xea51'0000'1a0c'e000, kFrontBytes = 64;

}  // namespace simt
