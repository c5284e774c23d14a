#!/usr/bin/env python3
"""Compares curves of `imago train sft`, `dpo`, `reward` and `grpo` with TRL's trainers: compare_trl.py build/release/bin/imago

A small random Llama with the tokenizer and the chat template of src/imago/train/testdata/chat learns from a few conversations and pairs of
answers, with all parameters and with LoRA. Prints the largest relative difference of all steps; exits with 1 above the bound.
Of GRPO the answers and rewards are ours, which TRL is given again, and the norms of the gradients are compared: its loss says only how
long the answers are.
"""

import argparse
import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from curves import largest_difference, verdict
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, LlamaConfig, LlamaForCausalLM,
                          LlamaForSequenceClassification)
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

transformers.utils.logging.set_verbosity_error()
warnings.filterwarnings("ignore")

BOUND = 1e-4
BATCH = 4
# What both programs are told besides; GRPO's batches are of answers and stay as they are.
VARIANTS = {
    "plain": {},
    "accumulation": {"per_device_train_batch_size": BATCH // 2, "gradient_accumulation_steps": 2},
    "checkpointing": {"gradient_checkpointing": True},
}
MEASURED = {"grpo": "grad_norm"}
TOKENIZER = Path("src/imago/train/testdata/chat")
WORDS = "the sky is well and good to hear you are blue how kind plain text no more".split()


def phrase(number, length):
    return " ".join(WORDS[(number * 7 + i * i) % len(WORDS)] for i in range(length))


def make_rows(kind):
    rows = []
    for i in range(24):
        question, answer, other = phrase(i, 4 + i % 3), phrase(i + 5, 3 + i % 5), phrase(i + 11, 2 + i % 4)
        if kind == "grpo":
            rows.append({"prompt": question + " "})
        elif kind in ("dpo", "reward"):
            rows.append({"prompt": question + " ", "chosen": answer, "rejected": other})
        else:
            rows.append({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer},
                                      {"role": "user", "content": other}, {"role": "assistant", "content": question}]})
    return rows


def base_model(kind, folder):
    auto = AutoModelForSequenceClassification if kind == "reward" else AutoModelForCausalLM
    return auto.from_pretrained(folder, dtype=torch.float32)


def save_adapter(kind, folder, lora, out):
    torch.manual_seed(3)
    config = LoraConfig(task_type="SEQ_CLS" if kind == "reward" else "CAUSAL_LM", **lora)
    get_peft_model(base_model(kind, folder), config).save_pretrained(out / "adapter")


def reference_curve(kind, folder, rows, lora, steps, variant, out):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = base_model(kind, folder)
    if lora:
        model = PeftModel.from_pretrained(model, out / "adapter", is_trainable=True)
    common = {"output_dir": str(out / "reference"), "use_cpu": True, "report_to": "none", "logging_steps": 1, "save_strategy": "no",
              "disable_tqdm": True, "max_steps": steps, "learning_rate": 1e-3, "seed": 3, "per_device_train_batch_size": BATCH, "bf16": False,
              "lr_scheduler_type": "constant", "gradient_checkpointing": False} | VARIANTS[variant]
    if kind != "grpo":
        common["max_length"] = 128
    data = Dataset.from_list(rows)
    if kind == "dpo":
        trainer = DPOTrainer(model=model, args=DPOConfig(beta=0.3, **common), train_dataset=data, processing_class=tokenizer)
    elif kind == "reward":
        trainer = RewardTrainer(model=model, args=RewardConfig(**common), train_dataset=data, processing_class=tokenizer)
    elif kind == "grpo":
        said = [json.loads(line) for line in (out / "ours" / "completions.jsonl").read_text().split("\n") if line]
        replayed, rewarded = iter(said), iter(said)

        def again(prompts, trainer):
            answers = [next(replayed) for _ in prompts]
            return {"prompt_ids": [a["prompt_ids"] for a in answers], "completion_ids": [a["completion_ids"] for a in answers],
                    "logprobs": [[0.0] * len(a["completion_ids"]) for a in answers]}

        common |= {"per_device_train_batch_size": 8, "shuffle_dataset": False}
        settings = GRPOConfig(num_generations=4, max_completion_length=12, temperature=1.0, **common)
        trainer = GRPOTrainer(model=model, args=settings, train_dataset=data, processing_class=tokenizer, rollout_func=again,
                              reward_funcs=lambda prompts, **_: [next(rewarded)["reward"] for _ in prompts])
    else:
        settings = SFTConfig(assistant_only_loss=True, eos_token="<|im_end|>", **common)
        trainer = SFTTrainer(model=model, args=settings, train_dataset=data, processing_class=tokenizer)
    for module in trainer.model.modules():
        if isinstance(module, torch.nn.Dropout):
            assert module.p == 0 or not lora
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    return [entry[MEASURED.get(kind, "loss")] for entry in trainer.state.log_history if "loss" in entry]


def our_curve(kind, imago, folder, rows, lora, steps, variant, out):
    data = out / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [imago, "train", kind, "--model", str(folder), "--data", str(data), "--output_dir", str(out / "ours"), "--json",
               "--logging_steps", "1", "--save_strategy", "no", "--max_steps", str(steps), "--learning_rate", "1e-3", "--seed", "3",
               "--lr_scheduler_type", "constant", "--max_length", "128"]
    for name, value in ({"per_device_train_batch_size": 8 if kind == "grpo" else BATCH} | VARIANTS[variant]).items():
        command += [f"--{name}", str(value).lower()]
    command += {"dpo": ["--beta", "0.3"], "sft": ["--assistant-only"], "reward": [],
                "grpo": ["--num_generations", "4", "--max_completion_length", "12", "--reward", "regex", "--reward_pattern", "(?s).*e.*",
                         "--train_sampling_strategy", "sequential", "--log_completions", "true"]}[kind]
    command += ["--adapter_name_or_path", str(out / "adapter")] if lora else []
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    entries = [json.loads(line) for line in done.stdout.split("\n") if line.startswith("{")]
    return [entry[MEASURED.get(kind, "loss")] for entry in entries if "loss" in entry]


def compare(kind, options, lora, variant):
    """The largest relative difference of one pair of curves."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        folder = out / "model"
        shutil.copytree(TOKENIZER, folder)
        size = len(AutoTokenizer.from_pretrained(folder))
        torch.manual_seed(0)
        config = LlamaConfig(vocab_size=size, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4,
                             initializer_range=0.1)
        if kind == "reward":
            config.num_labels, config.pad_token_id = 1, AutoTokenizer.from_pretrained(folder).pad_token_id
        (LlamaForSequenceClassification if kind == "reward" else LlamaForCausalLM)(config).save_pretrained(folder)
        rows = make_rows(kind)
        if lora:
            save_adapter(kind, folder, lora, out)
        ours = our_curve(kind, options.imago, folder, rows, lora, options.steps, variant, out)
        theirs = reference_curve(kind, folder, rows, lora, options.steps, variant, out)
    return largest_difference(f"{kind} {'lora' if lora else 'full'} {variant}:", ours, theirs, floor=1e-3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("imago")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--kinds", default="sft,dpo,reward,grpo")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    worst = 0.0
    for kind in options.kinds.split(","):
        for lora in (None, {"r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj", "up_proj"]}):
            for variant in ["plain"] if kind == "grpo" else options.variants.split(","):
                worst = max(worst, compare(kind, options, lora, variant))
    return verdict(worst, BOUND)


if __name__ == "__main__":
    sys.exit(main())
