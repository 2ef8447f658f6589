// What generate and chat print on stdout: answers, as they grow or at the end. And token ids, as text.
#pragma once

#include "runtime/engine/engine.h"

namespace ingot::cli {

// Prints what is new of a text.
void printDelta(const RequestOutput& delta);

// Runs a batch through `run` and prints its outputs: as JSON lines; one text alone as it grows; else one after the other, as ids
// where the model has no texts.
Status runAndPrint(size_t prompts, bool json, const SamplingParams& params, bool hasText,
                   const std::function<Result<std::vector<RequestOutput>>(const StreamCallback&)>& run);

// Ids with spaces or commas between them. The error names `where`.
Result<std::vector<int32_t>> parseIds(const std::string& text, const std::string& where);

}  // namespace ingot::cli
