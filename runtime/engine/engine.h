// The engine behind LLM: opens an artifact and runs the step loop over many requests. Result form; nothing throws.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "runtime/base/request.h"
#include "runtime/base/status.h"

namespace ingot {

// How an artifact is served. Sizes of 0 are chosen automatically.
struct EngineOptions {
  std::string device = "auto";                // auto, cpu, cuda, cuda:i
  std::string cuda_library = "libcuda.so.1";  // library of the driver API
  int threads = 0;                            // 0: the physical cores that this process may use
  // Bytes for keys and values. 0: on CPUs room for one sequence of maximum length, at least 256 MiB, at most 4 GiB; on GPUs for 131072 tokens and one
  // sequence of maximum length, within nine tenths of the memory.
  uint64_t kv_cache_memory = 0;
  double gpu_memory_utilization = 0;  // alternatively: weights, buffers and KV cache fill this share of the GPU's memory
  double device_timeout = 60;         // GPUs: longest time of a step in seconds; after it the GPU counts as lost, and all requests fail
  int max_num_seqs = 0;               // sequences in one step; 0: 64, on GPUs 256
  int max_num_batched_tokens = 0;     // tokens in one step; 0: 512, on GPUs of 64 multiprocessors or more 2048
  bool enable_prefix_caching = true;
  bool async_scheduling = true;  // GPUs: a step begins while the previous one is in flight
  bool wait_for_graphs = false;  // GPUs: open() waits until the graphs of small batches are captured; else that happens while requests run
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

// Called on the thread of generate(), once per step for every output that grew; `delta` holds the growth. May call cancel().
using StreamCallback = std::function<void(const RequestOutput& delta)>;

struct EngineStats {
  int threads = 0;
  std::string target;
  std::string warning;  // about the choice of device, or why it is slow; empty: none
  int64_t kv_pages = 0, preemptions = 0, steps = 0;
  uint64_t kv_bytes = 0;
  int max_len = 0;
};

// Thread-safe: generate() calls of several threads run one after another; cancel() may be called from any thread.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(const std::string& path, const EngineOptions& options);
  ~Engine();

  // One SamplingParams for all prompts, or one per prompt. All requests are validated before any work. Outputs have the order of the prompts.
  Result<std::vector<RequestOutput>> generate(const std::vector<Prompt>& prompts, const std::vector<SamplingParams>& params,
                                              const StreamCallback& callback = {});
  Result<std::vector<RequestOutput>> chat(const std::vector<Conversation>& conversations, const std::vector<SamplingParams>& params,
                                          const ChatOptions& options = {}, const StreamCallback& callback = {});

  // The prompt text of a conversation.
  Result<std::string> render(const Conversation& conversation, const ChatOptions& options) const;
  // SamplingParams from the checkpoint's generation_config.json, with vLLM's defaults for the rest.
  SamplingParams defaultSamplingParams() const;
  // Whether the checkpoint itself limits the number of new tokens.
  bool limitsNewTokens() const;
  bool hasTokenizer() const;
  Result<std::vector<int32_t>> encode(std::string_view text, bool addSpecialTokens) const;
  Result<std::string> decode(const std::vector<int32_t>& ids, bool skipSpecialTokens) const;

  // Ends the requests in progress at the next step, with finish_reason "abort".
  void cancel();
  EngineStats stats() const;

 public:
  struct Parts;  // private to runtime/engine

 private:
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ingot
