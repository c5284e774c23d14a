"""Random configurations of the first four architectures for sweep.py."""

import random

from sweep_decoders import ACTIVATIONS, rope_parameters


def llama(r: random.Random) -> dict:
    key_value_heads = r.choice([1, 2, 3, 6])
    heads = key_value_heads * r.choice([1, 2, 4])
    head_dim = r.choice([4, 6, 8, 10, 14])
    overrides = dict(
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        head_dim=head_dim,
        hidden_size=heads * -(-r.choice([18, 30]) // heads),
        intermediate_size=r.choice([20, 33, 48]),
        num_hidden_layers=r.choice([1, 2, 3]),
        hidden_act=r.choice(ACTIVATIONS),
        attention_bias=r.random() < 0.4,
        mlp_bias=r.random() < 0.4,
        tie_word_embeddings=r.random() < 0.5,
        rms_norm_eps=r.choice([1e-6, 1e-5]),
        rope_parameters=rope_parameters(r, head_dim),
        vocab_size=r.choice([61, 64, 97]),
    )
    if overrides["rope_parameters"]["rope_type"] == "dynamic":
        overrides["max_position_embeddings"] = 16
    return overrides


def gpt2(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 4])
    return dict(
        n_head=heads,
        n_embd=heads * -(-r.choice([17, 25, 32]) // heads),
        n_layer=r.choice([1, 2, 3]),
        n_inner=r.choice([None, 40, 51]),
        activation_function=r.choice(ACTIVATIONS + ["tanh"]),
        tie_word_embeddings=r.random() < 0.6,
        vocab_size=r.choice([61, 64, 97]),
        scale_attn_weights=r.random() < 0.8,
        scale_attn_by_inverse_layer_idx=r.random() < 0.4,
        reorder_and_upcast_attn=r.random() < 0.4,
        layer_norm_epsilon=r.choice([1e-5, 1e-3]),
    )


def bert(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 4])
    return dict(
        num_attention_heads=heads,
        hidden_size=heads * -(-r.choice([17, 25, 32]) // heads),
        intermediate_size=r.choice([20, 33, 48]),
        num_hidden_layers=r.choice([1, 2, 3]),
        hidden_act=r.choice(ACTIVATIONS),
        type_vocab_size=r.choice([2, 3]),
        tie_word_embeddings=r.random() < 0.7,
        vocab_size=r.choice([61, 64, 97]),
        layer_norm_eps=r.choice([1e-12, 1e-5]),
    )


def t5(r: random.Random) -> dict:
    layers = r.choice([1, 2])  # never fewer than in the decoder: the reference sizes its cache by num_layers and fails
    return dict(
        d_model=r.choice([20, 32]),
        num_heads=r.choice([1, 3, 4]),
        d_kv=r.choice([4, 5, 7, 8]),
        d_ff=r.choice([24, 33]),
        num_layers=layers,
        num_decoder_layers=r.choice([1, layers]),
        vocab_size=r.choice([61, 64, 97]),
        relative_attention_num_buckets=r.choice([6, 8, 16, 32]),
        relative_attention_max_distance=r.choice([20, 50, 128]),
        feed_forward_proj=r.choice(["relu", "gelu", "gated-gelu", "gated-silu", "gated-relu"]),
        tie_word_embeddings=r.random() < 0.5,
    )


CONFIGS = {"gpt2": gpt2, "llama": llama, "bert": bert, "t5": t5}
