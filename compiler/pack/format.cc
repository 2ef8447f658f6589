#include "compiler/pack/format.h"

#include <charconv>

namespace ingot {

Result<StorageFormat> StorageFormat::parse(std::string_view name) {
  if (name == "plain") return StorageFormat{.plain = true};
  auto at = name.find('g');
  StorageFormat result;
  for (const NamedWeightFormat& known : kWeightFormats) {
    if (known.name != name.substr(0, at)) continue;
    result.format = known.format;
    bool grouped = at != std::string_view::npos;
    if (grouped != isQuantized(known.format)) break;
    if (grouped) std::from_chars(name.data() + at + 1, name.data() + name.size(), result.group);
    if (grouped && result.group != 16 && result.group != 32 && result.group != 64 && result.group != 128) break;
    return result;
  }
  return Status::internal("weight format {} is not known", name);
}

uint64_t StorageFormat::bytes(int64_t rows, int64_t columns) const {
  return static_cast<uint64_t>(plain ? rows * columns * 4 : packedBytes(format, rows, columns, group));
}

}  // namespace ingot
