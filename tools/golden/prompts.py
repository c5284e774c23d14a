#!/usr/bin/env python3
"""Writes goldens of learned prompts: python prompts.py src/imago

As adapters.py does of adapters, into peft/prompt_golden: an adapter folder as PEFT saves it, golden.json with its base, and
golden.safetensors with outputs.logits, outputs.loss, grads.prompt_embeddings and the losses of ten steps, each with its f64. twin, and
generate.sequences of a greedy continuation of the first row.
"""

import copy
import sys
from pathlib import Path

import torch
from adapters import GPT2, LLAMA, MARGIN, base_inputs, base_model, curve, forward, save
from fairness import unfair
from float64 import double_copy, true_double
from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, get_peft_model

TASK = {"task_type": "CAUSAL_LM"}
CASES = {
    "prompt_llama": (LLAMA + "causal_lm", PromptTuningConfig(num_virtual_tokens=3, **TASK)),
    "prompt_gpt2": (GPT2 + "causal_lm", PromptTuningConfig(num_virtual_tokens=2, **TASK)),
    "prefix_llama": (LLAMA + "causal_lm", PrefixTuningConfig(num_virtual_tokens=3, **TASK)),
    "prefix_gpt2": (GPT2 + "causal_lm", PrefixTuningConfig(num_virtual_tokens=2, **TASK)),
    "p_tuning": (LLAMA + "causal_lm", PromptEncoderConfig(num_virtual_tokens=3, encoder_hidden_size=8, **TASK)),
}


def gradient(model, inputs):
    model = copy.deepcopy(model)
    model(**inputs).loss.backward()
    return {"grads.prompt_embeddings": model.prompt_encoder["default"].embedding.weight.grad}


def record(model, inputs, trains):
    tensors = forward(copy.deepcopy(model), inputs)
    return tensors | gradient(model, inputs) | curve(model, inputs) if trains else tensors


@torch.no_grad()
def continued(model, ids):
    """Each token from a pass over all before it: with its cache, PEFT 0.21.2 on transformers 5.24 loses what it learned behind the first."""
    for _ in range(8):
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return ids[0]


def main():
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    for seed, (name, (base, config)) in enumerate(CASES.items()):
        auto_class, model = base_model(root, base)
        original = double_copy(model)
        inputs = base_inputs(root, base)
        trains = name != "p_tuning"
        while True:
            torch.manual_seed(seed)
            peft = get_peft_model(copy.deepcopy(model), copy.deepcopy(config)).eval()
            if trains:  # numbers as large as 1 hide what is before them
                with torch.no_grad():
                    peft.prompt_encoder["default"].embedding.weight.mul_(0.3)
            double = get_peft_model(copy.deepcopy(original), copy.deepcopy(config))
            double.load_state_dict({key: value.double() for key, value in peft.state_dict().items()})
            double = double.double().eval()
            tensors = record(peft, inputs, trains)
            with true_double():
                exact = record(double, inputs, trains)
            tensors |= {f"f64.{key}": value for key, value in exact.items()}
            if not unfair(lambda: record(peft, inputs, trains), tensors, MARGIN):
                break
            seed += 100
        tensors["generate.sequences"] = continued(peft, inputs["input_ids"][:1])
        save(root / "peft" / "prompt_golden" / name, peft, base, auto_class, tensors)
        print(name, seed)


if __name__ == "__main__":
    main()
