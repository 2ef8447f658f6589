// repr() of a value outside of any render, for messages.
#pragma once

#include <string>

#include "runtime/text/template/value.h"

namespace ingot::text {

std::string reprOf(const Value& value);

}  // namespace ingot::text
