#!/usr/bin/env python3
"""Writes tests/golden/block_plans.json: which blocks BigBird's sparse attention draws in training.

    python tools/golden/block_plans.py
"""

import json
from pathlib import Path

import numpy as np
import transformers
from transformers.models.big_bird.modeling_big_bird import BigBirdBlockSparseAttention

# heads, blocks, drawn, block_size, positions, seed; the last two have lengths of the paper
CASES = [
    (2, 8, 1, 4, 64, 0),
    (3, 12, 3, 2, 64, 1),
    (2, 13, 3, 4, 64, 5),
    (2, 10, 2, 4, 64, 2),
    (1, 20, 2, 3, 64, 7),
    (2, 16, 3, 64, 4096, 3),
    (1, 64, 3, 64, 4096, 11),
]


def drawn_by_reference(heads: int, blocks: int, drawn: int, size: int, positions: int, seed: int) -> np.ndarray:
    config = transformers.BigBirdConfig(
        num_attention_heads=heads, hidden_size=heads * 4, block_size=size, num_random_blocks=drawn, max_position_embeddings=positions
    )
    attention, tokens = BigBirdBlockSparseAttention(config, seed).train(), blocks * size
    np.random.seed(seed)
    if tokens in (1024, 3072, 4096):
        rows = [attention._bigbird_block_rand_mask(positions, positions, size, size, drawn, last_idx=1024) for _ in range(heads)]
        return np.stack([row[: blocks - 2] for row in rows])
    lengths, counts = attention._get_rand_attn_plan(tokens, size, drawn)
    return np.stack(attention._bigbird_block_rand_mask_with_head(tokens, tokens, size, size, heads, lengths, counts))


def main() -> None:
    names = ("heads", "blocks", "drawn", "block_size", "positions", "seed")
    plans = [dict(zip(names, case)) | {"chosen": drawn_by_reference(*case).reshape(-1).tolist()} for case in CASES]
    out = Path(__file__).resolve().parents[2] / "tests" / "golden" / "block_plans.json"
    out.write_text("[\n" + ",\n".join(json.dumps(plan) for plan in plans) + "\n]\n")


if __name__ == "__main__":
    main()
