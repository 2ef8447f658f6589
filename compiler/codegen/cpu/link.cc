#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "compiler/codegen/cpu/compile.h"
#include "lld/Common/Driver.h"
#include "llvm/Object/ELFObjectFile.h"

LLD_HAS_DRIVER(elf)

namespace ingot {
namespace {

// A private folder, removed with its contents on every path.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> make() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ingot-link-XXXXXX").string();
    if (!mkdtemp(pattern.data())) return Status::io("{}: cannot make a temporary folder: {}", pattern, std::strerror(errno));
    return TemporaryFolder(pattern);
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Status writeFile(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return out.flush() ? Status()
                     : Status::io("{}: cannot be written: {}; is the temporary folder full? TMPDIR may name another", path, std::strerror(errno));
}

// Whether lld's message, which has the system's error as text, is about disk space.
bool isAboutRoom(std::string_view message) {
  for (int error : {ENOSPC, EFBIG, EDQUOT})
    if (message.find(std::strerror(error)) != message.npos) return true;
  return false;
}

Status link(std::vector<std::string> args) {
  static std::mutex mutex;  // lld keeps global state
  std::lock_guard lock(mutex);
  std::vector<const char*> pointers;
  for (const auto& arg : args) pointers.push_back(arg.c_str());
  std::string out, err;
  llvm::raw_string_ostream outStream(out), errStream(err);
  lld::Result result = lld::lldMain(pointers, outStream, errStream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode == 0) return {};
  err.resize(std::min(err.size(), err.find('\n')));
  if (isAboutRoom(err)) return Status::io("{}; is the temporary folder full? TMPDIR may name another", err);
  return Status::internal("kernels do not link: {}", err);
}

// Verifies the image: nothing writable, no relocations, file offsets equal to addresses.
Status checkSegments(const llvm::object::ELF64LEFile& elf) {
  auto headers = elf.program_headers();
  if (!headers) return Status::internal("the code image has no segments");
  for (const auto& header : *headers) {
    if (header.p_type != llvm::ELF::PT_LOAD) continue;
    if (header.p_flags & llvm::ELF::PF_W) return Status::internal("the code image has a writable segment");
    if (header.p_offset != header.p_vaddr) return Status::internal("the code image has a segment whose offset is not its address");
  }
  auto sections = elf.sections();
  if (!sections) return Status::internal("the code image has no sections");
  for (const auto& section : *sections)
    if ((section.sh_type == llvm::ELF::SHT_RELA || section.sh_type == llvm::ELF::SHT_REL) && section.sh_size > 0)
      return Status::internal("the code image has relocations");
  return {};
}

Status readSymbols(const llvm::object::ObjectFile& object, CodeImage& image) {
  for (const auto& symbol : llvm::cast<llvm::object::ELFObjectFileBase>(object).getDynamicSymbolIterators()) {
    auto name = symbol.getName();
    auto address = symbol.getAddress();
    if (name && address) image.offsets[name->str()] = *address;
  }
  return {};
}

}  // namespace

Result<CodeImage> linkImage(const std::vector<std::string>& objects, std::span<const SourceUnit> units, const CpuTarget& target) {
  INGOT_ASSIGN(TemporaryFolder folder, TemporaryFolder::make());
  std::string imagePath = folder.file("image.so");
  std::vector<std::string> args = {"ld.lld",    "-shared", "--hash-style=gnu", "-Bsymbolic", "--no-undefined", "--no-rosegment",  "-z",
                                   "rodynamic", "-z",      "noseparate-code",  "-z",         "norelro",        "--build-id=none", "--strip-all",
                                   "-o",        imagePath};
  for (size_t i = 0; i < objects.size(); ++i) {
    args.push_back(folder.file(std::to_string(i) + ".o"));
    INGOT_TRY(writeFile(args.back(), objects[i]));
  }
  INGOT_TRY(link(std::move(args)));

  auto buffer = llvm::MemoryBuffer::getFile(imagePath);
  if (!buffer) return Status::io("{}: cannot be read back", imagePath);
  auto object = llvm::object::ObjectFile::createELFObjectFile((*buffer)->getMemBufferRef());
  if (!object) return Status::internal("the code image is not ELF");
  auto* elf = llvm::dyn_cast<llvm::object::ELF64LEObjectFile>(object->get());
  if (!elf) return Status::internal("the code image is not 64-bit little-endian ELF");
  INGOT_TRY(checkSegments(elf->getELFFile()));
  CodeImage image;
  const auto* begin = reinterpret_cast<const std::byte*>((*buffer)->getBufferStart());
  image.bytes.assign(begin, begin + (*buffer)->getBufferSize());
  INGOT_TRY(readSymbols(**object, image));
  for (const auto& unit : units)
    if (!image.offsets.count(unit.symbol)) return Status::internal("kernel {} is missing from the code image", unit.symbol);
  return image;
}

}  // namespace ingot
