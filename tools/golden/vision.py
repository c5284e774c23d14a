"""The committed goldens of models of pictures; see manifest.py."""

from record import Golden

VIT = dict(
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=32,
    image_size=16,
    patch_size=4,
    encoder_stride=4,
)
ONE_LAYER = {"num_hidden_layers": 1}
DROPPING = dict(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.1)
TRAINING = dict(training=True, gradients=8_000, train=True)
CLASSIFICATION, MASKED = "AutoModelForImageClassification", "AutoModelForMaskedImageModeling"


def _makers(model_type: str, base: dict):
    """Functions that give a bare model's golden and a classifier's: (seed, overrides, inputs, what to record)."""

    def golden(auto_class: str, seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        return Golden(model_type, auto_class, base | overrides, seed, inputs or {}, **more)

    def bare(seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        return golden("AutoModel", seed, overrides, inputs, **more)

    def classifier(seed: int, overrides: dict, inputs: dict | None = None, **more) -> Golden:
        return golden(CLASSIFICATION, seed, {"num_labels": 5} | overrides, inputs, **more)

    return golden, bare, classifier


def vit() -> dict[str, Golden]:
    golden, bare, classifier = _makers("vit", VIT)
    return {
        "image_classification": classifier(1, {}, attentions=True, gradients=25_000, train=True),
        "multi_label": classifier(2, ONE_LAYER | {"problem_type": "multi_label_classification"}, gradients=15_000),
        "interpolated": classifier(3, ONE_LAYER, dict(size=(20, 12)), gradients=15_000),
        "not_square": bare(4, ONE_LAYER | {"image_size": [12, 16], "patch_size": [4, 8], "qkv_bias": False}),
        "base": bare(5, {}),
        "pooler": bare(6, ONE_LAYER | {"pooler_output_size": 10, "pooler_act": "relu", "hidden_act": "gelu_new"}),
        "bfloat16": classifier(7, ONE_LAYER, dtype="bfloat16"),
        "masked_image_modeling": golden(MASKED, 8, ONE_LAYER, dict(masked=True), gradients=25_000, train=True),
        "dropout": classifier(9, DROPPING, **TRAINING),
    }


def deit() -> dict[str, Golden]:
    golden, bare, classifier = _makers("deit", VIT)
    return {
        "with_teacher": classifier(1, {"architectures": ["DeiTForImageClassificationWithTeacher"]}, attentions=True),
        "interpolated": bare(2, ONE_LAYER, dict(size=(20, 12))),
        "base": bare(3, ONE_LAYER | {"qkv_bias": False}),
        "masked_image_modeling": golden(MASKED, 4, ONE_LAYER, dict(masked=True), gradients=25_000, train=True),
        "image_classification": classifier(
            5, ONE_LAYER | {"architectures": ["DeiTForImageClassification"]}, gradients=25_000, train=True
        ),
        "dropout": classifier(6, ONE_LAYER | DROPPING | {"architectures": ["DeiTForImageClassification"]}, **TRAINING),
    }


DINOV2 = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=4, mlp_ratio=2, image_size=16, patch_size=4)


def dinov2() -> dict[str, Golden]:
    golden, bare, classifier = _makers("dinov2", DINOV2)
    backbone = dict(out_features=["stem", "stage2"])
    return {
        "image_classification": classifier(1, {}, attentions=True, gradients=25_000, train=True),
        "swiglu": classifier(2, ONE_LAYER | {"use_swiglu_ffn": True, "qkv_bias": False}),
        "other_size": classifier(3, ONE_LAYER, dict(size=(20, 12)), gradients=15_000),
        "base": bare(4, ONE_LAYER, dict(masked=True)),
        "backbone": golden("AutoBackbone", 5, backbone, dict(size=(12, 20))),
        "backbone_plain": golden(
            "AutoBackbone", 6, dict(out_indices=[1], apply_layernorm=False, reshape_hidden_states=False)
        ),
        "bfloat16": classifier(7, ONE_LAYER, dtype="bfloat16"),
        "dropout": classifier(8, ONE_LAYER | DROPPING | {"drop_path_rate": 0.3}, dict(batch=4), **TRAINING),
    }


CONVNEXT = dict(hidden_sizes=[8, 12, 16], depths=[1, 2, 1], num_stages=3, image_size=32)


def convnext() -> dict[str, Golden]:
    golden, bare, classifier = _makers("convnext", CONVNEXT)
    two = dict(hidden_sizes=[8, 12], depths=[1, 1], num_stages=2)
    return {
        "image_classification": classifier(1, {}, gradients=30_000, train=True),
        "no_layer_scale": classifier(2, two | dict(layer_scale_init_value=0.0, hidden_act="relu"), gradients=15_000),
        "other_size": bare(3, two | dict(patch_size=2), dict(size=(17, 14))),
        "backbone": golden("AutoBackbone", 4, dict(out_features=["stem", "stage2", "stage3"])),
        "bfloat16": classifier(5, two, dtype="bfloat16"),
        "drop_path": classifier(
            6, two | dict(depths=[1, 2], drop_path_rate=0.4), dict(batch=3), training=True, gradients=1_500, train=True, margin=1.0
        ),
    }


SWIN = dict(embed_dim=8, depths=[2, 2], num_heads=[2, 4], window_size=3, image_size=24, encoder_stride=8, mlp_ratio=2)


def swin() -> dict[str, Golden]:
    golden, bare, classifier = _makers("swin", SWIN)
    one = dict(depths=[1, 2], num_heads=[1, 2])
    backbone = dict(out_features=["stem", "stage1", "stage2"])
    return {
        "image_classification": classifier(1, {}, attentions=True),
        "gradients": classifier(9, one, dict(batch=1), gradients=6_000, train=True, margin=1.0),
        "masked_image_modeling": golden(MASKED, 2, one, dict(masked=True, batch=1), gradients=6_000, margin=1.0),
        # Stages of an odd size, pixels that fill no patch, windows that lie partly outside.
        "other_size": bare(3, one | dict(qkv_bias=False, hidden_act="relu"), dict(size=(18, 29), batch=1)),
        "absolute_positions": classifier(
            4, one | dict(use_absolute_embeddings=True, image_size=12, patch_size=2), dict(size=(14, 18))
        ),
        "not_square": bare(5, one | dict(image_size=[12, 28], patch_size=[2, 4])),
        "three_stages": classifier(6, dict(depths=[2, 2, 1], num_heads=[1, 2, 2], image_size=48, embed_dim=4), dict(batch=1)),
        "backbone": golden("AutoBackbone", 7, backbone, dict(size=(20, 44))),
        "bfloat16": classifier(8, one, dtype="bfloat16"),
        "dropout": classifier(10, one | DROPPING | {"drop_path_rate": 0.3}, dict(batch=3), margin=1.0, **TRAINING),
    }


SAM = dict(
    vision_config=dict(
        hidden_size=16,
        output_channels=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=16,
        patch_size=4,
        window_size=3,
        global_attn_indexes=[1],
        num_pos_feats=8,
        mlp_dim=24,
    ),
    prompt_encoder_config=dict(hidden_size=16, image_size=16, patch_size=4, mask_input_channels=8),
    mask_decoder_config=dict(
        hidden_size=16, mlp_dim=20, num_hidden_layers=2, num_attention_heads=2, iou_head_hidden_dim=12
    ),
)


def sam() -> dict[str, Golden]:
    golden, bare, _ = _makers("sam", SAM)
    plain = SAM["vision_config"] | dict(use_rel_pos=False, use_abs_pos=False, qkv_bias=False, mlp_dim=None, mlp_ratio=2.0)
    decoder = SAM["mask_decoder_config"] | dict(num_multimask_outputs=2, iou_head_depth=2, attention_downsample_rate=1)
    generation = "AutoModelForMaskGeneration"
    return {
        "points": golden(generation, 1, {}, dict(prompts=("points",)), attentions=True),
        "points_and_boxes": golden(generation, 2, {}, dict(prompts=("points", "boxes", "masks"))),
        "boxes": bare(3, dict(vision_config=plain), dict(prompts=("boxes", "single"))),
        "no_prompt": golden(generation, 4, dict(mask_decoder_config=decoder), dict(prompts=())),
        "bfloat16": golden(generation, 5, {}, dict(prompts=("points",)), dtype="bfloat16"),
    }


def sam_vision() -> dict[str, Golden]:
    return {"vision": Golden("sam_vision_model", "AutoModel", SAM["vision_config"], 6, dict(batch=1), folder="sam")}


MASK2FORMER = dict(
    feature_size=32,
    mask_feature_size=8,
    hidden_dim=16,
    encoder_feedforward_dim=16,
    encoder_layers=1,
    decoder_layers=2,
    num_attention_heads=2,
    dim_feedforward=16,
    num_queries=4,
    num_labels=4,
    backbone_config=dict(
        model_type="swin",
        embed_dim=4,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 2],
        window_size=2,
        image_size=32,
        mlp_ratio=1,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    ),
)


