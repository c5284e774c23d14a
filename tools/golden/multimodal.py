"""The committed goldens of models that read texts with pictures in them; see manifest.py."""

from multimodal_inputs import IMAGE, VIDEO, VISION_END, VISION_START
from record import GREEDY, Golden

BEAM = {"beam": {"max_new_tokens": 8, "do_sample": False, "num_beams": 3}}
TEXT = dict(
    model_type="llama",
    vocab_size=48,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=1,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
TOWER = dict(hidden_size=12, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=8, patch_size=4)
TWO_LAYERS = dict(num_hidden_layers=2)
WRITER = "AutoModelForImageTextToText"


def llava() -> dict[str, Golden]:
    clip = TOWER | dict(model_type="clip_vision_model", projection_dim=8)
    base = dict(text_config=TEXT, vision_config=clip, image_token_index=IMAGE, image_seq_length=4)

    def writer(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden("llava", WRITER, base | (overrides or {}), seed, inputs or {}, **more)

    mistral = TEXT | TWO_LAYERS | dict(model_type="mistral", sliding_window=8)
    qwen2 = TEXT | dict(model_type="qwen2", tie_word_embeddings=True)
    siglip = TOWER | dict(model_type="siglip_vision_model", vision_use_head=False)
    return {
        "image_text_to_text": writer(1, dict(text_config=TEXT | TWO_LAYERS), attentions=True, generate=GREEDY, runs=BEAM),
        "gradients": writer(2, gradients=40_000, train=True),
        "mistral": writer(
            3, dict(text_config=mistral, multimodal_projector_bias=False), generate=GREEDY, checkpoint="vision_model"
        ),
        "qwen2_layers_full": writer(
            4,
            dict(text_config=qwen2, vision_feature_layer=[-2, -1], vision_feature_select_strategy="full"),
            dict(pictures=((1, 1), ()), padding="right"),
            gradients=20_000,
        ),
        "siglip": writer(
            5,
            dict(vision_config=siglip, vision_feature_select_strategy="full", projector_hidden_act="gelu_new"),
            dict(pictures=((1,),), mask=False),
            generate=GREEDY,
        ),
        "base": Golden("llava", "AutoModel", base, 6, {}),
        "bfloat16": writer(7, dtype="bfloat16"),
    }


def qwen2_vl() -> dict[str, Golden]:
    rope = dict(rope_type="default", rope_theta=10000.0, mrope_section=[1, 2, 1])
    text = {key: value for key, value in TEXT.items() if key != "model_type"} | dict(
        num_attention_heads=2, num_key_value_heads=1, rope_parameters=rope
    )
    vision = dict(depth=1, embed_dim=16, hidden_size=16, num_heads=2, mlp_ratio=2, patch_size=2)
    base = dict(text_config=text, vision_config=vision, image_token_id=IMAGE, video_token_id=VIDEO)
    base |= dict(vision_start_token_id=VISION_START, vision_end_token_id=VISION_END)

    def writer(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden("qwen2_vl", WRITER, base | (overrides or {}), seed, inputs or {}, **more)

    window = dict(use_sliding_window=True, sliding_window=6, max_window_layers=1) | TWO_LAYERS
    mrope = dict(rope_scaling=dict(type="mrope", mrope_section=rope["mrope_section"]), rope_theta=rope["rope_theta"])
    flat = text | window | dict(text_config=None, rope_parameters=None) | mrope  # as files of the Hub have it
    return {
        "image_text_to_text": writer(1, dict(vision_config=vision | dict(depth=2)), generate=GREEDY, runs=BEAM),
        "gradients": writer(2, inputs=dict(grids=(((2, 2),), ())), gradients=25_000, train=True),
        "two_pictures_window": writer(
            3,
            dict(text_config=text | window, tie_word_embeddings=True),
            dict(grids=(((4, 4), (2, 6)),), mask=False, words=6),
            generate=GREEDY,
            config_edits=flat,
        ),
        "videos": writer(8, inputs=dict(grids=(((3, 2, 4),), ((2, 2), (2, 4, 2)))), generate=GREEDY, runs=BEAM),
        "video_gradients": writer(9, inputs=dict(grids=(((2, 2, 2), (2, 2, 4)),)), gradients=10_000, attention="sdpa"),
        "dropout": writer(
            10, dict(text_config=text | dict(attention_dropout=0.2)), dict(grids=(((2, 2),),)), gradients=2_000, training=True
        ),
        "texts_only": writer(4, inputs=dict(grids=((), ())), generate=GREEDY),
        "base": Golden("qwen2_vl", "AutoModel", base, 6, {}),
        "bfloat16": writer(7, dtype="bfloat16"),
    }


def idefics3(model_type: str) -> dict[str, Golden]:
    vision = TOWER | dict(num_hidden_layers=1, image_size=16)
    base = dict(text_config=TEXT, vision_config=vision, image_token_id=IMAGE)

    def writer(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden(model_type, WRITER, base | (overrides or {}), seed, inputs or {}, **more)

    all_of_them = {
        "image_text_to_text": writer(1, generate=GREEDY, runs=BEAM),
        "gradients": writer(2, inputs=dict(pictures=(1,)), gradients=25_000, train=True),
        "padded_tied": writer(3, dict(tie_word_embeddings=True), dict(padded=True), generate=GREEDY),
        "scale_factor_4": writer(4, dict(scale_factor=4, text_config=TEXT | TWO_LAYERS), dict(mask=False, pictures=(2,))),
        "base": Golden(model_type, "AutoModel", base, 6, dict(pictures=(1, 1))),
        "bfloat16": writer(7, dtype="bfloat16"),
    }
    if model_type == "smolvlm":  # idefics3 under another name
        return {name: all_of_them[name] for name in ("image_text_to_text", "padded_tied", "base")}
    return all_of_them


OPT = dict(model_type="opt", vocab_size=48, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=2)
OPT |= dict(max_position_embeddings=64, word_embed_proj_dim=16, dropout=0.0, pad_token_id=0, bos_token_id=1, eos_token_id=2)
QFORMER = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2)
QFORMER |= dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def blip_2() -> dict[str, Golden]:
    t5 = dict(model_type="t5", vocab_size=48, d_model=16, d_kv=6, d_ff=24, num_layers=1, num_decoder_layers=1, num_heads=2)
    t5 |= dict(relative_attention_num_buckets=8, relative_attention_max_distance=12, dropout_rate=0.0)
    t5 |= dict(decoder_start_token_id=0, eos_token_id=1, pad_token_id=0)
    base = dict(text_config=OPT, vision_config=TOWER, qformer_config=QFORMER, num_query_tokens=3, image_token_index=IMAGE)

    def model(auto_class: str, seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden("blip-2", auto_class, overrides, seed, inputs or {}, folder="blip_2", **more)

    def writer(seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return model(WRITER, seed, base | (overrides or {}), inputs, **more)

    gated = t5 | dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False)  # Flan-T5
    untied = dict(text_config=OPT | dict(tie_word_embeddings=False))
    dropping = dict(
        text_config=t5 | dict(dropout_rate=0.1),
        vision_config=TOWER | dict(attention_dropout=0.2),
        qformer_config=QFORMER | dict(hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.2),
    )
    return {
        "opt": writer(1, generate=GREEDY, runs=BEAM),
        "opt_gradients": writer(2, gradients=1_000, train=True),
        "opt_bfloat16": writer(4, dtype="bfloat16"),
        "flan_t5": writer(5, dict(text_config=gated), dict(padding="right"), generate=GREEDY, runs=BEAM),
        "t5_gradients": writer(6, dict(text_config=t5), gradients=1_000, margin=1.0),
        "dropout": writer(17, dropping, gradients=1_000, margin=1.0, training=True, attention="sdpa"),
        "base": model("AutoModel", 7, base | untied, dict(size=(8, 12), mask=False), attentions=True),
    }


def blip_2_retrieval() -> dict[str, Golden]:
    texts = QFORMER | dict(use_qformer_text_input=True, vocab_size=48, max_position_embeddings=12)
    base = dict(text_config=OPT, vision_config=TOWER, qformer_config=texts, num_query_tokens=3, image_text_hidden_size=10)

    def model(head: str, seed: int, overrides: dict | None = None, inputs: dict | None = None, **more) -> Golden:
        return Golden("blip-2", f"Blip2{head}", base | (overrides or {}), seed, inputs or {}, folder="blip_2_retrieval", **more)

    return {
        "image_text_retrieval": model("ForImageTextRetrieval", 11, inputs=dict(words=(7, 6, 5))),
        "matching": model("ForImageTextRetrieval", 12, inputs=dict(matching=True)),
        "image_tokens": model("ForImageTextRetrieval", 13, dict(image_token_index=IMAGE), attentions=True),
        "bfloat16": model("ForImageTextRetrieval", 14, dtype="bfloat16"),
        "text_projection": model("TextModelWithProjection", 15),
        "vision_projection": model("VisionModelWithProjection", 16, attentions=True),
    }


def blip_2_vision_model() -> dict[str, Golden]:
    def golden(seed: int, config: dict, inputs: dict | None = None, **more) -> Golden:
        return Golden("blip_2_vision_model", "Blip2VisionModel", TOWER | config, seed, inputs or {}, **more)

    return {
        "without_bias": golden(8, dict(qkv_bias=False), attentions=True),
        "interpolated": golden(2, dict(hidden_act="relu", num_attention_heads=3), dict(size=(12, 8))),
        "bfloat16": golden(3, dict(num_hidden_layers=1), dtype="bfloat16"),
    }


def blip_2_qformer() -> dict[str, Golden]:
    def golden(seed: int, config: dict, inputs: dict | None = None, **more) -> Golden:
        return Golden("blip_2_qformer", "AutoModel", QFORMER | dict(encoder_hidden_size=12) | config, seed, inputs or {}, **more)

    dropping = dict(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3)
    return {
        "base": golden(9, {}, attentions=True),
        "with_text": golden(2, dict(use_qformer_text_input=True, num_hidden_layers=3), dict(texts=2)),
        "every_layer_asks": golden(3, dict(cross_attention_frequency=1, hidden_act="relu", num_attention_heads=4)),
        "dropout": golden(4, dropping, training=True),
    }


MULTIMODAL = {"llava": llava(), "qwen2_vl": qwen2_vl(), "blip_2": blip_2()}
MULTIMODAL |= {"blip_2_retrieval": blip_2_retrieval(), "blip_2_vision_model": blip_2_vision_model(), "blip_2_qformer": blip_2_qformer()}
MULTIMODAL |= {name: idefics3(name) for name in ("idefics3", "smolvlm")}
