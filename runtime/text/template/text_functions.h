// What Python's str methods do, over UTF-8. Positions are bytes. Shared by methods and filters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ingot::text {

enum Side { kLeft = 1, kRight = 2, kBoth = 3 };
// Without white space at the ends.
std::string_view stripSpaces(std::string_view text, int sides);
// Without characters of `set` at the ends.
std::string_view stripCharacters(std::string_view text, std::string_view set, int sides);

// Negative `limit`: no limit. `separator` is not empty.
std::vector<std::string_view> splitAt(std::string_view text, std::string_view separator, int64_t limit, bool fromRight);
std::vector<std::string_view> splitSpaces(std::string_view text, int64_t limit, bool fromRight);
std::vector<std::string_view> splitLines(std::string_view text, bool keepEnds);

// Stops growing past `maximum` bytes (the caller checks the size). Negative `limit`: all.
std::string replaceAll(std::string_view text, std::string_view old, std::string_view with, int64_t limit, uint64_t maximum);

std::string capitalize(std::string_view text);
std::string titleCase(std::string_view text);
std::string swapCase(std::string_view text);
std::string expandTabs(std::string_view text, int64_t size, uint64_t maximum);

// isalpha(), ...: all characters have one of `classes`, and there is one.
bool allOfClass(std::string_view text, unsigned classes);
bool isLower(std::string_view text);
bool isUpper(std::string_view text);
bool isTitle(std::string_view text);

}  // namespace ingot::text
