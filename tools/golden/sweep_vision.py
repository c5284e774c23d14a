"""Random configurations and inputs of models of pictures for sweep.py."""

import random

ACTIVATIONS = ["gelu", "gelu_new", "relu", "silu"]


def maybe(r: random.Random, chance: float = 0.4) -> bool:
    return r.random() < chance


def transformer(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 4])
    return dict(
        num_attention_heads=heads,
        hidden_size=heads * r.choice([5, 6, 8]),
        num_hidden_layers=r.choice([1, 2, 3]),
        intermediate_size=r.choice([20, 33]),
        hidden_act=r.choice(ACTIVATIONS),
        layer_norm_eps=r.choice([1e-12, 1e-6, 1e-3]),
    )


def patches(r: random.Random) -> dict:
    patch, side = r.choice([2, 4]), r.choice([3, 4])
    return dict(patch_size=patch, image_size=r.choice([side * patch, [side * patch, 2 * side * patch]]), num_channels=r.choice([1, 3]))


def vit(r: random.Random) -> dict:
    overrides = transformer(r) | patches(r)
    overrides |= dict(encoder_stride=overrides["patch_size"], qkv_bias=maybe(r, 0.6))
    if maybe(r):
        overrides |= dict(pooler_output_size=r.choice([10, 17]), pooler_act=r.choice(["relu", "gelu", "tanh"]))
    return overrides


def dinov2(r: random.Random) -> dict:
    overrides = transformer(r) | patches(r)
    del overrides["intermediate_size"]
    layers = overrides["num_hidden_layers"]
    names = ["stem"] + [f"stage{i}" for i in range(1, layers + 1)]
    return overrides | dict(
        mlp_ratio=r.choice([1, 2, 3]),
        qkv_bias=maybe(r, 0.6),
        use_swiglu_ffn=maybe(r),
        out_features=sorted(r.sample(names, r.randint(1, len(names))), key=names.index),
        apply_layernorm=maybe(r, 0.6),
        reshape_hidden_states=maybe(r, 0.6),
    )


def stages(r: random.Random, overrides: dict, count: int) -> dict:
    names = ["stem"] + [f"stage{i}" for i in range(1, count + 1)]
    return overrides | dict(out_features=sorted(r.sample(names, r.randint(1, len(names))), key=names.index))


def convnext(r: random.Random) -> dict:
    count = r.choice([2, 3])
    return stages(
        r,
        dict(
            num_stages=count,
            hidden_sizes=[r.choice([6, 8, 12]) for _ in range(count)],
            depths=[r.choice([1, 2]) for _ in range(count)],
            hidden_act=r.choice(ACTIVATIONS),
            layer_scale_init_value=r.choice([0.0, 1e-6]),
            patch_size=r.choice([2, 4]),
            num_channels=r.choice([1, 3]),
            image_size=32,
        ),
        count,
    )


def resnet(r: random.Random) -> dict:
    count = r.choice([1, 2])
    return stages(
        r,
        dict(
            embedding_size=r.choice([4, 8]),
            hidden_sizes=[r.choice([8, 12, 16]) for _ in range(count)],
            depths=[r.choice([1, 2]) for _ in range(count)],
            layer_type=r.choice(["basic", "bottleneck"]),
            hidden_act=r.choice(["relu", "silu", "gelu"]),
            downsample_in_first_stage=maybe(r),
            downsample_in_bottleneck=maybe(r),
            num_channels=r.choice([1, 3]),
        ),
        count,
    )


