"""Random configurations of text encoders and encoder-decoders for sweep.py."""

import random

ACTIVATIONS = ["gelu", "gelu_new", "relu", "silu"]
CLASSIFIERS = [
    "AutoModelForSequenceClassification",
    "AutoModelForTokenClassification",
    "AutoModelForQuestionAnswering",
    "AutoModelForMultipleChoice",
]
ENCODER_HEADS = ["AutoModel", "AutoModelForMaskedLM", *CLASSIFIERS]
SEQ2SEQ_HEADS = ["AutoModel", "AutoModelForSeq2SeqLM"]
HEADS = {
    "roberta": ENCODER_HEADS + ["AutoModelForCausalLM"],
    "xlm-roberta": ENCODER_HEADS + ["AutoModelForCausalLM"],
    "distilbert": ENCODER_HEADS,
    "albert": ENCODER_HEADS + ["AutoModelForPreTraining"],
    "electra": ENCODER_HEADS + ["AutoModelForPreTraining", "AutoModelForCausalLM"],
    "mpnet": ENCODER_HEADS,
    "deberta-v2": ENCODER_HEADS,
    "modernbert": ENCODER_HEADS,
    "bart": SEQ2SEQ_HEADS + ["AutoModelForSequenceClassification", "AutoModelForQuestionAnswering"],
    "marian": SEQ2SEQ_HEADS,
    "m2m_100": SEQ2SEQ_HEADS,
}
# Those whose reference has only eager attention.
EAGER = {"mpnet", "deberta-v2"}
TOKEN_TYPES = {"albert", "electra"}
DECODERS = {"roberta", "xlm-roberta", "electra"}


def base(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 4])
    return dict(
        num_attention_heads=heads,
        hidden_size=2 * heads * -(-r.choice([17, 25, 32]) // (2 * heads)),
        intermediate_size=r.choice([20, 33, 48]),
        num_hidden_layers=r.choice([1, 2, 3]),
        hidden_act=r.choice(ACTIVATIONS),
        tie_word_embeddings=r.random() < 0.7,
        vocab_size=r.choice([61, 64, 97]),
        layer_norm_eps=r.choice([1e-12, 1e-5]),
        max_position_embeddings=40,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=r.choice([0, 1, 3]),
        bos_token_id=1,
        eos_token_id=2,
    )


def roberta(r: random.Random) -> dict:
    return base(r) | dict(type_vocab_size=r.choice([1, 2]))


def distilbert(r: random.Random) -> dict:
    b = base(r)
    common = ("tie_word_embeddings", "vocab_size", "max_position_embeddings", "pad_token_id")
    return {key: b[key] for key in common} | dict(
        dim=b["hidden_size"],
        n_heads=b["num_attention_heads"],
        n_layers=b["num_hidden_layers"],
        hidden_dim=b["intermediate_size"],
        activation=r.choice(["gelu", "relu"]),
        dropout=0.0,
        attention_dropout=0.0,
        qa_dropout=0.0,
        seq_classif_dropout=0.0,
    )


def albert(r: random.Random) -> dict:
    layers = r.choice([2, 3])
    return base(r) | dict(
        embedding_size=r.choice([12, 21]),
        num_hidden_layers=layers,
        num_hidden_groups=r.choice([1, 2, layers]),
        inner_group_num=r.choice([1, 1, 2]),
        classifier_dropout_prob=0.0,
    )


def electra(r: random.Random) -> dict:
    return base(r) | dict(embedding_size=r.choice([12, 21, 34]), type_vocab_size=r.choice([2, 3]))


def deberta(r: random.Random) -> dict:
    b = base(r)
    kinds = r.choice([["c2p"], ["p2c"], ["c2p", "p2c"], ["p2c", "c2p"]])
    overrides = b | dict(
        relative_attention=r.random() < 0.9,
        pos_att_type=kinds,
        position_biased_input=r.random() < 0.3,
        type_vocab_size=r.choice([0, 2]),
        max_relative_positions=r.choice([-1, 6, 20]),
        position_buckets=r.choice([-1, 4, 8, 10]),
        norm_rel_ebd=r.choice(["none", "layer_norm"]),
        legacy=r.random() < 0.7,
    )
    # The reference can only share projections where there are both kinds, or one and its projection.
    overrides["share_att_key"] = r.random() < 0.5
    if r.random() < 0.3:
        overrides |= dict(conv_kernel_size=r.choice([3, 5]), conv_act=r.choice(["tanh", "gelu"]))
    if overrides["legacy"] and r.random() < 0.3:
        overrides["embedding_size"] = 15
    if 0 < overrides["max_relative_positions"] <= overrides["position_buckets"]:
        overrides["max_relative_positions"] = 20
    return overrides


def modernbert(r: random.Random) -> dict:
    b = {key: value for key, value in base(r).items() if not key.endswith("_prob")}
    b.pop("hidden_act"), b.pop("layer_norm_eps")
    return b | dict(
        num_hidden_layers=r.choice([1, 2, 4]),
        global_attn_every_n_layers=r.choice([1, 2, 3]),
        local_attention=r.choice([2, 5, 8]),
        hidden_activation=r.choice(ACTIVATIONS),
        classifier_activation=r.choice(ACTIVATIONS),
        norm_bias=r.random() < 0.4,
        attention_bias=r.random() < 0.4,
        mlp_bias=r.random() < 0.4,
        decoder_bias=r.random() < 0.6,
        classifier_bias=r.random() < 0.4,
        cls_token_id=1,
        sep_token_id=2,
    )


def seq2seq(r: random.Random) -> dict:
    return dict(
        vocab_size=r.choice([61, 64, 97]),
        max_position_embeddings=40,
        d_model=r.choice([12, 24, 36]),
        encoder_layers=r.choice([1, 2, 3]),
        decoder_layers=r.choice([1, 2, 3]),
        encoder_ffn_dim=r.choice([20, 33]),
        decoder_ffn_dim=r.choice([20, 33]),
        encoder_attention_heads=r.choice([1, 2, 3, 4]),
        decoder_attention_heads=r.choice([1, 2, 3, 4]),
        activation_function=r.choice(ACTIVATIONS),
        scale_embedding=r.random() < 0.4,
        tie_word_embeddings=r.random() < 0.7,
        forced_eos_token_id=r.choice([None, 2]),
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
    )


CONFIGS = {
    "roberta": roberta,
    "xlm-roberta": roberta,
    "distilbert": distilbert,
    "albert": albert,
    "electra": electra,
    "mpnet": base,
    "deberta-v2": deberta,
    "modernbert": modernbert,
    "bart": seq2seq,
    "marian": seq2seq,
    "m2m_100": seq2seq,
}
