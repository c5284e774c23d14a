#!/usr/bin/env python3
"""Writes what the reference's Trainer logs: python trainer.py src/imago/models/llama/golden/causal_lm src/imago/train/testdata/trainer.json

Each case is a set of TrainingArguments; the examples follow from a formula that the test repeats. Loss, gradient norm and learning rate
of every step are recorded.
"""

import json
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

EXAMPLES = 11
CASES = [
    {"per_device_train_batch_size": 3, "num_train_epochs": 3, "learning_rate": 1e-2, "seed": 7},
    {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4, "max_steps": 9, "learning_rate": 2e-2, "weight_decay": 0.1,
     "max_grad_norm": 0.5, "lr_scheduler_type": "cosine", "warmup_steps": 3, "data_seed": 3},
    {"per_device_train_batch_size": 4, "num_train_epochs": 2.5, "learning_rate": 5e-2, "optim": "sgd", "max_grad_norm": 0.0,
     "dataloader_drop_last": True, "lr_scheduler_type": "constant"},
    {"per_device_train_batch_size": 3, "max_steps": 6, "learning_rate": 1e-2, "optim": "adafactor", "adam_beta2": 0.95,
     "train_sampling_strategy": "sequential"},
]


def example(index, vocab_size):
    return [(index * 7 + position * position * 3 + 2) % (vocab_size - 1) + 1 for position in range(4 + index % 5)]


def collate(rows):
    length = max(map(len, rows))
    pad = lambda row, value: row + [value] * (length - len(row))
    return {
        "input_ids": torch.tensor([pad(row, 0) for row in rows]),
        "attention_mask": torch.tensor([pad([1] * len(row), 0) for row in rows]),
        "labels": torch.tensor([pad(row, -100) for row in rows]),
    }


def run(folder, arguments):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as output:
        settings = TrainingArguments(output_dir=output, use_cpu=True, report_to="none", logging_steps=1, save_strategy="no",
                                     disable_tqdm=True, remove_unused_columns=False, **arguments)
        rows = [example(index, model.config.vocab_size) for index in range(EXAMPLES)]
        trainer = Trainer(model=model, args=settings, train_dataset=rows, data_collator=collate)
        trainer.train()
    logs = [entry for entry in trainer.state.log_history if "loss" in entry]
    return {key: [entry[key] for entry in logs] for key in ("loss", "grad_norm", "learning_rate", "epoch")}


def main():
    torch.set_num_threads(1)
    folder, out = sys.argv[1:]
    cases = [{"arguments": arguments, **run(folder, arguments)} for arguments in CASES]
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"examples": EXAMPLES, "cases": cases}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