def swin(r: random.Random) -> dict:
    patch, window = r.choice([2, 4]), r.choice([2, 3])
    count = r.choice([1, 2])
    grid = 2 * window * r.choice([1, 2])  # of patches; a later stage is half as large, and no smaller than a window
    heads = [r.choice([1, 2]) for _ in range(count)]
    return stages(
        r,
        dict(
            embed_dim=r.choice([4, 8]),
            depths=[r.choice([1, 2]) for _ in range(count)],
            num_heads=heads,
            window_size=window,
            patch_size=patch,
            image_size=grid * patch,
            mlp_ratio=r.choice([1, 2]),
            encoder_stride=patch * 2 ** (count - 1),
            qkv_bias=maybe(r, 0.6),
            hidden_act=r.choice(ACTIVATIONS),
            use_absolute_embeddings=maybe(r),
            num_channels=r.choice([1, 3]),
        ),
        count,
    )


def segformer(r: random.Random) -> dict:
    count = r.choice([2, 3])
    heads = [r.choice([1, 2]) for _ in range(count)]
    return dict(
        num_encoder_blocks=count,
        num_attention_heads=heads,
        hidden_sizes=[n * r.choice([4, 6]) for n in heads],
        depths=[r.choice([1, 2]) for _ in range(count)],
        sr_ratios=[r.choice([1, 2]) for _ in range(count)],
        patch_sizes=[7] + [3] * (count - 1),
        strides=[4] + [2] * (count - 1),
        mlp_ratios=[r.choice([1, 2]) for _ in range(count)],
        decoder_hidden_size=r.choice([8, 12]),
        hidden_act=r.choice(ACTIVATIONS),
        reshape_last_stage=maybe(r, 0.7),
        classifier_dropout_prob=0.0,
        drop_path_rate=0.0,
    )


def yolos(r: random.Random) -> dict:
    patch = r.choice([2, 4])
    return transformer(r) | dict(
        patch_size=patch,
        image_size=[patch * r.choice([3, 4]), patch * r.choice([4, 5])],
        num_detection_tokens=r.choice([3, 5, 7]),
        use_mid_position_embeddings=maybe(r, 0.6),
        qkv_bias=maybe(r, 0.6),
        num_channels=3,
        num_labels=r.choice([2, 4]),
        eos_coefficient=r.choice([0.1, 0.3]),
        giou_cost=r.choice([2, 3]),
        bbox_loss_coefficient=r.choice([4, 5]),
    )


def detr(r: random.Random) -> dict:
    heads = [r.choice([1, 2, 4]) for _ in range(2)]
    count = r.choice([1, 2])
    return dict(
        d_model=r.choice([16, 24]),
        encoder_layers=r.choice([1, 2]),
        decoder_layers=r.choice([1, 2]),
        encoder_attention_heads=heads[0],
        decoder_attention_heads=heads[1],
        encoder_ffn_dim=r.choice([20, 33]),
        decoder_ffn_dim=r.choice([20, 33]),
        num_queries=r.choice([3, 5]),
        num_labels=r.choice([2, 4]),
        dropout=0.0,
        activation_function=r.choice(["relu", "gelu"]),
        position_embedding_type=r.choice(["sine", "learned"]),
        eos_coefficient=r.choice([0.1, 0.4]),
        class_cost=r.choice([1, 2]),
        use_timm_backbone=False,
        backbone=None,
        backbone_config=dict(
            model_type="resnet",
            embedding_size=r.choice([4, 8]),
            hidden_sizes=[8, 12][:count],
            depths=[1, 1][:count],
            layer_type=r.choice(["basic", "bottleneck"]),
            out_features=[f"stage{count}"],
        ),
    )


def mask2former(r: random.Random) -> dict:
    return dict(
        feature_size=32,
        mask_feature_size=r.choice([8, 12]),
        hidden_dim=r.choice([16, 32]),
        encoder_feedforward_dim=r.choice([16, 20]),
        encoder_layers=r.choice([1, 2]),
        decoder_layers=r.choice([2, 3]),
        num_attention_heads=r.choice([1, 2, 4]),
        dim_feedforward=r.choice([16, 20]),
        num_queries=r.choice([3, 4]),
        num_labels=r.choice([2, 4]),
        pre_norm=maybe(r),
        activation_function=r.choice(["relu", "gelu"]),
        common_stride=r.choice([4, 8]),
        backbone_config=dict(
            model_type="swin",
            embed_dim=4,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, r.choice([1, 2]), 2],
            window_size=2,
            image_size=32,
            mlp_ratio=1,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
    )


