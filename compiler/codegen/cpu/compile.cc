#include "compiler/codegen/cpu/compile.h"

#include <mutex>

#include "clang/Basic/Version.h"
#include "clang/CodeGen/CodeGenAction.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/CompilerInvocation.h"
#include "clang/Frontend/TextDiagnosticPrinter.h"
#include "compiler/support/parallel.h"
#include "kernels/embedded.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/VirtualFileSystem.h"

namespace ingot {
namespace {

constexpr const char* kRoot = "/ingot";

void initialiseTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
}

std::vector<std::string> arguments(const CpuTarget& target) {
  std::vector<std::string> args = {
      "-triple",           target.triple,        "-emit-obj",     "-x",         "c++", "-std=c++20",  "-ffreestanding",
      "-fno-rtti",         "-mrelocation-model", "pic",           "-pic-level", "2",   "-target-cpu", target.cpu,
      "-ffp-contract=off", "-nostdsysteminc",    "-nobuiltininc", "-I",         kRoot, "-Wno-psabi",  "-Wno-unused-function"};
  if (target.quick) args.emplace_back("-O1");
  else args.insert(args.end(), {"-O3", "-vectorize-loops", "-vectorize-slp", "-mprefer-vector-width=512", "-funroll-loops"});
  for (const auto& feature : target.features) {
    args.push_back("-target-feature");
    args.push_back("+" + feature);
  }
  args.push_back(std::string(kRoot) + "/unit.cpp");
  return args;
}

// The part of the key that all units of a target share.
KernelKey keyOf(const CpuTarget& target) {
  KernelKey key;
  key.add(clang::getClangFullVersion());
  for (const std::string& argument : arguments(target)) key.add(argument);
  for (int i = 0; i < kEmbeddedKernelCount; ++i) key.add(kEmbeddedKernels[i].path).add(kEmbeddedKernels[i].text);
  return key;
}

// Headers without unroll pragmas, which clang would follow even at low optimisation levels.
std::string withLoops(std::string text) {
  constexpr std::string_view kUnrolled = "#pragma unroll\n";
  for (size_t at; (at = text.find(kUnrolled)) != std::string::npos;) text.replace(at, kUnrolled.size(), "\n");
  return text;
}

// One unit to the bytes of an object file.
Result<std::string> compileUnit(const SourceUnit& unit, const CpuTarget& target) {
  auto files = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  for (int i = 0; i < kEmbeddedKernelCount; ++i) {
    const char* text = kEmbeddedKernels[i].text;
    files->addFile(std::string(kRoot) + "/" + kEmbeddedKernels[i].path, 0,
                   target.quick ? llvm::MemoryBuffer::getMemBufferCopy(withLoops(text)) : llvm::MemoryBuffer::getMemBuffer(text));
  }
  files->addFile(std::string(kRoot) + "/unit.cpp", 0, llvm::MemoryBuffer::getMemBuffer(unit.source));

  std::string messages;
  llvm::raw_string_ostream stream(messages);
  auto options = llvm::makeIntrusiveRefCnt<clang::DiagnosticOptions>();
  clang::TextDiagnosticPrinter printer(stream, options.get());
  clang::CompilerInstance compiler;
  auto args = arguments(target);
  std::vector<const char*> pointers;
  for (const auto& arg : args) pointers.push_back(arg.c_str());
  clang::DiagnosticsEngine diagnostics(new clang::DiagnosticIDs, options, &printer, false);
  if (!clang::CompilerInvocation::CreateFromArgs(compiler.getInvocation(), pointers, diagnostics))
    return Status::internal("kernel {}: clang refuses its arguments: {}", unit.symbol, messages);
  compiler.createDiagnostics(&printer, false);
  compiler.createFileManager(files);
  llvm::SmallVector<char, 0> object;
  compiler.setOutputStream(std::make_unique<llvm::raw_svector_ostream>(object));
  clang::EmitObjAction action;
  if (!compiler.ExecuteAction(action)) return Status::internal("kernel {}: does not compile:\n{}", unit.symbol, messages);
  return std::string(object.begin(), object.end());
}

Result<std::string> compileOrFind(const SourceUnit& unit, const CpuTarget& target, KernelKey common, KernelCache& cache) {
  Sha256 key = common.add(unit.source).finish();
  if (auto object = cache.find(key)) return *std::move(object);
  INGOT_ASSIGN(std::string object, compileUnit(unit, target));
  cache.keep(key, object);
  return object;
}

}  // namespace

Result<CodeImage> compileUnits(std::span<const SourceUnit> units, const CpuTarget& target, int jobs, KernelCache* cache) {
  initialiseTargets();
  std::vector<std::string> objects(units.size());
  KernelKey common = cache ? keyOf(target) : KernelKey();
  INGOT_TRY(parallelFor(units.size(), jobs, [&](size_t i) -> Status {
    INGOT_ASSIGN(objects[i], cache ? compileOrFind(units[i], target, common, *cache) : compileUnit(units[i], target));
    return {};
  }));
  return linkImage(objects, units, target);
}

}  // namespace ingot
