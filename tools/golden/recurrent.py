"""The committed goldens of the decoders that carry a state from token to token; see manifest.py."""

from dataclasses import replace

from decoders import IDS, decoder

RECURRENT = {
    "mamba": decoder(
        "mamba",
        IDS,
        {
            "no_conv_bias": dict(use_conv_bias=False, use_bias=True, conv_kernel=2, time_step_rank=5),
            "expand_3": dict(expand=3, hidden_act="gelu", residual_in_fp32=False),
            "untied_state_3": dict(tie_word_embeddings=False, state_size=3),
        },
        [],
        dict(hidden_size=24, state_size=6, num_hidden_layers=2),
    ),
    "mamba2": decoder(
        "mamba2",
        IDS,
        {
            "one_group": dict(n_groups=1, use_conv_bias=False, use_bias=True, conv_kernel=3),
            "groups_of_one": dict(n_groups=4, residual_in_fp32=False, chunk_size=8),
            "time_step_limit": dict(time_step_limit=[0.0, 0.6], num_heads=2, head_dim=24),
        },
        [],
        dict(hidden_size=24, state_size=6, num_hidden_layers=2, num_heads=4, head_dim=12, n_groups=2, chunk_size=4),
    ),
    "falcon_h1": decoder(
        "falcon_h1",
        IDS,
        {
            "norm_behind_gate": dict(mamba_rms_norm=True, mamba_norm_before_gate=False, mamba_d_conv=2, tie_word_embeddings=True),
            "norm_before_gate": dict(mamba_rms_norm=True, mamba_n_groups=1, mamba_conv_bias=False, mamba_proj_bias=True),
            "biases": dict(
                attention_bias=True, mlp_bias=True, projectors_bias=True, hidden_act="gelu", time_step_limit=[0.0, 0.9],
                mamba_d_ssm=None, mamba_expand=2, mamba_n_heads=8, num_key_value_heads=1,
            ),  # fmt: skip
        },
        [],
        dict(
            hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            mamba_d_ssm=36, mamba_n_heads=6, mamba_d_head=6, mamba_n_groups=2, mamba_d_state=5, mamba_chunk_size=4,
            max_position_embeddings=64, lm_head_multiplier=0.7, embedding_multiplier=1.3, key_multiplier=0.8,
            attention_in_multiplier=0.9, attention_out_multiplier=1.4, ssm_in_multiplier=1.2, ssm_out_multiplier=0.6,
            mlp_multipliers=[0.8, 1.3], ssm_multipliers=[0.7, 1.1, 0.9, 1.2, 0.6],
        ),  # fmt: skip
    ),
    # Its beam search leaves the states of other rows in place.
    "recurrent_gemma": {
        name: replace(golden, runs={}, gradients=min(golden.gradients, 30_000 if name == "causal_lm" else 6_000))
        for name, golden in decoder(
            "recurrent_gemma",
            IDS,
            {
                "attention_first": dict(block_types=["attention", "recurrent"], num_hidden_layers=2, num_key_value_heads=4, attention_bias=True, conv1d_width=2),
                "wide_recurrence": dict(
                    block_types=["recurrent", "attention"], num_hidden_layers=2, lru_width=36, num_key_value_heads=1, logits_soft_cap=3.0,
                    attention_window_size=3, hidden_activation="gelu",
                    rope_parameters={"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 1.0},
                ),  # fmt: skip
            },
            [],
            dict(
                hidden_size=24, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                attention_window_size=5, logits_soft_cap=20.0, tie_word_embeddings=False,
            ),  # fmt: skip
            {"num_hidden_layers": 3},
        ).items()
        if name != "causal_lm_right_padding"
    },
    "rwkv": decoder(
        "rwkv",
        IDS,
        {
            "intermediate_size": dict(intermediate_size=40, layer_norm_epsilon=1e-3),
            "tied": dict(tie_word_embeddings=True),
        },
        [],
        # The reference writes into its state, through which no gradient then flows; and with it mixes up a batch's rows.
        dict(hidden_size=24, num_hidden_layers=2, use_cache=False),
        {"num_hidden_layers": 2},
    ),
}
# The sizes of the largest are set once more: "auto" would keep what it was for another number of heads.
RECURRENT["falcon_h1"]["biases"].overrides["mamba_d_head"] = "auto"
RECURRENT["falcon_h1"]["biases"].seed = 5012
# With these, few seeds say anything but one token again and again.
for name in ("norm_before_gate", "biases"):
    RECURRENT["falcon_h1"][name] = replace(RECURRENT["falcon_h1"][name], generate=None, margin=1.0)
RECURRENT["rwkv"]["rescale_every"] = replace(
    RECURRENT["rwkv"]["intermediate_size"],
    overrides=IDS | dict(hidden_size=24, num_hidden_layers=3, rescale_every=2, use_cache=False),
    gradients=0,  # the reference's would be of weights that it has scaled
    seed=20,
)
# Its beam search leaves the state of other rows in place. Exponentials of differences leave few seeds more room.
RECURRENT["rwkv"] = {
    name: replace(golden, runs={}, margin=1.0, gradients=min(golden.gradients, 15_000))
    for name, golden in RECURRENT["rwkv"].items()
}
