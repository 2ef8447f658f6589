// The C header over Engine. Nothing throws across it: what allocation failure or a bug throws inside becomes a status.
#include "runtime/api/ingot/c.h"

#include <climits>
#include <cmath>

#include "runtime/api/ingot/ingot.h"
#include "runtime/engine/chat.h"

using namespace ingot;

struct ingot_status {
  Status status;
};
struct ingot_llm {
  std::unique_ptr<Engine> engine;
};
struct ingot_outputs {
  std::vector<RequestOutput> requests;
};

namespace {

ingot_status_t* wrap(Status status) { return status.ok() ? nullptr : new ingot_status{std::move(status)}; }

template <class Work>
ingot_status_t* guarded(Work work) {
  try {
    return wrap(work());
  } catch (const std::bad_alloc&) {
    return wrap({StatusCode::resourceExhausted, "out of memory"});
  } catch (const std::exception& error) {
    return wrap({StatusCode::internal, error.what()});
  }
}

SamplingParams paramsOf(const ingot_sampling_params_t* c) {
  SamplingParams p;
  if (!c) return p;
  auto number = [](float value, std::optional<float>& out) {
    if (!std::isnan(value)) out = value;
  };
  p.n = c->n;
  number(c->temperature, p.temperature);
  number(c->top_p, p.top_p);
  number(c->min_p, p.min_p);
  number(c->repetition_penalty, p.repetition_penalty);
  if (c->top_k != INT_MIN) p.top_k = c->top_k;
  p.presence_penalty = c->presence_penalty;
  p.frequency_penalty = c->frequency_penalty;
  p.max_tokens = c->max_tokens == -1 ? std::nullopt : std::optional<int>(c->max_tokens);
  p.min_tokens = c->min_tokens;
  if (c->has_seed) p.seed = c->seed;
  p.stop.assign(c->stop, c->stop + c->stop_count);
  p.stop_token_ids.assign(c->stop_token_ids, c->stop_token_ids + c->stop_token_ids_count);
  if (c->logprobs != INT_MIN) p.logprobs = c->logprobs;
  p.ignore_eos = c->ignore_eos;
  p.skip_special_tokens = c->skip_special_tokens;
  p.include_stop_str_in_output = c->include_stop_str_in_output;
  return p;
}

EngineOptions optionsOf(const ingot_llm_options_t* c) {
  EngineOptions o;
  if (!c) return o;
  o.threads = c->threads;
  o.kv_cache_memory = c->kv_cache_memory;
  o.max_num_seqs = c->max_num_seqs;
  o.max_num_batched_tokens = c->max_num_batched_tokens;
  if (c->device) o.device = c->device;
  o.gpu_memory_utilization = c->gpu_memory_utilization;
  if (c->device_timeout != 0) o.device_timeout = c->device_timeout;
  return o;
}

StreamCallback callbackOf(Engine& engine, ingot_stream_callback_t callback, void* user) {
  if (!callback) return {};
  return [&engine, callback, user](const RequestOutput& delta) {
    const CompletionOutput& out = delta.outputs[0];
    size_t request = std::stoul(delta.request_id);
    if (!callback(request, out.index, out.text.data(), out.text.size(), out.token_ids.data(), out.token_ids.size(), user)) engine.cancel();
  };
}

Status finish(Result<std::vector<RequestOutput>> result, ingot_outputs_t** outputs) {
  if (!result.ok()) return result.status();
  *outputs = new ingot_outputs{std::move(result).value()};
  return {};
}

}  // namespace

extern "C" {

ingot_code_t ingot_status_code(const ingot_status_t* status) { return status ? static_cast<ingot_code_t>(status->status.code()) : INGOT_OK; }
const char* ingot_status_message(const ingot_status_t* status) { return status ? status->status.message().c_str() : ""; }
void ingot_status_free(ingot_status_t* status) { delete status; }

void ingot_llm_options_init(ingot_llm_options_t* options) {
  *options = {};
  options->struct_size = sizeof(*options);
}

ingot_status_t* ingot_llm_open(const char* path, const ingot_llm_options_t* options, ingot_llm_t** llm) {
  return guarded([&]() -> Status {
    INGOT_ASSIGN(auto engine, Engine::open(path, optionsOf(options)));
    *llm = new ingot_llm{std::move(engine)};
    return {};
  });
}
void ingot_llm_free(ingot_llm_t* llm) { delete llm; }

void ingot_sampling_params_init(ingot_sampling_params_t* params) {
  *params = {};
  params->struct_size = sizeof(*params);
  params->n = 1;
  params->temperature = params->top_p = params->min_p = params->repetition_penalty = NAN;
  params->top_k = params->logprobs = INT_MIN;
  params->max_tokens = 16;
  params->skip_special_tokens = true;
}

ingot_status_t* ingot_llm_generate(ingot_llm_t* llm, const char* const* prompts, size_t prompt_count, const ingot_sampling_params_t* params,
                                   ingot_stream_callback_t callback, void* user, ingot_outputs_t** outputs) {
  return guarded([&] {
    std::vector<Prompt> list(prompts, prompts + prompt_count);
    return finish(llm->engine->generate(list, {paramsOf(params)}, callbackOf(*llm->engine, callback, user)), outputs);
  });
}

ingot_status_t* ingot_llm_generate_ids(ingot_llm_t* llm, const int32_t* token_ids, size_t token_count, const ingot_sampling_params_t* params,
                                       ingot_stream_callback_t callback, void* user, ingot_outputs_t** outputs) {
  return guarded([&] {
    std::vector<Prompt> list = {Prompt(std::vector<int32_t>(token_ids, token_ids + token_count))};
    return finish(llm->engine->generate(list, {paramsOf(params)}, callbackOf(*llm->engine, callback, user)), outputs);
  });
}

ingot_status_t* ingot_llm_chat(ingot_llm_t* llm, const char* messages_json, const char* tools_json, const char* chat_template,
                               const ingot_sampling_params_t* params, ingot_stream_callback_t callback, void* user, ingot_outputs_t** outputs) {
  return guarded([&]() -> Status {
    INGOT_ASSIGN(auto conversations, readConversations(messages_json, "messages"));
    if (conversations.size() != 1) return Status::invalidInput("messages: has {} conversations, expected one", conversations.size());
    ChatOptions options;
    if (tools_json) options.tools = tools_json;
    if (chat_template) options.chat_template = chat_template;
    return finish(llm->engine->chat(conversations, {paramsOf(params)}, options, callbackOf(*llm->engine, callback, user)), outputs);
  });
}

void ingot_llm_cancel(ingot_llm_t* llm) { llm->engine->cancel(); }

size_t ingot_outputs_requests(const ingot_outputs_t* outputs) { return outputs->requests.size(); }
size_t ingot_outputs_count(const ingot_outputs_t* outputs, size_t request) { return outputs->requests[request].outputs.size(); }
const char* ingot_outputs_text(const ingot_outputs_t* outputs, size_t request, size_t output) {
  return outputs->requests[request].outputs[output].text.c_str();
}
const int32_t* ingot_outputs_token_ids(const ingot_outputs_t* outputs, size_t request, size_t output, size_t* count) {
  const auto& ids = outputs->requests[request].outputs[output].token_ids;
  *count = ids.size();
  return ids.data();
}
const char* ingot_outputs_finish_reason(const ingot_outputs_t* outputs, size_t request, size_t output) {
  return outputs->requests[request].outputs[output].finish_reason.c_str();
}
void ingot_outputs_free(ingot_outputs_t* outputs) { delete outputs; }

const char* ingot_version(void) { return INGOT_VERSION; }
}
