"""The committed goldens of the text encoders that resemble BERT; see manifest.py."""

from record import GREEDY, Golden

SHORT = dict(batch=2, tokens=8)
BEAM = {"max_new_tokens": 10, "do_sample": False, "num_beams": 3, "length_penalty": 0.7}
BASE = dict(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=48,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
HEADS = {
    "sequence_classification": "AutoModelForSequenceClassification",
    "token_classification": "AutoModelForTokenClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "multiple_choice": "AutoModelForMultipleChoice",
}


def encoder(
    model_type: str,
    base: dict,
    variants: dict,
    one_layer: dict | None = None,
    token_types: bool = False,
    margin: float = 0.7,
    eager: bool = False,
) -> dict[str, Golden]:
    """What every encoder shows (all outputs, padding on both sides, no mask, gradients, its heads), and what only it
    has. `eager` where the reference has no other attention."""
    one = base | (one_layer or {"num_hidden_layers": 1})
    attention = "eager" if eager else None

    def golden(auto_class: str, seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        inputs = dict(SHORT, token_types=token_types) | (inputs or {})
        return Golden(model_type, auto_class, overrides, seed, inputs, margin=margin, attention=attention, **more)

    def masked(seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        return golden("AutoModelForMaskedLM", seed, overrides, inputs, **more)

    rows = dict(batch=3, tokens=10)
    goldens = {
        "masked_lm": masked(1, base, attentions=True, gradients=50_000, train=True),
        "masked_lm_right_padding": masked(2, base, rows | dict(padding="right"), gradients=15_000),
        "masked_lm_left_padding": masked(3, base, rows | dict(padding="left")),
        "masked_lm_ids_only": masked(4, one, dict(mask=False, token_types=False)),
        "masked_lm_untied": masked(5, one | dict(tie_word_embeddings=False), gradients=15_000),
        "bfloat16": masked(6, one, dtype="bfloat16"),
        "base": golden("AutoModel", 7, base, rows | dict(padding="right")),
    }
    for seed, (name, overrides) in enumerate(variants.items(), 10):
        goldens[name] = masked(seed, base | overrides, rows | dict(padding="right"), gradients=15_000)
    for seed, (head, auto_class) in enumerate(HEADS.items(), 50):
        labels = {"num_labels": 5} if "classification" in head else {}
        inputs = dict(padding="right", batch=4) if head == "sequence_classification" else {}
        goldens[head] = golden(auto_class, seed, one | labels, inputs, gradients=20_000)
    return goldens


def causal(model_type: str, base: dict) -> dict[str, Golden]:
    """The decoder that some encoders also are."""

    def golden(seed: int, overrides: dict, **more) -> Golden:
        overrides = base | dict(is_decoder=True) | overrides
        return Golden(model_type, "AutoModelForCausalLM", overrides, seed, inputs=SHORT, gradients=15_000, **more)

    return {
        "causal_lm": golden(70, {}, generate=GREEDY, runs={"beam": BEAM}),
        "cross_attention": golden(71, dict(add_cross_attention=True, num_hidden_layers=1), attentions=True),
    }


# Not the reference's default, so that it shows where positions begin.
ROBERTA = BASE | dict(pad_token_id=3, type_vocab_size=1, max_position_embeddings=40)
ROBERTA_VARIANTS = {
    "hidden_act_relu": dict(hidden_act="relu", layer_norm_eps=1e-5, num_hidden_layers=1),
    "type_vocab_size_2": dict(type_vocab_size=2, num_attention_heads=2, pad_token_id=1, bos_token_id=0),
}

DISTILBERT = {
    key: BASE[key] for key in ("vocab_size", "max_position_embeddings", "bos_token_id", "eos_token_id", "pad_token_id")
} | dict(
    dim=32,
    hidden_dim=40,
    n_layers=2,
    n_heads=4,
    dropout=0.0,
    attention_dropout=0.0,
    qa_dropout=0.0,
    seq_classif_dropout=0.0,
)
SMALL_EMBEDDINGS = BASE | dict(embedding_size=20)
DEBERTA = BASE | dict(
    relative_attention=True,
    pos_att_type=["c2p", "p2c"],
    position_biased_input=False,
    type_vocab_size=0,
    layer_norm_eps=1e-7,
    max_relative_positions=16,
    position_buckets=8,
    norm_rel_ebd="layer_norm",
    share_att_key=True,
)
MODERNBERT = {key: value for key, value in BASE.items() if not key.endswith("_prob")} | dict(
    num_hidden_layers=3, local_attention=4, global_attn_every_n_layers=2, cls_token_id=1, sep_token_id=2
)
MPNET = BASE | dict(pad_token_id=1, bos_token_id=0)

ENCODERS = {
    "roberta": encoder("roberta", ROBERTA, ROBERTA_VARIANTS) | causal("roberta", ROBERTA),
    "xlm-roberta": encoder("xlm-roberta", ROBERTA, ROBERTA_VARIANTS) | causal("xlm-roberta", ROBERTA),
    "distilbert": encoder(
        "distilbert",
        DISTILBERT,
        {
            "activation_relu": dict(activation="relu", n_layers=1, n_heads=2),
            "sinusoidal_positions": dict(sinusoidal_pos_embds=True, dim=30, n_heads=3),
        },
        {"n_layers": 1},
    ),
    "electra": encoder(
        "electra",
        SMALL_EMBEDDINGS,
        {
            "no_projection": dict(embedding_size=32, hidden_act="relu"),
            "type_vocab_size_3": dict(type_vocab_size=3, layer_norm_eps=1e-5, num_hidden_layers=1),
        },
        token_types=True,
    )
    | causal("electra", SMALL_EMBEDDINGS)
    | {
        "discriminator": Golden(
            "electra",
            "AutoModelForPreTraining",
            SMALL_EMBEDDINGS | dict(hidden_act="silu"),
            80,
            inputs=dict(batch=3, tokens=10, padding="right"),
            gradients=20_000,
            train=True,
        ),
        "discriminator_no_mask": Golden(
            "electra", "AutoModelForPreTraining", SMALL_EMBEDDINGS, 81, inputs=SHORT | dict(mask=False), gradients=15_000
        ),
        "multiple_choice_no_summary": Golden(
            "electra",
            "AutoModelForMultipleChoice",
            SMALL_EMBEDDINGS | dict(num_hidden_layers=1, summary_use_proj=False, summary_activation="tanh"),
            82,
            inputs=SHORT,
        ),
    },
    "albert": encoder(
        "albert",
        SMALL_EMBEDDINGS | dict(num_hidden_layers=3, classifier_dropout_prob=0.0),
        {
            "two_groups": dict(num_hidden_groups=2),
            "hidden_act_gelu": dict(hidden_act="gelu", embedding_size=32, num_attention_heads=2),
        },
        token_types=True,
    )
    | {
        "two_groups_of_two": Golden(
            "albert",
            "AutoModel",
            SMALL_EMBEDDINGS | dict(num_hidden_layers=3, num_hidden_groups=2, inner_group_num=2, hidden_size=16),
            81,
            inputs=dict(batch=3, tokens=10, padding="right"),
        ),
        "pretraining": Golden(
            "albert",
            "AutoModelForPreTraining",
            SMALL_EMBEDDINGS | dict(num_hidden_layers=1, classifier_dropout_prob=0.0),
            80,
            inputs=SHORT | dict(token_types=True),
            gradients=20_000,
        )
    },
    "mpnet": encoder(
        "mpnet",
        MPNET,
        {
            "pad_token_id_0": dict(pad_token_id=0, bos_token_id=1, num_hidden_layers=1),
            "two_heads_relu": dict(num_attention_heads=2, hidden_act="relu", layer_norm_eps=1e-5),
        },
    )
    | {
        "long": Golden(
            "mpnet",
            "AutoModel",
            MPNET | dict(max_position_embeddings=170, hidden_size=16, num_hidden_layers=1),
            80,
            inputs=dict(batch=1, tokens=150),
        )
    },
    "deberta-v2": encoder(
        "deberta-v2",
        DEBERTA,
        {
            "own_projections": dict(share_att_key=False, norm_rel_ebd="none", type_vocab_size=2, num_hidden_layers=1),
            "content_to_position": dict(share_att_key=False, pos_att_type="c2p", position_biased_input=True),
            "position_to_content": dict(pos_att_type=["p2c"], position_buckets=-1, max_relative_positions=-1),
            "convolution": dict(conv_kernel_size=3, conv_act="gelu"),
            "embedding_size": dict(embedding_size=20, conv_kernel_size=5, conv_groups=2, num_hidden_layers=1),
            "no_relative_attention": dict(relative_attention=False, pos_att_type=None, position_biased_input=True),
            "not_legacy": dict(legacy=False, num_hidden_layers=1),
        },
        margin=1.0,
        eager=True,
    )
    | {
        "long": Golden(
            "deberta-v2",
            "AutoModel",
            DEBERTA | dict(max_relative_positions=100, position_buckets=32, hidden_size=16, num_hidden_layers=1),
            80,
            inputs=dict(batch=1, tokens=90),
            attention="eager",
        ),
        # Its loss asks padding too, which passes no gradient to what it sees.
        "question_answering_right_padding": Golden(
            "deberta-v2",
            "AutoModelForQuestionAnswering",
            DEBERTA | dict(hidden_size=24, num_hidden_layers=1),
            81,
            inputs=dict(batch=3, tokens=9, padding="right"),
            gradients=40_000,
            margin=1.0,
            attention="eager",
        ),
    },
    "modernbert": encoder(
        "modernbert",
        MODERNBERT,
        {
            "biases": dict(
                norm_bias=True,
                attention_bias=True,
                mlp_bias=True,
                classifier_bias=True,
                decoder_bias=False,
                num_hidden_layers=2,
            ),
            "layer_types": dict(
                layer_types=["sliding_attention", "full_attention"],
                num_hidden_layers=2,
                local_attention=7,
                hidden_activation="silu",
                classifier_activation="relu",
                rope_parameters={
                    "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 50.0},
                },
            ),
        },
        {"num_hidden_layers": 2},
        margin=1.0,
    )
    | {
        "mean_pooling": Golden(
            "modernbert",
            "AutoModelForSequenceClassification",
            MODERNBERT | dict(num_hidden_layers=1, classifier_pooling="mean", num_labels=4),
            80,
            inputs=dict(batch=3, tokens=10, padding="right"),
            gradients=20_000,
        ),
        "multiple_choice_left_padding": Golden(
            "modernbert",
            "AutoModelForMultipleChoice",
            MODERNBERT | dict(num_hidden_layers=1),
            81,
            inputs=SHORT | dict(padding="left"),
        ),
    },
}


def big_bird() -> dict[str, Golden]:
    """Long enough for sparse attention: more than (5 + 2 num_random_blocks) block_size tokens."""
    base = BASE | dict(
        block_size=2, num_random_blocks=1, max_position_embeddings=24, sep_token_id=3, hidden_size=16, vocab_size=40,
        num_attention_heads=2, intermediate_size=20,
    )  # fmt: skip
    one = base | dict(num_hidden_layers=1)
    long = dict(batch=2, tokens=16)

    def golden(auto_class: str, seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        inputs = long | dict(token_types=True) | (inputs or {})
        return Golden("big_bird", auto_class, overrides, seed, inputs, margin=1.0, **more)

    def masked(seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        return golden("AutoModelForMaskedLM", seed, overrides, inputs, gradients=10_000, **more)

    decoder = dict(is_decoder=True, attention_type="original_full")
    return {
        "masked_lm": masked(1, base, attentions=True, train=True),
        "masked_lm_padded_to_blocks": masked(2, one, dict(tokens=17, padding="right", batch=3), attentions=True),
        "masked_lm_no_mask": masked(4, one, dict(mask=False, token_types=False, tokens=15)),
        "two_random_blocks": masked(5, one | dict(num_random_blocks=2, use_bias=False), dict(tokens=20)),
        "rescaled": masked(6, one | dict(block_size=3, rescale_embeddings=True, num_attention_heads=4), dict(tokens=22)),
        "short": masked(7, base, dict(tokens=14, padding="right"), attentions=True),  # attends to all
        "causal_lm": Golden(
            "big_bird", "AutoModelForCausalLM", base | decoder, 20, SHORT, gradients=10_000, generate=GREEDY,
            runs={"beam": BEAM},
        ),  # fmt: skip
        "causal_lm_long": golden("AutoModelForCausalLM", 21, one | dict(is_decoder=True), dict(token_types=False)),
        "pretraining": golden("AutoModelForPreTraining", 22, one, gradients=10_000),
        "sequence_classification": golden(
            "AutoModelForSequenceClassification", 23, one | dict(num_labels=5), dict(batch=3), gradients=10_000
        ),
        "token_classification": golden(
            "AutoModelForTokenClassification", 24, one | dict(num_labels=5), dict(padding="right"), gradients=10_000
        ),
        "question_answering": golden(
            "AutoModelForQuestionAnswering", 25, one, dict(token_types=False, separators=True), gradients=10_000
        ),
        "question_answering_short": golden("AutoModelForQuestionAnswering", 26, one, dict(tokens=9), gradients=10_000),
        "multiple_choice": golden("AutoModelForMultipleChoice", 27, one, dict(tokens=9), gradients=10_000),
        "base": golden("AutoModel", 28, base, dict(padding="right")),
        "bfloat16": golden("AutoModel", 29, one, dtype="bfloat16"),
    }


ENCODERS["big_bird"] = big_bird()
