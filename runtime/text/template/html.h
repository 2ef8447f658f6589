// HTML out of texts: entities to characters, tags away, URLs into links.
#pragma once

#include <string>
#include <string_view>

namespace ingot::text {

// Python's html.unescape.
std::string unescapeHtml(std::string_view text);
// markupsafe's striptags: without tags and comments, white space runs made one space, entities resolved.
std::string stripTags(std::string_view text);

}  // namespace ingot::text