def sam_vision_model(r: random.Random) -> dict:
    heads, layers = r.choice([1, 2]), r.choice([1, 2])
    return dict(
        hidden_size=2 * heads * r.choice([4, 8]),
        output_channels=16,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        image_size=16,
        patch_size=4,
        window_size=r.choice([2, 3]),
        global_attn_indexes=r.choice([[], [layers - 1]]),
        num_pos_feats=8,
        mlp_dim=r.choice([20, 24]),
        hidden_act=r.choice(ACTIVATIONS),
        qkv_bias=maybe(r, 0.6),
        use_abs_pos=maybe(r, 0.7),
        use_rel_pos=maybe(r, 0.7),
    )


def sam(r: random.Random) -> dict:
    return dict(
        vision_config=sam_vision_model(r),
        prompt_encoder_config=dict(
            hidden_size=16, image_size=16, patch_size=4, mask_input_channels=r.choice([4, 8]), hidden_act=r.choice(["gelu", "relu"])
        ),
        mask_decoder_config=dict(
            hidden_size=16,
            mlp_dim=r.choice([20, 28]),
            num_hidden_layers=r.choice([1, 2]),
            num_attention_heads=r.choice([1, 2]),
            attention_downsample_rate=r.choice([1, 2]),
            num_multimask_outputs=r.choice([2, 3]),
            iou_head_hidden_dim=r.choice([8, 12]),
            iou_head_depth=r.choice([2, 3]),
            hidden_act=r.choice(["gelu", "relu"]),
        ),
    )


def depth_anything(r: random.Random) -> dict:
    heads, layers = r.choice([1, 2, 4]), r.choice([3, 4])
    return dict(
        backbone_config=dict(
            model_type="dinov2",
            hidden_size=heads * r.choice([4, 6]),
            num_hidden_layers=layers,
            num_attention_heads=heads,
            mlp_ratio=r.choice([1, 2]),
            image_size=16,
            patch_size=4,
            out_indices=sorted(r.sample(range(layers + 1), 4)),
            reshape_hidden_states=False,
            hidden_act=r.choice(ACTIVATIONS),
        ),
        patch_size=4,
        reassemble_hidden_size=0,
        neck_hidden_sizes=[r.choice([6, 8]), 8, r.choice([8, 12]), 12],
        fusion_hidden_size=r.choice([6, 8]),
        head_hidden_size=r.choice([5, 6]),
        head_in_index=r.choice([-1, 1, 2]),
        depth_estimation_type=(kind := r.choice(["relative", "metric"])),
        max_depth=r.choice([10, 20]) if kind == "metric" else 1,
    )


def clip_vision_model(r: random.Random) -> dict:
    overrides = transformer(r) | patches(r)
    overrides["image_size"] = overrides["patch_size"] * r.choice([3, 4])
    overrides["hidden_act"] = r.choice(ACTIVATIONS + ["quick_gelu"])
    return overrides | dict(num_channels=3)


def clip_text_model(r: random.Random) -> dict:
    vocab = r.choice([48, 61])
    overrides = transformer(r) | dict(vocab_size=vocab, max_position_embeddings=16, bos_token_id=1, pad_token_id=0)
    overrides["hidden_act"] = r.choice(ACTIVATIONS + ["quick_gelu"])
    return overrides | dict(eos_token_id=r.choice([2, vocab - 1]))


def clip(r: random.Random) -> dict:
    return dict(text_config=clip_text_model(r), vision_config=clip_vision_model(r), projection_dim=r.choice([10, 16]))


def siglip_vision_model(r: random.Random) -> dict:
    return clip_vision_model(r) | dict(vision_use_head=maybe(r, 0.6))


