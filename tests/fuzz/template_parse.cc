// Templates from outside: compiling ends in a program or an error with its place.
#include <cstdint>
#include <cstdlib>

#include "runtime/text/template/chat_prompt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ingot::text;
  auto compiled = Template::compile({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (compiled.ok()) (void)compiled->contentFormat();
  else if (compiled.status().message().rfind("fuzz:", 0) != 0) std::abort();
  return 0;
}