def mask2former() -> dict[str, Golden]:
    golden, bare, _ = _makers("mask2former", MASK2FORMER)
    # Many outputs, one behind the other: seeds with room are rare.
    universal, size = "AutoModelForUniversalSegmentation", dict(size=(32, 64), batch=1)
    same_size = dict(pre_norm=True, activation_function="gelu", hidden_dim=32)
    labelled, drawn = dict(size=(32, 64), batch=1, segments=True), dict(draws=True, margin=1.0)
    small = dict(train_num_points=20, class_weight=3.0, dice_weight=2.0)
    return {
        # The first level comes again.
        "universal_segmentation": golden(universal, 1, dict(decoder_layers=5), size, attentions=True, margin=1.0),
        "pre_norm": golden(universal, 2, same_size, size, margin=1.0),
        "base": bare(4, dict(encoder_layers=2, common_stride=8), dict(size=(32, 40), mask=True), margin=1.0),
        "bfloat16": golden(universal, 5, {}, size, dtype="bfloat16"),
        "auxiliary_logits": golden(
            universal,
            6,
            small | dict(output_auxiliary_logits=True),
            labelled,
            gradients=30_000,
            gradients_of="queries|class_pred|sampling_offsets.weight|adapter_1|patch_embeddings.projection.weight",
            **drawn,
        ),
        "loss": golden(universal, 7, small, labelled, train=True, **drawn),
    }


