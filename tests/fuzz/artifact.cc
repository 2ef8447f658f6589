// model.ingot. The input is a plan: header, hashes and a body of zeros are put around it so that fuzzing gets past the root
// hash. An input that begins as an artifact is opened as it is.
#include "runtime/format/artifact.h"

#include <cstring>

#include "runtime/base/checked.h"
#include "tests/fuzz/memory_file.h"

namespace {

using namespace ingot;

std::string wrap(const uint8_t* plan, size_t size) {
  constexpr uint64_t kBody = 1 << 16;
  FileHeader header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.major = kFormatMajor;
  header.minor = kFormatMinor;
  header.planBytes = static_cast<uint32_t>(size);
  header.bodyOffset = roundUp(sizeof(FileHeader) + size + sizeof(Sha256), kPageBytes);
  header.totalBytes = header.bodyOffset + kBody;
  std::string file(header.totalBytes, '\0');
  std::memcpy(file.data() + sizeof(header), plan, size);
  static const Sha256 kZeros = sha256(std::vector<std::byte>(kBody));
  std::memcpy(file.data() + sizeof(header) + size, kZeros.data(), kZeros.size());
  std::memcpy(file.data(), &header, sizeof(header));
  header.root = sha256(std::as_bytes(std::span(file.data(), header.bodyOffset)));
  std::memcpy(file.data(), &header, sizeof(header));
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 << 20) return 0;
  bool whole = size >= sizeof(kMagic) && std::memcmp(data, kMagic, sizeof(kMagic)) == 0;
  std::string bytes = whole ? std::string(reinterpret_cast<const char*>(data), size) : wrap(data, size);
  fuzz::MemoryFile file(bytes.data(), bytes.size());
  auto artifact = Artifact::open(file.path());
  if (!artifact.ok()) return 0;
  for (uint32_t i = 0; i < (*artifact)->plan().segments()->size(); ++i) {
    auto segment = (*artifact)->segment(i);
    if (!segment.empty() && segment.data() + segment.size() > (*artifact)->bytes().data() + (*artifact)->bytes().size()) std::abort();
  }
  return 0;
}
