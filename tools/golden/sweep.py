#!/usr/bin/env python
"""Fresh goldens with random configurations, each checked by `imago verify`.

    python tools/golden/sweep.py build/release/bin/imago --count 40 --seed 7 --out FOLDER

Prints for each golden what it is, the tensor that comes nearest to what is allowed (or goes beyond it) and the first
module to diverge; at the end a table. --json FILE writes the same for programs. The exit status is 1 when any fails.
Folders that pass are removed unless --keep is given.
"""

import argparse
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import sweep_encoders
import torch
from record import GREEDY, Golden, write
from sweep_decoders import ACTIVATIONS, DECODER_CONFIGS, DECODER_HEADS, ONE_ATTENTION, rope_parameters

HEADS = {
    "gpt2": [
        "AutoModel",
        "AutoModelForCausalLM",
        "AutoModelForSequenceClassification",
        "AutoModelForTokenClassification",
        "AutoModelForQuestionAnswering",
    ],
    "llama": [
        "AutoModel",
        "AutoModelForCausalLM",
        "AutoModelForSequenceClassification",
        "AutoModelForTokenClassification",
        "AutoModelForQuestionAnswering",
    ],
    "bert": [
        "AutoModel",
        "AutoModelForMaskedLM",
        "AutoModelForPreTraining",
        "AutoModelForCausalLM",
        "AutoModelForNextSentencePrediction",
        "AutoModelForSequenceClassification",
        "AutoModelForTokenClassification",
        "AutoModelForQuestionAnswering",
        "AutoModelForMultipleChoice",
    ],
    "t5": [
        "AutoModel",
        "AutoModelForSeq2SeqLM",
        "AutoModelForTextEncoding",
        "AutoModelForSequenceClassification",
        "AutoModelForTokenClassification",
        "AutoModelForQuestionAnswering",
    ],
} | DECODER_HEADS
MAIN_HEADS = {
    "gpt2": "AutoModelForCausalLM",
    "llama": "AutoModelForCausalLM",
    "bert": "AutoModelForMaskedLM",
    "t5": "AutoModelForSeq2SeqLM",
} | {name: "AutoModelForCausalLM" for name in DECODER_CONFIGS}
def llama(r: random.Random) -> dict:
    key_value_heads = r.choice([1, 2, 3, 6])
    heads = key_value_heads * r.choice([1, 2, 4])
    head_dim = r.choice([4, 6, 8, 10, 14])
    overrides = dict(
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        head_dim=head_dim,
        hidden_size=heads * -(-r.choice([18, 30]) // heads),
        intermediate_size=r.choice([20, 33, 48]),
        num_hidden_layers=r.choice([1, 2, 3]),
        hidden_act=r.choice(ACTIVATIONS),
        attention_bias=r.random() < 0.4,
        mlp_bias=r.random() < 0.4,
        tie_word_embeddings=r.random() < 0.5,
        rms_norm_eps=r.choice([1e-6, 1e-5]),
        rope_parameters=rope_parameters(r, head_dim),
        vocab_size=r.choice([61, 64, 97]),
    )
    if overrides["rope_parameters"]["rope_type"] == "dynamic":
        overrides["max_position_embeddings"] = 16
    return overrides


def gpt2(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 4])
    return dict(
        n_head=heads,
        n_embd=heads * -(-r.choice([17, 25, 32]) // heads),
        n_layer=r.choice([1, 2, 3]),
        n_inner=r.choice([None, 40, 51]),
        activation_function=r.choice(ACTIVATIONS + ["tanh"]),
        tie_word_embeddings=r.random() < 0.6,
        vocab_size=r.choice([61, 64, 97]),
        scale_attn_weights=r.random() < 0.8,
        scale_attn_by_inverse_layer_idx=r.random() < 0.4,
        reorder_and_upcast_attn=r.random() < 0.4,
        layer_norm_epsilon=r.choice([1e-5, 1e-3]),
    )


def bert(r: random.Random) -> dict:
    heads = r.choice([1, 2, 3, 4])
    return dict(
        num_attention_heads=heads,
        hidden_size=heads * -(-r.choice([17, 25, 32]) // heads),
        intermediate_size=r.choice([20, 33, 48]),
        num_hidden_layers=r.choice([1, 2, 3]),
        hidden_act=r.choice(ACTIVATIONS),
        type_vocab_size=r.choice([2, 3]),
        tie_word_embeddings=r.random() < 0.7,
        vocab_size=r.choice([61, 64, 97]),
        layer_norm_eps=r.choice([1e-12, 1e-5]),
    )


def t5(r: random.Random) -> dict:
    layers = r.choice([1, 2])  # never fewer than in the decoder: the reference sizes its cache by num_layers and fails
    return dict(
        d_model=r.choice([20, 32]),
        num_heads=r.choice([1, 3, 4]),
        d_kv=r.choice([4, 5, 7, 8]),
        d_ff=r.choice([24, 33]),
        num_layers=layers,
        num_decoder_layers=r.choice([1, layers]),
        vocab_size=r.choice([61, 64, 97]),
        relative_attention_num_buckets=r.choice([6, 8, 16, 32]),
        relative_attention_max_distance=r.choice([20, 50, 128]),
        feed_forward_proj=r.choice(["relu", "gelu", "gated-gelu", "gated-silu", "gated-relu"]),
        tie_word_embeddings=r.random() < 0.5,
    )


CONFIGS = {"gpt2": gpt2, "llama": llama, "bert": bert, "t5": t5} | DECODER_CONFIGS | sweep_encoders.CONFIGS
HEADS |= sweep_encoders.HEADS
MAIN_HEADS |= sweep_encoders.MAIN_HEADS
TOKEN_TYPES = {"bert"} | sweep_encoders.TOKEN_TYPES


def random_golden(r: random.Random, model_type: str) -> Golden:
    auto_class = MAIN_HEADS[model_type] if r.random() < 0.5 else r.choice(HEADS[model_type])
    overrides = CONFIGS[model_type](r)
    if "Classification" in auto_class:
        overrides |= {"num_labels": r.choice([2, 3, 5])}
    if auto_class == "AutoModelForSequenceClassification" and model_type in ("bert", "gpt2", *sweep_encoders.CONFIGS):
        overrides["problem_type"] = r.choice(
            ["single_label_classification", "multi_label_classification", "regression"]
        )
    if auto_class == "AutoModelForCausalLM" and (model_type == "bert" or model_type in sweep_encoders.DECODERS):
        overrides["is_decoder"] = True
    paddings = ["none", "right"] if auto_class != "AutoModelForCausalLM" else ["none", "left", "right"]
    padding = r.choice(paddings)
    inputs = dict(
        batch=r.choice([1, 2, 3]),
        tokens=r.choice([9, 14, 21]),
        padding=padding,
        mask=padding != "none" or r.random() < 0.5,
    )
    if model_type in TOKEN_TYPES:
        inputs["token_types"] = r.random() < 0.5
    generates = auto_class in ("AutoModelForCausalLM", "AutoModelForSeq2SeqLM") and padding != "right"
    if model_type in DECODER_CONFIGS and overrides.get("tie_word_embeddings"):
        generates = False  # tied, most say their last token again and again
    trains = auto_class not in ("AutoModel", "AutoModelForTextEncoding")
    attention = None if model_type in ONE_ATTENTION else r.choice([None, "sdpa", "eager"])
    if model_type in sweep_encoders.EAGER:
        attention = "eager"
    golden = Golden(
        model_type,
        auto_class,
        overrides,
        r.randrange(10**6),
        inputs,
        attentions=r.random() < 0.5,
        gradients=30_000 if trains else 0,
        train=trains and r.random() < 0.5,
        generate=GREEDY if generates else None,
        checkpoint=r.choice(["safetensors", "safetensors", "sharded", "bin"]),
        margin=1.0,
        attention=attention,
    )
    if overrides.get("alibi") and (golden.attentions or golden.attention == "eager"):
        golden.generate = None  # Falcon's eager attention adds the biases twice; ours generates with the other
    return golden


def summary(golden: Golden) -> str:
    parts = [
        golden.auto_class.removeprefix("AutoModel") or "base",
        f"padding={golden.inputs['padding']}",
        f"mask={golden.inputs['mask']}",
    ]
    for key, value in golden.overrides.items():
        if key == "rope_parameters":
            value = value.get("rope_type", "per type of layer")
        if isinstance(value, bool) and not value:
            continue
        parts.append(f"{key}={value}")
    return " ".join(parts)


@dataclass
class Result:
    """What `imago verify` said of one golden."""

    golden: str
    description: str
    ok: bool
    passed: int = 0
    failed: int = 0
    worst_ratio: float = math.inf  # the largest error over the reference's own
    worst_tensor: str = ""  # the one that comes nearest to what is allowed, or goes beyond it
    share: float = math.inf  # its part of what is allowed
    first_divergence: str = ""
    failures: list[str] = field(default_factory=list)
    text: str = ""


def verify(program: Path, folder: Path, description: str) -> Result:
    done = subprocess.run([program, "verify", folder, "--json"], capture_output=True, text=True, timeout=600)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        text = f"exit {done.returncode}, no JSON: {(done.stderr or done.stdout).strip()[-300:]}"
        return Result(folder.name, description, False, text=text)
    worst = max(report["tensors"], key=_share)
    return Result(
        folder.name,
        description,
        done.returncode == 0,
        report["passed"],
        report["failed"],
        float(report["worst_ratio"]),
        worst["name"],
        _share(worst),
        report.get("first_divergence") or "",
        [describe_tensor(tensor) for tensor in report["tensors"] if not tensor["passed"]],
        describe(report),
    )


def describe(report: dict) -> str:
    """Counts, the tensor that comes nearest to what is allowed (or goes beyond it), and the first module to diverge."""
    text = f"{report['passed']} passed, {report['failed']} failed"
    if report["tensors"]:
        text += f"; worst {describe_tensor(max(report['tensors'], key=_share))}"
    first = report.get("first_divergence")
    return text + (f"; first to diverge: {first}" if first else "")


def describe_tensor(tensor: dict) -> str:
    # Numbers that JSON cannot write (inf, nan) come as text, which float() reads.
    text = f"{tensor['name']}: {float(tensor['error']):.1e}, reference {float(tensor['reference_error']):.1e}"
    return text + f", allowed {float(tensor['allowed']):.1e}" + (f" ({tensor['note']})" if tensor.get("note") else "")


def print_table(results: list[Result]) -> None:
    print(f"{'golden':<12}{'passed':>7}{'failed':>7}{'ratio':>7}{'share':>7}  worst tensor")
    for r in results:
        print(f"{r.golden:<12}{r.passed:7d}{r.failed:7d}{r.worst_ratio:7.2f}{r.share:7.2f}  {r.worst_tensor}", end="")
        print(f"  (first to diverge: {r.first_divergence})" if r.first_divergence else "")
    print("ratio: the largest error over the reference's own. share: the worst tensor's part of what is allowed.")


def _share(tensor: dict) -> float:
    if not tensor["passed"] and tensor.get("note"):
        return math.inf
    share = float(tensor["error"]) / max(float(tensor["allowed"]), 1e-300)
    return math.inf if math.isnan(share) else share


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("imago", type=Path, nargs="?", help="the program; without it goldens are only written")
    p.add_argument("--count", type=int, default=40)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", choices=sorted(CONFIGS), nargs="+", help="these model types")
    p.add_argument("--out", type=Path, help="folder for the goldens; default: a temporary one")
    p.add_argument("--unscreened", action="store_true", help="take the first seed, even where the reference was lucky")
    p.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE")
    p.add_argument("--keep", action="store_true", help="keep folders that pass")
    a = p.parse_args()
    torch.set_num_threads(1)
    r, out = random.Random(a.seed), a.out or Path(tempfile.mkdtemp(prefix="sweep"))
    types, results = a.only or sorted(CONFIGS), []
    for i in range(a.count):
        model_type = types[i % len(types)]
        golden, folder = random_golden(r, model_type), out / f"{i:03d}_{model_type}"
        if a.unscreened:
            golden.margin = None
        write(golden, folder)
        if a.imago is None:
            print(f"{folder.name}  {summary(golden)}", flush=True)
            continue
        result = verify(a.imago.resolve(), folder, summary(golden))
        results.append(result)
        print(f"{'ok  ' if result.ok else 'FAIL'} {folder.name}  {result.description}\n       {result.text}", flush=True)
        if result.ok and not a.keep:
            shutil.rmtree(folder)
    if a.json:
        a.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    if not results:
        return 0
    print_table(results)
    failures = sum(not result.ok for result in results)
    tensors, failed = sum(r.passed + r.failed for r in results), sum(r.failed for r in results)
    print(f"{len(results) - failures} goldens passed, {failures} failed; {failed} of {tensors} tensors failed;", end=" ")
    print(f"worst error over the reference's own: {max(r.worst_ratio for r in results):.2f}")
    if failures:
        print(f"folders of failures are in {out}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
