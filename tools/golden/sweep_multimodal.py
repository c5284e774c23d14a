"""Random configurations and inputs of models that read texts with pictures in them for sweep.py."""

import random

from multimodal_inputs import IMAGE, VIDEO, VISION_END, VISION_START
from sweep_vision import ACTIVATIONS, maybe

PADDINGS = ["none", "right", "left"]


def text(r: random.Random, kinds: list[str] = ["llama", "mistral", "qwen2"]) -> dict:  # noqa: B006
    groups = r.choice([1, 2])
    heads = groups * r.choice([1, 2])
    overrides = dict(
        model_type=r.choice(kinds),
        vocab_size=r.choice([48, 61]),
        hidden_size=heads * 2 * r.choice([2, 4]),
        intermediate_size=r.choice([20, 33]),
        num_hidden_layers=r.choice([1, 2]),
        num_attention_heads=heads,
        num_key_value_heads=groups,
        hidden_act=r.choice(ACTIVATIONS),
        max_position_embeddings=128,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    if overrides["model_type"] == "mistral":
        overrides["sliding_window"] = r.choice([None, 4, 8])
    return overrides


def tower(r: random.Random) -> dict:
    heads, patch = r.choice([1, 2, 3]), r.choice([2, 4])
    return dict(
        hidden_size=heads * r.choice([4, 6]),
        intermediate_size=r.choice([16, 20]),
        num_hidden_layers=r.choice([2, 3]),
        num_attention_heads=heads,
        hidden_act=r.choice(ACTIVATIONS),
        image_size=2 * patch,
        patch_size=patch,
    )


def llava(r: random.Random) -> dict:
    vision = tower(r) | r.choice(
        [dict(model_type="clip_vision_model", projection_dim=8), dict(model_type="siglip_vision_model", vision_use_head=False)]
    )
    strategy = "default" if vision["model_type"].startswith("clip") and maybe(r, 0.6) else "full"
    return dict(
        text_config=text(r),
        vision_config=vision,
        image_token_index=IMAGE,
        image_seq_length=4,
        projector_hidden_act=r.choice(ACTIVATIONS),
        multimodal_projector_bias=maybe(r, 0.6),
        vision_feature_layer=r.choice([-1, -2, [-2, -1]]),
        vision_feature_select_strategy=strategy,
    )


def qwen2_vl(r: random.Random) -> dict:
    words = text(r, ["qwen2"])
    del words["model_type"]
    words |= dict(num_attention_heads=2, num_key_value_heads=r.choice([1, 2]), hidden_size=16)
    words["rope_parameters"] = dict(rope_type="default", rope_theta=r.choice([1e4, 500.0]), mrope_section=r.choice([[1, 2, 1], [2, 1, 1]]))
    if maybe(r):
        words |= dict(use_sliding_window=True, sliding_window=r.choice([4, 6]), max_window_layers=r.choice([0, 1]))
    heads = r.choice([1, 2])
    return dict(
        text_config=words,
        vision_config=dict(
            depth=r.choice([1, 2]),
            embed_dim=heads * r.choice([8, 16]),
            hidden_size=16,
            num_heads=heads,
            mlp_ratio=r.choice([1, 2]),
            patch_size=r.choice([2, 3]),
            hidden_act=r.choice(["quick_gelu", "gelu"]),
        ),
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
    )


def idefics3(r: random.Random) -> dict:
    vision, factor = tower(r), r.choice([2, 4])
    vision |= dict(num_hidden_layers=r.choice([1, 2]), image_size=4 * vision["patch_size"])
    return dict(text_config=text(r), vision_config=vision, image_token_id=IMAGE, scale_factor=factor)


def qformer(r: random.Random) -> dict:
    heads = r.choice([1, 2])
    return dict(
        hidden_size=heads * r.choice([4, 6]),
        intermediate_size=r.choice([12, 16]),
        num_hidden_layers=r.choice([1, 2]),
        num_attention_heads=heads,
        hidden_act=r.choice(ACTIVATIONS),
        cross_attention_frequency=r.choice([1, 2]),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def blip_2(r: random.Random) -> dict:
    ids = dict(vocab_size=48, pad_token_id=0)
    opt = ids | dict(model_type="opt", hidden_size=16, ffn_dim=r.choice([20, 24]), num_hidden_layers=r.choice([1, 2]))
    opt |= dict(num_attention_heads=r.choice([1, 2, 4]), max_position_embeddings=64, word_embed_proj_dim=16, dropout=0.0)
    opt |= dict(bos_token_id=1, eos_token_id=2, tie_word_embeddings=False, do_layer_norm_before=maybe(r, 0.7))
    t5 = ids | dict(model_type="t5", d_model=16, d_kv=r.choice([4, 6]), d_ff=24, num_layers=1, num_decoder_layers=1)
    t5 |= dict(num_heads=r.choice([1, 2]), relative_attention_num_buckets=8, relative_attention_max_distance=12, dropout_rate=0.0)
    t5 |= dict(decoder_start_token_id=0, eos_token_id=1, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    return dict(
        text_config=r.choice([opt, opt, t5]),
        vision_config=tower(r) | dict(qkv_bias=maybe(r, 0.6)),
        qformer_config=qformer(r),
        num_query_tokens=r.choice([2, 3]),
        image_token_index=IMAGE,
    )


def blip_2_vision_model(r: random.Random) -> dict:
    return tower(r) | dict(qkv_bias=maybe(r, 0.6))


def blip_2_qformer(r: random.Random) -> dict:
    return qformer(r) | dict(encoder_hidden_size=r.choice([9, 12]))


CONFIGS = {"llava": llava, "qwen2_vl": qwen2_vl, "idefics3": idefics3, "smolvlm": idefics3}
CONFIGS |= {"blip-2": blip_2, "blip_2_vision_model": blip_2_vision_model, "blip_2_qformer": blip_2_qformer}


def inputs(r: random.Random, model_type: str, auto_class: str, overrides: dict, index: int) -> dict:
    """Padded nowhere, on the right and on the left in turn."""
    if model_type in ("blip_2_vision_model", "blip_2_qformer"):
        return {}
    padding, words = PADDINGS[index % 3], r.choice([6, 8])
    one = padding == "none"  # rows differ in length, so that there is one where nothing is padded
    options = dict(padding="right" if one else padding, mask=not one or maybe(r))
    if model_type == "blip-2":
        t5 = overrides["text_config"]["model_type"] == "t5"
        return dict(padding="right" if t5 else options["padding"], words=(words,) if one else (words, words - 1), mask=options["mask"])
    if model_type == "qwen2_vl":
        grids = r.choice([((2, 4),), ((2, 2), (4, 2))])
        return options | dict(words=words, grids=(grids,) if one else (grids, r.choice([((4, 2),), ()])))
    if model_type == "llava":
        return options | dict(words=words, pictures=((1,),) if one else ((1, 1), (1,)))
    return options | dict(words=words, pictures=(2,) if one else (2, 1), padded=maybe(r))
