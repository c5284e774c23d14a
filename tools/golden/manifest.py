#!/usr/bin/env python
"""The committed goldens. Without arguments it writes all of them again.

python tools/golden/manifest.py                 # everything below src/imago/models/*/golden/
python tools/golden/manifest.py llama gpt2/base # one model type, one variant
"""

import argparse
import sys
from pathlib import Path

import torch
from decoders import DECODERS
from dropping import DROPPING
from encoders import ENCODERS
from mixtures import MIXTURES
from multimodal import MULTIMODAL
from record import GREEDY, Golden, folder_bytes, write
from recurrent import RECURRENT
from seq2seq import SEQ2SEQ
from series import SERIES
from speech import SPEECH
from vision import VISION

MODELS = Path(__file__).resolve().parents[2] / "src" / "imago" / "models"
LIMIT = 300_000

RUNS = {
    "beam": {"max_new_tokens": 10, "do_sample": False, "num_beams": 3, "length_penalty": 0.7},
    "beam_return": {
        "max_new_tokens": 8,
        "do_sample": False,
        "num_beams": 4,
        "num_return_sequences": 2,
        "early_stopping": True,
        "length_penalty": 2.0,
        "eos_token_id": "from greedy",
    },
    "repetition_penalty": {"max_new_tokens": 12, "do_sample": False, "repetition_penalty": 1.5},
    "eos_list": {"max_new_tokens": 16, "do_sample": False, "eos_token_id": "from greedy"},
}
FULL = dict(attentions=True, gradients=60_000, train=True, generate=GREEDY, runs=RUNS)
SHORT = dict(batch=2, tokens=8)
# What does not concern several layers is shown on one, to keep the repository small.
ONE_LAYER = {
    "llama": {"num_hidden_layers": 1},
    "gpt2": {"n_layer": 1},
    "bert": {"num_hidden_layers": 1},
    "t5": {"num_layers": 1, "num_decoder_layers": 1},
}


def llama() -> dict[str, Golden]:
    one = ONE_LAYER["llama"]

    def causal(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden("llama", "AutoModelForCausalLM", overrides or {}, seed, inputs=inputs or SHORT, **more)

    def head(seed: int, auto_class: str, overrides: dict | None = None, **inputs) -> Golden:
        return Golden("llama", auto_class, one | (overrides or {}), seed, inputs=SHORT | inputs, gradients=20_000)

    def rope(seed: int, parameters: dict, tokens: int = 28, positions: int = 64, **overrides) -> Golden:
        parameters = {"rope_theta": 10000.0} | parameters
        overrides = dict(rope_parameters=parameters, max_position_embeddings=positions) | overrides
        return causal(seed, overrides, dict(batch=1, tokens=tokens), generate=GREEDY)

    longrope = {
        "rope_type": "longrope",
        "original_max_position_embeddings": 16,
        "factor": 4.0,
        "short_factor": [1.0, 1.1, 1.3, 1.7],
        "long_factor": [1.5, 2.5, 4.0, 8.0],
    }
    llama3 = {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 24,
        "rope_theta": 1000.0,
    }
    yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 100.0}
    return {
        "causal_lm": causal(1, inputs=dict(batch=2, tokens=10), **FULL),
        "causal_lm_left_padding": causal(
            2, inputs=dict(batch=3, padding="left"), generate=GREEDY, runs={"beam": RUNS["beam"]}
        ),
        "causal_lm_right_padding": causal(3, inputs=dict(batch=2, padding="right"), gradients=20_000),
        "sdpa_left_padding": causal(60, inputs=dict(batch=3, padding="left"), gradients=20_000, attention="sdpa"),
        "causal_lm_no_mask": causal(4, inputs=SHORT | dict(mask=False), generate=GREEDY),
        "multi_query": causal(5, dict(num_key_value_heads=1), generate=GREEDY),
        "multi_head": causal(6, dict(num_key_value_heads=4), gradients=20_000),
        "head_dim_6": causal(7, one | dict(head_dim=6), generate=GREEDY),
        "head_dim_12": causal(8, one | dict(head_dim=12), gradients=20_000),
        "attention_bias": causal(9, dict(attention_bias=True), gradients=30_000, train=True),
        "mlp_bias": causal(10, one | dict(mlp_bias=True), gradients=30_000, train=True),
        "tied": causal(11, dict(tie_word_embeddings=True), gradients=60_000, train=True, generate=GREEDY),
        "hidden_act_gelu": causal(12, one | dict(hidden_act="gelu"), gradients=20_000),
        "hidden_act_gelu_pytorch_tanh": causal(13, one | dict(hidden_act="gelu_pytorch_tanh"), gradients=20_000),
        "hidden_act_relu": causal(14, one | dict(hidden_act="relu"), gradients=20_000),
        "rope_theta": rope(20, {"rope_type": "default", "rope_theta": 500000.0}),
        "rope_linear": rope(21, {"rope_type": "linear", "factor": 2.5}),
        "rope_linear_legacy_config": causal(
            22,
            dict(rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0}),
            dict(batch=1, tokens=30),
            config_edits={
                "rope_parameters": None,
                "rope_theta": 5000.0,
                "rope_scaling": {"type": "linear", "factor": 2.0},
            },
        ),
        "rope_dynamic": rope(23, {"rope_type": "dynamic", "factor": 3.0}, positions=16),
        "rope_dynamic_crossing": rope(24, {"rope_type": "dynamic", "factor": 2.0}, tokens=12, positions=16),
        "rope_yarn": rope(25, yarn),
        "rope_yarn_mscale": rope(
            26, yarn | {"mscale": 1.2, "mscale_all_dim": 0.8, "beta_fast": 8.0, "beta_slow": 0.5, "truncate": False}
        ),
        "rope_yarn_attention_factor": rope(27, yarn | {"attention_factor": 0.9}),
        "rope_longrope": rope(28, longrope),
        "rope_longrope_crossing": rope(29, longrope, tokens=10),
        "rope_llama3": rope(30, llama3),
        "rope_proportional": rope(31, {"rope_type": "proportional", "factor": 2.0, "partial_rotary_factor": 0.5}),
        "sharded": causal(40, one, checkpoint="sharded"),
        "bin": causal(41, one, checkpoint="bin"),
        "bfloat16": causal(42, one, dtype="bfloat16"),
        "base": Golden("llama", "AutoModel", {}, 50, inputs=SHORT),
        "sequence_classification": head(
            51, "AutoModelForSequenceClassification", {"num_labels": 5}, padding="right", batch=4
        ),
        "token_classification": head(52, "AutoModelForTokenClassification", {"num_labels": 5}),
        "question_answering": head(53, "AutoModelForQuestionAnswering"),
        # Padding is judged, too, but passes no gradient to its embedding.
        "question_answering_right_padding": Golden(
            "llama",
            "AutoModelForQuestionAnswering",
            one,
            54,
            inputs=dict(batch=3, tokens=8, padding="right"),
            gradients=70_000,
            train=True,
        ),
    }