def siglip_text_model(r: random.Random) -> dict:
    overrides = clip_text_model(r) | dict(pad_token_id=1, projection_size=r.choice([10, 16]))
    del overrides["bos_token_id"], overrides["eos_token_id"]
    return overrides


def siglip(r: random.Random) -> dict:
    vision = clip_vision_model(r)
    return dict(text_config=siglip_text_model(r) | dict(projection_size=vision["hidden_size"]), vision_config=vision)


CONFIGS = {
    f.__name__: f
    for f in (vit, dinov2, convnext, resnet, swin, segformer, yolos, detr, mask2former, sam, sam_vision_model)
    + (depth_anything, clip, clip_text_model, clip_vision_model, siglip, siglip_text_model, siglip_vision_model)
} | {"deit": vit}


def pair(size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def adapted(r: random.Random, model_type: str, head: str, auto_class: str, overrides: dict) -> dict:
    """What a head asks of the configuration."""
    overrides = dict(overrides)
    if auto_class == "AutoModelForImageClassification":
        overrides["num_labels"] = r.choice([2, 3, 5])
        if model_type not in ("swin", "segformer") or maybe(r):
            overrides["problem_type"] = r.choice(["single_label_classification", "multi_label_classification"])
    if auto_class == "AutoModelForSemanticSegmentation":
        overrides["num_labels"] = r.choice([1, 3, 5])
    if auto_class == "AutoModelForMaskedImageModeling":  # rows and columns are as many
        overrides["image_size"] = pair(overrides["image_size"])[0]
    if model_type == "deit" and auto_class == "AutoModelForImageClassification":
        overrides["architectures"] = [head]
    if model_type == "depth_anything":
        overrides["reassemble_hidden_size"] = overrides["backbone_config"]["hidden_size"]
    if auto_class != "AutoBackbone" and model_type in ("dinov2", "convnext", "resnet", "swin"):
        overrides.pop("out_features", None)
    return overrides


def inputs(r: random.Random, model_type: str, auto_class: str, overrides: dict, index: int) -> dict:
    """Of the configuration's size or, where `index` is odd, of another."""
    options = dict(batch=r.choice([1, 2, 3]))
    other = index % 2 == 1
    if model_type == "clip_text_model" or model_type == "siglip_text_model":
        return dict(batch=r.choice([2, 3]), tokens=r.choice([8, 11]), padding="right" if other else "none", mask=other or maybe(r))
    if model_type in ("sam", "sam_vision_model"):
        if model_type == "sam":
            kinds = [("points",), ("boxes",), ("points", "boxes", "masks"), (), ("points", "single")]
            options |= dict(prompts=r.choice(kinds), batch=2)
        return options
    if model_type in ("clip", "siglip") and auto_class != "AutoModelForImageClassification":
        options = dict(texts=r.choice([2, 3]), padding=other)
    if auto_class == "AutoModelForMaskedImageModeling":
        return options | dict(masked=True)
    config = overrides.get("vision_config", overrides)
    if model_type in ("mask2former",):
        return dict(batch=1, size=r.choice([(32, 64), (32, 32), (64, 32)]), mask=other)
    if model_type in ("segformer",):
        return options | dict(size=r.choice([(32, 48), (16, 24), (32, 32)]))
    if model_type == "detr":
        return options | dict(size=r.choice([(24, 32), (40, 24)]), mask=other)
    if model_type in ("convnext", "resnet"):
        return options | dict(size=r.choice([(32, 32), (45, 30), (33, 40)]))
    if model_type == "depth_anything":
        return options | dict(size=(16, 24) if other else (16, 16))
    if other and (patch := pair(config.get("patch_size", 4))):
        size = pair(config["image_size"])
        options["size"] = (size[0] + patch[0] * r.choice([1, 2]), size[1] + patch[1] * r.choice([0, 1]))
    return options