RESNET = dict(embedding_size=8, hidden_sizes=[16, 24], depths=[2, 1])


def resnet() -> dict[str, Golden]:
    golden, bare, classifier = _makers("resnet", RESNET)
    return {
        "image_classification": classifier(1, {}, gradients=30_000, train=True),
        "basic": classifier(
            2, dict(layer_type="basic", hidden_sizes=[8, 12], downsample_in_first_stage=True), gradients=15_000
        ),
        "downsample_in_bottleneck": bare(3, dict(downsample_in_bottleneck=True, hidden_act="silu"), dict(size=(45, 30))),
        "backbone": golden("AutoBackbone", 4, dict(out_indices=[0, 2])),
        "bfloat16": classifier(5, {}, dtype="bfloat16"),
    }


HALF = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=20)
CLIP = dict(
    text_config=HALF
    | dict(vocab_size=48, max_position_embeddings=16, bos_token_id=1, eos_token_id=47, pad_token_id=0, hidden_size=12),
    vision_config=HALF | dict(image_size=12, patch_size=4),
    projection_dim=16,
)


def _halves(whole: dict, text: dict, vision: dict) -> dict:
    return whole | dict(text_config=whole["text_config"] | text, vision_config=whole["vision_config"] | vision)


def clip() -> dict[str, Golden]:
    one = _halves(CLIP, ONE_LAYER, ONE_LAYER)
    golden, bare, classifier = _makers("clip", CLIP)
    return {
        "base": bare(1, {}, dict(texts=3), attentions=True),
        # The loss compares few pairs, whose gradients nearly cancel: a seed with room is hard to find.
        "contrastive_loss": bare(8, one, dict(texts=2), gradients=15_000, train=True, margin=1.0),
        "zero_shot": golden("AutoModelForZeroShotImageClassification", 2, one, dict(texts=2, padding=True)),
        "eos_token_id_2": bare(3, _halves(one, dict(eos_token_id=2), dict(hidden_act="gelu")), dict(texts=2)),
        "interpolated": bare(4, one, dict(texts=2, size=(20, 16))),
        "image_classification": classifier(5, one, gradients=15_000),
        "bfloat16": bare(6, one, dict(texts=2), dtype="bfloat16"),
        "dropout": bare(9, _halves(one, dict(attention_dropout=0.2), dict(attention_dropout=0.3)), dict(texts=2), margin=1.0, **TRAINING),
    }


