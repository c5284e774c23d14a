"""The committed goldens of models over time series and episodes; see manifest.py."""

from dataclasses import replace

from record import Golden

SHORT = dict(batch=3)
TRAINING = dict(training=True, gradients=4_000, train=True)
DROPPING = dict(dropout=0.2, attention_dropout=0.1, activation_dropout=0.15)
DECISION = dict(
    state_dim=5, act_dim=3, hidden_size=16, max_ep_len=20, n_positions=32, n_layer=2, n_head=2, n_inner=24,
    resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
)  # fmt: skip
LAGGED = dict(
    prediction_length=4, context_length=6, lags_sequence=[1, 2, 5], num_time_features=2, d_model=16,
    encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=4, encoder_ffn_dim=20,
    decoder_ffn_dim=24, dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0, attention_dropout=0.0,
    activation_dropout=0.0,
)  # fmt: skip
STATIC = dict(
    num_static_categorical_features=2, cardinality=[5, 9], embedding_dimension=[3, 2], num_static_real_features=2,
    num_dynamic_real_features=1,
)  # fmt: skip


def decision_transformer() -> dict[str, Golden]:
    def golden(seed, overrides, inputs=None, **more):
        return Golden("decision_transformer", "AutoModel", DECISION | overrides, seed, SHORT | (inputs or {}), **more)

    return {
        "base": golden(1, {}, attentions=True),
        "no_mask": golden(2, dict(action_tanh=False, n_inner=None), dict(padding=False)),
        "scaled_by_layer": golden(3, dict(scale_attn_by_inverse_layer_idx=True, activation_function="gelu_new")),
        "bfloat16": golden(4, {}, dtype="bfloat16"),
        "dropout": golden(5, dict(resid_pdrop=0.1, embd_pdrop=0.2, attn_pdrop=0.15), training=True),
    }


def lagged(model_type: str, head: str, base: dict, variants: dict | None = None) -> dict[str, Golden]:
    """All of one model; of others, which share its heads and what they read, `variants` and what shows the sharing."""

    def golden(seed, overrides, inputs=None, auto_class=head, **more):
        return Golden(model_type, auto_class, base | overrides, seed, SHORT | (inputs or {}), margin=1.0, **more)

    one = dict(encoder_layers=1, decoder_layers=1)
    goldens = {
        "prediction": golden(1, STATIC, attentions=True, gradients=8_000, train=True),
        "normal": golden(2, one | dict(distribution_output="normal", scaling="std"), gradients=8_000, samples=3),
        "negative_binomial": golden(3, one | dict(distribution_output="negative_binomial"), gradients=8_000),
        "channels": golden(4, one | dict(input_size=3), gradients=8_000, train=True),
        "channels_normal": golden(
            5, one | dict(input_size=2, distribution_output="normal", scaling=None), dict(missing=False), gradients=8_000
        ),
        "channels_negative_binomial": golden(
            6, one | dict(input_size=2, distribution_output="negative_binomial"), gradients=8_000
        ),
        "past_only": golden(7, one, dict(future=False), auto_class="AutoModel"),
        "base": golden(8, STATIC | dict(embedding_dimension=None), auto_class="AutoModel"),
        "bfloat16": golden(9, one, dict(missing=False), auto_class="AutoModel", dtype="bfloat16"),
    }
    goldens["dropout"] = golden(30, one | DROPPING, **TRAINING)
    if variants is None:
        return goldens
    goldens = {name: goldens[name] for name in ("prediction", "normal", "channels", "past_only", "bfloat16", "dropout")}
    for seed, (name, overrides) in enumerate(variants.items(), 10):
        goldens[name] = golden(seed, overrides, gradients=4_000)
    return goldens


PATCHTST = dict(
    num_input_channels=2, context_length=17, patch_length=4, patch_stride=3, num_hidden_layers=2, d_model=16,
    num_attention_heads=2, ffn_dim=20, prediction_length=5, num_targets=3,
)  # fmt: skip

DROPS = dict(norm_type="layernorm", attention_dropout=0.2, positional_dropout=0.1, path_dropout=0.15, ff_dropout=0.25, head_dropout=0.3)


