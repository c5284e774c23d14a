#!/usr/bin/env python3
"""Writes tests/golden/series: tiny checkpoints that forecast, a table of series, and what the reference makes of it.

    python tools/golden/series_pipelines.py [OUT]

The reference has no pipeline for this task: the model's own `generate` (its forward pass where it has no distribution)
gets what is made here of the table, after torch.manual_seed(seed). Features of the calendar are GluonTS's (`gluonts`).
"""

import csv
import json
import math
import pathlib
import shutil
import sys

import numpy as np
import pandas
import torch
import transformers
from gluonts.time_feature import time_features_from_frequency_str
from weights import randomise

ROWS, PAST_SEED = 40, 3
COLUMNS = ["load", "oil", "wind"]
LAGGED = dict(
    prediction_length=3, context_length=6, lags_sequence=[1, 2, 5], num_time_features=5, d_model=8, encoder_layers=1,
    decoder_layers=1, encoder_ffn_dim=8, decoder_ffn_dim=8,
)  # fmt: skip
PATCHED = dict(num_input_channels=3, context_length=12, patch_length=4, patch_stride=4, d_model=8, prediction_length=3)
MODELS = {
    "time_series_transformer": ("TimeSeriesTransformerForPrediction", LAGGED),
    "time_series_transformer_counts": (
        "TimeSeriesTransformerForPrediction",
        LAGGED | dict(distribution_output="negative_binomial", input_size=3),
    ),
    "informer": ("InformerForPrediction", LAGGED | dict(sampling_factor=1)),
    "autoformer": (
        "AutoformerForPrediction",
        LAGGED | dict(label_length=3, moving_average=3, autocorrelation_factor=1, distribution_output="normal"),
    ),
    "patchtst": ("PatchTSTForPrediction", PATCHED | dict(num_hidden_layers=1, num_attention_heads=2, ffn_dim=8)),
    "patchtst_student_t": (
        "PatchTSTForPrediction",
        PATCHED | dict(num_hidden_layers=1, num_attention_heads=2, ffn_dim=8, loss="nll"),
    ),
    "patchtsmixer": ("PatchTSMixerForPrediction", PATCHED | dict(num_layers=1, prediction_channel_indices=[0, 2])),
}


def table() -> pandas.DataFrame:
    """Hourly, with two values missing, across a change of the month."""
    random = np.random.default_rng(PAST_SEED)
    times = pandas.date_range("2016-07-30 20:00:00", periods=ROWS, freq="h")
    waves = [np.round(4 + 2 * np.sin(np.arange(ROWS) / (i + 2)) + random.random(ROWS)) for i in range(3)]
    frame = pandas.DataFrame(dict(zip(COLUMNS, waves)), index=times)
    frame.iloc[30, 0] = frame.iloc[33, 2] = math.nan
    return frame


def inputs_of(config, frame: pandas.DataFrame, columns: list[str], end: int) -> dict[str, torch.Tensor]:
    lagged = hasattr(config, "lags_sequence")
    past = config.context_length + (max(config.lags_sequence) if lagged else 0)
    values = torch.tensor(frame[columns].to_numpy()[end - past : end], dtype=torch.float32)[None]
    if lagged and len(columns) == 1:
        values = values[..., 0]
    observed = (~values.isnan()).float()
    inputs = {"past_values": values.nan_to_num(), "past_observed_mask": observed}
    if config.model_type == "patchtsmixer":
        inputs["observed_mask"] = inputs.pop("past_observed_mask")
    if lagged:
        index = pandas.date_range(frame.index[0], periods=end + config.prediction_length, freq="h")
        rows = [feature(index) for feature in time_features_from_frequency_str("h")]
        window = index.size - past - config.prediction_length
        age = np.log10(np.maximum(2.0 + np.arange(index.size) - window, 1.0))
        features = torch.tensor(np.stack([*rows, age], axis=1)[window:], dtype=torch.float32)[None]
        inputs["past_time_features"], inputs["future_time_features"] = features[:, :past], features[:, past:]
    return inputs


def futures(model, inputs: dict[str, torch.Tensor], samples: int, seed: int) -> torch.Tensor:
    """[samples, steps, channels]"""
    torch.manual_seed(seed)
    model.config.num_parallel_samples = model.num_parallel_samples = samples
    if getattr(model.config, "loss") == "mse":
        with torch.no_grad():
            return model(**inputs).prediction_outputs.expand(samples, -1, -1)
    sequences = model.generate(**inputs).sequences[0]
    return sequences if sequences.ndim == 3 else sequences[..., None]


def answer(model, frame, columns, options) -> dict:
    config, seed, samples = model.config, options.get("seed", 0), options["num_samples"]
    end = len(frame) - (config.prediction_length if options.get("holdout") else 0)
    channels = getattr(config, "num_input_channels", getattr(config, "input_size", 1))
    groups = [[name] for name in columns] if channels == 1 else [columns]
    ahead = pandas.date_range(frame.index[0], periods=end + config.prediction_length, freq="h")[end:]
    forecasts = []
    for group in groups:
        drawn = futures(model, inputs_of(config, frame, group, end), samples, seed).double().numpy()
        predicted = sorted(getattr(config, "prediction_channel_indices", None) or range(channels))
        for place, channel in enumerate(predicted):
            values = drawn[..., place]
            item = {"column": group[channel], "mean": values.mean(0).tolist()}
            item |= {str(q): np.quantile(values, q, axis=0).tolist() for q in (0.1, 0.5, 0.9)}
            if options.get("holdout"):
                actual = frame[group[channel]].to_numpy()[end : end + config.prediction_length]
                item |= {"actual": actual.tolist(), "mean_absolute_error": float(np.abs(actual - values.mean(0)).mean())}
            forecasts.append(item)
    return {"timestamps": [str(time) for time in ahead], "forecasts": forecasts}


def main() -> None:
    root = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "series"
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    torch.set_num_threads(1)
    frame = table()
    with open(out / "table.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", *COLUMNS])
        for time, row in frame.iterrows():
            writer.writerow([time, *("" if math.isnan(value) else int(value) for value in row)])
    for seed, (name, (class_name, settings)) in enumerate(MODELS.items(), 1):
        model_class = getattr(transformers, class_name)
        torch.manual_seed(seed)
        model = model_class(model_class.config_class(**settings)).eval()
        randomise(model, seed)
        model.save_pretrained(out / name)
        model = model_class.from_pretrained(out / name).eval()
        cases = []
        for columns, options in ((COLUMNS, {"num_samples": 5}), (COLUMNS[::-1], {"num_samples": 3, "seed": 7, "holdout": True})):
            options |= {"columns": columns}
            cases.append({"options": options, "expected": answer(model, frame, columns, options)})
        (out / name / "pipeline.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
        print(name)


if __name__ == "__main__":
    main()
