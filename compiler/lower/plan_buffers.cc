// Buffer planning: linear scan over the straight-line steps (Poletto & Sarkar 1999). Only buffers of the same extent share a slot.
#include <algorithm>

#include "compiler/lower/lower.h"
#include "llvm/ADT/MapVector.h"

namespace ingot {
namespace {

struct Life {
  exec::BufferOp buffer;
  int64_t first, last;  // steps: the first write, the last read
};

}  // namespace

int64_t planBuffers(exec::ProgramOp program) {
  mlir::SymbolTable symbols(program);
  llvm::MapVector<mlir::Operation*, Life> lives;
  int64_t at = 0;
  for (auto step : program.getOps<exec::StepOp>()) {
    for (mlir::Attribute operand : step.getOperands_())
      if (auto buffer = symbols.lookup<exec::BufferOp>(llvm::cast<mlir::FlatSymbolRefAttr>(operand).getValue()))
        lives.insert({buffer, {buffer, at, at}}).first->second.last = at;
    ++at;
  }

  struct Slot {
    exec::Extent extent;
    int64_t rowBytes, freeAfter;
  };
  llvm::SmallVector<Slot> slots;
  mlir::Builder b(program.getContext());
  for (auto& [op, life] : lives) {
    int64_t bytes = static_cast<int64_t>(life.buffer.getRowBytes());
    // The best fit among free slots: one that is larger than needed is better than one that must grow.
    Slot* best = nullptr;
    for (Slot& slot : slots) {
      if (slot.extent != life.buffer.getExtent() || slot.freeAfter >= life.first) continue;
      auto cost = [&](const Slot& s) { return s.rowBytes < bytes ? 1'000'000'000 + bytes - s.rowBytes : s.rowBytes - bytes; };
      if (!best || cost(slot) < cost(*best)) best = &slot;
    }
    if (!best) best = &slots.emplace_back(Slot{life.buffer.getExtent(), bytes, 0});
    best->rowBytes = std::max(best->rowBytes, bytes);
    best->freeAfter = life.last;
    life.buffer.setSlotAttr(b.getI64IntegerAttr(best - slots.begin()));
  }
  return static_cast<int64_t>(slots.size());
}

}  // namespace ingot
