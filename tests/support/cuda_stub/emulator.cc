#include "tests/support/cuda_stub/emulator.h"

#include <algorithm>
#include <limits>

#include "tests/simt/front.h"

namespace ingot::test {

Result<std::unique_ptr<Emulator>> Emulator::open(const std::string& path) {
  auto emulator = std::make_unique<Emulator>();
  INGOT_ASSIGN(emulator->artifact_, Artifact::open(path));
  const plan::Plan& plan = emulator->artifact_->plan();
  uint64_t scratch = 0;
  for (const auto* variant : *plan.variants()) {
    if (variant->target()->string_view() != "cuda-emulated") continue;
    const auto* segment = plan.segments()->Get(variant->code_segment());
    INGOT_ASSIGN(emulator->code_, CodeMapping::map(emulator->artifact_->descriptor(), segment->offset(), segment->bytes()));
    for (const auto* kernel : *variant->kernels()) {
      auto function = reinterpret_cast<IngotTileFunction>(emulator->code_.at(kernel->code_offset()));
      emulator->kernels_[kernel->entry()->str()] = {function, kernel->dynamic_bytes(), kernel->map() ? kernel->map()->rows() : 0,
                                                    kernel->grid_multiple()};
      scratch = std::max<uint64_t>(scratch, kernel->scratch_bytes());
    }
  }
  if (emulator->kernels_.empty()) return Status(StatusCode::notFound, path + " has no cuda-emulated variant");
  for (Memory& one : emulator->scratch_) {
    INGOT_ASSIGN(one, Memory::allocate(scratch));
  }
  return emulator;
}

const EmulatedKernel* Emulator::find(const std::string& entry) const {
  auto found = kernels_.find(entry);
  return found == kernels_.end() ? nullptr : &found->second;
}

void Emulator::run(const EmulatedKernel& kernel, unsigned blocks, const IngotBatch* batch, const IngotOperands& operands, const Action& inFront) {
  void* scratch = scratch_.at(running_++).data();
  auto& front = *static_cast<simt::Front*>(scratch);
  front.early = inFront ? simt::kEarly : 0;
  front.finish = [](void* action) { (*static_cast<const Action*>(action))(); };
  front.context = const_cast<Action*>(&inFront);
  IngotKernelArgs args{batch, operands.at};
  kernel.function(&args, 0, kernel.gridMultiple ? std::numeric_limits<ingot_i64>::max() : blocks, scratch);
  if (front.early) inFront();  // no block had a tile
  --running_;
}

}  // namespace ingot::test
