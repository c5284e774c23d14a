"""Tiny configurations: one base per model type, small enough that a golden folder stays under 300 KB."""

import json

# Dropout is zero everywhere: a training curve must not depend on a random number generator.
TINY = {
    "gpt2": dict(
        vocab_size=64,
        n_positions=64,
        n_embd=32,
        n_layer=2,
        n_head=4,
        n_inner=64,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    ),
    "llama": dict(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    ),
    "bert": dict(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=48,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    ),
    "t5": dict(
        vocab_size=64,
        d_model=32,
        d_kv=6,
        d_ff=32,
        num_layers=2,
        num_decoder_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=12,
        dropout_rate=0.0,
        decoder_start_token_id=0,
        eos_token_id=1,
        pad_token_id=0,
    ),
}


def parse_overrides(settings: list[str]) -> dict:
    """`["hidden_act=relu", "rope_parameters={...}"]` -> dict; a value is JSON, or else a plain string."""
    overrides = {}
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator:
            raise SystemExit(f"--set wants KEY=VALUE and got {setting!r}")
        try:
            overrides[key] = json.loads(value)
        except json.JSONDecodeError:
            overrides[key] = value
    return overrides


def make_config(model_type: str, overrides: dict):
    from transformers import AutoConfig, SpeechT5HifiGanConfig

    if model_type == "speecht5_hifigan":  # no auto class knows it
        return SpeechT5HifiGanConfig(**overrides)
    return AutoConfig.for_model(model_type, **{**TINY.get(model_type, {}), **overrides})
