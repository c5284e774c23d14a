#!/usr/bin/env python3
"""Writes src/imago/processors/audio/testdata: short sounds in every format, and what the reference makes of them.

    python tools/audio/write_testdata.py [OUT]

Needs transformers, torch, soundfile and soxr. expected.safetensors: `<file>` (its samples, channels averaged),
`<file>@<rate>` (resampled), `<extractor>.<output>` of the WAV at 16 kHz, and `f64.<extractor>.<output>` where the reference
computes in float32 and the same can be had in float64. extractors.json: the extractors' settings.
"""

import json
import pathlib
import sys

import numpy as np
import soundfile
import torch
import transformers
from safetensors.numpy import save_file
from transformers.audio_utils import load_audio, mel_filter_bank

EXTRACTORS = {
    "whisper": dict(feature_extractor_type="WhisperFeatureExtractor", chunk_length=1, feature_size=80),
    "wav2vec2": dict(feature_extractor_type="Wav2Vec2FeatureExtractor", return_attention_mask=True),
    "wav2vec2_no_mask": dict(feature_extractor_type="Wav2Vec2FeatureExtractor", return_attention_mask=False),
    "wav2vec2_as_is": dict(feature_extractor_type="Wav2Vec2FeatureExtractor", do_normalize=False, return_attention_mask=True),
    "ast": dict(feature_extractor_type="ASTFeatureExtractor", max_length=24, num_mel_bins=32),
    "ast_as_is": dict(feature_extractor_type="ASTFeatureExtractor", max_length=6, num_mel_bins=32, do_normalize=False),
    "seamless": dict(feature_extractor_type="SeamlessM4TFeatureExtractor", padding_value=1.0, num_mel_bins=24),
    "speecht5": dict(feature_extractor_type="SpeechT5FeatureExtractor", do_normalize=True),
    "speecht5_target": dict(feature_extractor_type="SpeechT5FeatureExtractor", num_mel_bins=20, win_length=32, fmin=60, padding_value=0.5),
}  # fmt: skip


def sound(rate: int, seconds: float, channels: int) -> np.ndarray:
    """A sweep with overtones and noise that begins in silence."""
    generator = np.random.default_rng(rate)
    t = np.arange(int(rate * seconds)) / rate
    sweep = sum(np.sin(2 * np.pi * k * (200 * t + 900 * t * t)) / k for k in (1, 2, 5))
    noise = 0.02 * generator.standard_normal((len(t), channels))
    return ((0.2 * sweep * (t > 0.1 * seconds))[:, None] * np.linspace(1, 0.5, channels) + noise).astype(np.float32)


def write_sounds(out: pathlib.Path) -> list[str]:
    files = {
        "mono_16k.wav": (16000, 0.3, 1, "PCM_16"),
        "stereo_44k.flac": (44100, 0.1, 2, "PCM_24"),
        "mono_8k_float.wav": (8000, 0.2, 1, "FLOAT"),
        "mono_8k_bytes.wav": (8000, 0.1, 1, "PCM_U8"),
        "stereo_22k.ogg": (22050, 0.1, 2, "VORBIS"),
        "mono_16k.mp3": (16000, 0.2, 1, "MPEG_LAYER_III"),
    }
    for name, (rate, seconds, channels, subtype) in files.items():
        soundfile.write(out / name, sound(rate, seconds, channels), rate, subtype=subtype)
    return list(files)


def exact_whisper(config: dict, samples: np.ndarray) -> np.ndarray:
    """The reference's features in float64."""
    n = config["chunk_length"] * 16000
    x = torch.from_numpy(np.pad(samples, (0, max(0, n - len(samples))))[:n]).double()
    stft = torch.stft(x, 400, 160, window=torch.hann_window(400, dtype=torch.float64), return_complex=True)
    filters = mel_filter_bank(201, config["feature_size"], 0.0, 8000.0, 16000, norm="slaney", mel_scale="slaney")
    power = torch.from_numpy(filters).T @ (stft[..., :-1].abs() ** 2)
    log = power.clamp(min=1e-10).log10()
    return ((torch.maximum(log, log.max() - 8) + 4) / 4)[None].numpy()


def exact_seamless(config: dict, samples: np.ndarray) -> np.ndarray:
    """Likewise, before frames are put side by side."""
    filters = mel_filter_bank(
        257, config["num_mel_bins"], 20, 8000, 16000, mel_scale="kaldi", triangularize_in_mel_space=True
    )
    frames = []
    for begin in range(0, len(samples) - 399, 160):
        frame = samples[begin : begin + 400].astype(np.float64) * 32768
        frame -= frame.mean()
        frame = np.concatenate([frame[:1] * (1 - 0.97), frame[1:] - 0.97 * frame[:-1]]) * np.hanning(400) ** 0.85
        frames.append(np.log(np.maximum(np.abs(np.fft.rfft(frame, 512)) ** 2 @ filters, 1.192092955078125e-07)))
    x = np.array(frames)
    return (x - x.mean(0)) / np.sqrt(x.var(0, ddof=1) + 1e-7)


def main() -> None:
    default = pathlib.Path(__file__).resolve().parents[2] / "src" / "imago" / "processors" / "audio" / "testdata"
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    out.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name in write_sounds(out):
        rate = soundfile.info(out / name).samplerate
        tensors[name] = load_audio(str(out / name), rate, backend="soundfile")
        other = 16000 if rate != 16000 else 11025
        tensors[f"{name}@{other}"] = load_audio(str(out / name), other, backend="soundfile")
    samples = tensors["mono_16k.wav"]
    for name, config in EXTRACTORS.items():
        extractor = getattr(transformers, config["feature_extractor_type"])(
            **{key: value for key, value in config.items() if key != "feature_extractor_type"}
        )
        whisper = name.startswith("whisper")
        rows = [samples] if whisper else [samples[:1200], samples[:700]] if name.startswith("wav2vec2") else [samples[:300], samples[:200]] if name == "speecht5" else [samples[480:], samples[480:3000]]
        options = {"padding": True} if name.startswith(("wav2vec2", "speecht5")) else {}
        if name.endswith("_target"):
            options["audio_target"] = [samples, samples[:3000]]
        else:
            options["audio" if name.startswith("speecht5") else "raw_speech"] = rows
        for key, value in extractor(sampling_rate=16000, return_tensors="np", **options).items():
            tensors[f"{name}.{key}"] = np.asarray(value)
        if name == "seamless":
            exact = np.full((len(rows), 2 * tensors["seamless.input_features"].shape[1], config["num_mel_bins"]), 1.0)
            for row, samples_of_row in zip(exact, rows):
                frames = exact_seamless(config, samples_of_row)[: len(row)]
                row[: len(frames)] = frames
            tensors["f64.seamless.input_features"] = exact.reshape(tensors["seamless.input_features"].shape)
        if whisper:
            tensors[f"f64.{name}.input_features"] = np.concatenate([exact_whisper(config, row) for row in rows])
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, out / "expected.safetensors")
    (out / "extractors.json").write_text(json.dumps(EXTRACTORS, indent=1) + "\n")
    for path in sorted(out.iterdir()):
        print(f"{path.stat().st_size:8d}  {path.name}")


if __name__ == "__main__":
    main()
