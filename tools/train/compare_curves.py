#!/usr/bin/env python3
"""Compares loss curves of `imago train` with the reference's, step by step: compare_curves.py build/release/bin/imago

For each model family a small random model is saved, and the same rows are trained on by both programs in the same order: all
parameters, a LoRA adapter, or one on weights in NF4, each plainly, with accumulation, and with gradient checkpointing. Prints the largest
relative difference of all steps; exits with 1 where one is above the bound.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from curves import largest_difference, verdict
from peft import LoraConfig, get_peft_model
from transformers import Trainer, TrainingArguments

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
warnings.filterwarnings("ignore")

VOCABULARY, EXAMPLES, BOUND = 256, 96, 1e-4
# Weights are larger than the configurations' own: gradients of an adapter on weights of 0.02 are near AdamW's epsilon, where rounding
# errors of either program grow until they are seen.
NO_DROPOUT = {
    "gpt2": {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "summary_first_dropout": 0.0},
    "llama": {"attention_dropout": 0.0},
    "mistral": {"attention_dropout": 0.0},
    "qwen3": {"attention_dropout": 0.0},
    "bert": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    "roberta": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    "electra": {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "summary_last_dropout": 0.0},
    "t5": {"dropout_rate": 0.0},
}
DECODER = {"hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
           "initializer_range": 0.1}
ENCODER = {"hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 64,
           "num_labels": 4, "initializer_range": 0.1}
SIZES = {
    "gpt2": {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 64, "initializer_range": 0.1},
    "llama": DECODER,
    "mistral": DECODER | {"sliding_window": 16},
    "qwen3": DECODER | {"head_dim": 16},
    "bert": ENCODER,
    "roberta": ENCODER | {"max_position_embeddings": 66},
    "electra": ENCODER | {"embedding_size": 48},
    "t5": {"d_model": 64, "d_kv": 16, "d_ff": 192, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0,
           "feed_forward_proj": "gated-gelu"},  # at a ReLU's zero a last bit becomes another gradient
}
ENCODERS = ("bert", "roberta", "electra")
CLASSES = {family: "AutoModelForSequenceClassification" if family in ENCODERS else "AutoModelForCausalLM" for family in SIZES}
CLASSES["t5"] = "AutoModelForSeq2SeqLM"
LORA = {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"}
VARIANTS = {
    "plain": {"per_device_train_batch_size": 8},
    "accumulation": {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4},
    "checkpointing": {"per_device_train_batch_size": 8, "gradient_checkpointing": True},
}


def make_model(family, folder, dropout):
    torch.manual_seed(0)
    drops = {name: dropout for name in NO_DROPOUT[family]} if dropout else NO_DROPOUT[family]
    config = transformers.AutoConfig.for_model(family, vocab_size=VOCABULARY, **SIZES[family], **drops)
    if family in ENCODERS:
        config.problem_type = "single_label_classification"
    getattr(transformers, CLASSES[family]).from_config(config).save_pretrained(folder)


def quantize(family, folder):
    """NF4 in the place of the linear layers. Rows are of whole blocks of 64 numbers: of others bitsandbytes' CPU code scales some otherwise
    than its quantizer wrote."""
    scheme = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
    load = getattr(transformers, CLASSES[family]).from_pretrained
    load(folder, quantization_config=scheme, dtype=torch.float32, device_map="cpu").save_pretrained(folder)


def make_rows(family, text):
    """Bytes of real text; sequences of several lengths."""
    data = text.encode("utf-8")
    rows = []
    for i in range(EXAMPLES):
        length = 24 + i * 7 % 17
        ids = [max(byte, 2) for byte in data[i * 61 : i * 61 + length]]
        if family in ENCODERS:
            rows.append({"input_ids": ids, "labels": sum(ids) % 4})
        elif family == "t5":
            rows.append({"input_ids": ids, "labels": ids[3:19]})
        else:
            rows.append({"input_ids": ids, "labels": ids})
    return rows


def collate(rows):
    length = max(len(row["input_ids"]) for row in rows)
    pad = lambda values, fill, size: values + [fill] * (size - len(values))
    batch = {"input_ids": torch.tensor([pad(row["input_ids"], 0, length) for row in rows]),
             "attention_mask": torch.tensor([pad([1] * len(row["input_ids"]), 0, length) for row in rows])}
    if isinstance(rows[0]["labels"], int):
        batch["labels"] = torch.tensor([row["labels"] for row in rows])
    else:
        size = max(len(row["labels"]) for row in rows)
        batch["labels"] = torch.tensor([pad(row["labels"], -100, size) for row in rows])
    return batch


def reference_curve(family, folder, rows, arguments, lora, out):
    model = getattr(transformers, CLASSES[family]).from_pretrained(folder, dtype=torch.float32)
    if lora:
        torch.manual_seed(arguments["seed"])
        task = "SEQ_CLS" if family in ENCODERS else {"t5": "SEQ_2_SEQ_LM"}.get(family, "CAUSAL_LM")
        model = get_peft_model(model, LoraConfig(task_type=task, **lora))
        model.save_pretrained(out / "adapter")
    settings = TrainingArguments(output_dir=str(out / "reference"), use_cpu=True, report_to="none", logging_steps=1, save_strategy="no",
                                 disable_tqdm=True, remove_unused_columns=False, **arguments)
    trainer = Trainer(model=model, args=settings, train_dataset=rows, data_collator=collate)
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def our_curve(imago, folder, rows, arguments, lora, out):
    data = out / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = {"task": "tokenized", "model_name_or_path": str(folder), "train_file": str(data), "output_dir": str(out / "ours"),
           "logging_steps": 1, "save_strategy": "no", **arguments}
    if lora:
        run["adapter_name_or_path"] = str(out / "adapter")
    (out / "run.yaml").write_text(json.dumps(run))
    done = subprocess.run([imago, "train", str(out / "run.yaml"), "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    entries = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [entry["loss"] for entry in entries if "loss" in entry]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("imago")
    parser.add_argument("--text", default="README.md")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--families", default="gpt2,llama,bert,t5", help="also mistral, qwen3, roberta, electra")
    parser.add_argument("--kinds", default="full,lora,qlora")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--dropout", type=float, default=0.0, help="of the models and of LoRA")
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = Path(options.text).read_text(encoding="utf-8") * 4
    worst = 0.0
    for family in options.families.split(","):
        for kind in options.kinds.split(","):
            if kind == "qlora" and family in ENCODERS:
                continue  # bitsandbytes leaves their heads as they are, and PEFT trains them
            for variant in options.variants.split(","):
                with tempfile.TemporaryDirectory() as folder:
                    out = Path(folder)
                    make_model(family, out / "model", options.dropout)
                    if kind == "qlora":
                        quantize(family, out / "model")
                    rows = make_rows(family, text)
                    arguments = {"max_steps": options.steps, "learning_rate": 1e-3 if kind == "full" else 3e-3, "seed": 3,
                                 "warmup_steps": 10, "lr_scheduler_type": "cosine", "weight_decay": 0.01, **VARIANTS[variant]}
                    lora = LORA | {"lora_dropout": options.dropout} if kind != "full" else None
                    # Of classifiers and T5 the reference adds the mean losses of accumulated batches up, and does not divide: the
                    # step of one large batch is what ours is compared with.
                    wrong = family in (*ENCODERS, "t5") and variant == "accumulation"
                    theirs = reference_curve(family, out / "model", rows, arguments | VARIANTS["plain"] | {"gradient_accumulation_steps": 1}
                                             if wrong else arguments, lora, out)
                    ours = our_curve(options.imago, out / "model", rows, arguments, lora, out)
                worst = max(worst, largest_difference(f"{family:6} {kind:5} {variant:14}", ours, theirs))
    return verdict(worst, BOUND)


if __name__ == "__main__":
    sys.exit(main())
