#!/usr/bin/env python3
"""Makes tiny-chat/: a random Llama of two layers with a byte-level BPE tokenizer and a chat template, for end-to-end tests.

    pip install torch transformers tokenizers safetensors && python make_tiny_chat.py
"""
import pathlib

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
TEMPLATE = """{%- for message in messages -%}
<|{{ message['role'] }}|>{{ message['content'] | trim }}<|end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}
"""


def tokenizer():
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    text = (HERE.parent.parent / "docs" / "architecture.md").read_text().splitlines()
    trainer = trainers.BpeTrainer(vocab_size=380, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    bpe.train_from_iterator(text, trainer)
    bpe.add_special_tokens([AddedToken(content, special=True, normalized=False) for content in SPECIAL])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|end|>", pad_token="<|end|>")
    fast.chat_template = TEMPLATE
    return fast


def main():
    torch.manual_seed(7)
    fast = tokenizer()
    config = transformers.LlamaConfig(
        vocab_size=384, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=16, max_position_embeddings=512, tie_word_embeddings=True, initializer_range=0.2, eos_token_id=fast.eos_token_id,
        bos_token_id=None, pad_token_id=None, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    model = transformers.LlamaForCausalLM(config).to(torch.float16)
    model.generation_config = transformers.GenerationConfig(eos_token_id=fast.eos_token_id)
    model.save_pretrained(HERE / "tiny-chat")
    fast.save_pretrained(HERE / "tiny-chat")


main()
