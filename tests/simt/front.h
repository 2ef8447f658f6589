// What the scratch of an emulated kernel begins with. Nothing in it needs to be set.
#pragma once

namespace simt {

// On a GPU a launch may begin while those in front of it are at work, and waits for them (awaitLaunches). A host whose
// launch is such a one says kEarly: `finish(context)` is called once, where no thread of the first block can go on without the launches in front.
struct Front {
  unsigned long long blocks;  // so far: it seeds the order
  unsigned long long early;
  void (*finish)(void*);
  void* context;
};
constexpr unsigned long long kEarly = 0xea51'0000'1a0c'e000, kFrontBytes = 64;

}  // namespace simt
