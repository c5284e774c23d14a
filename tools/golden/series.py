"""The committed goldens of models over time series and episodes; see manifest.py."""

from record import Golden

SHORT = dict(batch=3)
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
    }


def lagged(model_type: str, head: str, base: dict, variants: dict | None = None) -> dict[str, Golden]:
    def golden(seed, overrides, inputs=None, auto_class=head, **more):
        return Golden(model_type, auto_class, base | overrides, seed, SHORT | (inputs or {}), margin=1.0, **more)

    one = dict(encoder_layers=1, decoder_layers=1)
    goldens = {
        "prediction": golden(1, STATIC, attentions=True, gradients=8_000, train=True),
        "normal": golden(2, one | dict(distribution_output="normal", scaling="std"), gradients=8_000),
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
    for seed, (name, overrides) in enumerate((variants or {}).items(), 10):
        goldens[name] = golden(seed, overrides, gradients=8_000)
    return goldens


SERIES = {
    "decision_transformer": decision_transformer(),
    "time_series_transformer": lagged("time_series_transformer", "TimeSeriesTransformerForPrediction", LAGGED),
}
