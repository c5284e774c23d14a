#!/usr/bin/env python3
"""Writes what the reference's optimizers make of given gradients: python optimizers.py src/imago/train/testdata

For every case: the parameters before, the gradients of each step, and the parameters after all steps, computed in float32 and in
float64 (Muon's iteration too, which the reference otherwise computes in bfloat16 whatever it is given). Lion, which needs a package of kernels in the reference, follows its paper here.
"""

import json
import sys
from unittest import mock

import torch
from transformers.optimization import Adafactor

SHAPES = [(5, 3), (4,), (3, 6)]
MATRICES = [(5, 3), (3, 6), (4, 4)]
STEPS = 7


class Lion(torch.optim.Optimizer):
    def __init__(self, parameters, lr, weight_decay, betas):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "betas": betas})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for parameter in group["params"]:
                average = self.state[parameter].setdefault("exp_avg", torch.zeros_like(parameter))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.sub_(torch.sign(average * beta1 + parameter.grad * (1 - beta1)), alpha=group["lr"])
                average.mul_(beta2).add_(parameter.grad, alpha=1 - beta2)


OPTIMIZERS = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD, "lion": Lion, "adafactor": Adafactor,
              "muon": torch.optim.Muon}
CASES = [
    ("adamw", {"lr": 3e-2, "weight_decay": 0.1, "betas": (0.9, 0.95), "eps": 1e-6}),
    ("sgd", {"lr": 0.1, "weight_decay": 0.01}),
    ("sgd", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("sgd", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("lion", {"lr": 1e-2, "weight_decay": 0.1, "betas": (0.9, 0.99)}),
    ("adafactor", {}),
    ("adafactor", {"warmup_init": True}),
    ("adafactor", {"lr": 1e-2, "scale_parameter": False, "relative_step": False, "weight_decay": 0.1}),
    ("adafactor", {"lr": 1e-2, "relative_step": False, "beta1": 0.9, "clip_threshold": 0.5}),
    ("muon", {"lr": 1e-2}),
    ("muon", {"lr": 1e-2, "nesterov": False, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw", "ns_steps": 3}),
]


def run(name, options, start, gradients, dtype):
    parameters = [torch.nn.Parameter(tensor.to(dtype).clone()) for tensor in start]
    optimizer = OPTIMIZERS[name](parameters, **options)
    for step in gradients:
        for parameter, gradient in zip(parameters, step):
            parameter.grad = gradient.to(dtype).clone()
        optimizer.step()
    return [parameter.detach().flatten().tolist() for parameter in parameters]


def exact(name, options, start, gradients):
    with mock.patch.object(torch.Tensor, "bfloat16", lambda tensor: tensor.clone()):
        return run(name, options, start, gradients, torch.float64)


def pattern(count, step):
    """Numbers that a test can make itself: thousandths, of magnitudes that differ from block to block."""
    index = torch.arange(count)
    values = ((index * 7919 + step * 104729) % 2001 - 1000).float() / 1000
    return values * torch.pow(2.0, -(index // 256 % 9).float())


def adamw_8bit(count=4400, steps=5):
    """bitsandbytes' AdamW with means in 8 bits, which exists in float32 alone.

    Its CPU kernel looks the byte up in a table of the value's first digits, and misses the nearest for one value in some
    six hundred; here every value becomes the nearest byte.
    """
    import bitsandbytes
    from bitsandbytes.backends.cpu import ops

    def nearest(values, code, absmax, out, blocksize):
        blocks = torch.nn.functional.pad(values.flatten(), (0, -values.numel() % blocksize)).view(-1, blocksize)
        absmax.copy_(blocks.abs().amax(1))
        fractions = (blocks * (1 / absmax)[:, None]).flatten()[: values.numel()]
        out.copy_(torch.searchsorted((code[:-1] + code[1:]) / 2, fractions, right=True).view(values.shape))

    parameter = torch.nn.Parameter(pattern(count, 0))
    optimizer = bitsandbytes.optim.AdamW8bit([parameter], lr=1e-2, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
    with mock.patch.object(ops, "_quant_blockwise_fp32_direct", nearest):
        for step in range(1, steps + 1):
            parameter.grad = pattern(count, step)
            optimizer.step()
    state = optimizer.state[parameter]
    return {"count": count, "steps": steps, "parameter": parameter.tolist(), "state1": state["state1"].tolist(),
            "state2": state["state2"].tolist(), "absmax1": state["absmax1"].tolist(), "absmax2": state["absmax2"].tolist()}


def main():
    torch.manual_seed(3)
    cases = []
    for name, options in CASES:
        shapes = MATRICES if name == "muon" else SHAPES
        start = [torch.randn(shape) for shape in shapes]
        gradients = [[torch.randn(shape) * 10 ** (0.2 * step - 1) for shape in shapes] for step in range(STEPS)]
        cases.append({
            "optimizer": name, "options": options, "shapes": shapes,
            "start": [tensor.flatten().tolist() for tensor in start],
            "gradients": [[tensor.flatten().tolist() for tensor in step] for step in gradients],
            "float32": run(name, options, start, gradients, torch.float32),
            "float64": exact(name, options, start, gradients),
        })
    for name, content in (("optimizers", cases), ("adamw_8bit", adamw_8bit())):
        with open(f"{sys.argv[1]}/{name}.json", "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.write("\n")


if __name__ == "__main__":
    main()
