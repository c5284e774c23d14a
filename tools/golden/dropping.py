"""The committed goldens of training mode: every dropout of an architecture, with the masks that torch draws; see manifest.py.

Each shows outputs, gradients and a short training run. Rates differ from one another, so that one in the place of another shows.
"""

from decoders import BASE as DECODER
from decoders import IDS
from encoders import BASE as ENCODER
from encoders import DEBERTA, DISTILBERT, MODERNBERT, MPNET, ROBERTA, SMALL_EMBEDDINGS
from record import Golden
from seq2seq import BASE as BART
from seq2seq import MARIAN

AUTO_CLASSES = {
    "causal_lm": "AutoModelForCausalLM",
    "masked_lm": "AutoModelForMaskedLM",
    "seq2seq_lm": "AutoModelForSeq2SeqLM",
    "pretraining": "AutoModelForPreTraining",
    "sequence_classification": "AutoModelForSequenceClassification",
    "token_classification": "AutoModelForTokenClassification",
    "question_answering": "AutoModelForQuestionAnswering",
    "multiple_choice": "AutoModelForMultipleChoice",
}
TOKENS, CHOICES, PAIRS, ANSWERS = "token_classification", "multiple_choice", "sequence_classification", "question_answering"
BERT = dict(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3)
BERT_HEAD = BERT | dict(classifier_dropout=0.4)


def dropping(
    model_type: str, base: dict, rates: dict, heads: list[str], one: dict | None = None, train: bool = True, first: int = 90, **more
) -> dict[str, Golden]:
    """`heads[0]` with all layers, the others with one."""
    goldens = {}
    for seed, head in enumerate(heads, first):
        overrides = base | rates | ((one or {"num_hidden_layers": 1}) if seed > first else {})
        if head in (TOKENS, PAIRS):
            overrides |= {"num_labels": 3}
        inputs = dict(batch=3, tokens=7, padding="right") if head not in (CHOICES, ANSWERS) else dict(batch=2, tokens=7)
        budget = 15_000 if seed == first else 6_000
        goldens[f"training_{head}"] = Golden(
            model_type, AUTO_CLASSES[head], overrides, seed, inputs, gradients=budget, train=train, training=True, margin=1.0, **more
        )
    return goldens


