#include "compiler/codegen/cuda/geometry.h"

#include <algorithm>

#include "kernels/attention/attention.spec.h"
#include "kernels/embedding/embedding.spec.h"
#include "kernels/linear/wide.spec.h"
#include "kernels/rope/rope_append.spec.h"
#include "kernels/rows/rows.spec.h"
#include "kernels/sample/sample.spec.h"

namespace ingot {
namespace {

int heads(const KernelUnit& unit) { return static_cast<int>(unit.kvHeads * unit.groupHeads); }

KernelCode rowsKernel(const KernelUnit& unit) {
  KernelCode code;
  code.threads = cudaRowsThreads(unit.columns);
  return code;
}

// One cluster per row of logits.
KernelCode sampleKernel(const KernelUnit& unit) {
  KernelCode code;
  code.threads = kCudaSampleThreads;
  code.clusterBlocks = static_cast<uint32_t>(cudaSampleBlocks(unit.columns));
  code.tiles.count = code.clusterBlocks;
  return code;
}

KernelCode embeddingKernel(const KernelUnit& unit) {
  KernelCode code;
  code.threads = kCudaEmbeddingThreads;
  code.tiles.count = cudaEmbeddingTiles(unit.columns);
  return code;
}

KernelCode ropeAppendKernel(const KernelUnit& unit) {
  KernelCode code;
  code.threads = kCudaRopeThreads;
  code.tiles.count = cudaRopeTiles(heads(unit), static_cast<int>(unit.kvHeads));
  return code;
}

KernelCode attentionKernel(const KernelUnit& unit) {
  KernelCode code;
  code.threads = kCudaAttentionThreads;
  code.tiles = {attentionTiles(heads(unit), static_cast<int>(unit.kvHeads)), exec::Extent::splits, 1};
  return code;
}

KernelCode promptKernel(const KernelUnit& unit) {
  int groupHeads = static_cast<int>(unit.groupHeads);
  KernelCode code;
  code.threads = kCudaPromptThreads;
  code.dynamicBytes = static_cast<uint32_t>(cudaPromptBytes(static_cast<int>(unit.headDim)));
  code.tiles = {unit.kvHeads * attentionGroupParts(groupHeads), exec::Extent::blocks, cudaPromptBlocks(groupHeads)};
  return code;
}

exec::Extent linearExtent(const KernelUnit& unit) { return unit.selected ? exec::Extent::rows : exec::Extent::tokens; }
int64_t tilesAcross(const KernelUnit& unit, int64_t tileChannels) { return (unit.channels + tileChannels - 1) / tileChannels; }

KernelCode linearKernel(const KernelUnit& unit) {
  int64_t panels = tilePanels(unit.sums, unit.resultGroup);
  int64_t channels = panels * cudaTileBlocks(unit.format, unit.channels, unit.sums, unit.resultGroup) * kBlockChannels;
  KernelCode code;
  code.threads = kCudaLinearThreads;
  code.tiles = {tilesAcross(unit, channels), linearExtent(unit), cudaTileRows(unit.format)};
  return code;
}

KernelCode gemmKernel(const KernelUnit& unit) {
  KernelCode code;
  code.threads = kCudaLinearThreads;
  code.tiles = {tilesAcross(unit, kCudaGemmChannels), linearExtent(unit), cudaGemmRows(unit.format)};
  return code;
}

// wide.cuh and wide_runs.cuh. Only the former has a persistent grid.
KernelCode wideKernel(const KernelUnit& unit) {
  const CudaWide& shape = kCudaWide[unit.shape];
  KernelCode code;
  code.threads = static_cast<uint32_t>(shape.threads());
  code.dynamicBytes = static_cast<uint32_t>(shape.bytes());
  code.clusterBlocks = static_cast<uint32_t>(shape.blocks());
  code.gridMultiple = shape.along > 1 ? 0 : code.clusterBlocks;
  code.tiles = {shape.tilesAcross(unit.channels) * shape.along, linearExtent(unit), shape.shorter()};
  auto columns = static_cast<uint32_t>(unit.columns);
  code.map = {.columns = columns, .rows = static_cast<uint32_t>(shape.box()), .elementBytes = 2, .rowBytes = 2 * columns};
  return code;
}

KernelCode wideCodesKernel(const KernelUnit& unit) {
  int group = static_cast<int>(unit.group);
  CudaWide shape = cudaWideCodes(unit.shape, unit.format, group);
  KernelCode code;
  code.threads = static_cast<uint32_t>(shape.threads());
  code.dynamicBytes = static_cast<uint32_t>(cudaWideCodesBytes(unit.shape, unit.format, group));
  code.tiles = {shape.tilesAcross(unit.channels), linearExtent(unit), shape.rows};
  auto rowBytes = static_cast<uint32_t>(quantizedRowBytes(unit.columns, group, rowCodeOf(unit.format)));
  code.map = {static_cast<uint32_t>(unit.columns), static_cast<uint32_t>(shape.box()), 1, rowBytes};
  return code;
}

struct Geometry {
  std::string_view function;
  KernelCode (*of)(const KernelUnit& unit);
};
constexpr Geometry kGeometries[] = {
    {"rows", rowsKernel},           {"sample", sampleKernel},  {"embedding", embeddingKernel},  {"rope_append", ropeAppendKernel},
    {"attention", attentionKernel}, {"prompt", promptKernel},  {"linear", linearKernel},        {"gemm", gemmKernel},
    {"wide", wideKernel},           {"wide_runs", wideKernel}, {"wide_codes", wideCodesKernel},
};

}  // namespace

KernelCode cudaKernel(const KernelUnit& unit) {
  const auto* found = std::ranges::find(kGeometries, unit.function, &Geometry::function);
  return found == std::end(kGeometries) ? KernelCode() : found->of(unit);
}

}  // namespace ingot
