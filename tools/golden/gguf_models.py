#!/usr/bin/env python3
"""Writes src/imago/generation/testdata/<name>.gguf and <name>.json: small random models as the Python package `gguf`
writes them, and what the reference computes with the same weights decoded.

  <name>.json: of a decoder text and chat with their ids, greedy tokens after the text, the logits of its last token, its perplexity; of an encoder the text, its ids and the last hidden states

The conversion below is what the format prescribes: matrices [out, in], GPT-2's transposed; of Llama, each head's rows
of q and k in pairs (0, 1), (2, 3), ... where the Hub has halves (0, n/2), (1, n/2 + 1), ....

Usage: gguf_models.py [name...]
"""

import json
import pathlib
import sys

import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from gguf import GGUFWriter
from gguf.quants import dequantize, quantize
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM)

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "src" / "imago" / "generation" / "testdata"
TEMPLATE = ("{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
            "{% if add_generation_prompt %}[assistant] {% endif %}")
TEXT = "The light of the lamp fell on the page"
CHAT = [{"role": "user", "content": "Where is the lamp?"}]
VOCABULARY = 320


def train_tokenizer():
    text = (ROOT / "LICENSE").read_text()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=["<s>", "</s>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    return tokenizer


def train_word_pieces():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator((ROOT / "LICENSE").read_text().splitlines(keepends=True), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def add_word_pieces(writer, tokenizer):
    """Pieces that begin a word are marked, where WordPiece marks the others."""
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.get)
    tokens += [f"[PAD{i}]" for i in range(len(tokens), VOCABULARY)]
    special = [token.startswith("[") and token.endswith("]") and len(token) > 2 for token in tokens]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(2)
    writer.add_token_list([token if known else token[2:] if token.startswith("##") else "\u2581" + token
                           for token, known in zip(tokens, special)])
    writer.add_token_types([5 if i >= len(vocabulary) else 3 if known else 1 for i, known in enumerate(special)])
    for role, token in (("bos", "[CLS]"), ("eos", "[SEP]"), ("unk", "[UNK]"), ("sep", "[SEP]"), ("pad", "[PAD]"),
                        ("cls", "[CLS]"), ("mask", "[MASK]")):
        if role == "cls":
            writer.add_uint32("tokenizer.ggml.cls_token_id", vocabulary[token])
        else:
            getattr(writer, f"add_{role}_token_id")(vocabulary[token])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)


