// Contents and their offsets -> the FlatBuffer plan.
#pragma once

#include "compiler/emit/contents.h"
#include "runtime/format/plan_generated.h"

namespace ingot {

struct PlacedSegment {
  plan::SegmentKind kind;
  uint64_t offset, bytes;
};
// The recipe for a weight without bytes in the file.
struct WeightFilling {
  plan::FillElement element;
  uint32_t unitBytes, headerBytes;
  uint64_t seed;
};
struct PlacedWeight {
  std::string name, format;
  std::vector<std::string> sources;
  std::vector<int64_t> shape;
  uint64_t offset, bytes;
  std::optional<WeightFilling> filling = std::nullopt;
};

// Segments: the code of every variant in order, then the tokenizer if there is one, then weights.
// The size of the result does not depend on the offsets' values.
Result<std::vector<std::byte>> buildPlan(const Contents& contents, const std::vector<PlacedSegment>& segments,
                                         const std::vector<PlacedWeight>& weights);

}  // namespace ingot
