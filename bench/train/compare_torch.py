#!/usr/bin/env python3
"""Training beside torch on the CPU: compare_torch.py build/release/bin/imago [--cases gpt2,bert,llama] [--threads 1]

The same random model and rows are trained for a few steps by both programs, each in a process of its own: all parameters of a GPT-2 of the
small size (4 rows of 512 tokens), BERT-base as a classifier (16 rows of 128), and LoRA on a Llama with 1.2 billion parameters in bfloat16
(1 row of 512). Prints tokens per second of processor time, from the difference between a longer and a shorter run, and the peak of memory.
The reference is transformers' Trainer with torch.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = {
    "gpt2": {"auto": "AutoModelForCausalLM", "rows": 4, "tokens": 512, "type": "gpt2", "dtype": "float32",
             "config": {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}},
    "bert": {"auto": "AutoModelForSequenceClassification", "rows": 16, "tokens": 128, "type": "bert", "dtype": "float32",
             "config": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "problem_type": "single_label_classification"}},
    "llama": {"auto": "AutoModelForCausalLM", "rows": 1, "tokens": 512, "type": "llama", "dtype": "bfloat16", "lora": True,
              "config": {"vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
                         "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "tie_word_embeddings": True}},
}
LORA = {"r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]}


def make(case, folder):
    import torch
    import transformers

    torch.manual_seed(0)
    torch.set_default_dtype(getattr(torch, case["dtype"]))
    config = transformers.AutoConfig.for_model(case["type"], **case["config"])
    getattr(transformers, case["auto"]).from_config(config).save_pretrained(folder / "model")
    generator = torch.Generator().manual_seed(1)
    with open(folder / "rows.jsonl", "w") as file:
        for i in range(case["rows"]):
            ids = torch.randint(5, 30000, (case["tokens"],), generator=generator).tolist()
            file.write(json.dumps({"input_ids": ids, "labels": i % 2 if case["type"] == "bert" else ids}) + "\n")


def train_with_torch(case, folder, steps):
    import torch
    import transformers
    from transformers import Trainer, TrainingArguments

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    transformers.utils.logging.set_verbosity_error()
    model = getattr(transformers, case["auto"]).from_pretrained(folder / "model", dtype=getattr(torch, case["dtype"]))
    if case.get("lora"):
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **LORA))
    rows = [json.loads(line) for line in open(folder / "rows.jsonl")]
    arguments = TrainingArguments(output_dir=str(folder / "torch"), use_cpu=True, report_to="none", logging_steps=1, save_strategy="no",
                                  disable_tqdm=True, max_steps=steps, per_device_train_batch_size=case["rows"], dataloader_pin_memory=False)
    Trainer(model=model, args=arguments, train_dataset=rows).train()


def run(command, threads):
    """Processor seconds and the peak of memory in GiB of a process."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "IMAGO_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(errors.decode())
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("imago")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3, help="of the longer run; the shorter has 1")
    parser.add_argument("--torch", help=argparse.SUPPRESS)  # a case, in a process of its own
    options = parser.parse_args()
    if options.torch:
        train_with_torch(CASES[options.torch], Path(options.imago), options.steps)
        return
    for name in options.cases.split(","):
        case = CASES[name]
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as temporary:
            folder = Path(temporary)
            make(case, folder)

            def ours(steps):
                extra = ["--lora", json.dumps(LORA), "--bf16", "true"] if case.get("lora") else []
                return [options.imago, "train", "tokenized", "--model", str(folder / "model"), "--data", str(folder / "rows.jsonl"),
                        "--output_dir", str(folder / "ours"), "--max_steps", str(steps), "--save_strategy", "no", "--logging_steps", "1",
                        "--per_device_train_batch_size", str(case["rows"]), *extra]

            def theirs(steps):
                return [sys.executable, __file__, str(folder), "--torch", name, "--steps", str(steps)]

            rates = {}
            for label, command in (("imago", ours), ("torch", theirs)):
                short, _ = run(command(1), options.threads)
                long, memory = run(command(options.steps), options.threads)
                seconds = (long - short) / (options.steps - 1)
                rates[label] = (case["rows"] * case["tokens"] / seconds, memory)
                print(f"{name:6} {label:6} {rates[label][0]:8.1f} tokens/s of processor time, peak {memory:6.2f} GiB", flush=True)
            speed, memory = (rates["imago"][i] / rates["torch"][i] for i in range(2))
            print(f"{name:6} ratio  {speed:8.2f} x tokens/s, {memory:.2f} x memory", flush=True)


if __name__ == "__main__":
    main()