def clip_half(half: str) -> dict[str, Golden]:
    inputs = dict(tokens=8, padding="right") if half == "text" else {}
    return {half: Golden(f"clip_{half}_model", "AutoModel", CLIP[f"{half}_config"], 7, inputs, folder="clip")}


SIGLIP = dict(
    text_config=HALF | dict(vocab_size=48, max_position_embeddings=16, projection_size=16, pad_token_id=1),
    vision_config=HALF | dict(image_size=12, patch_size=4),
)


def siglip() -> dict[str, Golden]:
    one = _halves(SIGLIP, ONE_LAYER, ONE_LAYER)
    golden, bare, classifier = _makers("siglip", SIGLIP)
    return {
        "base": bare(1, {}, dict(texts=3), attentions=True),
        "contrastive_loss": bare(8, one, dict(texts=2), gradients=15_000, train=True, margin=1.0),
        "zero_shot": golden("AutoModelForZeroShotImageClassification", 2, one, dict(texts=2, padding=True)),
        "interpolated": bare(3, one, dict(texts=2, size=(20, 16))),
        "image_classification": classifier(4, one, gradients=15_000),
        "bfloat16": bare(5, one, dict(texts=2), dtype="bfloat16"),
        "dropout": bare(9, _halves(one, dict(attention_dropout=0.2), dict(attention_dropout=0.3)), dict(texts=2), margin=1.0, **TRAINING),
    }


def siglip_vision() -> dict[str, Golden]:
    base = SIGLIP["vision_config"] | dict(vision_use_head=False)
    return {"vision": Golden("siglip_vision_model", "AutoModel", base, 7, folder="siglip")}


SEGFORMER = dict(
    num_encoder_blocks=3,
    depths=[1, 2, 1],
    sr_ratios=[4, 2, 1],
    hidden_sizes=[8, 12, 16],
    patch_sizes=[7, 3, 3],
    strides=[4, 2, 2],
    num_attention_heads=[1, 2, 4],
    mlp_ratios=[2, 2, 3],
    decoder_hidden_size=12,
)
SEGMENTATION = "AutoModelForSemanticSegmentation"


def segformer() -> dict[str, Golden]:
    golden, bare, classifier = _makers("segformer", SEGFORMER)
    size = dict(size=(32, 48))
    return {
        "semantic_segmentation": golden(
            SEGMENTATION, 1, dict(num_labels=5), size, attentions=True, gradients=10_000, train=True
        ),
        "one_label": golden(SEGMENTATION, 2, dict(num_labels=1), dict(size=(16, 24)), gradients=4_000),
        "reshape_last_stage_false": classifier(3, dict(reshape_last_stage=False, hidden_act="relu"), dict(size=(24, 16))),
        "image_classification": classifier(4, {}, dict(size=(24, 24)), gradients=4_000),
        "base": bare(5, {}, dict(size=(35, 25))),
        "bfloat16": golden(SEGMENTATION, 6, {}, size, dtype="bfloat16"),
        "dropout": classifier(7, DROPPING | {"drop_path_rate": 0.3}, dict(size=(24, 24), batch=3), margin=1.0, **TRAINING),
    }


YOLOS = dict(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=24,
    image_size=[16, 20],
    patch_size=4,
    num_detection_tokens=5,
)
DETECTION, SEGMENTED = "AutoModelForObjectDetection", "DetrForSegmentation"


def yolos() -> dict[str, Golden]:
    golden, bare, _ = _makers("yolos", YOLOS)
    return {
        "object_detection": golden(DETECTION, 1, dict(num_labels=4), attentions=True, gradients=25_000, train=True),
        "other_size": golden(DETECTION, 2, dict(num_labels=4, eos_coefficient=0.3), dict(size=(24, 12)), gradients=15_000),
        "no_mid_positions": golden(
            DETECTION, 3, dict(use_mid_position_embeddings=False, qkv_bias=False, giou_cost=3, bbox_loss_coefficient=4)
        ),
        "base": bare(4, {}),
        "bfloat16": bare(5, {}, dtype="bfloat16"),
        "dropout": golden(DETECTION, 6, DROPPING | dict(num_labels=4), **TRAINING),
    }


