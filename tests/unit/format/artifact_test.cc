// Damage of every kind to a real artifact. Every truncation and every single flipped bit of header, plan and hashes is tried.
#include "runtime/format/artifact.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tests/support/tiny_artifact.h"

namespace ingot {
namespace {

using ::testing::HasSubstr;

const std::string& original() {
  static const std::string bytes = test::readFile(test::tinyArtifact());
  return bytes;
}

const FileHeader& headerOf(const std::string& bytes) { return *reinterpret_cast<const FileHeader*>(bytes.data()); }

// A file in memory that can be changed byte by byte and opened by its path.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& bytes) : descriptor_(memfd_create("artifact", MFD_CLOEXEC)), size_(bytes.size()) {
    if (ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) std::abort();
    data_ = static_cast<char*>(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0));
    std::memcpy(data_, bytes.data(), size_);
  }
  ~MemoryFile() {
    munmap(data_, size_);
    close(descriptor_);
  }
  char& operator[](size_t at) { return data_[at]; }
  void resize(size_t size) {
    if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) std::abort();
  }
  Status open() const { return openArtifact().status(); }
  Result<std::unique_ptr<Artifact>> openArtifact() const { return Artifact::open("/proc/self/fd/" + std::to_string(descriptor_)); }
  // Makes the root hash right again, as a forger would.
  void sign() {
    auto& header = *reinterpret_cast<FileHeader*>(data_);
    header.root = {};
    header.root = sha256(std::as_bytes(std::span(data_, header.bodyOffset)));
  }

 private:
  int descriptor_;
  size_t size_;
  char* data_;
};

TEST(Artifact, OpensAndVerifies) {
  auto artifact = Artifact::open(test::tinyArtifact());
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_EQ((*artifact)->plan().model()->vocab(), 64u);
  uint64_t last = 0;
  EXPECT_TRUE((*artifact)->verifyBody([&](uint64_t done, uint64_t all) { EXPECT_LE(last = done, all); }).ok());
  EXPECT_GT(last, 0u);
}

TEST(Artifact, RefusesEveryTruncation) {
  MemoryFile file(original());
  for (size_t size = original().size(); size-- > 0;) {
    file.resize(size);
    Status status = file.open();
    ASSERT_EQ(status.code(), StatusCode::invalidArtifact) << size << " bytes: " << status.message();
  }
}

TEST(Artifact, RefusesBytesBehindItsEnd) {
  MemoryFile file(original() + std::string(4096, '\0'));
  EXPECT_THAT(file.open().message(), HasSubstr("truncated or was appended to"));
}

TEST(Artifact, RefusesEveryFlippedBitOfHeaderPlanAndHashes) {
  MemoryFile file(original());
  size_t front = headerOf(original()).bodyOffset;
  for (size_t at = 0; at < front; ++at)
    for (int bit = 0; bit < 8; ++bit) {
      file[at] ^= static_cast<char>(1 << bit);
      Status status = file.open();
      file[at] ^= static_cast<char>(1 << bit);
      ASSERT_EQ(status.code(), StatusCode::invalidArtifact) << "bit " << bit << " of byte " << at << ": " << status.message();
    }
  EXPECT_TRUE(file.open().ok());
}

TEST(Artifact, FindsEveryFlippedByteOfItsBody) {
  test::Random random(30);
  MemoryFile file(original());
  size_t front = headerOf(original()).bodyOffset;
  for (int i = 0; i < 300; ++i) {
    auto at = static_cast<size_t>(random.integer(static_cast<int64_t>(front), static_cast<int64_t>(original().size()) - 1));
    file[at] ^= static_cast<char>(1 << random.integer(0, 7));
    auto artifact = file.openArtifact();
    Status status = artifact.ok() ? (*artifact)->verifyBody([](uint64_t, uint64_t) {}) : artifact.status();
    EXPECT_EQ(status.code(), StatusCode::invalidArtifact) << "byte " << at;
    EXPECT_THAT(status.message(), HasSubstr("damaged"));
    file[at] = original()[at];
  }
  EXPECT_TRUE(file.open().ok());
}

// Code of other machines may be damaged: nobody runs it.
TEST(Artifact, SegmentsAreVerifiedOneByOne) {
  MemoryFile file(original());
  auto artifact = file.openArtifact();
  ASSERT_TRUE(artifact.ok());
  uint32_t code = (*artifact)->plan().variants()->Get(0)->code_segment();
  auto at = static_cast<size_t>((*artifact)->segment(code).data() - (*artifact)->bytes().data());
  EXPECT_TRUE((*artifact)->verifySegment(code).ok());
  file[at + 5] ^= 1;
  artifact = file.openArtifact();
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_THAT((*artifact)->verifySegment(code).message(), HasSubstr("damaged"));
}

TEST(Artifact, ReadsItsOwnMajorAndNoNewerMinor) {
  MemoryFile file(original());
  auto& header = reinterpret_cast<FileHeader&>(file[0]);
  header.minor = kFormatMinor + 1;
  file.sign();
  EXPECT_THAT(file.open().message(), HasSubstr("this runtime reads"));
  header.minor = kFormatMinor;
  header.major = kFormatMajor + 1;
  file.sign();
  EXPECT_THAT(file.open().message(), HasSubstr("compile it again"));
}

TEST(Artifact, SaysWhatIsNotOne) {
  test::TemporaryFolder folder;
  test::writeFile(folder / "text", std::string(100, 'x'));
  EXPECT_THAT(Artifact::open(folder / "text").status().message(), HasSubstr("does not begin as a model.ingot"));
  test::writeFile(folder / "empty", "");
  EXPECT_EQ(Artifact::open(folder / "empty").status().code(), StatusCode::invalidArtifact);
  EXPECT_EQ(Artifact::open(folder / "missing").status().code(), StatusCode::notFound);
  EXPECT_THAT(Artifact::open(folder.path()).status().message(), HasSubstr("not a regular file"));
}

// Hashes make no author: bytes of the plan are changed and signed anew. Whatever is accepted must be safe to look at.
TEST(Artifact, ASignedPlanOfNonsenseIsRefusedOrSafe) {
  test::Random random(31);
  MemoryFile file(original());
  const FileHeader& header = headerOf(original());
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<size_t> places;
    for (int64_t flips = random.integer(1, 3); flips-- > 0;)
      places.push_back(sizeof(FileHeader) + static_cast<size_t>(random.integer(0, header.planBytes - 1)));
    for (size_t at : places)
      file[at] = random.chance(0.5) ? static_cast<char>(random.integer(0, 255)) : static_cast<char>(file[at] ^ (1 << random.integer(0, 7)));
    file.sign();
    if (auto artifact = file.openArtifact(); artifact.ok()) {
      ++accepted;
      for (uint32_t s = 0; s < (*artifact)->plan().segments()->size(); ++s) {
        auto bytes = (*artifact)->segment(s);
        ASSERT_TRUE(bytes.empty() || (bytes.data() >= (*artifact)->bytes().data() &&
                                      bytes.data() + bytes.size() <= (*artifact)->bytes().data() + (*artifact)->bytes().size()));
      }
      (void)(*artifact)->verifyBody([](uint64_t, uint64_t) {});
    }
    for (size_t at : places) file[at] = original()[at];
  }
  RecordProperty("accepted", accepted);
}

}  // namespace
}  // namespace ingot
