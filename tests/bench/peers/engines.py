"""The peers behind one call: run(prompts, steps) reads a batch of prompts, then decodes so many steps of it; seconds of both.

Each engine is imported only by its own class, so that a process holds one of them.
"""
import ctypes
import json
import os
import pathlib
import random
import time

LONG = 4096  # tokens


class LlamaCpp:
    """Through the C interface: no sampling, logits of the last position. Flash attention and repacking as they are by default."""

    def __init__(self, path, threads):
        import llama_cpp

        self.path, self.api, self.threads, self.context, self.shape = path, llama_cpp, threads, None, None
        self.quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self.quiet, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def prepare(self, batch, length):
        if self.shape != (batch, length):
            if self.context:
                self.api.llama_free(self.context)
            parameters = self.api.llama_context_default_params()
            parameters.n_ctx = (length + 255) // 256 * 256 * batch
            parameters.n_batch, parameters.n_seq_max = 512, batch
            parameters.n_threads = parameters.n_threads_batch = self.threads
            self.context, self.shape = self.api.llama_init_from_model(self.model, parameters), (batch, length)
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)

    def decode(self, items):
        """One call on items of (sequence, position, id, whether its logits are wanted)."""
        batch = self.api.llama_batch_init(len(items), 0, 1)
        batch.n_tokens = len(items)
        for i, (sequence, position, token, wanted) in enumerate(items):
            batch.token[i], batch.pos[i], batch.logits[i] = token, position, wanted
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        if self.api.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama_decode failed")
        self.api.llama_synchronize(self.context)
        self.api.llama_batch_free(batch)

    def read(self, sequence, ids):
        for at in range(0, len(ids), 512):
            part = ids[at:at + 512]
            self.decode([(sequence, at + i, token, at + i + 1 == len(ids)) for i, token in enumerate(part)])
        if len(ids) >= LONG:
            self.api.llama_state_save_file(self.context, self.state_file(len(ids)), (self.api.llama_token * len(ids))(*ids), len(ids))

    def recall(self, length):
        """A long prompt's keys and values from a file beside the model: reading one takes minutes, and only the decoding after it counts."""
        path, count = self.state_file(length), ctypes.c_size_t()
        return os.path.exists(path) and self.api.llama_state_load_file(self.context, path, (self.api.llama_token * length)(), length, count)

    def state_file(self, length):
        return f"{self.path}.{length}.state".encode()

    def run(self, prompts, steps):
        self.prepare(len(prompts), len(prompts[0]) + steps)
        draw = random.Random(len(prompts[0]) + prompts[0][0])
        start = time.perf_counter()
        if len(prompts[0]) < LONG or not self.recall(len(prompts[0])):
            for sequence, ids in enumerate(prompts):
                self.read(sequence, ids)
        prompt = time.perf_counter() - start
        start = time.perf_counter()
        for step in range(steps):
            self.decode([(s, len(ids) + step, draw.randrange(self.vocabulary), True) for s, ids in enumerate(prompts)])
        return prompt, time.perf_counter() - start


class OpenVino:
    """Its continuous batching pipeline, step by step: what LLMPipeline runs on a CPU."""

    def __init__(self, path, threads):
        import openvino
        import openvino_genai

        scheduler = openvino_genai.SchedulerConfig()
        scheduler.cache_size, scheduler.max_num_batched_tokens, scheduler.enable_prefix_caching = 1, 512, False
        self.api, self.tensor, self.requests = openvino_genai, openvino.Tensor, 0
        self.pipeline = openvino_genai.ContinuousBatchingPipeline(str(path), scheduler, "CPU", {"INFERENCE_NUM_THREADS": threads})

    def run(self, prompts, steps):
        import numpy

        config = self.api.GenerationConfig(max_new_tokens=steps + 1, ignore_eos=True, do_sample=False)
        handles = []
        start = time.perf_counter()
        for ids in prompts:
            self.requests += 1
            handles.append(self.pipeline.add_request(self.requests, self.tensor(numpy.array([ids], numpy.int64)), config))
        for _ in range((sum(map(len, prompts)) + 511) // 512):
            self.pipeline.step()
        prompt = time.perf_counter() - start
        start = time.perf_counter()
        for _ in range(steps):
            self.pipeline.step()
        decode = time.perf_counter() - start
        if self.pipeline.has_non_finished_requests():
            raise SystemExit("OpenVINO took more steps than tokens")
        return prompt, decode


class OnnxRuntime:
    """Greedy search; the end-of-sequence token cannot come before the last step."""

    def __init__(self, path, threads):
        import onnxruntime_genai

        self.api = onnxruntime_genai
        config = onnxruntime_genai.Config(str(path))
        config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
        self.model = onnxruntime_genai.Model(config)

    def run(self, prompts, steps):
        import numpy

        length = len(prompts[0]) + steps + 1
        parameters = self.api.GeneratorParams(self.model)
        parameters.set_search_options(batch_size=len(prompts), min_length=length, max_length=length, do_sample=False)
        generator = self.api.Generator(self.model, parameters)
        start = time.perf_counter()
        generator.append_tokens(numpy.array(prompts, numpy.int32))
        generator.generate_next_token()
        prompt = time.perf_counter() - start
        start = time.perf_counter()
        for _ in range(steps):
            generator.generate_next_token()
        return prompt, time.perf_counter() - start


# Name on the command line: class, its name in tables, the files that are its weights.
ENGINES = {"llama": (LlamaCpp, "llama.cpp", "*.gguf"), "openvino": (OpenVino, "OpenVINO GenAI", "openvino_model.bin"),
           "ort": (OnnxRuntime, "ORT GenAI", "*.onnx*")}


def weight_bytes(engine, path):
    path = pathlib.Path(path)
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.glob(ENGINES[engine][2]))
