"""The committed goldens of the decoders with a mixture of experts; see manifest.py."""

from dataclasses import replace

from decoders import ALL, BASE, decoder
from record import GREEDY, Golden

MOE = BASE | dict(intermediate_size=24)

MIXTURES = {
    "mixtral": decoder(
        "mixtral",
        MOE,
        {
            "sliding_window": dict(sliding_window=3, num_local_experts=3, hidden_act="gelu"),
            "one_expert_per_token": dict(num_experts_per_tok=1, num_key_value_heads=4),
            "all_experts_tied": dict(num_experts_per_tok=4, tie_word_embeddings=True, head_dim=6),
        },
        ALL,
        dict(num_local_experts=4),
    ),
    "qwen3_moe": decoder(
        "qwen3_moe",
        MOE,
        {
            "norm_topk_prob": dict(norm_topk_prob=True, num_experts_per_tok=3),
            "dense_layers": dict(mlp_only_layers=[0], num_hidden_layers=3, decoder_sparse_step=2, attention_bias=True),
            "sliding_window": dict(use_sliding_window=True, sliding_window=3, num_experts=5),
        },
        ALL,
        dict(head_dim=8, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=12),
    ),
    "gpt_oss": decoder(
        "gpt_oss",
        MOE,
        {
            "layer_types_no_bias": dict(
                attention_bias=False, layer_types=["full_attention", "sliding_attention"], swiglu_limit=0.5
            ),
            "multi_query_tied": dict(num_key_value_heads=1, head_dim=6, tie_word_embeddings=True, swiglu_alpha=1.2),
            "rope_default": dict(
                rope_parameters={"rope_type": "default", "rope_theta": 500.0}, num_experts_per_tok=1
            ),
        },
        ["sequence_classification", "token_classification"],
        dict(head_dim=8, num_local_experts=4, num_experts_per_tok=2, sliding_window=3),
        {"num_hidden_layers": 1, "layer_types": ["sliding_attention"]},
    )
    | {
        "mxfp4": Golden(
            "gpt_oss",
            "AutoModelForCausalLM",
            BASE
            | dict(
                intermediate_size=32, head_dim=8, num_local_experts=3, num_experts_per_tok=2, sliding_window=3
            ),
            60,
            inputs=dict(batch=2, tokens=10),
            generate=GREEDY,
            checkpoint="mxfp4",
            config_edits={"quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}},
        )
    },
    "deepseek_v3": decoder(
        "deepseek_v3",
        MOE | dict(num_key_value_heads=4),
        {
            "no_query_rank": dict(q_lora_rank=None, attention_bias=True, norm_topk_prob=False),
            "halves": dict(rope_interleave=False, n_shared_experts=2, routed_scaling_factor=1.0),
            "rope_yarn": dict(
                rope_parameters={
                    "rope_type": "yarn",
                    "rope_theta": 10000.0,
                    "factor": 4.0,
                    "mscale": 1.0,
                    "mscale_all_dim": 0.8,
                    "original_max_position_embeddings": 16,
                }
            ),
            "all_dense": dict(first_k_dense_replace=2, tie_word_embeddings=False),
        },
        ["sequence_classification", "token_classification"],
        dict(
            moe_intermediate_size=10,
            n_routed_experts=6,
            n_group=3,
            topk_group=2,
            num_experts_per_tok=2,
            first_k_dense_replace=1,
            q_lora_rank=12,
            kv_lora_rank=10,
            qk_rope_head_dim=4,
            qk_nope_head_dim=6,
            v_head_dim=7,
        ),
    ),
}
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "fmt": "e4m3", "weight_block_size": [128, 128]}
MIXTURES["deepseek_v3"]["fp8"] = Golden(
    "deepseek_v3",
    "AutoModelForCausalLM",
    MIXTURES["deepseek_v3"]["causal_lm"].overrides
    | dict(hidden_size=256, vocab_size=40, n_routed_experts=3, n_group=1, topk_group=1, intermediate_size=40),
    70,
    inputs=dict(batch=1, tokens=5),
    generate=GREEDY,
    checkpoint="fp8",
    config_edits={"quantization_config": FP8},
)
# With the loss that balances the experts; DeepSeek-V3 has none.
for model_type, coefficient in (("mixtral", 0.3), ("qwen3_moe", 0.4), ("gpt_oss", None)):
    own = MIXTURES[model_type]["causal_lm"]
    MIXTURES[model_type]["balance_loss"] = replace(
        own,
        overrides=own.overrides | dict(output_router_logits=True) | ({"router_aux_loss_coef": coefficient} if coefficient else {}),
        seed=80,
        inputs=dict(batch=2, tokens=8, padding="right") if model_type != "qwen3_moe" else dict(batch=2, tokens=6, mask=False),
        attentions=False,
        gradients=15_000,
        train=False,
        generate=None,
        runs={},
    )
MIXTURES["mixtral"]["training"] = replace(
    MIXTURES["mixtral"]["balance_loss"],
    overrides=MIXTURES["mixtral"]["balance_loss"].overrides | dict(attention_dropout=0.2, router_jitter_noise=0.1, num_hidden_layers=1),
    seed=90,
    gradients=8_000,
    training=True,
)
# An expert sees a few tokens: its gradients are sums of so few numbers that rounding is as often absent as not, and few
# seeds leave more room.
for model_type in ("gpt_oss", "deepseek_v3"):
    MIXTURES[model_type] = {
        name: replace(golden, margin=1.0, gradients=min(golden.gradients, 15_000))
        for name, golden in MIXTURES[model_type].items()
    }
