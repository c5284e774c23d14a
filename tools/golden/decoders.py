"""The committed goldens of the text decoders that resemble one another; see manifest.py."""

from record import GREEDY, Golden

SHORT = dict(batch=2, tokens=8)
BEAM = {"max_new_tokens": 10, "do_sample": False, "num_beams": 3, "length_penalty": 0.7}
BASE = dict(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
HEADS = {
    "sequence_classification": "AutoModelForSequenceClassification",
    "token_classification": "AutoModelForTokenClassification",
    "question_answering": "AutoModelForQuestionAnswering",
}
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0, 1.1, 1.3],
    "long_factor": [1.0, 2.5, 6.0],
}


def decoder(
    model_type: str,
    base: dict,
    variants: dict,
    heads: list[str],
    special: dict | None = None,
    one_layer: dict | None = None,
) -> dict[str, Golden]:
    """What every decoder shows (all outputs, padding on both sides, cached generation, gradients, its heads), and what
    only it has. `special` goes into all of them: what makes the architecture itself."""
    base = base | (special or {})
    one = base | (one_layer or {"num_hidden_layers": 1})

    def causal(seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        return Golden(model_type, "AutoModelForCausalLM", overrides, seed, inputs=inputs or SHORT, **more)

    goldens = {
        "causal_lm": causal(
            1,
            base,
            dict(batch=2, tokens=10),
            attentions=True,
            gradients=50_000,
            train=True,
            generate=GREEDY,
            runs={"beam": BEAM},
        ),
        "causal_lm_left_padding": causal(
            2, base, dict(batch=3, tokens=10, padding="left"), generate=GREEDY, runs={"beam": BEAM}
        ),
        "causal_lm_right_padding": causal(3, base, dict(batch=2, tokens=10, padding="right"), gradients=20_000),
        "bfloat16": causal(4, one, dtype="bfloat16"),
        "base": Golden(model_type, "AutoModel", base, 5, inputs=SHORT),
    }
    for seed, (name, overrides) in enumerate(variants.items(), 10):
        goldens[name] = causal(seed, base | overrides, dict(batch=2, tokens=10), gradients=15_000, generate=GREEDY)
    for seed, head in enumerate(heads, 50):
        labels = {} if head == "question_answering" else {"num_labels": 5}
        inputs = SHORT | (dict(padding="right", batch=4) if head == "sequence_classification" else {})
        goldens[head] = Golden(model_type, HEADS[head], one | labels, seed, inputs=inputs, gradients=15_000)
    return goldens


# Tied, a tiny model with scaled embeddings says its last token again and again; so sequences are of an untied one.
GEMMA = dict(head_dim=12, sliding_window=4, query_pre_attn_scalar=10, tie_word_embeddings=False)
GEMMA2 = GEMMA | dict(attn_logit_softcapping=2.0, final_logit_softcapping=5.0)
GEMMA3 = GEMMA | dict(layer_types=["sliding_attention", "full_attention"])


def tied(model_type: str, special: dict) -> Golden:
    overrides = BASE | special | dict(tie_word_embeddings=True)
    return Golden(model_type, "AutoModelForCausalLM", overrides, 40, inputs=SHORT, gradients=20_000, train=True)


IDS = {key: BASE[key] for key in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")}
ALL = list(HEADS)
BLOOM = dict(hidden_size=24, n_head=4, tie_word_embeddings=False)  # tied, it repeats itself
FALCON_RW = dict(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    ffn_hidden_size=48,
    alibi=True,
    multi_query=False,
    parallel_attn=False,
    bias=True,
    tie_word_embeddings=False,
)
DECODERS = {
    "mistral": decoder(
        "mistral",
        BASE,
        {
            "full_attention": dict(sliding_window=None, tie_word_embeddings=True),
            "window_2_head_dim_6": dict(sliding_window=2, head_dim=6, num_key_value_heads=1),
            "multi_head_gelu": dict(num_key_value_heads=4, hidden_act="gelu", num_attention_heads=4),
        },
        ALL,
        dict(sliding_window=4),
    ),
    "qwen2": decoder(
        "qwen2",
        BASE,
        {
            "sliding_window": dict(use_sliding_window=True, sliding_window=3, max_window_layers=1),
            "layer_types": dict(
                use_sliding_window=True, sliding_window=4, layer_types=["sliding_attention", "full_attention"]
            ),
            "tied_multi_query": dict(tie_word_embeddings=True, num_key_value_heads=1),
            "rope_yarn": dict(
                rope_parameters={
                    "rope_type": "yarn",
                    "rope_theta": 10000.0,
                    "factor": 4.0,
                    "original_max_position_embeddings": 16,
                }
            ),
        },
        ALL,
    ),
    "qwen3": decoder(
        "qwen3",
        BASE,
        {
            "sliding_window": dict(use_sliding_window=True, sliding_window=3, max_window_layers=1),
            "attention_bias": dict(attention_bias=True, num_key_value_heads=4),
            "tied_multi_query": dict(tie_word_embeddings=True, num_key_value_heads=1, head_dim=14, rms_norm_eps=1e-4),
        },
        ALL,
        dict(head_dim=12),
    ),
    "olmo2": decoder(
        "olmo2",
        BASE,
        {
            "attention_bias": dict(attention_bias=True, num_key_value_heads=4),
            "tied_multi_query": dict(tie_word_embeddings=True, num_key_value_heads=1),
            "three_heads": dict(hidden_size=30, num_attention_heads=3, num_key_value_heads=3, hidden_act="gelu"),
        },
        ["sequence_classification"],
    ),
    "phi3": decoder(
        "phi3",
        BASE,
        {
            "sliding_window": dict(sliding_window=3),
            "tied_multi_query": dict(tie_word_embeddings=True, num_key_value_heads=1),
            "partial_rotary": dict(rope_parameters={"rope_theta": 10000.0, "partial_rotary_factor": 0.75}),
            "longrope_short": dict(
                rope_parameters=LONGROPE | {"partial_rotary_factor": 0.75}, original_max_position_embeddings=32
            ),
            "longrope_long": dict(
                rope_parameters=LONGROPE | {"partial_rotary_factor": 0.75}, original_max_position_embeddings=8
            ),
        },
        ["sequence_classification", "token_classification"],
    ),
    "smollm3": decoder(
        "smollm3",
        BASE,
        {
            "sliding_window": dict(use_sliding_window=True, sliding_window=3, attention_bias=True),
            "untied_mlp_bias": dict(tie_word_embeddings=False, mlp_bias=True, num_key_value_heads=1),
            "no_rope_layers": dict(no_rope_layers=[0, 1], rope_parameters={"rope_theta": 500.0}),
        },
        ALL,
        dict(no_rope_layer_interval=2),
    ),
    "gemma2": decoder(
        "gemma2",
        BASE,
        {
            "no_softcapping": dict(attn_logit_softcapping=None, final_logit_softcapping=None, sliding_window=2),
            "attention_bias": dict(attention_bias=True, num_key_value_heads=4, query_pre_attn_scalar=20),
            "layer_types": dict(
                num_key_value_heads=1,
                head_dim=6,
                layer_types=["full_attention", "sliding_attention"],
            ),
        },
        ["sequence_classification", "token_classification"],
        GEMMA2,
    )
    | {"tied": tied("gemma2", GEMMA2)},
    "gemma3_text": decoder(
        "gemma3_text",
        BASE,
        {
            "layer_types_bias": dict(
                attention_bias=True, num_key_value_heads=4, layer_types=["full_attention", "sliding_attention"]
            ),
            "final_logit_softcapping": dict(final_logit_softcapping=3.0, sliding_window=2),
            "rope_linear": dict(
                num_key_value_heads=1,
                rope_parameters={
                    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000.0},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
                },
            ),
        },
        ["sequence_classification"],
        GEMMA3,
        {"num_hidden_layers": 1, "layer_types": ["sliding_attention"]},
    )
    | {
        "tied": tied("gemma3_text", GEMMA3),
        "bidirectional": Golden(
            "gemma3_text",
            "AutoModel",
            BASE | dict(head_dim=12, sliding_window=6, sliding_window_pattern=2, use_bidirectional_attention=True),
            60,
            inputs=dict(batch=3, tokens=10, padding="right"),
        )
    },
    "gpt_neox": decoder(
        "gpt_neox",
        {key: value for key, value in BASE.items() if key != "num_key_value_heads"},
        {
            "sequential_residual": dict(use_parallel_residual=False, hidden_act="relu"),
            "no_attention_bias_tied": dict(attention_bias=False, tie_word_embeddings=True),
            "rotary_whole_head": dict(
                rope_parameters={"rope_theta": 500.0, "partial_rotary_factor": 1.0}, num_attention_heads=2
            ),
            "three_heads": dict(hidden_size=30, num_attention_heads=3, intermediate_size=33),
        },
        ALL,
        dict(classifier_dropout=0.0),
    ),
    "gptj": decoder(
        "gptj",
        IDS,
        {
            "rotary_whole_head": dict(rotary_dim=8, activation_function="relu"),
            "tied": dict(tie_word_embeddings=True, n_head=2),
            "n_inner": dict(n_inner=40, n_embd=30, n_head=3, rotary_dim=2, layer_norm_epsilon=1e-3),
        },
        ["sequence_classification", "question_answering"],
        dict(
            n_positions=64,
            n_embd=32,
            n_layer=2,
            n_head=4,
            rotary_dim=4,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
        ),
        {"n_layer": 1},
    ),
    "opt": decoder(
        "opt",
        IDS,
        {
            "norm_after": dict(do_layer_norm_before=False, word_embed_proj_dim=20, activation_function="gelu"),
            "no_bias_no_affine": dict(enable_bias=False, layer_norm_elementwise_affine=False),
            "no_final_norm_untied": dict(_remove_final_layer_norm=True, tie_word_embeddings=False),
        },
        ["sequence_classification", "question_answering"],
        dict(
            hidden_size=32,
            ffn_dim=40,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=64,
            dropout=0.0,
        ),
    ),
    "bloom": decoder(
        "bloom",
        IDS,
        {
            "three_heads": dict(hidden_size=30, n_head=3, layer_norm_epsilon=1e-3),
            "residual_after_norm": dict(apply_residual_connection_post_layernorm=True),
            "two_heads": dict(n_head=2, n_layer=1),
        },
        ALL,
        BLOOM,
        {"n_layer": 1},
    )
    | {
        "tied": Golden(
            "bloom",
            "AutoModelForCausalLM",
            IDS | BLOOM | dict(tie_word_embeddings=True),
            40,
            inputs=SHORT,
            gradients=20_000,
            train=True,
        )
    },
    "falcon": decoder(
        "falcon",
        IDS,
        {
            "alibi": dict(alibi=True, multi_query=False, parallel_attn=False, bias=True),
            "multi_head": dict(multi_query=False, tie_word_embeddings=True),
            "new_decoder": dict(new_decoder_architecture=True, num_kv_heads=2, bias=True),
            "new_decoder_one_norm": dict(
                new_decoder_architecture=True,
                num_kv_heads=1,
                num_ln_in_parallel_attn=1,
                activation="gelu_pytorch_tanh",
                ffn_hidden_size=40,
            ),
            "new_decoder_alibi": dict(new_decoder_architecture=True, num_kv_heads=2, alibi=True),
        },
        ALL,
        dict(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            ffn_hidden_size=48,
            max_position_embeddings=64,
            tie_word_embeddings=False,
        ),
    )
    | {
        f"alibi_{name}": Golden(
            "falcon",
            "AutoModelForCausalLM",
            IDS | FALCON_RW,
            seed,
            inputs=dict(batch=3, tokens=10, padding="left"),
            attentions=attentions,
            generate=None if attentions else GREEDY,
        )
        for seed, name, attentions in ((61, "left_padding", False), (62, "attentions", True))
    },
}
