// strftime in the C locale, as Python's datetime.strftime gives it.
#pragma once

#include <ctime>
#include <functional>
#include <string>
#include <string_view>

namespace ingot::text {

// Appends; false when the result is unreasonably long. An empty clock is local time now.
bool formatTime(std::string_view format, const std::function<std::tm()>& clock, std::string& out);

}  // namespace ingot::text
