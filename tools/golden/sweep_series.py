"""Random configurations and inputs of models over time series and episodes for sweep.py."""

import random

from sweep_vision import ACTIVATIONS, maybe


def decision_transformer(r: random.Random) -> dict:
    heads = r.choice([1, 2, 4])
    return dict(
        state_dim=r.choice([3, 5]),
        act_dim=r.choice([2, 3]),
        hidden_size=heads * r.choice([4, 6]),
        n_head=heads,
        n_layer=r.choice([1, 2]),
        n_inner=r.choice([None, 24]),
        max_ep_len=20,
        n_positions=32,
        action_tanh=maybe(r, 0.6),
        activation_function=r.choice(ACTIVATIONS),
        scale_attn_by_inverse_layer_idx=maybe(r),
        reorder_and_upcast_attn=maybe(r),
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )


def lagged(r: random.Random) -> dict:
    heads = [r.choice([1, 2, 4]) for _ in range(2)]
    overrides = dict(
        prediction_length=r.choice([3, 4, 6]),
        context_length=r.choice([6, 9]),
        lags_sequence=r.choice([[1, 2, 5], [1, 3]]),
        num_time_features=r.choice([1, 2]),
        d_model=r.choice([8, 16]),
        encoder_layers=r.choice([1, 2]),
        decoder_layers=r.choice([1, 2]),
        encoder_attention_heads=heads[0],
        decoder_attention_heads=heads[1],
        encoder_ffn_dim=r.choice([20, 33]),
        decoder_ffn_dim=r.choice([20, 33]),
        activation_function=r.choice(["gelu", "relu"]),
        distribution_output=r.choice(["student_t", "normal", "negative_binomial"]),
        scaling=r.choice(["mean", "std", None]),
        input_size=r.choice([1, 1, 2]),
        **dict.fromkeys(("dropout", "encoder_layerdrop", "decoder_layerdrop", "attention_dropout", "activation_dropout"), 0.0),
    )
    if overrides["distribution_output"] == "negative_binomial" and overrides["scaling"] == "std":
        overrides["scaling"] = "mean"
    if maybe(r):
        overrides |= dict(
            num_static_categorical_features=2,
            cardinality=[5, 9],
            embedding_dimension=r.choice([[3, 2], None]),
            num_static_real_features=r.choice([0, 2]),
            num_dynamic_real_features=r.choice([0, 1]),
        )
    return overrides


def informer(r: random.Random) -> dict:
    return lagged(r) | dict(
        context_length=r.choice([12, 16]),
        sampling_factor=r.choice([1, 2, 5]),
        attention_type=r.choice(["prob", "prob", "full"]),
        distil=maybe(r, 0.6),
    )


def autoformer(r: random.Random) -> dict:
    return lagged(r) | dict(
        label_length=r.choice([2, 3]), moving_average=r.choice([1, 3, 5]), autocorrelation_factor=r.choice([1, 2])
    )


def patched(r: random.Random) -> dict:
    loss = r.choice(["mse", "nll"])
    return dict(
        num_input_channels=r.choice([2, 3]),
        context_length=r.choice([17, 18, 20]),
        patch_length=r.choice([3, 4]),
        patch_stride=r.choice([2, 3]),
        prediction_length=r.choice([4, 5]),
        num_targets=r.choice([3, 4]),
        scaling=r.choice(["std", "mean", None]),
        loss=loss,
        distribution_output=r.choice(["student_t", "normal", "negative_binomial"]),
    )


def patchtst(r: random.Random) -> dict:
    heads = r.choice([1, 2, 4])
    overrides = patched(r) | dict(
        num_hidden_layers=r.choice([1, 2]),
        d_model=heads * r.choice([4, 6]),
        num_attention_heads=heads,
        ffn_dim=r.choice([20, 33]),
        activation_function=r.choice(ACTIVATIONS),
        norm_type=r.choice(["batchnorm", "layernorm"]),
        pre_norm=maybe(r, 0.6),
        bias=maybe(r, 0.6),
        channel_attention=maybe(r),
        share_embedding=maybe(r, 0.7),
        use_cls_token=maybe(r),
        pooling_type=r.choice(["mean", "max", None]),
        positional_encoding_type=r.choice(["sincos", "random"]),
        do_mask_input=False,
    )
    if overrides["use_cls_token"]:
        overrides["pooling_type"] = r.choice(["mean", "max"])
    return overrides


def patchtsmixer(r: random.Random) -> dict:
    return patched(r) | dict(
        num_layers=r.choice([1, 2]),
        d_model=r.choice([8, 12]),
        expansion_factor=r.choice([1, 2]),
        mode=r.choice(["common_channel", "mix_channel"]),
        gated_attn=maybe(r, 0.7),
        norm_mlp=r.choice(["LayerNorm", "BatchNorm"]),
        self_attn=maybe(r),
        self_attn_heads=r.choice([1, 2, 4]),
        use_positional_encoding=maybe(r),
        positional_encoding_type=r.choice(["sincos", "random"]),
        head_aggregation=r.choice(["max_pool", "avg_pool", "use_last", None]),
        dropout=0.0,
        head_dropout=0.0,
    )


CONFIGS = {f.__name__: f for f in (decision_transformer, informer, autoformer, patchtst, patchtsmixer)}
CONFIGS["time_series_transformer"] = lagged
DRAWING = ("informer",)  # in every pass


def adapted(r: random.Random, head: str, overrides: dict) -> dict:
    overrides = dict(overrides)
    if head == "PatchTSMixerForPretraining":
        overrides |= r.choice(
            [
                dict(random_mask_ratio=r.choice([0.3, 0.5]), channel_consistent_masking=maybe(r)),
                dict(mask_type="forecast", num_forecast_mask_patches=r.choice([2, [1, 3]])),
            ]
        )
        overrides |= dict(masked_loss=maybe(r, 0.6), mask_value=r.choice([0, 2]))
    if head.endswith("Regression") and overrides["loss"] == "mse" and maybe(r):
        overrides["output_range"] = [-2.0, 3.0]
    if head == "PatchTSMixerForPrediction" and maybe(r):
        overrides["prediction_channel_indices"] = r.choice([[0], [1, 0]])
    if head.endswith("Classification"):
        overrides["loss"] = "mse"
    return overrides


def inputs(r: random.Random, model_type: str, auto_class: str, overrides: dict, index: int) -> dict:
    """Values are missing, or steps stand before an episode, but in every third case."""
    options = dict(batch=r.choice([2, 3]))
    if model_type == "decision_transformer":
        return options | dict(steps=r.choice([4, 6]), padding=index % 3 != 0)
    options["missing"] = index % 3 != 0
    if auto_class == "AutoModel" and model_type in ("time_series_transformer", "informer", "autoformer"):
        options["future"] = index % 2 == 0
    return options