def add_tokenizer(writer, tokenizer):
    data = json.loads(tokenizer.to_str())
    vocabulary = data["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in ("<s>", "</s>") else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in data["model"]["merges"]])
    writer.add_bos_token_id(vocabulary["<s>"])
    writer.add_eos_token_id(vocabulary["</s>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def halves_to_pairs(rows, heads):
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def pairs_to_halves(rows, heads):
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


LLAMA = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
         "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
         "post_attention_layernorm": "ffn_norm", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}
GPT2 = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "lm_head": "output", "ln_1": "attn_norm",
        "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm", "mlp.c_fc": "ffn_up",
        "mlp.c_proj": "ffn_down"}


QWEN2 = LLAMA
BERT = {"word_embeddings": "token_embd", "position_embeddings": "position_embd", "token_type_embeddings": "token_types",
        "embeddings.LayerNorm": "token_embd_norm", "self.query": "attn_q", "self.key": "attn_k", "self.value": "attn_v",
        "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
        "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}


def gguf_name(name, table):
    parts = name.split(".")
    suffix = "." + parts[-1]
    layer = next((p for p in parts if p.isdigit()), None)
    keys = [".".join(parts[-4:-1]), ".".join(parts[-3:-1]), parts[-2]]
    stem = next(table[k] for k in keys if k in table)
    return (f"blk.{layer}.{stem}" if layer else stem) + suffix


def write_model(name, model, table, kinds, tokenizer, add_config):
    writer = GGUFWriter(OUT / f"{name}.gguf", model.config.model_type)
    add_config(writer, model.config)
    (add_word_pieces if table is BERT else add_tokenizer)(writer, tokenizer)
    state = model.state_dict()
    tied = model.config.tie_word_embeddings
    for key, tensor in state.items():
        if (tied and key == "lm_head.weight") or key.startswith("pooler"):
            continue
        stored = gguf_name(key, table)
        values = tensor.numpy().astype(np.float32)
        conv1d = table is GPT2 and values.ndim == 2 and any(part in key for part in ("c_attn", "c_proj", "c_fc"))
        if conv1d:
            values = np.ascontiguousarray(values.T)
        heads = 0
        if model.config.model_type == "llama":
            heads = {"attn_q": model.config.num_attention_heads,
                     "attn_k": model.config.num_key_value_heads}.get(stored.split(".")[-2], 0)
        if heads:
            values = halves_to_pairs(values, heads)
        kind = kinds.get(stored.split(".")[-2], kinds["*"]) if values.ndim == 2 else Kind.F32
        blocks = quantize(values, kind)
        decoded = dequantize(blocks, kind).reshape(values.shape)
        writer.add_tensor(stored, blocks, raw_dtype=kind)
        if heads:
            decoded = pairs_to_halves(decoded, heads)
        tensor.copy_(torch.from_numpy(np.ascontiguousarray(decoded.T if conv1d else decoded)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    ids = tokenizer.encode(TEXT).ids
    if table is BERT:
        with torch.no_grad():
            hidden = model(torch.tensor([ids])).last_hidden_state
        expected = {"text": TEXT, "ids": ids, "last_hidden_state": [round(float(x), 6) for x in hidden.flatten()]}
        (OUT / f"{name}.json").write_text(json.dumps(expected) + "\n")
        return
    chat = "<s>[user] Where is the lamp?\n[assistant] "
    with torch.no_grad():
        output = model(torch.tensor([ids]), labels=torch.tensor([ids]))
        logits = output.logits[0, -1]
        greedy = model.generate(torch.tensor([ids]), max_new_tokens=24, do_sample=False, eos_token_id=None,
                                pad_token_id=0)
    expected = {"text": TEXT, "ids": ids, "messages": CHAT, "chat": chat, "chat_ids": tokenizer.encode(chat).ids,
                "greedy": greedy[0, len(ids):].tolist(), "perplexity": float(output.loss.exp()),
                "logits": [round(float(x), 6) for x in logits]}
    (OUT / f"{name}.json").write_text(json.dumps(expected, indent=1) + "\n")


def llama_config(writer, c):
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_block_count(c.num_hidden_layers)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    writer.add_rope_dimension_count(c.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(c.vocab_size)


def qwen2_config(writer, c):
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_block_count(c.num_hidden_layers)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    writer.add_rope_freq_base(1000000.0)


def bert_config(writer, c):
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_block_count(c.num_hidden_layers)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_layer_norm_eps(c.layer_norm_eps)
    writer.add_causal_attention(False)


def gpt2_config(writer, c):
    writer.add_context_length(c.n_positions)
    writer.add_embedding_length(c.n_embd)
    writer.add_block_count(c.n_layer)
    writer.add_feed_forward_length(4 * c.n_embd)
    writer.add_head_count(c.n_head)
    writer.add_layer_norm_eps(c.layer_norm_epsilon)


def spread(model, scale):
    """Weights large enough that the logits, and so the greedy tokens, are far apart."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.ndim == 2:
                value.normal_(0, scale)
            elif "norm" in name.lower() or "ln" in name:
                value.normal_(1 if name.endswith("weight") else 0, 0.1)
            elif "proj" in name or "dense" in name:
                value.normal_(0, 0.1)
    return model.eval()


def llama(tie):
    torch.manual_seed(7)
    config = LlamaConfig(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5,
                         tie_word_embeddings=tie, bos_token_id=0, eos_token_id=1)
    return spread(LlamaForCausalLM(config), 0.15)


def qwen2():
    torch.manual_seed(9)
    config = Qwen2Config(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-6,
                         tie_word_embeddings=True, bos_token_id=0, eos_token_id=1,
                         rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})
    return spread(Qwen2ForCausalLM(config), 0.15)


def bert():
    torch.manual_seed(10)
    config = BertConfig(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                        num_attention_heads=4, max_position_embeddings=64)
    return spread(BertModel(config), 0.15)


def gpt2():
    torch.manual_seed(8)
    config = GPT2Config(vocab_size=VOCABULARY, n_positions=64, n_embd=64, n_layer=2, n_head=4, bos_token_id=0,
                        eos_token_id=1)
    return spread(GPT2LMHeadModel(config), 0.15)


def main():
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    mixed = {"*": Kind.Q4_0, "attn_q": Kind.Q5_0, "attn_k": Kind.Q4_1, "attn_v": Kind.Q5_1, "attn_output": Kind.F16,
             "ffn_gate": Kind.BF16, "ffn_down": Kind.MXFP4, "token_embd": Kind.Q8_0}
    wanted = sys.argv[1:]
    if not wanted or "llama_q8_0" in wanted:
        write_model("llama_q8_0", llama(False), LLAMA, {"*": Kind.Q8_0}, tokenizer, llama_config)
    if not wanted or "llama_mixed" in wanted:
        write_model("llama_mixed", llama(True), LLAMA, mixed, tokenizer, llama_config)
    if not wanted or "qwen2_q8_0" in wanted:
        write_model("qwen2_q8_0", qwen2(), QWEN2, {"*": Kind.Q8_0}, tokenizer, qwen2_config)
    if not wanted or "bert_q8_0" in wanted:
        plain = {"*": Kind.Q8_0, "position_embd": Kind.F32, "token_types": Kind.F32}
        write_model("bert_q8_0", bert(), BERT, plain, train_word_pieces(), bert_config)
    if not wanted or "gpt2_q8_0" in wanted:
        write_model("gpt2_q8_0", gpt2(), GPT2, {"*": Kind.Q8_0, "position_embd": Kind.F32}, tokenizer, gpt2_config)


if __name__ == "__main__":
    main()
