/* Ingot for C. Opaque handles; a function that may fail returns NULL, or a status that the caller frees.
 * Strings are UTF-8 and belong to the handle they come from. Handles are thread-safe where it says so. */
#ifndef INGOT_C_H
#define INGOT_C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ingot_status ingot_status_t; /* why a call failed */
typedef struct ingot_llm ingot_llm_t;       /* an opened model; thread-safe, calls take turns */
typedef struct ingot_outputs ingot_outputs_t;

typedef enum ingot_code {
  INGOT_OK = 0,
  INGOT_INVALID_ARGUMENT,
  INGOT_INVALID_ARTIFACT,
  INGOT_INVALID_INPUT,
  INGOT_NOT_FOUND,
  INGOT_UNSUPPORTED,
  INGOT_RESOURCE_EXHAUSTED,
  INGOT_CANCELLED,
  INGOT_IO,
  INGOT_INTERNAL,
  INGOT_DEVICE_LOST /* open the model again, mostly in a new process */
} ingot_code_t;

ingot_code_t ingot_status_code(const ingot_status_t* status); /* INGOT_OK for NULL */
const char* ingot_status_message(const ingot_status_t* status);
void ingot_status_free(ingot_status_t* status);

/* 0 means "choose for me". */
typedef struct ingot_llm_options {
  size_t struct_size; /* set by ingot_llm_options_init */
  int threads;
  uint64_t kv_cache_memory; /* bytes */
  int max_num_seqs;
  int max_num_batched_tokens;
  const char* device; /* "auto", "cpu", "cuda", "cuda:1" */
  double gpu_memory_utilization;
  double device_timeout; /* seconds */
} ingot_llm_options_t;

void ingot_llm_options_init(ingot_llm_options_t* options);
/* `options` may be NULL. */
ingot_status_t* ingot_llm_open(const char* path, const ingot_llm_options_t* options, ingot_llm_t** llm);
void ingot_llm_free(ingot_llm_t* llm);

/* vLLM's SamplingParams. Init gives the model-independent defaults; a NaN or INT_MIN takes the model's own. */
typedef struct ingot_sampling_params {
  size_t struct_size; /* set by ingot_sampling_params_init */
  int n;
  float temperature, top_p, min_p;
  int top_k;
  float presence_penalty, frequency_penalty, repetition_penalty;
  int max_tokens; /* 16; -1: up to the context limit */
  int min_tokens;
  bool has_seed;
  int64_t seed;
  const char* const* stop; /* strings that end the text */
  size_t stop_count;
  const int32_t* stop_token_ids;
  size_t stop_token_ids_count;
  int logprobs; /* INT_MIN: none */
  bool ignore_eos, skip_special_tokens, include_stop_str_in_output;
} ingot_sampling_params_t;

void ingot_sampling_params_init(ingot_sampling_params_t* params);

/* Called on the calling thread with what is new of one output; false ends all requests of the call. */
typedef bool (*ingot_stream_callback_t)(size_t request, int output, const char* text, size_t text_bytes, const int32_t* token_ids, size_t token_count,
                                        void* user);

/* `params` and `callback` may be NULL. Outputs come in the order of the prompts. */
ingot_status_t* ingot_llm_generate(ingot_llm_t* llm, const char* const* prompts, size_t prompt_count, const ingot_sampling_params_t* params,
                                   ingot_stream_callback_t callback, void* user, ingot_outputs_t** outputs);
ingot_status_t* ingot_llm_generate_ids(ingot_llm_t* llm, const int32_t* token_ids, size_t token_count, const ingot_sampling_params_t* params,
                                       ingot_stream_callback_t callback, void* user, ingot_outputs_t** outputs);
/* `messages_json`: a JSON list of messages. `tools_json` and `chat_template` may be NULL. */
ingot_status_t* ingot_llm_chat(ingot_llm_t* llm, const char* messages_json, const char* tools_json, const char* chat_template,
                               const ingot_sampling_params_t* params, ingot_stream_callback_t callback, void* user, ingot_outputs_t** outputs);
/* Ends the requests in work at the next step; may be called from any thread or signal handler. */
void ingot_llm_cancel(ingot_llm_t* llm);

size_t ingot_outputs_requests(const ingot_outputs_t* outputs);
size_t ingot_outputs_count(const ingot_outputs_t* outputs, size_t request); /* n */
const char* ingot_outputs_text(const ingot_outputs_t* outputs, size_t request, size_t output);
const int32_t* ingot_outputs_token_ids(const ingot_outputs_t* outputs, size_t request, size_t output, size_t* count);
const char* ingot_outputs_finish_reason(const ingot_outputs_t* outputs, size_t request, size_t output);
void ingot_outputs_free(ingot_outputs_t* outputs);

const char* ingot_version(void);

#ifdef __cplusplus
}
#endif
#endif
