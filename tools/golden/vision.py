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
    }


VISION = {"vit": vit()}
