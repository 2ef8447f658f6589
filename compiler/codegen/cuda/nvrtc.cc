#include "compiler/codegen/cuda/nvrtc.h"

#include <dlfcn.h>

#include <ranges>
#include <span>

#include "kernels/embedded.h"

namespace ingot {
namespace {

constexpr int kSuccess = 0;
using Program = void*;

// -default-device: unannotated functions are device functions. -v: registers and memory sizes go to the log.
constexpr const char* kOptions[] = {"--std=c++20", "-default-device", "--fmad=false", "--ptxas-options=-v", "--extra-device-vectorization"};

}  // namespace

// The part of nvrtc.h (CUDA 12 and 13) that we call.
struct Nvrtc::Table {
  int (*nvrtcVersion)(int* major, int* minor);
  int (*nvrtcGetNumSupportedArchs)(int* count);
  int (*nvrtcGetSupportedArchs)(int* architectures);
  int (*nvrtcCreateProgram)(Program*, const char* source, const char* name, int headers, const char* const* texts, const char* const* names);
  int (*nvrtcCompileProgram)(Program, int count, const char* const* options);
  int (*nvrtcDestroyProgram)(Program*);
  int (*nvrtcGetCUBINSize)(Program, size_t*);
  int (*nvrtcGetCUBIN)(Program, char*);
  int (*nvrtcGetPTXSize)(Program, size_t*);
  int (*nvrtcGetPTX)(Program, char*);
  int (*nvrtcGetProgramLogSize)(Program, size_t*);
  int (*nvrtcGetProgramLog)(Program, char*);
  const char* (*nvrtcGetErrorString)(int);
};

Nvrtc::Nvrtc() : table_(std::make_unique<Table>()) {}
Nvrtc::~Nvrtc() {
  if (library_) dlclose(library_);
}

Result<std::shared_ptr<const Nvrtc>> Nvrtc::open(const std::string& toolkit) {
  std::vector<std::string> folders = {""};
  if (!toolkit.empty()) folders.insert(folders.end(), {toolkit + "/lib64/", toolkit + "/lib/"});
  folders.emplace_back("/usr/local/cuda/lib64/");
  std::shared_ptr<Nvrtc> nvrtc(new Nvrtc);
  for (const std::string& folder : folders)
    for (const char* name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"})
      if (!nvrtc->library_) nvrtc->library_ = dlopen((folder + name).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!nvrtc->library_)
    return Status::unsupported(
        "CUDA targets need NVRTC, and libnvrtc.so is not here; install the CUDA toolkit 12.8 or later (package cuda-nvrtc), or set CUDA_HOME to it");
  INGOT_TRY(nvrtc->bind());
  return std::shared_ptr<const Nvrtc>(nvrtc);
}

Status Nvrtc::bind() {
  auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library_, name));
    return function ? Status() : Status::unsupported("libnvrtc.so has no {}; install the CUDA toolkit 12.8 or later", name);
  };
#define INGOT_FIND(name) INGOT_TRY(find(table_->name, #name))
  INGOT_FIND(nvrtcVersion);
  INGOT_FIND(nvrtcGetNumSupportedArchs);
  INGOT_FIND(nvrtcGetSupportedArchs);
  INGOT_FIND(nvrtcCreateProgram);
  INGOT_FIND(nvrtcCompileProgram);
  INGOT_FIND(nvrtcDestroyProgram);
  INGOT_FIND(nvrtcGetCUBINSize);
  INGOT_FIND(nvrtcGetCUBIN);
  INGOT_FIND(nvrtcGetPTXSize);
  INGOT_FIND(nvrtcGetPTX);
  INGOT_FIND(nvrtcGetProgramLogSize);
  INGOT_FIND(nvrtcGetProgramLog);
  INGOT_FIND(nvrtcGetErrorString);
#undef INGOT_FIND
  int count = 0;
  if (table_->nvrtcGetNumSupportedArchs(&count) != kSuccess || count <= 0) return Status::unsupported("libnvrtc.so names no architectures");
  architectures_.resize(static_cast<size_t>(count));
  table_->nvrtcGetSupportedArchs(architectures_.data());
  int major = 0, minor = 0;
  table_->nvrtcVersion(&major, &minor);
  version_ = static_cast<uint32_t>(major * 1000 + minor * 10);
  return {};
}

// GPU headers only, so that a change to CPU headers does not invalidate cached code.
static auto headers() {
  return std::span(kEmbeddedKernels, static_cast<size_t>(kEmbeddedKernelCount)) | std::views::filter([](const EmbeddedFile& file) {
           std::string_view path = file.path;
           return !path.ends_with(".cpu.h") && !path.starts_with("tests/");
         });
}

KernelKey Nvrtc::key() const {
  KernelKey key;
  key.add("nvrtc").add(std::to_string(version_));
  for (const char* option : kOptions) key.add(option);
  for (const EmbeddedFile& header : headers()) key.add(header.path).add(header.text);
  return key;
}

Result<NvrtcOutput> Nvrtc::compile(const std::string& name, const std::string& source, const std::string& architecture) const {
  std::vector<const char*> texts, names;
  for (const EmbeddedFile& header : headers()) {
    names.push_back(header.path);
    texts.push_back(header.text);
  }
  Program program = nullptr;
  int error =
      table_->nvrtcCreateProgram(&program, source.c_str(), (name + ".cu").c_str(), static_cast<int>(names.size()), texts.data(), names.data());
  if (error != kSuccess) return Status::internal("kernel {}: nvrtcCreateProgram: {}", name, table_->nvrtcGetErrorString(error));
  std::string option = "--gpu-architecture=" + architecture;
  std::vector<const char*> options(std::begin(kOptions), std::end(kOptions));
  options.push_back(option.c_str());
  error = table_->nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());

  auto read = [&](auto sizeOf, auto get) {
    size_t size = 0;
    std::string text;
    if (sizeOf(program, &size) == kSuccess && size > 0) {
      text.resize(size);
      if (get(program, text.data()) != kSuccess) text.clear();
    }
    return text;
  };
  NvrtcOutput output;
  output.version = version_;
  output.log = read(table_->nvrtcGetProgramLogSize, table_->nvrtcGetProgramLog);
  if (error == kSuccess)
    output.code =
        architecture.starts_with("sm_") ? read(table_->nvrtcGetCUBINSize, table_->nvrtcGetCUBIN) : read(table_->nvrtcGetPTXSize, table_->nvrtcGetPTX);
  table_->nvrtcDestroyProgram(&program);
  if (error != kSuccess || output.code.empty())
    return Status::internal("kernel {}: does not compile for {}: {}\n{}", name, architecture, table_->nvrtcGetErrorString(error), output.log);
  return output;
}

}  // namespace ingot
