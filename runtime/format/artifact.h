// Opens model.ingot: maps it, verifies it, and returns its parts in place. Nothing is trusted before it is verified.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "runtime/base/status.h"
#include "runtime/format/header.h"
#include "runtime/format/plan_generated.h"

namespace ingot {

// A mapped, verified artifact. Immutable and thread-safe; its parts live as long as it does.
class Artifact {
 public:
  // Verifies header, sizes, root hash, the plan's structure and every number in it, and the hashes of tables. Not the code, which may be for many
  // machines: verifySegment() does, before it runs. Not the weights, whose pages should only be read when they are used: verifyBody() does.
  static Result<std::unique_ptr<Artifact>> open(const std::filesystem::path& path);
  ~Artifact();

  const plan::Plan& plan() const { return *plan_; }
  const FileHeader& header() const { return *reinterpret_cast<const FileHeader*>(bytes_.data()); }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<const std::byte> segment(uint32_t index) const;
  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }

  // Compares a segment's bytes with their hashes.
  Status verifySegment(uint32_t index) const;
  // Compares every chunk of the body with its hash. `progress` is called with the chunks done and their total.
  Status verifyBody(const std::function<void(uint64_t, uint64_t)>& progress) const;

 private:
  Artifact() = default;
  Status map();
  Status checkHeader() const;
  Status checkRoot() const;
  Status checkChunk(uint64_t chunk) const;
  Status checkTables() const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::span<const std::byte> bytes_;
  const plan::Plan* plan_ = nullptr;
};

// Checks every index, offset and size in a structurally valid plan. `totalBytes` is the file's size.
Status validatePlan(const plan::Plan& plan, uint64_t bodyOffset, uint64_t totalBytes);

}  // namespace ingot
