#!/usr/bin/env python
"""Writes expected values and gradients of single operations, computed by torch in float64.

    python tools/golden/ops.py            # tests/golden/ops.json and tests/golden/ops.safetensors

ops.json: `{case: {"op": torch's name, "args": {...}}}`. Tensors of a case: `<case>.in.<i>`, `<case>.out.<i>`, and where gradients
exist `<case>.weight.<i>` and `<case>.grad.<i>`: the gradient of sum(out_i * weight_i) over all i, by input i. Two names are
not torch's: `rope` (inputs x [B, H, T, K], cos and sin [1, T, K]; `args.style` is `half`, which turns the pairs i and i + K/2, or
`interleaved`, which turns the neighbours 2i and 2i + 1) and `swiglu` (silu(gate) * up).
"""

import argparse
import json
from pathlib import Path

import torch
from ops_cases import CASES
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden"


def record(name: str, function, inputs: list[torch.Tensor], args: dict, tensors: dict) -> None:
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    outputs = function(*leaves, **args)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    for i, x in enumerate(inputs):
        tensors[f"{name}.in.{i}"] = x
    total = None
    for i, y in enumerate(outputs):
        tensors[f"{name}.out.{i}"] = y.detach()
        if y.requires_grad:
            weight = torch.randn(y.shape, dtype=torch.float64, generator=generator)
            tensors[f"{name}.weight.{i}"] = weight
            total = (y * weight).sum() if total is None else total + (y * weight).sum()
    if total is None:
        return
    total.backward()
    for i, x in enumerate(leaves):
        if x.requires_grad and x.grad is not None:
            tensors[f"{name}.grad.{i}"] = x.grad


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=FOLDER)
    a = p.parse_args()
    torch.set_num_threads(1)
    tensors, description = {}, {}
    for name, (op, function, inputs, args) in CASES.items():
        record(name, function, inputs, args, tensors)
        description[name] = {"op": op, "args": args}
    a.out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, a.out / "ops.safetensors")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(case)}" for name, case in description.items())
    (a.out / "ops.json").write_text("{\n" + lines + "\n}\n")
    print(f"{len(description)} cases, {(a.out / 'ops.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
