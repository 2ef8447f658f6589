#include "runtime/format/artifact.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "runtime/base/large_pages.h"

namespace ingot {

Result<std::unique_ptr<Artifact>> Artifact::open(const std::filesystem::path& path) {
  std::unique_ptr<Artifact> artifact(new Artifact);
  artifact->path_ = path;
  auto check = [&]() -> Status {
    INGOT_TRY(artifact->map());
    INGOT_TRY(artifact->checkHeader());
    INGOT_TRY(artifact->checkRoot());
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(artifact->bytes_.data() + sizeof(FileHeader)), artifact->header().planBytes,
                                   /*max_depth=*/16, /*max_tables=*/1'000'000);
    if (!plan::VerifyPlanBuffer(verifier)) return Status::invalidArtifact("the plan is not a valid FlatBuffer");
    artifact->plan_ = plan::GetPlan(artifact->bytes_.data() + sizeof(FileHeader));
    INGOT_TRY(validatePlan(*artifact->plan_, artifact->header().bodyOffset, artifact->bytes_.size()));
    return artifact->checkTables();
  };
  INGOT_TRY(check().at(path.string()));
  return artifact;
}

Artifact::~Artifact() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  if (descriptor_ >= 0) close(descriptor_);
}

Status Artifact::map() {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) return Status::notFound("cannot be read: {}", std::strerror(errno));
  struct stat info{};
  if (fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) return Status::invalidArtifact("is not a regular file");
  uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size < sizeof(FileHeader)) return Status::invalidArtifact("has {} bytes, a model.ingot has at least {}", size, sizeof(FileHeader));
  // Aligned to large pages, so that the page cache can read and map the file by them.
  std::byte* place = reserveAligned(size);
  void* mapped = place ? mmap(place, size, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor_, 0) : MAP_FAILED;
  if (mapped == MAP_FAILED) return Status::resourceExhausted("cannot map {} bytes: {}", size, std::strerror(errno));
  madvise(mapped, size, MADV_HUGEPAGE);
  bytes_ = {static_cast<const std::byte*>(mapped), size};
  return {};
}

Status Artifact::checkHeader() const {
  const FileHeader& h = header();
  if (std::memcmp(h.magic, kMagic, sizeof(kMagic)) != 0) return Status::invalidArtifact("does not begin as a model.ingot; compile one with ingotc");
  if (h.major != kFormatMajor || h.minor > kFormatMinor)
    return Status::invalidArtifact("has format {}.{}, this runtime reads {}.0 to {}.{}; compile it again", h.major, h.minor, kFormatMajor,
                                   kFormatMajor, kFormatMinor);
  if (h.totalBytes != bytes_.size())
    return Status::invalidArtifact("has {} bytes, its header says {}: it is truncated or was appended to", bytes_.size(), h.totalBytes);
  if (h.bodyOffset % kPageBytes != 0 || h.bodyOffset > bytes_.size() || h.planBytes > kMaxPlanBytes)
    return Status::invalidArtifact("body at byte {} with a plan of {} bytes cannot be", h.bodyOffset, h.planBytes);
  uint64_t front = sizeof(FileHeader) + h.planBytes + 32 * chunkCount(bytes_.size() - h.bodyOffset);
  if (front > h.bodyOffset) return Status::invalidArtifact("plan and hashes need {} bytes, the body begins at {}", front, h.bodyOffset);
  return {};
}

Status Artifact::checkRoot() const {
  FileHeader zeroed = header();
  zeroed.root = {};
  Sha256Stream stream;
  stream.add(std::as_bytes(std::span(&zeroed, 1)));
  stream.add(bytes_.subspan(sizeof(FileHeader), header().bodyOffset - sizeof(FileHeader)));
  if (stream.finish() != header().root) return Status::invalidArtifact("header or plan is damaged: the root hash differs");
  return {};
}

Status Artifact::checkChunk(uint64_t chunk) const {
  auto body = bytes_.subspan(header().bodyOffset);
  auto bytes = body.subspan(chunk * kChunkBytes, std::min(kChunkBytes, body.size() - chunk * kChunkBytes));
  const std::byte* expected = bytes_.data() + sizeof(FileHeader) + header().planBytes + 32 * chunk;
  if (std::memcmp(sha256(bytes).data(), expected, 32) != 0)
    return Status::invalidArtifact("bytes [{}, {}) are damaged: their hash differs", header().bodyOffset + chunk * kChunkBytes,
                                   header().bodyOffset + chunk * kChunkBytes + bytes.size());
  return {};
}

Status Artifact::checkTables() const {
  for (uint32_t i = 0; i < plan().segments()->size(); ++i)
    if (plan().segments()->Get(i)->kind() == plan::SegmentKind::tokenizer) INGOT_TRY(verifySegment(i));
  return {};
}

Status Artifact::verifySegment(uint32_t index) const {
  const auto* segment = plan().segments()->Get(index);
  uint64_t start = segment->offset() - header().bodyOffset;
  for (uint64_t chunk = start / kChunkBytes; segment->bytes() > 0 && chunk * kChunkBytes < start + segment->bytes(); ++chunk)
    INGOT_TRY(checkChunk(chunk));
  return {};
}

std::span<const std::byte> Artifact::segment(uint32_t index) const {
  const auto* segment = plan().segments()->Get(index);
  return bytes_.subspan(segment->offset(), segment->bytes());
}

Status Artifact::verifyBody(const std::function<void(uint64_t, uint64_t)>& progress) const {
  uint64_t chunks = chunkCount(bytes_.size() - header().bodyOffset);
  std::atomic<uint64_t> next{0}, firstBad{chunks};
  auto work = [&](bool reports) {
    for (uint64_t chunk; (chunk = next++) < chunks;) {
      if (!checkChunk(chunk).ok())
        for (uint64_t bad = firstBad; chunk < bad && !firstBad.compare_exchange_weak(bad, chunk);) {}
      if (uint64_t begun = next; reports && begun < chunks) progress(begun, chunks);
    }
  };
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < std::min(4u, std::thread::hardware_concurrency()); ++i) helpers.emplace_back(work, false);
  work(true);
  for (auto& helper : helpers) helper.join();
  progress(chunks, chunks);  // this thread may have verified none of them
  return firstBad < chunks ? checkChunk(firstBad).at(path_.string()) : Status();
}

}  // namespace ingot