DROPPING = {
    "bert": dropping("bert", {}, BERT_HEAD, ["masked_lm", TOKENS, PAIRS, CHOICES]),
    "roberta": dropping("roberta", ROBERTA, BERT_HEAD, ["masked_lm", TOKENS, PAIRS, CHOICES]),
    "xlm-roberta": dropping("xlm-roberta", ROBERTA, BERT_HEAD, [PAIRS]),
    "electra": dropping(
        "electra", SMALL_EMBEDDINGS, BERT_HEAD | dict(summary_last_dropout=0.25), ["masked_lm", TOKENS, PAIRS, CHOICES]
    ),
    "albert": dropping(
        "albert", SMALL_EMBEDDINGS, BERT | dict(classifier_dropout_prob=0.4), ["pretraining", TOKENS, PAIRS, CHOICES]
    ),
    "mpnet": dropping("mpnet", MPNET, BERT, ["masked_lm", TOKENS, PAIRS, CHOICES]),
    "distilbert": dropping(
        "distilbert",
        DISTILBERT,
        dict(dropout=0.2, attention_dropout=0.3, qa_dropout=0.4, seq_classif_dropout=0.25),
        ["masked_lm", TOKENS, PAIRS, CHOICES, ANSWERS],
        {"n_layers": 1},
    ),
    "deberta-v2": dropping(
        "deberta-v2",
        DEBERTA | dict(share_att_key=False, conv_kernel_size=3),
        BERT | dict(pooler_dropout=0.25, cls_dropout=0.4),
        ["masked_lm", TOKENS, PAIRS, CHOICES],
        attention="eager",
    ),
    "modernbert": dropping(
        "modernbert",
        MODERNBERT,
        dict(attention_dropout=0.3, embedding_dropout=0.2, mlp_dropout=0.25, classifier_dropout=0.4),
        ["masked_lm", TOKENS, PAIRS, CHOICES],
        {"num_hidden_layers": 1},
    ),
    "gpt2": dropping(
        "gpt2",
        {},
        dict(resid_pdrop=0.2, embd_pdrop=0.25, attn_pdrop=0.3, classifier_dropout=0.4),
        ["causal_lm", TOKENS],
        {"n_layer": 1},
    ),
    "gpt_neox": dropping(
        "gpt_neox",
        {key: value for key, value in DECODER.items() if key != "num_key_value_heads"},
        dict(hidden_dropout=0.2, attention_dropout=0.3, classifier_dropout=0.4),
        ["causal_lm", TOKENS],
    ),
    "gptj": dropping(
        "gptj",
        IDS | dict(n_positions=64, n_embd=32, n_layer=2, n_head=4, rotary_dim=4),
        dict(resid_pdrop=0.2, embd_pdrop=0.25, attn_pdrop=0.3),
        ["causal_lm"],
    ),
    "opt": dropping(
        "opt",
        IDS | dict(hidden_size=32, ffn_dim=40, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64),
        dict(dropout=0.2, attention_dropout=0.3),
        ["causal_lm"],
    ),
    "bloom": dropping(
        "bloom",
        IDS | dict(hidden_size=24, n_head=4),
        dict(hidden_dropout=0.2, attention_dropout=0.3),
        ["causal_lm", TOKENS],
        {"n_layer": 1},
    ),
    "phi3": dropping("phi3", DECODER, dict(resid_pdrop=0.2, attention_dropout=0.3), ["causal_lm"]),
    "llama": dropping("llama", {}, dict(attention_dropout=0.3), ["causal_lm", TOKENS]),
    "gemma2": dropping(
        "gemma2", DECODER | dict(head_dim=12, sliding_window=4, query_pre_attn_scalar=10), dict(attention_dropout=0.3), ["causal_lm"]
    ),
    "gemma3_text": dropping(
        "gemma3_text",
        DECODER | dict(head_dim=12, sliding_window=4, query_pre_attn_scalar=10, layer_types=["sliding_attention", "full_attention"]),
        dict(attention_dropout=0.3),
        ["causal_lm"],
        first=92,
    ),
    "bart": dropping(
        "bart",
        BART,
        dict(dropout=0.2, attention_dropout=0.3, activation_dropout=0.25, classifier_dropout=0.4),
        ["seq2seq_lm", PAIRS],
        dict(encoder_layers=1, decoder_layers=1),
    ),
    # The reference's positions are frozen, but not in a model that was loaded: so no training run.
    "marian": dropping(
        "marian", MARIAN, dict(dropout=0.2, attention_dropout=0.3, activation_dropout=0.25), ["seq2seq_lm"], train=False
    ),
    "m2m_100": dropping("m2m_100", BART, dict(dropout=0.2, attention_dropout=0.3, activation_dropout=0.25), ["seq2seq_lm"]),
    "t5": dropping("t5", {}, dict(dropout_rate=0.2, classifier_dropout=0.4), ["seq2seq_lm", TOKENS, PAIRS],
                   dict(num_layers=1, num_decoder_layers=1)),  # fmt: skip
}
FALCON = IDS | dict(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_hidden_size=48, max_position_embeddings=64
)
RATES = dict(hidden_dropout=0.2, attention_dropout=0.3)
DROPPING["falcon"] = dropping("falcon", FALCON, RATES, ["causal_lm", TOKENS]) | {
    # Without rotary positions attention is dropped, too; one part behind the other drops in between.
    "training_alibi": next(
        iter(
            dropping(
                "falcon", FALCON | dict(alibi=True, multi_query=False, parallel_attn=False, bias=True), RATES, ["causal_lm"]
            ).values()
        )
    )
}
# The reference's switch to full attention, for short inputs, draws numbers that depend on the dtype.
FULL = dict(attention_type="original_full")
SPARSE = dict(
    block_size=2, num_random_blocks=1, max_position_embeddings=24, sep_token_id=3, hidden_size=16, vocab_size=40,
    num_attention_heads=2, intermediate_size=20,
)  # fmt: skip
DROPPING["big_bird"] = dropping(
    "big_bird", ENCODER | SPARSE | FULL, BERT_HEAD, ["masked_lm", TOKENS, PAIRS, CHOICES, ANSWERS]
) | {
    "training_sparse": Golden(
        "big_bird",
        "AutoModelForMaskedLM",
        ENCODER | SPARSE | BERT_HEAD,
        95,
        dict(batch=2, tokens=16),
        gradients=15_000,
        train=True,
        training=True,
        margin=1.0,
    )
}
