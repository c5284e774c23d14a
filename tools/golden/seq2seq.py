"""The committed goldens of the encoder-decoders that resemble BART; see manifest.py."""

from record import GREEDY, Golden

SHORT = dict(batch=2, tokens=8)
ROWS = dict(batch=3, tokens=9)
FORCED = {"forced_bos_token_id": 7, "forced_eos_token_id": 2}
RUNS = {
    "beam": {"max_new_tokens": 10, "do_sample": False, "num_beams": 3, "length_penalty": 0.7} | FORCED,
    "forced_bos": {"max_new_tokens": 9, "do_sample": False} | FORCED,
}
BASE = dict(
    vocab_size=64,
    max_position_embeddings=40,
    d_model=24,
    encoder_layers=2,
    encoder_ffn_dim=32,
    encoder_attention_heads=4,
    decoder_layers=2,
    decoder_ffn_dim=28,
    decoder_attention_heads=3,
    dropout=0.0,
    attention_dropout=0.0,
    activation_dropout=0.0,
    encoder_layerdrop=0.0,
    decoder_layerdrop=0.0,
    bos_token_id=0,
    pad_token_id=1,
    eos_token_id=2,
    decoder_start_token_id=2,
    forced_eos_token_id=None,
)
ONE = dict(encoder_layers=1, decoder_layers=1)
# Tied, a tiny model says its last word again and again; so sequences are of an untied one.
UNTIED = dict(tie_word_embeddings=False)


def encoder_decoder(model_type: str, base: dict, variants: dict) -> dict[str, Golden]:
    """What every one shows: all outputs, padding on both sides, cached generation with forced words, gradients."""

    def golden(seed: int, overrides: dict, inputs: dict | None = None, generate=GREEDY, **more) -> Golden:
        overrides = base | (UNTIED if generate else {}) | overrides
        inputs = SHORT | (inputs or {})
        return Golden(
            model_type, "AutoModelForSeq2SeqLM", overrides, seed, inputs, generate=generate, margin=1.0, **more
        )

    goldens = {
        "seq2seq_lm": golden(1, {}, attentions=True, gradients=15_000, runs=RUNS),
        "seq2seq_lm_right_padding": golden(2, {}, ROWS | dict(padding="right"), runs=RUNS),
        "seq2seq_lm_left_padding": golden(3, ONE, ROWS | dict(padding="left")),
        "seq2seq_lm_no_mask": golden(4, ONE, dict(mask=False)),
        "seq2seq_lm_tied": golden(5, {}, generate=None, gradients=30_000, train=True),
        "bfloat16": Golden(model_type, "AutoModelForSeq2SeqLM", base | ONE, 6, SHORT, dtype="bfloat16"),
        "base": Golden(model_type, "AutoModel", base, 7, SHORT, attentions=True),
    }
    for seed, (name, overrides) in enumerate(variants.items(), 10):
        goldens[name] = golden(seed, overrides, ROWS | dict(padding="right"))
    return goldens


def causal(model_type: str, base: dict) -> dict[str, Golden]:
    overrides = base | UNTIED | dict(is_decoder=True, is_encoder_decoder=False)
    return {
        "causal_lm": Golden(
            model_type, "AutoModelForCausalLM", overrides, 60, SHORT, gradients=5_000, generate=GREEDY, margin=1.0
        )
    }


MARIAN = BASE | dict(eos_token_id=0, bos_token_id=None, pad_token_id=63, decoder_start_token_id=63)
SEQ2SEQ = {
    "bart": encoder_decoder(
        "bart",
        BASE,
        {
            "scale_embedding": ONE | dict(scale_embedding=True, activation_function="relu"),
            "unequal_stacks": dict(encoder_layers=1, decoder_layers=3, d_model=12),
        },
    )
    | causal("bart", BASE)
    | {
        "sequence_classification": Golden(
            "bart",
            "AutoModelForSequenceClassification",
            BASE | ONE,
            50,
            ROWS | dict(padding="right"),
            gradients=5_000,
            margin=1.0,
        ),
        "question_answering": Golden(
            "bart", "AutoModelForQuestionAnswering", BASE | ONE, 51, SHORT, gradients=5_000, margin=1.0
        ),
    },
    "marian": encoder_decoder(
        "marian",
        MARIAN,
        {
            "scale_embedding": ONE | dict(scale_embedding=True, activation_function="silu", static_position_embeddings=True),
            "own_decoder_words": ONE | dict(share_encoder_decoder_embeddings=False, decoder_vocab_size=70),
        },
    )
    | causal("marian", MARIAN),
    "m2m_100": encoder_decoder(
        "m2m_100",
        BASE,
        {
            "unscaled": ONE | dict(scale_embedding=False, activation_function="gelu"),
            "pad_token_id_3": ONE | dict(pad_token_id=3, d_model=36),
        },
    ),
}
