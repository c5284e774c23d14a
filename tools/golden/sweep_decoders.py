"""Random configurations of the decoders that resemble one another, for sweep.py."""

import random

ACTIVATIONS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu"]
CLASSIFIERS = ["AutoModelForSequenceClassification", "AutoModelForTokenClassification"]
QUESTIONS = ["AutoModelForQuestionAnswering"]
BARE = ["AutoModel", "AutoModelForCausalLM"]
IDS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)


def rope_parameters(r: random.Random, head_dim: int, kinds: list[str] | None = None) -> dict:
    """Every type of the reference, with an original length that the sequences exceed."""
    kind = r.choice(kinds or ["default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional"])
    parameters = {"rope_type": kind, "rope_theta": r.choice([100.0, 10000.0, 500000.0])}
    if kind not in ("default", "longrope"):
        parameters["factor"] = r.choice([1.5, 2.0, 4.0, 8.0])
    if kind in ("yarn", "longrope", "llama3"):
        parameters["original_max_position_embeddings"] = r.choice([8, 12, 16])
    if kind == "yarn":
        parameters |= r.choice(
            [
                {},
                {"attention_factor": 1.3},
                {"mscale": 1.0, "mscale_all_dim": 0.7},
                {"beta_fast": 16.0, "truncate": False},
            ]
        )
    if kind == "longrope":
        parameters["factor"] = 4.0
        for name, highest in (("short_factor", 2.0), ("long_factor", 8.0)):
            parameters[name] = [round(r.uniform(1.0, highest), 3) for _ in range(head_dim // 2)]
    if kind == "llama3":
        parameters |= {"low_freq_factor": 1.0, "high_freq_factor": r.choice([2.0, 4.0])}
    if kind == "proportional":
        parameters["partial_rotary_factor"] = r.choice([0.25, 0.5, 1.0])
    return parameters


def heads_of(r: random.Random) -> dict:
    """Grouped heads whose size is or is not hidden_size / heads."""
    key_value_heads = r.choice([1, 2, 3])
    heads = key_value_heads * r.choice([1, 2, 4])
    return dict(
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        hidden_size=heads * -(-r.choice([18, 30]) // heads),
    )


def rotary(r: random.Random, head_dims: list[int], rope: bool = True) -> dict:
    head_dim = r.choice(head_dims)
    overrides = IDS | heads_of(r)
    overrides |= dict(
        head_dim=head_dim,
        intermediate_size=r.choice([20, 33, 48]),
        num_hidden_layers=r.choice([1, 2, 3]),
        hidden_act=r.choice(ACTIVATIONS),
        tie_word_embeddings=r.random() < 0.5,
        rms_norm_eps=r.choice([1e-6, 1e-5]),
        vocab_size=r.choice([61, 64, 97]),
        max_position_embeddings=64,
    )
    if rope:
        overrides["rope_parameters"] = rope_parameters(r, head_dim)
        if overrides["rope_parameters"]["rope_type"] == "dynamic":
            overrides["max_position_embeddings"] = 16
    return overrides


def whole_heads(r: random.Random) -> dict:
    """Heads of hidden_size / heads channels, an even number."""
    heads, head_dim = r.choice([2, 3, 4]), r.choice([8, 10])
    return dict(num_attention_heads=heads, hidden_size=heads * head_dim, head_dim=head_dim)


def kinds_of_layers(r: random.Random, layers: int) -> list[str]:
    return [r.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]


def maybe(r: random.Random, chance: float = 0.4) -> bool:
    return r.random() < chance


def window(r: random.Random) -> dict:
    return dict(use_sliding_window=maybe(r), sliding_window=r.choice([2, 3, 5, 40]))


def mistral(r: random.Random) -> dict:
    # The reference's cache keeps everything for a window of 1, which its mask does not expect.
    return rotary(r, [4, 6, 10]) | dict(sliding_window=r.choice([None, 2, 5, 40]))


def qwen2(r: random.Random) -> dict:
    whole = whole_heads(r)
    overrides = rotary(r, [whole["head_dim"]]) | whole | dict(num_key_value_heads=1)
    del overrides["head_dim"]
    return overrides | window(r) | dict(max_window_layers=r.choice([0, 1, 2]))


def qwen3(r: random.Random) -> dict:
    return rotary(r, [4, 6, 14]) | window(r) | dict(attention_bias=maybe(r), max_window_layers=r.choice([0, 1]))


def olmo2(r: random.Random) -> dict:
    whole = whole_heads(r)
    overrides = rotary(r, [whole["head_dim"]]) | whole
    del overrides["head_dim"]
    return overrides | dict(num_key_value_heads=r.choice([1, whole["num_attention_heads"]]), attention_bias=maybe(r))


def phi3(r: random.Random) -> dict:
    whole = whole_heads(r)
    partial = r.choice([0.5, 1.0])
    rotary_dim = int(whole["head_dim"] * partial) // 2 * 2
    parameters = rope_parameters(r, rotary_dim, ["default", "longrope"])
    parameters["partial_rotary_factor"] = rotary_dim / whole["head_dim"]
    parameters.pop("factor", None)
    overrides = rotary(r, [4], rope=False) | whole
    del overrides["head_dim"]
    # A cache does not outlive the change of factors: the sequences are on one side of it.
    overrides |= dict(original_max_position_embeddings=r.choice([4, 64]), rope_parameters=parameters)
    parameters.pop("original_max_position_embeddings", None)
    return overrides | dict(num_key_value_heads=1, sliding_window=r.choice([None, 3, 40]))


def smollm3(r: random.Random) -> dict:
    whole = whole_heads(r)
    overrides = rotary(r, [whole["head_dim"]]) | whole | dict(num_key_value_heads=1)
    del overrides["head_dim"]
    return overrides | window(r) | dict(
        no_rope_layer_interval=r.choice([1, 2, 3]), attention_bias=maybe(r), mlp_bias=maybe(r)
    )


def gemma2(r: random.Random) -> dict:
    overrides = rotary(r, [4, 6, 12]) | dict(tie_word_embeddings=False)
    overrides["hidden_activation"] = overrides.pop("hidden_act")
    return overrides | dict(
        query_pre_attn_scalar=r.choice([8, 10]),
        sliding_window=r.choice([2, 5, 40]),
        attention_bias=maybe(r),
        attn_logit_softcapping=r.choice([None, 3.0]),
        final_logit_softcapping=r.choice([None, 5.0]),
    )


def gemma3_text(r: random.Random) -> dict:
    overrides = gemma2(r)
    kinds = ["default", "linear", "yarn", "llama3"]
    del overrides["attn_logit_softcapping"]
    return overrides | dict(
        max_position_embeddings=64,
        layer_types=kinds_of_layers(r, overrides["num_hidden_layers"]),
        rope_parameters={
            kind: rope_parameters(r, overrides["head_dim"], kinds) for kind in ("full_attention", "sliding_attention")
        },
    )


def gpt_neox(r: random.Random) -> dict:
    whole = whole_heads(r)
    overrides = rotary(r, [4], rope=False) | whole
    for key in ("head_dim", "num_key_value_heads", "rms_norm_eps"):
        del overrides[key]
    share = r.choice([0.5, 1.0])
    rotary_dim = int(whole["head_dim"] * share) // 2 * 2
    parameters = rope_parameters(r, rotary_dim, ["default", "linear"])
    return overrides | dict(
        rope_parameters=parameters | dict(partial_rotary_factor=rotary_dim / whole["head_dim"]),
        use_parallel_residual=maybe(r, 0.6),
        attention_bias=maybe(r, 0.6),
        classifier_dropout=0.0,
    )


def gptj(r: random.Random) -> dict:
    whole = whole_heads(r)
    return IDS | dict(
        n_embd=whole["hidden_size"],
        n_head=whole["num_attention_heads"],
        rotary_dim=r.choice([2, 4]),
        n_layer=r.choice([1, 2, 3]),
        n_inner=r.choice([None, 33]),
        n_positions=64,
        activation_function=r.choice(ACTIVATIONS),
        tie_word_embeddings=maybe(r),
        vocab_size=r.choice([61, 97]),
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )


def opt(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 4])
    return IDS | dict(
        num_attention_heads=heads,
        hidden_size=heads * r.choice([6, 9]),
        word_embed_proj_dim=r.choice([None, 14]),
        ffn_dim=r.choice([20, 33]),
        num_hidden_layers=r.choice([1, 2, 3]),
        do_layer_norm_before=maybe(r, 0.6),
        _remove_final_layer_norm=maybe(r, 0.2),
        enable_bias=maybe(r, 0.7),
        layer_norm_elementwise_affine=maybe(r, 0.8),
        activation_function=r.choice(ACTIVATIONS),
        tie_word_embeddings=maybe(r),
        max_position_embeddings=64,
        vocab_size=r.choice([61, 97]),
        dropout=0.0,
    )


def bloom(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 5])
    return IDS | dict(
        n_head=heads,
        hidden_size=heads * r.choice([6, 9]),
        n_layer=r.choice([1, 2, 3]),
        apply_residual_connection_post_layernorm=maybe(r),
        layer_norm_epsilon=r.choice([1e-5, 1e-3]),
        tie_word_embeddings=False,
        vocab_size=r.choice([61, 97]),
    )


def falcon(r: random.Random) -> dict:
    whole = whole_heads(r)
    head_dim = whole.pop("head_dim")
    new = maybe(r)
    overrides = IDS | whole | dict(
        new_decoder_architecture=new,
        num_hidden_layers=r.choice([1, 2, 3]),
        ffn_hidden_size=r.choice([None, 33]),
        bias=maybe(r),
        alibi=maybe(r),
        activation=r.choice(ACTIVATIONS),
        tie_word_embeddings=False,
        max_position_embeddings=64,
        vocab_size=r.choice([61, 97]),
        rope_parameters=rope_parameters(r, head_dim, ["default", "linear", "yarn", "llama3"]),
    )
    if new:
        return overrides | dict(
            num_kv_heads=r.choice([1, whole["num_attention_heads"]]), num_ln_in_parallel_attn=r.choice([None, 1, 2])
        )
    return overrides | dict(multi_query=maybe(r), parallel_attn=maybe(r, 0.6))


def mixtral(r: random.Random) -> dict:
    experts = r.choice([1, 3, 4])
    return rotary(r, [4, 6, 10]) | dict(
        sliding_window=r.choice([None, 2, 40]),
        num_local_experts=experts,
        num_experts_per_tok=r.randint(1, min(experts, 3)),
    )


def qwen3_moe(r: random.Random) -> dict:
    experts = r.choice([2, 3, 5])
    return rotary(r, [4, 6]) | window(r) | dict(
        attention_bias=maybe(r),
        num_experts=experts,
        num_experts_per_tok=r.randint(1, min(experts, 3)),
        moe_intermediate_size=r.choice([9, 16]),
        norm_topk_prob=maybe(r),
        decoder_sparse_step=r.choice([1, 2]),
        mlp_only_layers=r.choice([[], [0]]),
    )


def gpt_oss(r: random.Random) -> dict:
    experts = r.choice([2, 3, 5])
    overrides = rotary(r, [4, 6, 8], rope=False)
    kinds = ["default", "linear", "yarn", "llama3"]
    return overrides | dict(
        rope_parameters=rope_parameters(r, overrides["head_dim"], kinds),
        sliding_window=r.choice([2, 3, 40]),
        layer_types=kinds_of_layers(r, overrides["num_hidden_layers"]),
        attention_bias=maybe(r, 0.6),
        num_local_experts=experts,
        num_experts_per_tok=r.randint(1, min(experts, 3)),
        swiglu_limit=r.choice([0.5, 7.0]),
    )


def deepseek_v3(r: random.Random) -> dict:
    heads, groups = r.choice([1, 2, 3]), r.choice([1, 2, 3])
    topk_group, size = r.randint(1, groups), r.choice([2, 3])
    rope_dim = r.choice([2, 4])
    overrides = rotary(r, [rope_dim], rope=False)
    del overrides["head_dim"]
    return overrides | dict(
        hidden_size=r.choice([18, 30]),
        num_attention_heads=heads,
        num_key_value_heads=heads,
        rope_parameters=rope_parameters(r, rope_dim, ["default", "linear", "yarn", "llama3"]),
        q_lora_rank=r.choice([None, 10]),
        kv_lora_rank=r.choice([6, 9]),
        qk_rope_head_dim=rope_dim,
        qk_nope_head_dim=r.choice([3, 6]),
        v_head_dim=r.choice([5, 8]),
        rope_interleave=maybe(r, 0.6),
        attention_bias=maybe(r),
        first_k_dense_replace=r.choice([0, 1]),
        moe_intermediate_size=r.choice([9, 12]),
        n_routed_experts=groups * size,
        n_group=groups,
        topk_group=topk_group,
        num_experts_per_tok=r.randint(1, min(topk_group * size, 3)),
        n_shared_experts=r.choice([1, 2]),
        norm_topk_prob=maybe(r, 0.6),
        routed_scaling_factor=r.choice([1.0, 2.5]),
    )


def recurrent(r: random.Random) -> dict:
    return IDS | dict(
        hidden_size=r.choice([12, 24]),
        num_hidden_layers=r.choice([1, 2, 3]),
        layer_norm_epsilon=r.choice([1e-5, 1e-3]),
        tie_word_embeddings=False,
        vocab_size=r.choice([61, 97]),
    )


def mamba(r: random.Random) -> dict:
    return recurrent(r) | dict(
        state_size=r.choice([1, 4, 7]),
        expand=r.choice([1, 2]),
        conv_kernel=r.choice([2, 4]),
        time_step_rank=r.choice(["auto", 3]),
        use_bias=maybe(r),
        use_conv_bias=maybe(r, 0.6),
        hidden_act=r.choice(ACTIVATIONS),
        residual_in_fp32=maybe(r),
    )


def mamba2(r: random.Random) -> dict:
    overrides, heads = recurrent(r), r.choice([2, 4])
    return overrides | dict(
        state_size=r.choice([3, 8]),
        num_heads=heads,
        head_dim=2 * overrides["hidden_size"] // heads,
        n_groups=r.choice([1, 2, heads]),
        conv_kernel=r.choice([2, 4]),
        chunk_size=r.choice([4, 256]),
        use_bias=maybe(r),
        use_conv_bias=maybe(r, 0.6),
        hidden_act=r.choice(ACTIVATIONS),
        residual_in_fp32=maybe(r),
    )


def rwkv(r: random.Random) -> dict:
    # The reference writes into its state, through which no gradient then flows.
    return recurrent(r) | dict(num_hidden_layers=r.choice([2, 3]), intermediate_size=r.choice([None, 33]), use_cache=False)


def recurrent_gemma(r: random.Random) -> dict:
    heads, size = r.choice([1, 2, 3]), r.choice([8, 12])
    share = r.choice([0.5, 1.0])
    return IDS | dict(
        hidden_size=heads * size,
        num_attention_heads=heads,
        num_key_value_heads=r.choice([1, heads]),
        lru_width=r.choice([None, 2 * heads, 5 * heads]),
        intermediate_size=r.choice([40, 66]),
        num_hidden_layers=r.choice([2, 3]),
        block_types=r.choice([["recurrent"], ["attention", "recurrent"], ["recurrent", "recurrent", "attention"]]),
        attention_window_size=r.choice([3, 5, 40]),
        conv1d_width=r.choice([2, 4]),
        logits_soft_cap=r.choice([5.0, 30.0]),
        hidden_activation=r.choice(ACTIVATIONS),
        attention_bias=maybe(r),
        rope_parameters={"rope_type": "default", "rope_theta": r.choice([100.0, 10000.0]), "partial_rotary_factor": share},
        tie_word_embeddings=False,
        vocab_size=r.choice([61, 97]),
    )


DECODER_CONFIGS = {
    f.__name__: f
    for f in (mistral, qwen2, qwen3, olmo2, phi3, smollm3, gemma2, gemma3_text, gpt_neox, gptj, opt, bloom, falcon)
    + (mixtral, qwen3_moe, gpt_oss, deepseek_v3, mamba, mamba2, rwkv, recurrent_gemma)
}
DECODER_HEADS = {name: BARE + CLASSIFIERS + QUESTIONS for name in DECODER_CONFIGS}
for name in ("phi3", "gemma2", "gpt_oss", "deepseek_v3"):
    DECODER_HEADS[name] = BARE + CLASSIFIERS
for name in ("olmo2", "gemma3_text"):
    DECODER_HEADS[name] = BARE + CLASSIFIERS[:1]
for name in ("gptj", "opt"):
    DECODER_HEADS[name] = BARE + CLASSIFIERS[:1] + QUESTIONS
for name in ("mamba", "mamba2", "rwkv", "recurrent_gemma"):
    DECODER_HEADS[name] = BARE
# The reference computes their attention, if any, in one way.
ONE_ATTENTION = ("bloom", "gptj", "gpt_oss", "mamba", "mamba2", "rwkv")