DETR = dict(
    d_model=16,
    encoder_layers=1,
    decoder_layers=2,
    encoder_attention_heads=4,
    decoder_attention_heads=2,
    encoder_ffn_dim=20,
    decoder_ffn_dim=24,
    num_queries=5,
    num_labels=4,
    dropout=0.0,
    use_timm_backbone=False,
    backbone=None,
    backbone_config=dict(
        model_type="resnet", embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], out_features=["stage2"]
    ),
)
STAGES = dict(hidden_sizes=[8, 8, 12, 12], depths=[1, 1, 1, 1], out_features=["stage1", "stage2", "stage3", "stage4"])
DETR_MASKS = DETR | dict(encoder_attention_heads=8, backbone_config=DETR["backbone_config"] | STAGES)


def detr() -> dict[str, Golden]:
    golden, bare, _ = _makers("detr", DETR)
    size, one = dict(size=(24, 32)), dict(decoder_layers=1)
    large = dict(size=(48, 64), batch=1)
    masked = {key: DETR_MASKS[key] for key in ("encoder_attention_heads", "backbone_config")}
    return {
        "object_detection": golden(DETECTION, 1, {}, size, attentions=True),
        "gradients": golden(DETECTION, 2, one, dict(size=(24, 32)), gradients=6_000, margin=1.0),
        "losses": golden(DETECTION, 6, one, dict(size=(24, 32), batch=1), train=True, margin=1.0),
        "padding": golden(DETECTION, 7, one, size | dict(mask=True, batch=3)),
        "learned_positions": golden(
            DETECTION, 3, dict(position_embedding_type="learned", activation_function="gelu"), size
        ),
        "base": bare(4, {}, size | dict(mask=True)),
        "bfloat16": bare(5, one, size, dtype="bfloat16"),
        "auxiliary_loss": golden(
            DETECTION, 8, dict(auxiliary_loss=True, decoder_layers=3), size, gradients=4_000, margin=1.0
        ),
        "dropout": golden(
            DETECTION,
            10,
            one | dict(dropout=0.1, attention_dropout=0.2, activation_dropout=0.1),
            size,
            gradients=1_000,
            training=True,
        ),
        "segmentation": golden(SEGMENTED, 11, masked, large, attentions=True),
        "segmentation_gradients": golden(
            SEGMENTED, 12, masked | one | dict(mask_loss_coefficient=2), dict(size=(40, 32)), gradients=6_000, margin=1.0
        ),
        "segmentation_padding": golden(
            SEGMENTED, 13, masked | dict(auxiliary_loss=True, activation_function="gelu"), large | dict(mask=True)
        ),
        "segmentation_bfloat16": golden(SEGMENTED, 14, masked | one, large | dict(labels=False), dtype="bfloat16"),
    }


DEPTH_ANYTHING = dict(
    backbone_config=dict(
        model_type="dinov2",
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=4,
        mlp_ratio=2,
        image_size=16,
        patch_size=4,
        out_indices=[0, 1, 2, 3],
        reshape_hidden_states=False,
    ),
    patch_size=4,
    reassemble_hidden_size=16,
    neck_hidden_sizes=[8, 8, 12, 12],
    fusion_hidden_size=8,
    head_hidden_size=6,
)


def depth_anything() -> dict[str, Golden]:
    golden, _, _ = _makers("depth_anything", DEPTH_ANYTHING)
    depth, size = "AutoModelForDepthEstimation", dict(size=(16, 24))
    return {
        "depth_estimation": golden(depth, 1, {}, size),
        "metric": golden(depth, 2, dict(depth_estimation_type="metric", max_depth=20, head_in_index=1), size),
        "bfloat16": golden(depth, 3, {}, size, dtype="bfloat16"),
    }


VISION = {"vit": vit(), "deit": deit(), "dinov2": dinov2(), "convnext": convnext(), "resnet": resnet()}
VISION |= {"clip": clip(), "clip_text_model": clip_half("text"), "clip_vision_model": clip_half("vision")}
VISION |= {"siglip": siglip(), "siglip_vision_model": siglip_vision()}
VISION |= {"segformer": segformer(), "yolos": yolos(), "detr": detr()}
VISION |= {"swin": swin(), "sam": sam(), "sam_vision_model": sam_vision()}
VISION |= {"mask2former": mask2former()}
VISION |= {"depth_anything": depth_anything()}
