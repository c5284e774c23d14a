#!/usr/bin/env python3
"""Whisper on a clip of 30 s beside torch, in one run, on one thread: seconds of processor time.

    python bench/speech/compare.py BUILD [tiny base ...]

Weights are random, in the shapes of openai/whisper-tiny and -base; both programs read the same folder and the same sound
(noise). Times are of features, encoder, and 64 tokens of greedy search, each the best of three.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import soundfile
import torch
import transformers

SIZES = {"tiny": (384, 4, 6), "base": (512, 6, 8), "small": (768, 12, 12)}
TOKENS = 64


def write(size: str, folder: pathlib.Path) -> None:
    width, layers, heads = SIZES[size]
    config = transformers.WhisperConfig(
        d_model=width, encoder_layers=layers, decoder_layers=layers, encoder_attention_heads=heads,
        decoder_attention_heads=heads, encoder_ffn_dim=4 * width, decoder_ffn_dim=4 * width,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
    transformers.WhisperFeatureExtractor().save_pretrained(folder)


def best_of_three(action) -> float:
    action()
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF)
        action()
        after = resource.getrusage(resource.RUSAGE_SELF)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def run_torch(folder: pathlib.Path, sound: pathlib.Path) -> dict[str, float]:
    model = transformers.WhisperForConditionalGeneration.from_pretrained(folder).eval()
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(folder)
    samples = soundfile.read(sound, dtype="float32")[0]
    features = extractor(samples, sampling_rate=16000, return_tensors="pt").input_features
    with torch.inference_mode():
        encoded = model.model.encoder(features)
        # The plain generation loop: what Whisper adds to it is not what is compared.
        generate = lambda: transformers.GenerationMixin.generate(
            model, encoder_outputs=encoded, decoder_input_ids=torch.tensor([[model.config.decoder_start_token_id]]),
            max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False, num_beams=1,
        )  # fmt: skip
        return {
            "features": best_of_three(lambda: extractor(samples, sampling_rate=16000, return_tensors="pt")),
            "encoder": best_of_three(lambda: model.model.encoder(features)),
            "decoder": best_of_three(generate),
        }


def main() -> None:
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    build = pathlib.Path(sys.argv[1])
    for size in sys.argv[2:] or ["tiny", "base"]:
        with tempfile.TemporaryDirectory() as scratch:
            folder, sound = pathlib.Path(scratch) / size, pathlib.Path(scratch) / "noise.wav"
            write(size, folder)
            soundfile.write(sound, 0.1 * np.random.default_rng(0).standard_normal(480000), 16000)
            command = [build / "bin" / "speech_bench", folder, sound, str(TOKENS)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"IMAGO_NUM_THREADS": "1"})
            ours, theirs = json.loads(answer.stdout), run_torch(folder, sound)
            for part in ours:
                print(f"whisper-{size} {part:9s} imago {ours[part]:7.3f} s  torch {theirs[part]:7.3f} s  ratio {theirs[part] / ours[part]:.2f}")
            print(f"whisper-{size} all       ratio {sum(theirs.values()) / sum(ours.values()):.2f}", flush=True)


if __name__ == "__main__":
    main()
