#!/usr/bin/env python
"""Writes one golden folder with the Python reference.

python tools/golden/make.py llama --auto-class AutoModelForCausalLM --set num_key_value_heads=1 --seed 3 OUT
"""

import argparse
from pathlib import Path

import torch
from configs import parse_overrides
from record import GREEDY, Golden, folder_bytes, write
from vision import VISION


def _inputs(a: argparse.Namespace) -> dict:
    if a.model_type in VISION:
        return dict(batch=a.batch, size=a.size, masked=a.masked)
    return dict(batch=a.batch, tokens=a.tokens, padding=a.padding, mask=not a.no_mask, token_types=a.token_types)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model_type", help="model_type of config.json, for example llama")
    p.add_argument("out", type=Path, help="golden folder to write; what is in it is replaced")
    p.add_argument("--auto-class", default="AutoModel", help="AutoModel, AutoModelForCausalLM, ...")
    p.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="config override, VALUE is JSON or text"
    )
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--batch", type=int, default=2)
    p.add_argument("--tokens", type=int, default=10)
    p.add_argument("--padding", choices=["none", "left", "right"], default="none")
    p.add_argument("--no-mask", action="store_true", help="leave attention_mask out of the inputs")
    p.add_argument("--token-types", action="store_true", help="give token_type_ids")
    p.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="of pictures; default: the config's")
    p.add_argument("--masked", action="store_true", help="of pictures: hide patches")
    p.add_argument("--attentions", action="store_true", help="record attention weights too")
    p.add_argument("--gradients", type=int, default=0, metavar="BYTES", help="record gradients of up to BYTES")
    p.add_argument("--train", action="store_true", help="record a 10-step AdamW loss curve")
    p.add_argument("--generate", action="store_true", help="record a greedy sequence")
    p.add_argument("--checkpoint", choices=["safetensors", "sharded", "bin"], default="safetensors")
    p.add_argument("--dtype", default="float32")
    a = p.parse_args()
    torch.set_num_threads(1)
    golden = Golden(
        a.model_type,
        a.auto_class,
        parse_overrides(a.set),
        a.seed,
        inputs=_inputs(a),
        attentions=a.attentions,
        gradients=a.gradients,
        train=a.train,
        generate=GREEDY if a.generate else None,
        checkpoint=a.checkpoint,
        dtype=a.dtype,
    )
    write(golden, a.out)
    print(f"{a.out}: {folder_bytes(a.out)} bytes")


if __name__ == "__main__":
    main()
