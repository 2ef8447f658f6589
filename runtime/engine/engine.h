// The engine behind LLM: opens an artifact and runs the step loop over many requests. Result form; nothing throws.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "runtime/base/request.h"
#include "runtime/base/status.h"

namespace ingot {

// How an artifact is served. Sizes of 0 mean "choose for me".
struct EngineOptions {
  std::string device = "auto";                // auto, cpu, cuda, cuda:i
  std::string cuda_library = "libcuda.so.1";  // of the driver API
  int threads = 0;                            // physical cores that this process may use
  // Bytes for keys and values. 0: on CPUs room for one longest sequence, at least 256 MiB, at most 4 GiB; on GPUs for 131072 tokens and one longest
  // sequence, as far as nine tenths of the memory go.
  uint64_t kv_cache_memory = 0;
  double gpu_memory_utilization = 0;  // instead: all that this share of the GPU's memory holds beside weights and buffers
  double device_timeout = 60;         // GPUs: seconds that a step may take; then the GPU counts as lost, with all requests
  int max_num_seqs = 0;               // sequences in one step; 0: 64, on GPUs 256
  int max_num_batched_tokens = 0;     // tokens in one step; 0: 512, on GPUs of 64 multiprocessors or more 2048
  bool enable_prefix_caching = true;
  bool async_scheduling = true;  // GPUs: a step begins while the one before it is at work
  bool wait_for_graphs = false;  // GPUs: open() captures the graphs of small batches, which else goes on while requests run
};

// One message of a conversation. `json`, when not empty, is the whole message as a JSON object and wins.
struct ChatMessage {
  std::string role;
  std::string content;
  std::string json = {};
};
using Conversation = std::vector<ChatMessage>;

// How a conversation becomes a prompt; names are those of vLLM's LLM.chat.
struct ChatOptions {
  std::string chat_template = {};                     // source text; empty: the artifact's
  std::string chat_template_content_format = "auto";  // auto, string, openai
  bool add_generation_prompt = true;
  bool continue_final_message = false;    // not together with add_generation_prompt
  std::string tools = {};                 // JSON list
  std::string documents = {};             // JSON list
  std::string chat_template_kwargs = {};  // JSON object
};

// Called on the thread of the call, once a step for every output that grew; `delta` holds what is new. May call cancel().
using StreamCallback = std::function<void(const RequestOutput& delta)>;

struct EngineStats {
  int threads = 0;
  std::string target;
  std::string warning;  // of the choice of device, or of what makes it slow; empty: none
  int64_t kv_pages = 0, preemptions = 0, steps = 0;
  uint64_t kv_bytes = 0;
  int max_len = 0;
};

// Thread-safe: generate() calls of several threads take turns; cancel() may come from anywhere.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(const std::string& path, const EngineOptions& options);
  ~Engine();

  // One SamplingParams for all prompts, or one each. Every request is validated before any work. Output keeps input order.
  Result<std::vector<RequestOutput>> generate(const std::vector<Prompt>& prompts, const std::vector<SamplingParams>& params,
                                              const StreamCallback& callback = {});
  Result<std::vector<RequestOutput>> chat(const std::vector<Conversation>& conversations, const std::vector<SamplingParams>& params,
                                          const ChatOptions& options = {}, const StreamCallback& callback = {});

  // The prompt text of a conversation.
  Result<std::string> render(const Conversation& conversation, const ChatOptions& options) const;
  // SamplingParams as the checkpoint's generation_config.json wants them; vLLM's defaults elsewhere.
  SamplingParams defaultSamplingParams() const;
  // Whether the checkpoint itself says how many new tokens there may be.
  bool limitsNewTokens() const;
  bool hasTokenizer() const;
  Result<std::vector<int32_t>> encode(std::string_view text, bool addSpecialTokens) const;
  Result<std::string> decode(const std::vector<int32_t>& ids, bool skipSpecialTokens) const;

  // Ends the requests in work at the next step, with finish_reason "abort".
  void cancel();
  EngineStats stats() const;

 public:
  struct Parts;  // of runtime/engine alone

 private:
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ingot
