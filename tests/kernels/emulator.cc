#include "tests/kernels/emulator.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "compiler/codegen/cpu/compile.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

namespace ingot::test {
namespace {

constexpr const char* kProgram = "qemu-aarch64-static";

// What is asked of the guest: it calls `function` with the rest and answers with one byte.
struct Request {
  IngotTileFunction function;
  const IngotKernelArgs* args;
  ingot_i64 first, last;
  void* scratch;
};

// The guest's whole program: maps the shared memory and serves requests until there are no more. Freestanding, like a kernel.
constexpr const char* kGuest = R"GUEST(#include "kernels/abi/abi.h"
struct Request { IngotTileFunction function; const IngotKernelArgs* args; ingot_i64 first, last; void* scratch; };
static ingot_i64 systemCall(ingot_i64 number, ingot_i64 a, ingot_i64 b, ingot_i64 c, ingot_i64 d = 0, ingot_i64 e = 0, ingot_i64 f = 0) {
  register ingot_i64 x8 __asm__("x8") = number;
  register ingot_i64 x0 __asm__("x0") = a;
  register ingot_i64 x1 __asm__("x1") = b;
  register ingot_i64 x2 __asm__("x2") = c;
  register ingot_i64 x3 __asm__("x3") = d;
  register ingot_i64 x4 __asm__("x4") = e;
  register ingot_i64 x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
enum { kRead = 63, kWrite = 64, kExit = 93, kMap = 222, kAnyAccess = 7, kSharedFixed = 17 };
extern "C" void guest() {
  if (systemCall(kMap, kMemoryBase, kMemoryBytes, kAnyAccess, kSharedFixed, kMemoryFile, 0) != kMemoryBase) systemCall(kExit, 2, 0, 0);
  for (Request request; systemCall(kRead, 0, (ingot_i64)&request, sizeof request) == sizeof request;) {
    request.function(request.args, request.first, request.last, request.scratch);
    systemCall(kWrite, 0, (ingot_i64)"", 1);
  }
  systemCall(kExit, 0, 0, 0);
}
)GUEST";

// The memory that guests share, at one address in all processes. Freed blocks are kept for the next of their size.
class SharedMemory {
 public:
  static constexpr size_t kBytes = size_t{1} << 30;  // taken as it is touched
  static constexpr size_t kPage = 1 << 16;           // the largest that aarch64 has

  static SharedMemory& instance() {
    static SharedMemory memory;
    return memory;
  }
  static std::byte* base() { return reinterpret_cast<std::byte*>(uintptr_t{0x2000'0000'0000}); }
  static bool contains(const std::byte* block) { return block >= base() && block < base() + kBytes; }
  int file() const { return file_; }

  // Sizes are powers of two, and alignments the same up to that of a page.
  std::byte* allocate(size_t bytes) {
    size_t size = std::bit_ceil(std::max(bytes, size_t{64})), alignment = std::min(size, kPage);
    auto& free = free_[size];
    if (!free.empty()) {
      std::byte* block = free.back();
      free.pop_back();
      return block;
    }
    used_ = (used_ + alignment - 1) / alignment * alignment;
    if (size > kBytes - used_) std::abort();
    std::byte* block = base() + used_;
    used_ += size;
    sizes_[block] = size;
    return block;
  }
  void free(std::byte* block) { free_[sizes_.at(block)].push_back(block); }

  inline static int emulators = 0;  // that live

