"""What sweep.py records of a head: a random configuration, inputs padded in one way or another, and all that there is to compare."""

import random
from dataclasses import replace

import sweep_decoders
import sweep_encoders
import sweep_first
import sweep_multimodal
import sweep_series
import sweep_sound
import sweep_vision
from manifest import COMMITTED
from record import Golden
from sweep_heads import Head

TEXT = sweep_first.CONFIGS | sweep_decoders.DECODER_CONFIGS | sweep_encoders.CONFIGS
OTHERS = {
    model_type: module
    for module in (sweep_vision, sweep_sound, sweep_series, sweep_multimodal)
    for model_type in module.CONFIGS
}
PADDINGS = ["none", "right", "left"]
WRITERS = ("AutoModelForCausalLM", "AutoModelForSeq2SeqLM", "AutoModelForImageTextToText")
# Without a loss: the bare models, and some heads.
BARE = ("AutoModel", "AutoModelForTextEncoding", "AutoBackbone", "AutoModelForMaskGeneration", "AutoModelForDepthEstimation")
GREEDY = {"max_new_tokens": 12, "do_sample": False}
UNCACHED = {"uncached": GREEDY | {"use_cache": False}}
# See record.Golden: seven programs that may use all of what is allowed leave more seeds than five that may use less.
SCREEN = dict(margin=1.0, programs=7)
GRADIENTS = 120_000  # bytes: of a model as small as these nearly all


def draw(r: random.Random, head: Head, index: int) -> Golden:
    """The index-th golden of a head; indices that follow one another differ in padding."""
    if head.model_type in TEXT:
        return _of_text(r, head, index)
    if head.model_type in OTHERS:
        return _of_others(r, head, index)
    return _varied(r, head)


def _of_text(r: random.Random, head: Head, index: int) -> Golden:
    model_type, auto_class = head.model_type, head.auto_class
    padding = PADDINGS[index % 3]
    generates = auto_class in WRITERS and padding != "right"
    overrides = TEXT[model_type](r)
    if generates and model_type in (*sweep_decoders.DECODER_CONFIGS, "bart", "marian", "m2m_100"):
        overrides["tie_word_embeddings"] = False  # tied, most say their last token again and again
    if "Classification" in auto_class:
        overrides["num_labels"] = r.choice([2, 3, 5])
    if auto_class == "AutoModelForSequenceClassification" and model_type in ("bert", "gpt2", *sweep_encoders.CONFIGS):
        problems = ["single_label_classification", "multi_label_classification", "regression"]
        overrides["problem_type"] = r.choice(problems)
    if auto_class == "AutoModelForCausalLM" and model_type in ("bert", *sweep_encoders.DECODERS):
        overrides["is_decoder"] = True
    if model_type == "big_bird" and generates:
        overrides["attention_type"] = "original_full"
    inputs = dict(batch=r.choice([1, 2, 3]), tokens=r.choice([9, 14, 21]), padding=padding, mask=padding != "none" or r.random() < 0.5)
    if padding != "none":
        inputs["batch"] = r.choice([2, 3])
    if model_type in ("bert", *sweep_encoders.TOKEN_TYPES):
        inputs["token_types"] = r.random() < 0.5
    if model_type == "big_bird" and auto_class == "AutoModelForQuestionAnswering":
        inputs |= dict(token_types=False, separators=True)
    attention = None if model_type in sweep_decoders.ONE_ATTENTION else r.choice([None, "sdpa", "eager"])
    if model_type in sweep_encoders.EAGER:
        attention = "eager"
    golden = _golden(r, head, overrides, inputs, index, attention=attention)
    if generates and not (overrides.get("alibi") and (golden.attentions or golden.attention == "eager")):
        # (Falcon's eager attention adds the biases twice; ours generates with the other.)
        golden = replace(golden, generate=GREEDY, runs=UNCACHED)
    return golden


def _of_others(r: random.Random, head: Head, index: int) -> Golden:
    module, model_type, auto_class = OTHERS[head.model_type], head.model_type, head.auto_class
    overrides = module.CONFIGS[model_type](r)
    if module is sweep_vision:
        overrides = sweep_vision.adapted(r, model_type, head.name, auto_class, overrides)
    if module is sweep_series:
        overrides = sweep_series.adapted(r, head.name, overrides)
    inputs = module.inputs(r, model_type, auto_class, overrides, index)
    golden = _golden(r, head, overrides, inputs, index)
    if model_type in sweep_series.DRAWING or head.name == "PatchTSMixerForPretraining":
        golden.draws = True
    if auto_class in WRITERS and (inputs.get("padding") != "right" or not inputs.get("mask")):
        golden = replace(golden, generate=GREEDY, runs=UNCACHED)
    return golden


# Heads that give no loss though their names do not say so, and models whose attention weights the reference does not show.
LOSSLESS = {
    *("DeiTForImageClassificationWithTeacher", "SamModel", "Mask2FormerForUniversalSegmentation", "SpeechT5HifiGan"),
    *("SiglipTextModel", "Blip2VisionModel", "DecisionTransformerModel", "SpeechT5ForSpeechToSpeech"),
}
NO_WEIGHTS = ("rwkv", "mamba", "mamba2", "convnext", "resnet", "patchtsmixer", "speecht5_hifigan", "qwen2_vl", "autoformer", "depth_anything")


def _golden(r: random.Random, head: Head, overrides: dict, inputs: dict, index: int, **more) -> Golden:
    trains = head.auto_class not in BARE and head.name not in LOSSLESS
    curve = trains and r.random() < 0.1 and head.name != "MarianForCausalLM"  # see record._stored
    return Golden(
        head.model_type,
        head.auto_class,
        overrides,
        r.randrange(10**6),
        inputs,
        attentions=head.model_type not in NO_WEIGHTS and r.random() < 0.5,
        gradients=GRADIENTS if trains else 0,
        train=curve,
        checkpoint=r.choice(["safetensors", "safetensors", "sharded", "bin"]) if head.model_type in TEXT else "safetensors",
        **SCREEN,
        folder=head.folder,
        **more,
    )


# What a configuration of the committed goldens may be changed to without becoming another model.
LAYERS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "n_layer", "num_layers")
SIZES = ("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "ffn_dim", "n_inner", "mlp_dim")
FUNCTIONS = ("hidden_act", "activation_function")


def _varied(r: random.Random, head: Head) -> Golden:
    """Of an architecture that is not listed: one of its committed goldens with another seed, and other sizes where they are free."""
    every = [golden for goldens in COMMITTED.values() for golden in goldens.values() if golden.model_type == head.model_type]
    suitable = [golden for golden in every if golden.auto_class in (head.auto_class, head.name) and golden.dtype == "float32"]
    if not suitable:
        raise LookupError(f"nothing says how to draw a {head.name}")
    golden = r.choice(suitable)
    overrides = dict(golden.overrides)
    lists = {len(value) for value in overrides.values() if isinstance(value, (list, tuple))}
    for key in LAYERS:
        if isinstance(overrides.get(key), int) and overrides[key] not in lists:
            overrides[key] = r.choice([1, overrides[key]])
    for key in SIZES:
        if isinstance(overrides.get(key), int):
            overrides[key] += r.choice([0, 3, 8])
    for key in FUNCTIONS:
        if key in overrides:
            overrides[key] = r.choice(["gelu", "relu", "silu", overrides[key]])
    runs = UNCACHED if golden.generate else {}
    return replace(golden, overrides=overrides, seed=r.randrange(10**6), **SCREEN, runs=runs, generate=GREEDY if runs else None)
