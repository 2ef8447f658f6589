// A row's edits: applied to its logits before a token is drawn, and undone afterwards.
#pragma once

#include "kernels/sample/order.cuh"
#include "kernels/sample/sample.spec.h"

namespace sample {

// If `allowed` is not 0, the first `allowed` edits list the ids that may be drawn, and the others name indices into that list. All threads of the
// team call every method, which ends with a barrier of the team.
template <int Blocks>
class Edits {
 public:
  INGOT_MEMBER Edits(IngotEdit* edits, int count, int allowed, ClusterTeam<Blocks>& team)
      : edits_(edits), count_(count), allowed_(allowed), team_(team) {}

  // Resolves edits that depend on the row's own token, now that it is known.
  INGOT_MEMBER void lookBack(int token, Storage& storage) const {
    int found = 0;  // index of the token in the list, plus one
    forEach(0, allowed_, [&](int i) -> void { found = edits_[i].id == token ? i + 1 : found; });
    int index = allowed_ > 0 ? sumOf(found, storage) - 1 : token;
    bool isEdited = false;
    forEach(allowed_, count_, [&](int i) -> void {
      IngotEdit& one = edits_[i];
      if (one.only_after >= 0 && one.only_after != token) one.id = kNone;
      if (one.pass != 1 || one.id != index) return;
      one.add = one.add_after_itself;
      isEdited = true;
    });
    bool hasNone = sumOf(isEdited, storage) == 0;
    forEach(allowed_, count_, [&](int i) -> void {
      if (hasNone && edits_[i].id == kItself) edits_[i].id = index;
    });
  }

  INGOT_MEMBER float* gatherAllowed(const float* logits, float* to) const {
    forEach(0, kCudaSampleAllowed, [&](int i) -> void { to[i] = i < allowed_ ? logits[edits_[i].id] : -infinity(); });
    return to;
  }
  INGOT_MEMBER void apply(float* logits) const {
    if (count_ == allowed_) return;
    for (int pass = 0; pass < INGOT_EDIT_PASSES; ++pass)
      forEach(allowed_, count_, [&](int i) -> void {
        if (IngotEdit one = edits_[i]; one.pass == pass && one.id >= 0) logits[one.id] = ingotEdited(one, logits[one.id]);
      });
  }
  // Saves the logits that edits change; only if all ids are allowed. Several edits of one id save, and restore, the same logit.
  INGOT_MEMBER void note(const float* logits) const {
    forEach(0, count_, [&](int i) -> void {
      if (edits_[i].id >= 0) edits_[i].before = logits[edits_[i].id];
    });
  }
  INGOT_MEMBER void takeBack(float* logits) const {
    forEach(0, count_, [&](int i) -> void {
      if (edits_[i].id >= 0) logits[edits_[i].id] = edits_[i].before;
    });
  }

 private:
  static constexpr int kItself = -1, kNone = -2;  // in place of an id: the row's own token; none

  // Calls visit(i) for each i in [first, last), each by one thread of the team.
  template <class Visit>
  INGOT_MEMBER void forEach(int first, int last, const Visit& visit) const {
    for (int i = first + team_.rank() * kThreads + (int)threadIdx.x; i < last; i += Blocks * kThreads) visit(i);
    team_.sync();
  }
  INGOT_MEMBER int sumOf(int own, Storage& storage) const { return (int)team_.running(blockRunning((ingot_u64)own, storage.sums).total).total; }

  IngotEdit* edits_;
  int count_, allowed_;
  ClusterTeam<Blocks>& team_;
};

}  // namespace sample
