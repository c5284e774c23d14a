"""The inputs of models over time series and episodes."""

import torch


def episode_inputs(config, auto_class, batch, generator, steps=5, padding=True, **_) -> dict[str, torch.Tensor]:
    def normal(*shape):
        return torch.randn(shape, generator=generator)

    inputs = {
        "states": normal(batch, steps, config.state_dim),
        "actions": normal(batch, steps, config.act_dim),
        "rewards": normal(batch, steps, 1),
        "returns_to_go": normal(batch, steps, 1) * 3,
        "timesteps": torch.randint(0, config.max_ep_len, (batch, steps), generator=generator),
    }
    if padding:
        inputs["attention_mask"] = torch.ones(batch, steps, dtype=torch.long)
        inputs["attention_mask"][1, :2] = 0
    return inputs


def lagged_inputs(config, auto_class, batch, generator, future=True, missing=True, **_) -> dict[str, torch.Tensor]:
    """Past and future of time_series_transformer and its kin. Counts are values of a negative binomial."""
    past, ahead = config.context_length + max(config.lags_sequence), config.prediction_length
    channels = () if config.input_size == 1 else (config.input_size,)
    features = config.num_time_features + config.num_dynamic_real_features

    def values(steps):
        numbers = torch.randn((batch, steps, *channels), generator=generator) * 2 + 3
        return numbers.abs().round() if config.distribution_output == "negative_binomial" else numbers

    def observed(steps):
        return (torch.rand((batch, steps, *channels), generator=generator) > 0.2).float()

    inputs = {
        "past_values": values(past),
        "past_time_features": torch.randn((batch, past, features), generator=generator),
        "past_observed_mask": observed(past) if missing else torch.ones((batch, past, *channels)),
    }
    if missing:
        inputs["past_observed_mask"][-1] = 0  # a series of which nothing is known
        inputs["past_values"] = inputs["past_values"] * inputs["past_observed_mask"]
    if config.num_static_categorical_features:
        columns = [torch.randint(0, n, (batch, 1), generator=generator) for n in config.cardinality]
        inputs["static_categorical_features"] = torch.cat(columns, dim=1)
    if config.num_static_real_features:
        shape = (batch, config.num_static_real_features)
        inputs["static_real_features"] = torch.randn(shape, generator=generator)
    if future:
        inputs["future_values"] = values(ahead)
        inputs["future_time_features"] = torch.randn((batch, ahead, features), generator=generator)
        if missing:
            inputs["future_observed_mask"] = observed(ahead)
    return inputs


def patch_inputs(config, auto_class, batch, generator, missing=True, targets=True, **_) -> dict[str, torch.Tensor]:
    """Of patchtst and patchtsmixer: values, and what their heads compare their answers with."""
    mask = "past_observed_mask" if config.model_type == "patchtst" else "observed_mask"
    missing = missing and (config.model_type == "patchtst" or not auto_class.endswith(("Regression", "Classification")))
    shape = (batch, config.context_length, config.num_input_channels)
    inputs = {"past_values": torch.randn(shape, generator=generator) * 2 + 1}
    if missing:
        inputs[mask] = (torch.rand(shape, generator=generator) > 0.2).float()
        inputs["past_values"] = inputs["past_values"] * inputs[mask]
    counts = config.loss != "mse" and config.distribution_output == "negative_binomial"
    if auto_class.endswith("ForPrediction") and targets:
        future = torch.randn((batch, config.prediction_length, config.num_input_channels), generator=generator) * 2
        inputs["future_values"] = future.abs().round() if counts else future
    if auto_class.endswith("Regression"):
        values = torch.randn((batch, config.num_targets), generator=generator)
        inputs["target_values"] = values.abs().round() if counts else values
    if auto_class.endswith("Classification"):
        inputs["target_values"] = torch.randint(0, config.num_targets, (batch,), generator=generator)
    return inputs


# The inputs of each model type: (config, auto_class, batch, generator, **options) -> tensors.
INPUTS = {
    "decision_transformer": episode_inputs,
    "time_series_transformer": lagged_inputs,
    "informer": lagged_inputs,
    "autoformer": lagged_inputs,
    "patchtst": patch_inputs,
    "patchtsmixer": patch_inputs,
}
