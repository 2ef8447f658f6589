#include "runtime/engine/sizes.h"

#include <algorithm>

namespace ingot {
namespace {

constexpr int kMostPages = 1 << 24;
constexpr double kUsualShare = 0.9;  // share of a GPU's memory

// Default limits of a step. GPUs need many sequences and tokens to be busy; on a small one many tokens take long, and delay decoding requests.
struct Usual {
  int sequences, batchedTokens;
};
Usual usualFor(const Choice& choice) {
  constexpr int kLargeGpu = 64;  // multiprocessors
  if (!choice.gpu) return {64, 512};
  return {256, choice.gpu->multiprocessors >= kLargeGpu ? 2048 : 512};
}

Status check(const EngineOptions& options) {
  if (options.max_num_seqs < 0 || options.max_num_seqs > kMostSequences)
    return Status::invalidArgument("max_num_seqs is {}, expected 1 to {}", options.max_num_seqs, kMostSequences);
  if (options.max_num_batched_tokens < 0 || options.max_num_batched_tokens > kMostBatchedTokens)
    return Status::invalidArgument("max_num_batched_tokens is {}, expected 1 to {}", options.max_num_batched_tokens, kMostBatchedTokens);
  if (options.max_num_seqs && options.max_num_batched_tokens && options.max_num_batched_tokens < options.max_num_seqs)
    return Status::invalidArgument("max_num_batched_tokens is {}, expected max_num_seqs ({}) or more", options.max_num_batched_tokens,
                                   options.max_num_seqs);
  if (!(options.gpu_memory_utilization >= 0 && options.gpu_memory_utilization <= 1))
    return Status::invalidArgument("gpu_memory_utilization is {}, expected above 0 and at most 1", options.gpu_memory_utilization);
  if (options.gpu_memory_utilization > 0 && options.kv_cache_memory)
    return Status::invalidArgument("kv_cache_memory and gpu_memory_utilization both say how large the KV cache is; give one");
  if (!(options.device_timeout > 0)) return Status::invalidArgument("device_timeout is {}, expected seconds above 0", options.device_timeout);
  if (options.threads < 0 || options.threads > kMostThreads)
    return Status::invalidArgument("threads is {}, expected 1 to {}", options.threads, kMostThreads);
  return {};
}

Result<CachePages> chooseCache(const EngineOptions& options, const plan::Plan& plan, const Choice& choice) {
  constexpr uint64_t kUsualTokens = 1 << 17;  // on a GPU with its own memory
  uint64_t page = cacheBytesPerPage(plan, *choice.variant), pageTokens = plan.model()->page_tokens();
  auto pagesIn = [&](uint64_t bytes) { return static_cast<int32_t>(std::min<uint64_t>(bytes / page, kMostPages)); };
  auto pagesOf = [&](uint64_t tokens) { return static_cast<int32_t>(std::min<uint64_t>((tokens + pageTokens - 1) / pageTokens, kMostPages)); };
  if (options.kv_cache_memory) {
    int32_t pages = pagesIn(options.kv_cache_memory);
    if (pages == 0) return Status::resourceExhausted("--kv-cache-memory is {} bytes, one page of this model needs {}", options.kv_cache_memory, page);
    return CachePages{pages, pages};
  }
  int32_t longest = pagesOf(plan.model()->max_len()), small = std::max(pagesIn(256ull << 20), 1), least = std::min(small, longest);
  int32_t ofHost = std::clamp(longest, small, std::max(pagesIn(4ull << 30), 1));  // shared with the rest of the machine
  if (!choice.gpu) return CachePages{ofHost, ofHost};
  if (options.gpu_memory_utilization > 0) return CachePages{kMostPages, least, options.gpu_memory_utilization, options.gpu_memory_utilization};
  return CachePages{choice.gpu->integrated ? ofHost : std::max(longest, pagesOf(kUsualTokens)), least, kUsualShare};
}

}  // namespace

Result<Sizes> chooseSizes(const EngineOptions& options, const plan::Plan& plan, const Choice& choice) {
  INGOT_TRY(check(options));
  Usual usual = usualFor(choice);
  Sizes sizes{options.max_num_seqs, options.max_num_batched_tokens, {}};
  if (!sizes.batchedTokens) sizes.batchedTokens = std::max(usual.batchedTokens, sizes.sequences);
  if (!sizes.sequences) sizes.sequences = std::min(usual.sequences, sizes.batchedTokens);
  INGOT_ASSIGN(sizes.cache, chooseCache(options, plan, choice));
  return sizes;
}

}  // namespace ingot
