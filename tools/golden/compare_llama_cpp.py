#!/usr/bin/env python3
"""GGUF files that Imago writes, opened by llama.cpp (the Python package llama-cpp-python): small random models of every
type that is written, saved by the reference, quantized by `imago quantize`, must give the reference's token ids and its
greedy tokens (of an encoder, its states). Rounded to f16, a random model's tokens may differ: these are printed only.

Usage: compare_llama_cpp.py IMAGO [--tokenizer FOLDER]
  --tokenizer: of a decoder, in place of a small byte-level one: a folder with what AutoTokenizer reads
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import llama_cpp
import numpy as np
import torch
from transformers import (AutoTokenizer, BertConfig, BertModel, Gemma2Config, Gemma3ForCausalLM, Gemma3TextConfig, Olmo2Config,
                          Olmo2ForCausalLM, SmolLM3Config, SmolLM3ForCausalLM, Gemma2ForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig,
                          LlamaForCausalLM, MistralConfig, MistralForCausalLM, MixtralConfig, MixtralForCausalLM, Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast, Qwen2Config,
                          Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM)

from gguf_models import TEMPLATE, spread, train_tokenizer, train_word_pieces

TEXT = "The light of the lamp fell on the page, and Zo\u00eb said: 'Don't!'  12345 \n\n\u6b21"
NEW = 24
FLOAT = 0  # ggml's number of the type: keys and values in f16 cost three digits


def models(rows):
    """Name, model; `rows` is the size of the vocabulary."""
    sizes = dict(vocab_size=rows, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-5)
    stretched = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
                 "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    linear = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}
    yield "llama", LlamaForCausalLM(LlamaConfig(**sizes))
    yield "llama3", LlamaForCausalLM(LlamaConfig(**sizes, tie_word_embeddings=True, rope_parameters=stretched))
    yield "llama_linear", LlamaForCausalLM(LlamaConfig(**sizes, attention_bias=True, rope_parameters=linear))
    yield "mistral", MistralForCausalLM(MistralConfig(**sizes, sliding_window=128, head_dim=32))
    yield "qwen2", Qwen2ForCausalLM(Qwen2Config(**sizes, tie_word_embeddings=True))
    yield "qwen3", Qwen3ForCausalLM(Qwen3Config(**sizes, head_dim=32))
    yield "gemma2", Gemma2ForCausalLM(Gemma2Config(**sizes, head_dim=32, query_pre_attn_scalar=32, sliding_window=16))
    yield "gemma3", Gemma3ForCausalLM(Gemma3TextConfig(**sizes | {"num_hidden_layers": 7}, head_dim=32, query_pre_attn_scalar=32,
                                                       sliding_window=16, tie_word_embeddings=True))
    yield "olmo2", Olmo2ForCausalLM(Olmo2Config(**sizes))
    yield "smollm3", SmolLM3ForCausalLM(SmolLM3Config(**sizes | {"num_hidden_layers": 5}, pad_token_id=0, bos_token_id=0, eos_token_id=1))
    yield "qwen3_moe", Qwen3MoeForCausalLM(Qwen3MoeConfig(**sizes, head_dim=32, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=64,
                                                          norm_topk_prob=True))
    yield "mixtral", MixtralForCausalLM(MixtralConfig(**sizes, num_local_experts=4, num_experts_per_tok=2))
    # Under another name: of files called phi3 llama.cpp expects tokens that this vocabulary lacks.
    yield "p_three", Phi3ForCausalLM(Phi3Config(**sizes, bos_token_id=0, eos_token_id=1, pad_token_id=0))
    yield "gpt2", GPT2LMHeadModel(GPT2Config(vocab_size=rows, n_positions=256, n_embd=64, n_layer=2, n_head=4))


def of_reference(model, ids):
    with torch.no_grad():
        return model.generate(torch.tensor([ids]), max_new_tokens=NEW, do_sample=False, eos_token_id=None,
                              pad_token_id=0)[0, len(ids):].tolist()


def of_llama_cpp(model, ids):
    model.reset()
    model.eval(ids)
    tokens = []
    for _ in range(NEW):
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(model.ctx, -1), shape=(model.n_vocab(),))
        tokens.append(int(logits.argmax()))
        model.eval(tokens[-1:])
    return tokens


def quantized(imago, folder, method):
    path = folder.with_suffix(f".{method}.gguf")
    subprocess.run([imago, "quantize", str(folder), str(path), "--method", method], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("imago")
    parser.add_argument("--tokenizer")
    options = parser.parse_args()
    torch.manual_seed(3)
    if options.tokenizer:
        tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    else:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=train_tokenizer(), bos_token="<s>", eos_token="</s>")
    tokenizer.chat_template = TEMPLATE
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        for name, model in models(len(tokenizer)):
            folder = pathlib.Path(work) / name
            torch.manual_seed(3)  # a model's weights hang on no other's
            spread(model, 0.15).save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            ids = tokenizer(TEXT)["input_ids"]
            want = of_reference(model, ids)
            for method in ("f32", "f16"):
                opened = llama_cpp.Llama(quantized(options.imago, folder, method), n_ctx=256, n_threads=1,
                                         verbose=False, type_k=FLOAT, type_v=FLOAT)
                same_ids = opened.tokenize(TEXT.encode(), add_bos=True, special=False) == ids
                got = of_llama_cpp(opened, ids)
                failed += not same_ids or (method == "f32" and got != want)
                equal = sum(a == b for a, b in zip(got, want))
                print(f"{name} {method}: ids {'equal' if same_ids else 'DIFFER'}, {equal} of {NEW} greedy tokens")
        words = PreTrainedTokenizerFast(tokenizer_object=train_word_pieces(), cls_token="[CLS]", sep_token="[SEP]",
                                        pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]")
        folder = pathlib.Path(work) / "bert"
        model = spread(BertModel(BertConfig(vocab_size=len(words), hidden_size=64, num_hidden_layers=2,
                                            num_attention_heads=4, intermediate_size=96,
                                            max_position_embeddings=256)), 0.15)
        model.save_pretrained(folder)
        words.save_pretrained(folder)
        ids = words(TEXT)["input_ids"]
        with torch.no_grad():
            want = model(torch.tensor([ids])).last_hidden_state[0].numpy()
        opened = llama_cpp.Llama(quantized(options.imago, folder, "f32"), n_ctx=256, n_threads=1, verbose=False,
                                 embedding=True)
        same_ids = opened.tokenize(TEXT.encode(), add_bos=True, special=False) == ids
        got = np.array(opened.embed(TEXT, normalize=False))
        error = float(np.abs(got - want).max()) if got.shape == want.shape else float("inf")
        # States are of magnitude 1; llama.cpp has another gelu, off by about 1e-3.
        failed += not same_ids or error > 5e-3
        print(f"bert f32: ids {'equal' if same_ids else 'DIFFER'}, states off by {error:.2g}")
    print(f"{failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
