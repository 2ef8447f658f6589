// config.json: JSON with its limits, then the allow-list and the families.
#include "compiler/import/config.h"
#include "compiler/support/file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto json = ingot::parseJson({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (json.ok()) (void)ingot::readConfig(*json, "fuzz");
  return 0;
}