def patchtst() -> dict[str, Golden]:
    def golden(seed, auto_class, overrides, inputs=None, **more):
        return Golden("patchtst", auto_class, PATCHTST | overrides, seed, SHORT | (inputs or {}), margin=1.0, **more)

    prediction, one = "PatchTSTForPrediction", dict(num_hidden_layers=1)
    regression, classes = "PatchTSTForRegression", "PatchTSTForClassification"
    return {
        "prediction": golden(1, prediction, {}, attentions=True, gradients=8_000, train=True),
        "layernorm": golden(2, prediction, one | dict(norm_type="layernorm", pre_norm=False), gradients=8_000),
        "channel_attention": golden(
            3, prediction, dict(channel_attention=True, share_embedding=False, use_cls_token=True), gradients=8_000
        ),
        "all_patches": golden(
            4, prediction, one | dict(pooling_type=None, bias=False, positional_encoding_type="random"), gradients=8_000
        ),
        "student_t": golden(5, prediction, one | dict(loss="nll", scaling="mean"), gradients=8_000),
        "normal": golden(
            6,
            prediction,
            one | dict(loss="nll", distribution_output="normal", pooling_type="max"),
            gradients=8_000,
            samples=3,
        ),
        "negative_binomial": golden(
            7, prediction, one | dict(loss="nll", distribution_output="negative_binomial"), gradients=8_000
        ),
        "without_future": golden(8, prediction, one | dict(loss="nll", scaling=None), dict(targets=False)),
        "training": golden(18, prediction, DROPS, gradients=8_000, train=True, training=True),
        "training_class": golden(19, classes, one | DROPS | dict(use_cls_token=True, channel_attention=True), gradients=6_000, training=True),
        "pretraining": golden(34, "PatchTSTForPretraining", {}, gradients=8_000, train=True, draws=True),
        "pretraining_channels": golden(
            15,
            "PatchTSTForPretraining",
            one | dict(channel_consistent_masking=False, random_mask_ratio=0.3, unmasked_channel_indices=[1], mask_value=2, use_cls_token=True),
            gradients=8_000,
            draws=True,
        ),
        "pretraining_forecast": golden(
            16, "PatchTSTForPretraining", one | dict(mask_type="forecast", num_forecast_mask_patches=[1, 3]), dict(batch=5), gradients=6_000, draws=True
        ),
        "base_hidden": golden(17, "AutoModel", one | dict(do_mask_input=True), dict(missing=False), draws=True),
        "regression": golden(9, regression, one | dict(output_range=[-2.0, 3.0]), gradients=8_000),
        "regression_student_t": golden(10, regression, one | dict(loss="nll"), dict(missing=False), gradients=8_000),
        "classification": golden(11, classes, one | dict(activation_function="relu"), gradients=8_000),
        "base": golden(12, "AutoModel", {}, dict(missing=False)),
        "bfloat16": golden(13, "AutoModel", one, dict(missing=False), dtype="bfloat16"),
    }


MIXER = dict(
    num_input_channels=3, context_length=18, patch_length=4, patch_stride=3, num_layers=2, d_model=12, expansion_factor=2,
    prediction_length=5, num_targets=4, dropout=0.0, head_dropout=0.0,
)  # fmt: skip


