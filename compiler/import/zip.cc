#include "compiler/import/zip.h"

#include "runtime/base/byte_reader.h"
#include "runtime/base/checked.h"

namespace ingot {
namespace {

constexpr uint32_t kEndSignature = 0x06054b50, kEnd64Signature = 0x06064b50, kLocator64Signature = 0x07064b50;
constexpr uint32_t kEntrySignature = 0x02014b50, kLocalSignature = 0x04034b50;
constexpr uint64_t kEndBytes = 22, kLocator64Bytes = 20, kMaxDirectoryBytes = 256u << 20;

template <class T>
T at(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

struct Directory {
  uint64_t offset = 0, bytes = 0, entries = 0;
};

Result<Directory> findDirectory(const File& file) {
  if (file.size() < kEndBytes) return Status::invalidInput("is too short for a zip file");
  std::vector<std::byte> tail(std::min<uint64_t>(file.size(), kEndBytes + kLocator64Bytes + 65535));
  INGOT_TRY(file.read(file.size() - tail.size(), tail));
  for (size_t i = tail.size() - kEndBytes + 1; i-- > 0;) {
    if (at<uint32_t>(tail, i) != kEndSignature) continue;
    Directory found{at<uint32_t>(tail, i + 16), at<uint32_t>(tail, i + 12), at<uint16_t>(tail, i + 10)};
    if (i < kLocator64Bytes || at<uint32_t>(tail, i - kLocator64Bytes) != kLocator64Signature) return found;
    std::byte end[56];
    INGOT_TRY(file.read(at<uint64_t>(tail, i - kLocator64Bytes + 8), end));
    if (at<uint32_t>(end, 0) != kEnd64Signature) return Status::invalidInput("zip64 end record is missing");
    return Directory{at<uint64_t>(end, 48), at<uint64_t>(end, 40), at<uint64_t>(end, 32)};
  }
  return Status::invalidInput("is no zip file: an end record is missing");
}

// The zip64 extra field replaces those of size and offset that are all ones.
Status applyZip64(std::span<const std::byte> extra, uint64_t& bytes, uint64_t& stored, uint64_t& offset) {
  ByteReader in(extra);
  while (in.remaining() >= 4) {
    INGOT_ASSIGN(uint16_t id, in.read<uint16_t>());
    INGOT_ASSIGN(uint16_t size, in.read<uint16_t>());
    INGOT_ASSIGN(auto field, in.take(size));
    if (id != 1) continue;
    ByteReader values(field);
    for (uint64_t* value : {&bytes, &stored, &offset}) {
      if (*value != UINT32_MAX) continue;
      INGOT_ASSIGN(*value, values.read<uint64_t>());
    }
  }
  return {};
}

// The data begins behind the local header, whose extra field has a length of its own.
Result<uint64_t> dataOffset(const File& file, uint64_t header) {
  std::byte local[30];
  INGOT_TRY(file.read(header, local));
  if (at<uint32_t>(local, 0) != kLocalSignature) return Status::invalidInput("no local header at byte {}", header);
  return header + 30 + at<uint16_t>(local, 26) + at<uint16_t>(local, 28);
}

}  // namespace

Result<std::map<std::string, ZipEntry>> readZip(const File& file) {
  INGOT_ASSIGN(Directory directory, findDirectory(file));
  if (directory.bytes > kMaxDirectoryBytes)
    return Status::invalidInput("zip directory of {} bytes, at most {} are read", directory.bytes, kMaxDirectoryBytes);
  std::vector<std::byte> bytes(directory.bytes);
  INGOT_TRY(file.read(directory.offset, bytes));
  ByteReader in(bytes);
  std::map<std::string, ZipEntry> entries;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    INGOT_ASSIGN(auto head, in.take(46));
    if (at<uint32_t>(head, 0) != kEntrySignature) return Status::invalidInput("zip entry {} is damaged", i);
    INGOT_ASSIGN(std::string_view name, in.takeText(at<uint16_t>(head, 28)));
    INGOT_ASSIGN(auto extra, in.take(at<uint16_t>(head, 30)));
    INGOT_ASSIGN(auto comment, in.take(at<uint16_t>(head, 32)));
    (void)comment;
    uint64_t stored = at<uint32_t>(head, 20), size = at<uint32_t>(head, 24), offset = at<uint32_t>(head, 42);
    INGOT_TRY(applyZip64(extra, size, stored, offset));
    if (at<uint16_t>(head, 10) != 0 || (at<uint16_t>(head, 8) & 1) || stored != size)
      return Status::unsupported("zip entry {}: is compressed or encrypted; torch.save writes neither", name);
    ZipEntry entry{.bytes = size};
    INGOT_ASSIGN(entry.offset, dataOffset(file, offset));
    auto end = checkedAdd(entry.offset, size);
    if (!end || *end > file.size()) return Status::invalidInput("zip entry {}: {} bytes at {}, file has {}", name, size, entry.offset, file.size());
    if (!entries.emplace(name, entry).second) return Status::invalidInput("zip entry {} stands twice", name);
  }
  return entries;
}

}  // namespace ingot
