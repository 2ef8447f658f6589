// The escapes of string literals, as Python reads them.
#pragma once

#include <string>
#include <string_view>

namespace ingot::text {

// Appends what the inside of a literal stands for. False with `error` in Python's words. Python makes characters outside ASCII
// escapes first, so a backslash before one stands alone.
bool unescapeLiteral(std::string_view raw, std::string& out, std::string& error);

}  // namespace ingot::text
