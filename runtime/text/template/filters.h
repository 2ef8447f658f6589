// Filters, by what they work on. All take bound arguments (missing where a default applies) and fail as Interpreter does.
#pragma once

#include "runtime/text/template/interpreter.h"

namespace ingot::text {

// map, select, reject, selectattr, rejectattr: generators, that do their work when they are walked.
[[nodiscard]] bool lazyFilter(Interpreter& self, FilterName name, const Value& operand, const CallArguments& arguments, Value& out);

// items, batch, slice, unique: generators too.
[[nodiscard]] bool lazyBoundFilter(Interpreter& self, FilterName name, const Value* bound, Value& out);

// Makes of a text what it is compared as when case does not count; leaves the rest.
[[nodiscard]] bool ignoreCase(Interpreter& self, Value& value);

bool isTextFilter(FilterName name);
[[nodiscard]] bool textFilter(Interpreter& self, FilterName name, const Value* bound, Value& out);
[[nodiscard]] bool sequenceFilter(Interpreter& self, FilterName name, const Value* bound, Value& out);

// textwrap.wrap without tab expansion and white space replacement.
std::vector<std::string> wrapText(std::string_view text, int64_t width, bool breakLongWords, bool breakOnHyphens);
// Jinja's urlize of escaped text.
std::string linkUrls(std::string_view escaped, int64_t trimLimit, std::string_view rel, std::string_view target,
                     const std::vector<std::string_view>& schemes);
// pprint.pformat
[[nodiscard]] bool prettyPrint(Interpreter& self, const Value& value, std::string& out);

}  // namespace ingot::text
