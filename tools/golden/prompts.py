#!/usr/bin/env python3
"""Writes goldens of learned prompts: python prompts.py src/imago

As adapters.py does of adapters, into peft/prompt_golden: an adapter folder as PEFT saves it, golden.json with its base, and
golden.safetensors with outputs.logits, outputs.loss, grads.prompt_embeddings and the losses of ten steps, each with its f64. twin, and
generate.sequences of a greedy continuation of the first row. Where a network gives the prompt, its tensors are beside, in
prompt_encoder.safetensors, and grads.* are theirs. With names behind the folder only these are written.
"""

import copy
import sys
from pathlib import Path

import torch
from adapters import GPT2, LLAMA, MARGIN, base_inputs, base_model, curve, forward, save
from fairness import unfair
from float64 import double_copy, true_double
from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import save_file

TASK = {"task_type": "CAUSAL_LM"}
CASES = {
    "prompt_llama": (LLAMA + "causal_lm", PromptTuningConfig(num_virtual_tokens=3, **TASK)),
    "prompt_gpt2": (GPT2 + "causal_lm", PromptTuningConfig(num_virtual_tokens=2, **TASK)),
    "prefix_llama": (LLAMA + "causal_lm", PrefixTuningConfig(num_virtual_tokens=3, **TASK)),
    "prefix_gpt2": (GPT2 + "causal_lm", PrefixTuningConfig(num_virtual_tokens=2, **TASK)),
    "p_tuning_network": (LLAMA + "causal_lm", PromptEncoderConfig(num_virtual_tokens=3, encoder_hidden_size=8, **TASK)),
    "prefix_projection": (GPT2 + "causal_lm", PrefixTuningConfig(num_virtual_tokens=2, encoder_hidden_size=8, prefix_projection=True, **TASK)),
    "p_tuning": (LLAMA + "causal_lm", PromptEncoderConfig(num_virtual_tokens=3, encoder_hidden_size=8, **TASK)),
}


def gradient(model, inputs):
    model = copy.deepcopy(model)
    model(**inputs).loss.backward()
    encoder = model.prompt_encoder["default"]
    if has_network(model):
        return {f"grads.{name}": parameter.grad for name, parameter in encoder.named_parameters()}
    return {"grads.prompt_embeddings": encoder.embedding.weight.grad}


def has_network(model):
    return len(list(model.prompt_encoder["default"].parameters())) > 1


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
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
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
        out = root / "peft" / "prompt_golden" / name
        save(out, peft, base, auto_class, tensors)
        if trains and has_network(peft):
            save_file({key: value.contiguous() for key, value in peft.prompt_encoder["default"].state_dict().items()}, out / "prompt_encoder.safetensors")
        print(name, seed)


if __name__ == "__main__":
    main()
