// Finds the entries of a zip file whose bytes lie in it as they are (no compression), as torch.save writes them.
#pragma once

#include <map>

#include "compiler/support/file.h"

namespace ingot {

struct ZipEntry {
  uint64_t offset = 0, bytes = 0;  // of the data, in the file
};

// Name -> place (PKWARE APPNOTE 6.3, with zip64). Refuses compressed or encrypted entries and ranges outside the file.
Result<std::map<std::string, ZipEntry>> readZip(const File& file);

}  // namespace ingot
