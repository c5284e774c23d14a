#!/usr/bin/env python3
"""Writes src/imago/quant/<format>/reference/: what the Python package `gguf` makes of a format, or, of a format that is
not in it, what is written down below. Rows of 512 elements.

  values.bin   float32, where the package encodes the format
  blocks.bin   `values` encoded, or random blocks with sound scales where the package only decodes
  decoded.bin  float32: `blocks` decoded

Usage: write_references.py [format...]
"""

import pathlib
import sys

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

FORMATS = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4",
           "f16", "bf16", "grouped_int4", "grouped_int8"]
ROWS, COLUMNS = 3, 512
# Where the two-byte scales lie in a block of the formats that the package does not encode.
SCALES = {"q2_k": [80, 82], "q3_k": [108], "q4_k": [0, 2], "q5_k": [0, 2], "q6_k": [208], "iq4_nl": [0], "iq4_xs": [0]}


def sample_values(rng):
    values = rng.standard_normal((ROWS, COLUMNS)).astype(np.float32) * np.float32(0.05)
    values[1] *= np.float32(1000)
    values[2, :64] = 0  # blocks of zeros
    values[2, 64:96] = np.float32(1e-9)  # scales below what float16 holds
    values[2, 256:] = np.round(values[2, 256:] * 40) / 8  # many ties
    return values


def random_blocks(rng, name, block_bytes, blocks):
    raw = rng.integers(0, 256, (ROWS, blocks, block_bytes), dtype=np.uint8)
    for offset in SCALES[name]:
        scales = (rng.standard_normal((ROWS, blocks, 1)) * 0.01).astype(np.float16)
        raw[:, :, offset:offset + 2] = scales.view(np.uint8)
    return raw.reshape(ROWS, -1)


def grouped(values, bits):
    """What the format's own encoder makes of values: round to nearest between the least and the largest and zero."""
    most_q = 2**bits - 1
    runs = values.reshape(-1, 32)
    least = np.minimum(runs.min(axis=1), 0, dtype=np.float32)
    most = np.maximum(runs.max(axis=1), 0, dtype=np.float32)
    scale = ((most - least) / np.float32(most_q)).astype(np.float16).astype(np.float32)
    with np.errstate(divide="ignore"):
        inverse = np.where(scale == 0, np.float32(0), np.float32(1) / scale).astype(np.float32)
    inverse[~np.isfinite(inverse)] = 0
    away = lambda x: np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x)  # std::round
    zero = np.clip(away(-least * inverse), 0, most_q)
    q = np.clip(away(runs * inverse[:, None]) + zero[:, None], 0, most_q).astype(np.uint8)
    blocks = np.empty((len(runs), 3 + 4 * bits), np.uint8)
    blocks[:, :2] = scale.astype(np.float16).view(np.uint8).reshape(-1, 2)
    blocks[:, 2] = zero.astype(np.uint8)
    blocks[:, 3:] = q[:, :16] | q[:, 16:] << 4 if bits == 4 else q ^ 128  # eight bits less 128, with a sign
    decoded = scale[:, None] * (q.astype(np.float32) - zero[:, None].astype(np.float32))
    return blocks.reshape(ROWS, -1), decoded.reshape(ROWS, COLUMNS)


def write(folder, tensors):
    folder.mkdir(parents=True, exist_ok=True)
    for stem, values in tensors.items():
        (folder / f"{stem}.bin").write_bytes(values.tobytes())


def main():
    root = pathlib.Path(__file__).resolve().parents[2] / "src" / "imago" / "quant"
    for name in sys.argv[1:] or FORMATS:
        rng = np.random.default_rng(len(name) + sum(name.encode()))
        if name.startswith("grouped_int"):
            values = sample_values(rng)
            blocks, decoded = grouped(values, int(name[-1]))
            write(root / name / "reference", {"values": values, "blocks": blocks, "decoded": decoded})
            continue
        kind = GGMLQuantizationType[name.upper()]
        elements, block_bytes = GGML_QUANT_SIZES[kind]
        tensors = {}
        if name in SCALES:
            blocks = random_blocks(rng, name, block_bytes, COLUMNS // elements)
        else:
            tensors["values"] = sample_values(rng)
            blocks = quantize(tensors["values"], kind).view(np.uint8)
        tensors["blocks"] = np.ascontiguousarray(blocks)
        tensors["decoded"] = np.ascontiguousarray(dequantize(blocks, kind), dtype=np.float32).reshape(ROWS, COLUMNS)
        write(root / name / "reference", tensors)


if __name__ == "__main__":
    main()
