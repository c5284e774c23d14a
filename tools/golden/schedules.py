#!/usr/bin/env python3
"""Writes the learning rates that the reference's schedules give: python schedules.py src/imago/train/testdata/schedules.json"""

import json
import sys

import torch
from transformers import get_scheduler

LR = 3e-4
STEPS = 60  # some beyond the end of training
CASES = [
    ("constant", None, None, {}),
    ("constant_with_warmup", 7, None, {}),
    ("linear", 0, 50, {}),
    ("linear", 7, 50, {}),
    ("linear", 50, 50, {}),
    ("cosine", 7, 50, {}),
    ("cosine", 0, 50, {"num_cycles": 1.25}),
    ("cosine_with_restarts", 7, 50, {}),
    ("cosine_with_restarts", 3, 50, {"num_cycles": 4}),
    ("polynomial", 7, 50, {}),
    ("polynomial", 5, 50, {"lr_end": 1e-5, "power": 2.5}),
    ("inverse_sqrt", 7, None, {}),
    ("inverse_sqrt", 0, None, {}),
    ("inverse_sqrt", 7, None, {"timescale": 20}),
    ("cosine_with_min_lr", 7, 50, {"min_lr": 1e-5}),
    ("cosine_with_min_lr", 7, 50, {"min_lr_rate": 0.2, "num_cycles": 0.75}),
    ("cosine_warmup_with_min_lr", 7, 50, {"min_lr_rate": 0.1}),
    ("cosine_warmup_with_min_lr", 7, 50, {"min_lr": 1e-5, "warmup_lr_rate": 0.3}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 20}),
    ("warmup_stable_decay", 7, None, {"num_decay_steps": 20, "num_stable_steps": 11, "warmup_type": "cosine",
                                      "decay_type": "linear", "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 20, "warmup_type": "1-sqrt", "decay_type": "1-sqrt"}),
    ("warmup_stable_decay", 7, 50, {"num_decay_steps": 20, "num_cycles": 1.5, "min_lr_ratio": 0.05}),
]
PLATEAUS = [
    ({}, [1.0, 0.9, 0.9] + [0.95] * 30),
    ({"patience": 2, "factor": 0.5, "cooldown": 3, "min_lr": 4e-5}, [1.0] * 25),
    ({"mode": "max", "patience": 1, "threshold_mode": "abs", "threshold": 0.05}, [0.1, 0.14, 0.16, 0.2, 0.2, 0.3, 0.3, 0.3]),
    ({"patience": 0, "eps": 1e-5}, [1.0, 2.0, 3.0, 4.0]),
]


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def curve(name, warmup, training, kwargs):
    steps = optimizer()
    schedule = get_scheduler(name, steps, warmup, training, kwargs)
    rates = []
    for _ in range(STEPS):
        rates.append(steps.param_groups[0]["lr"])
        steps.step()
        schedule.step()
    return rates


def plateau(kwargs, metrics):
    steps = optimizer()
    schedule = get_scheduler("reduce_lr_on_plateau", steps, scheduler_specific_kwargs=kwargs)
    rates = []
    for metric in metrics:
        schedule.step(metric)
        rates.append(steps.param_groups[0]["lr"])
    return rates


def main():
    schedules = [{"type": name, "num_warmup_steps": warmup, "num_training_steps": training, "kwargs": kwargs,
                  "lr": curve(name, warmup, training, kwargs)} for name, warmup, training, kwargs in CASES]
    plateaus = [{"kwargs": kwargs, "metrics": metrics, "lr": plateau(kwargs, metrics)} for kwargs, metrics in PLATEAUS]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"lr": LR, "schedules": schedules, "plateaus": plateaus}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
