#!/usr/bin/env python3
"""Compares the features that imago makes of sound files with the reference's.

    python tools/audio/compare.py IMAGO EXTRACTOR_FOLDER FILE ...

A line per file: the largest difference of each output, and that of the reference's own samples.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors.numpy import load_file
from transformers import AutoFeatureExtractor
from transformers.audio_utils import load_audio


def main() -> int:
    imago, folder, *files = sys.argv[1:]
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    worst = 0.0
    for file in files:
        samples = load_audio(file, extractor.sampling_rate, backend="soundfile")
        expected = extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="np")
        with tempfile.TemporaryDirectory() as scratch:
            out = pathlib.Path(scratch) / "features.safetensors"
            subprocess.run([imago, "preprocess", file, "-m", folder, "-o", out, "--json"], check=True, stdout=subprocess.DEVNULL)
            ours = load_file(out)
        parts = []
        for name, value in expected.items():
            value = np.asarray(value)
            if ours[name].shape != value.shape:
                parts.append(f"{name} {ours[name].shape} instead of {value.shape}")
                worst = float("inf")
                continue
            difference = float(np.abs(ours[name].astype(np.float64) - value).max())
            worst = max(worst, difference)
            parts.append(f"{name} {value.shape} {difference:.2e}")
        print(f"{pathlib.Path(file).name}: {', '.join(parts)}", flush=True)
    print(f"worst {worst:.2e}")
    return worst > 1e-3


if __name__ == "__main__":
    sys.exit(main())