 private:
  SharedMemory() : file_(memfd_create("operands", 0)) {
    if (file_ < 0 || ftruncate(file_, kBytes) != 0 ||
        mmap(base(), kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, file_, 0) != base()) {
      std::perror("memory to share with the emulator");
      std::abort();
    }
  }
  int file_;
  size_t used_ = 0;
  std::map<size_t, std::vector<std::byte*>> free_;
  std::map<const std::byte*, size_t> sizes_;
};

// The guest as an executable: a code image whose entry is its function.
Result<CodeImage> guestImage(const CpuTarget& target) {
  SourceUnit unit{"guest",
                  fmt::format("constexpr long long kMemoryBase = {}, kMemoryBytes = {}, kMemoryFile = {};\n{}",
                              reinterpret_cast<uintptr_t>(SharedMemory::base()), SharedMemory::kBytes, SharedMemory::instance().file(), kGuest)};
  INGOT_ASSIGN(CodeImage image, compileUnits({&unit, 1}, target, 1));
  constexpr size_t kElfEntry = 24;  // e_entry of an ELF64 header
  std::memcpy(image.bytes.data() + kElfEntry, &image.offsets.at("guest"), sizeof(uint64_t));
  return image;
}

// The emulator with the guest in `file`; requests and answers go through `socket`.
Result<pid_t> spawn(int file, int socket) {
  auto program = llvm::sys::findProgramByName(kProgram);
  if (!program) return Status::io("{} is not installed", kProgram);
  std::string path = *program, guest = fmt::format("/proc/self/fd/{}", file);
  std::string cpuFlag = "-cpu", cpu = "max";
  char* arguments[] = {path.data(), cpuFlag.data(), cpu.data(), guest.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, socket, 0);
  pid_t process = 0;
  int error = posix_spawn(&process, path.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error) return Status::io("{} does not start: {}", path, std::strerror(error));
  return process;
}

}  // namespace

std::byte* allocateOperand(size_t bytes) {
  bytes = (bytes + 63) / 64 * 64;
  if (SharedMemory::emulators) return SharedMemory::instance().allocate(bytes);
  return static_cast<std::byte*>(std::aligned_alloc(64, bytes));
}

void freeOperand(std::byte* operand) {
  if (SharedMemory::contains(operand)) SharedMemory::instance().free(operand);
  else std::free(operand);
}

bool Emulator::emulates(const CpuTarget& target) {
  llvm::Triple triple(target.triple);
  return triple.isAArch64() && triple.getArch() != llvm::Triple(llvm::sys::getProcessTriple()).getArch();
}

bool Emulator::isInstalled() { return static_cast<bool>(llvm::sys::findProgramByName(kProgram)); }

Result<std::unique_ptr<Emulator>> Emulator::start(std::span<const std::byte> image, const CpuTarget& target) {
  SharedMemory& memory = SharedMemory::instance();
  INGOT_ASSIGN(CodeImage guest, guestImage(target));
  int file = memfd_create("guest", 0), sockets[2];
  if (file < 0 || write(file, guest.bytes.data(), guest.bytes.size()) != static_cast<ssize_t>(guest.bytes.size()) ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return Status::io("cannot pass the guest to {}: {}", kProgram, std::strerror(errno));
  std::unique_ptr<Emulator> emulator(new Emulator);
  ++SharedMemory::emulators;
  // Pages of their own, and written before the guest runs: the emulator does not see what others write to code.
  emulator->code_ = memory.allocate(std::max(image.size(), SharedMemory::kPage));
  std::memcpy(emulator->code_, image.data(), image.size());
  emulator->socket_ = sockets[0];
  auto process = spawn(file, sockets[1]);
  close(file);
  close(sockets[1]);
  INGOT_TRY(process.status());
  emulator->process_ = *process;
  return emulator;
}

Emulator::~Emulator() {
  close(socket_);  // the guest leaves when no request can come
  if (process_ > 0) waitpid(process_, nullptr, 0);
  freeOperand(code_);
  --SharedMemory::emulators;
}

void Emulator::call(IngotTileFunction function, const IngotKernelArgs* args, int64_t first, int64_t last, void* scratch) const {
  Request request{function, args, first, last, scratch};
  char answer;
  if (send(socket_, &request, sizeof request, MSG_NOSIGNAL) != sizeof request || recv(socket_, &answer, 1, 0) != 1) {
    std::fprintf(stderr, "the guest died in tiles [%lld, %lld) of a kernel\n", static_cast<long long>(first), static_cast<long long>(last));
    std::abort();
  }
}

}  // namespace ingot::test
