// A pickle as data: the opcodes that a state dict needs, and nothing that could run. Spec: CPython's Lib/pickletools.py.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace ingot {

// A value of the pickle. Calls stay unexecuted: `call` holds the function's name and its arguments.
struct PickleValue {
  enum class Kind { none, boolean, integer, real, text, tuple, list, dict, global, persistent, call };
  Kind kind = Kind::none;
  int64_t integer = 0;
  double real = 0;
  std::string text;                 // of text; "module name" of global and call
  std::vector<PickleValue*> items;  // members; dict: key, value, key ...; persistent and call: arguments
};

// The values of one pickle; they may refer to each other in circles.
struct Pickle {
  std::deque<PickleValue> values;
  PickleValue* root = nullptr;
};

// Refuses every opcode and every global that a state dict does not need, by name. Time and memory are linear in the input.
Result<Pickle> readPickle(std::span<const std::byte> bytes);

}  // namespace ingot