def patchtsmixer() -> dict[str, Golden]:
    def golden(seed, auto_class, overrides, inputs=None, **more):
        more = dict(gradients=8_000) | more
        return Golden("patchtsmixer", auto_class, MIXER | overrides, seed, SHORT | (inputs or {}), margin=1.0, **more)

    pretraining, prediction = "PatchTSMixerForPretraining", "PatchTSMixerForPrediction"
    regression, classes = "PatchTSMixerForRegression", "PatchTSMixerForTimeSeriesClassification"
    one = dict(num_layers=1)
    attention = dict(self_attn=True, self_attn_heads=3, use_positional_encoding=True)
    return {
        "prediction": golden(1, prediction, {}, train=True),
        "mix_channel": golden(2, prediction, dict(mode="mix_channel", scaling="mean")),
        "self_attention": golden(3, prediction, attention | dict(scaling=None, gated_attn=False)),
        "batch_norm": golden(
            4, prediction, one | attention | dict(norm_mlp="BatchNorm", positional_encoding_type="random", scaling=True)
        ),
        "channels": golden(5, prediction, one | dict(prediction_channel_indices=[2, 0], mode="mix_channel")),
        "student_t": golden(6, prediction, one | dict(loss="nll", prediction_channel_indices=[1])),
        "normal": golden(7, prediction, one | dict(loss="nll", distribution_output="normal"), samples=3),
        "negative_binomial": golden(8, prediction, one | dict(loss="nll", distribution_output="negative_binomial")),
        "without_future": golden(
            9, prediction, one | dict(loss="nll", distribution_output="negative_binomial"), dict(targets=False), gradients=0
        ),
        "pretraining": golden(10, pretraining, {}, draws=True, train=True),
        "pretraining_channels": golden(
            11,
            pretraining,
            one | dict(channel_consistent_masking=False, random_mask_ratio=0.4, unmasked_channel_indices=[1], mask_value=2),
            draws=True,
        ),
        "pretraining_forecast": golden(
            12, pretraining, one | dict(mask_type="forecast", num_forecast_mask_patches=[1, 3]), dict(batch=5), draws=True
        ),
        "pretraining_all": golden(
            13, pretraining, one | dict(mask_type="forecast", num_forecast_mask_patches=2, masked_loss=False), draws=True
        ),
        "regression": golden(14, regression, one | dict(output_range=[-2.0, 3.0])),
        "regression_normal": golden(35, regression, one | dict(loss="nll", distribution_output="normal")),
        "regression_last": golden(16, regression, one | dict(head_aggregation="use_last", scaling=None)),
        "classification": golden(17, classes, one | dict(head_aggregation="avg_pool", scaling="mean"), train=True),
        "classification_all": golden(18, classes, one | dict(head_aggregation=None)),
        "base": golden(19, "AutoModel", {}, dict(missing=False), gradients=0),
        "bfloat16": golden(20, "AutoModel", one, dict(missing=False), dtype="bfloat16", gradients=0),
        "dropout": golden(21, prediction, one | attention | dict(dropout=0.2, head_dropout=0.15), **TRAINING),
        "pretraining_dropout": golden(22, pretraining, one | dict(dropout=0.2, head_dropout=0.15), draws=True, **TRAINING),
        "classification_dropout": golden(23, classes, one | dict(dropout=0.2, head_dropout=0.15, mode="mix_channel"), **TRAINING),
    }


def informer() -> dict[str, Golden]:
    long = dict(context_length=12, sampling_factor=1)  # of 12 queries 3 attend, of the decoder's 4 two
    goldens = lagged(
        "informer",
        "InformerForPrediction",
        LAGGED | long,
        {
            "full": dict(attention_type="full", distil=False, scaling="std", encoder_layers=1),
            "factor_2": dict(sampling_factor=2, encoder_layers=3, context_length=24, prediction_length=9),
            "every_query": dict(sampling_factor=5, distil=False, activation_function="relu", encoder_layers=1, decoder_layers=1),
        },
    )
    return {name: replace(golden, draws=True) for name, golden in goldens.items()}


def autoformer() -> dict[str, Golden]:
    goldens = lagged(
        "autoformer",
        "AutoformerForPrediction",
        LAGGED | dict(label_length=3, moving_average=5, autocorrelation_factor=1),
        {
            "factor_2": dict(autocorrelation_factor=2, context_length=9, label_length=9, moving_average=1),
            "long_context": dict(context_length=14, label_length=2, moving_average=9, scaling=False),  # more keys than queries
            "long_future": dict(prediction_length=11, activation_function="relu"),  # and fewer
        },
    )
    del goldens["bfloat16"]  # torch's Fourier transform takes no bfloat16
    return goldens


SERIES = {
    "patchtst": patchtst(),
    "patchtsmixer": patchtsmixer(),
    "informer": informer(),
    "autoformer": autoformer(),
    "decision_transformer": decision_transformer(),
    "time_series_transformer": lagged("time_series_transformer", "TimeSeriesTransformerForPrediction", LAGGED),
}