def gpt2() -> dict[str, Golden]:
    one = ONE_LAYER["gpt2"]

    def causal(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden("gpt2", "AutoModelForCausalLM", overrides or {}, seed, inputs=inputs or SHORT, **more)

    def head(seed: int, auto_class: str, overrides: dict | None = None, **inputs) -> Golden:
        return Golden("gpt2", auto_class, one | (overrides or {}), seed, inputs=SHORT | inputs, gradients=20_000)

    return {
        "causal_lm": causal(1, inputs=dict(batch=2, tokens=10), **FULL),
        "causal_lm_left_padding": causal(
            2, inputs=dict(batch=3, padding="left"), generate=GREEDY, runs={"beam": RUNS["beam"]}
        ),
        "causal_lm_right_padding": causal(3, inputs=dict(batch=2, padding="right"), gradients=20_000),
        "causal_lm_no_mask": causal(4, inputs=SHORT | dict(mask=False), generate=GREEDY),
        "scale_attn_by_inverse_layer_idx": causal(5, dict(scale_attn_by_inverse_layer_idx=True), gradients=20_000),
        "reorder_and_upcast_attn": causal(6, dict(reorder_and_upcast_attn=True, scale_attn_by_inverse_layer_idx=True)),
        "scale_attn_weights_false": causal(7, dict(scale_attn_weights=False), generate=GREEDY),
        "untied": causal(8, dict(tie_word_embeddings=False), gradients=40_000, train=True),
        "activation_relu": causal(9, one | dict(activation_function="relu"), gradients=20_000),
        "activation_gelu": causal(10, one | dict(activation_function="gelu"), gradients=20_000),
        "activation_silu": causal(11, one | dict(activation_function="silu")),
        "activation_tanh": causal(12, one | dict(activation_function="tanh")),
        "cross_attention": causal(17, one | dict(add_cross_attention=True), attentions=True, gradients=20_000),
        "sdpa_left_padding": causal(18, inputs=dict(batch=3, padding="left"), gradients=20_000, attention="sdpa"),
        "n_inner_default": causal(13, dict(n_inner=None, n_embd=24), generate=GREEDY),
        "unprefixed": causal(14, one, checkpoint="unprefixed", generate=GREEDY),
        "bin": causal(15, one, checkpoint="bin"),
        "bfloat16": causal(16, one, dtype="bfloat16"),
        "base": Golden("gpt2", "AutoModel", {}, 50, inputs=SHORT),
        "pretraining": head(51, "AutoModelForPreTraining"),
        "sequence_classification": head(
            52, "AutoModelForSequenceClassification", {"num_labels": 5}, padding="right", batch=4
        ),
        "token_classification": head(53, "AutoModelForTokenClassification", {"num_labels": 5}),
        "question_answering": head(54, "AutoModelForQuestionAnswering"),
    }


def bert() -> dict[str, Golden]:
    one = ONE_LAYER["bert"]

    def masked(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden("bert", "AutoModelForMaskedLM", overrides or {}, seed, inputs=SHORT | (inputs or {}), **more)

    def head(seed: int, auto_class: str, overrides: dict | None = None, **inputs) -> Golden:
        return Golden(
            "bert",
            auto_class,
            one | (overrides or {}),
            seed,
            inputs=SHORT | dict(token_types=True) | inputs,
            gradients=30_000,
        )

    classes = "AutoModelForSequenceClassification"
    return {
        "masked_lm": masked(1, inputs=dict(token_types=True), attentions=True, gradients=60_000, train=True),
        "masked_lm_no_token_types": masked(2, one),
        "masked_lm_no_mask": masked(3, one, inputs=dict(mask=False, token_types=True)),
        "masked_lm_ids_only": masked(4, one, inputs=dict(mask=False)),
        "masked_lm_right_padding": masked(5, inputs=dict(padding="right", token_types=True, batch=3), gradients=20_000),
        "masked_lm_left_padding": masked(6, inputs=dict(padding="left", token_types=True, batch=3)),
        "masked_lm_untied": masked(7, dict(tie_word_embeddings=False), train=True, gradients=30_000),
        "hidden_act_relu": masked(8, one | dict(hidden_act="relu"), gradients=20_000),
        "hidden_act_gelu_new": masked(9, one | dict(hidden_act="gelu_new"), gradients=20_000),
        "hidden_act_silu": masked(10, one | dict(hidden_act="silu")),
        "type_vocab_size_4": masked(11, one | dict(type_vocab_size=4, num_attention_heads=2, layer_norm_eps=1e-5)),
        "legacy_names": masked(12, one, checkpoint="legacy_names"),
        "bin": masked(13, one, checkpoint="bin"),
        "sharded": masked(14, one, checkpoint="sharded"),
        "bfloat16": masked(15, one, dtype="bfloat16"),
        "causal_lm": Golden(
            "bert",
            "AutoModelForCausalLM",
            dict(is_decoder=True),
            20,
            inputs=SHORT,
            gradients=20_000,
            train=True,
            generate=GREEDY,
            runs={"beam": RUNS["beam"]},
        ),
        "cross_attention": Golden(
            "bert",
            "AutoModelForCausalLM",
            one | dict(is_decoder=True, add_cross_attention=True),
            21,
            inputs=SHORT,
            attentions=True,
            gradients=20_000,
        ),
        "base": Golden("bert", "AutoModel", {}, 50, inputs=SHORT | dict(token_types=True), attentions=True),
        "text_encoding": Golden("bert", "AutoModelForTextEncoding", {}, 51, inputs=SHORT | dict(padding="right")),
        "pretraining": head(52, "AutoModelForPreTraining"),
        "next_sentence_prediction": head(53, "AutoModelForNextSentencePrediction", batch=4),
        "sequence_classification": head(54, classes, dict(num_labels=5), batch=3),
        "sequence_classification_regression": head(55, classes, dict(num_labels=1, problem_type="regression"), batch=4),
        "sequence_classification_multi_label": head(
            56, classes, dict(num_labels=4, problem_type="multi_label_classification"), batch=4
        ),
        "token_classification": head(57, "AutoModelForTokenClassification", dict(num_labels=5), padding="right"),
        "question_answering": head(58, "AutoModelForQuestionAnswering"),
        "multiple_choice": head(59, "AutoModelForMultipleChoice"),
    }


def t5() -> dict[str, Golden]:
    one = ONE_LAYER["t5"]
    # T5 does not scale its scores: attention is sharp and gradients are ill-conditioned, so few seeds leave more room.
    margin = 1.0

    def seq2seq(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden(
            "t5", "AutoModelForSeq2SeqLM", overrides or {}, seed, inputs=SHORT | (inputs or {}), margin=margin, **more
        )

    def head(seed: int, auto_class: str, overrides: dict | None = None, **inputs) -> Golden:
        return Golden(
            "t5", auto_class, one | (overrides or {}), seed, inputs=SHORT | inputs, gradients=15_000, margin=margin
        )

    return {
        "seq2seq_lm": seq2seq(1, **(FULL | dict(gradients=40_000))),
        "seq2seq_lm_right_padding": seq2seq(
            2, inputs=dict(batch=3, padding="right"), generate=GREEDY, runs={"beam": RUNS["beam"]}
        ),
        "seq2seq_lm_left_padding": seq2seq(3, one, inputs=dict(batch=2, padding="left"), generate=GREEDY),
        "seq2seq_lm_no_mask": seq2seq(4, one, inputs=dict(mask=False), generate=GREEDY),
        "gated_gelu": seq2seq(5, one | dict(feed_forward_proj="gated-gelu"), gradients=15_000, train=True),
        "gated_silu": seq2seq(6, one | dict(feed_forward_proj="gated-silu"), gradients=15_000),
        "feed_forward_gelu": seq2seq(7, one | dict(feed_forward_proj="gelu")),
        "version_1_1": seq2seq(
            8,
            dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False),
            checkpoint="untied",
            config_edits={"tie_word_embeddings": False, "scale_decoder_outputs": None},
            train=True,
            gradients=30_000,
            generate=GREEDY,
        ),
        "unscaled_tied": seq2seq(9, one | dict(tie_word_embeddings=False), generate=GREEDY),
        "relative_attention_32_128": seq2seq(
            10,
            one | dict(d_model=16, d_ff=24, relative_attention_num_buckets=32, relative_attention_max_distance=128),
            dict(batch=1, tokens=150, target_tokens=40),
        ),
        "relative_attention_16_20": seq2seq(
            11,
            dict(relative_attention_num_buckets=16, relative_attention_max_distance=20),
            dict(batch=1, tokens=40, target_tokens=12),
        ),
        "decoder_layers_1": seq2seq(12, dict(num_layers=3, num_decoder_layers=1), generate=GREEDY),
        "d_kv_10": seq2seq(13, one | dict(d_kv=10, num_heads=3), gradients=15_000),
        "bin": seq2seq(14, one, checkpoint="bin"),
        "sharded": seq2seq(15, one, checkpoint="sharded"),
        "bfloat16": seq2seq(16, one, dtype="bfloat16"),
        "float16": seq2seq(17, dtype="float16"),
        "base": Golden("t5", "AutoModel", {}, 50, inputs=SHORT, attentions=True),
        "text_encoding": Golden("t5", "AutoModelForTextEncoding", {}, 51, inputs=SHORT | dict(padding="right")),
        "pretraining": head(52, "AutoModelForPreTraining"),
        "sequence_classification": head(53, "AutoModelForSequenceClassification", {"num_labels": 5}),
        "token_classification": head(54, "AutoModelForTokenClassification", {"num_labels": 5}),
        "question_answering": head(55, "AutoModelForQuestionAnswering"),
    }


COMMITTED = {"gpt2": gpt2(), "llama": llama(), "bert": bert(), "t5": t5()}
COMMITTED |= DECODERS | MIXTURES | RECURRENT | ENCODERS | SEQ2SEQ | SERIES | SPEECH | VISION | MULTIMODAL
for model_type, goldens in DROPPING.items():
    COMMITTED[model_type] |= goldens


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("names", nargs="*", help="MODEL_TYPE or MODEL_TYPE/VARIANT; default: all")
    p.add_argument("--models", type=Path, default=MODELS, help="folder of the model folders")
    a = p.parse_args()
    torch.set_num_threads(1)
    total, too_large = 0, []
    for model_type, variants in COMMITTED.items():
        for variant, golden in variants.items():
            name = f"{model_type}/{variant}"
            if a.names and model_type not in a.names and name not in a.names:
                continue
            out = a.models / (golden.folder or model_type).replace("-", "_") / "golden" / variant
            write(golden, out)
            size = folder_bytes(out)
            total += size
            if size > LIMIT:
                too_large.append(name)
            print(f"{size:8d}  {name}", flush=True)
    print(f"{total:8d}  in all")
    if too_large:
        print(f"over {LIMIT} bytes: {', '.join(too_large)}", file=sys.stderr)
    return bool(too_large)


if __name__ == "__main__":
    sys.exit(main())
