#!/usr/bin/env python
"""Fresh goldens of every architecture and head that there is, each checked by `imago verify`.

    python tools/golden/sweep.py build/release/bin/imago --seed 7 --configs 3 --out FOLDER --json FILE

Of the text models named in sweep_decoders.py, sweep_encoders.py and below the configurations are random; of the others
they are those of the committed goldens (manifest.py) with other seeds, sizes, activations and inputs, so that a model
that has goldens is swept without being listed here. Prints for each golden what it is, the tensor that comes nearest to
what is allowed (or goes beyond it) and the first module to diverge; at the end a table with a line for each head.
--json writes the same for programs. The exit status is 1 when any fails. Folders that pass are removed unless --keep.
"""

import argparse
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import sweep_encoders
import torch
from manifest import COMMITTED
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
TOKEN_TYPES = {"bert"} | sweep_encoders.TOKEN_TYPES


def heads() -> list[tuple[str, str]]:
    """Every model type with each of its heads: those of the committed goldens, and those above."""
    found = {(golden.model_type, golden.auto_class) for goldens in COMMITTED.values() for golden in goldens.values()}
    found |= {(model_type, head) for model_type, names in HEADS.items() for head in names}
    return sorted(found)


# What a configuration of the committed goldens may be changed to without becoming another model.
LAYERS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "n_layer", "num_layers")
SIZES = ("intermediate_size", "encoder_ffn_dim", "decoder_ffn_dim", "ffn_dim", "n_inner", "mlp_dim")
FUNCTIONS = ("hidden_act", "activation_function")


def varied_golden(r: random.Random, model_type: str, auto_class: str) -> Golden:
    """One of the committed goldens of this head with another seed, and other sizes and inputs where they are free."""
    of_type = [golden for goldens in COMMITTED.values() for golden in goldens.values() if golden.model_type == model_type]
    golden = r.choice([golden for golden in of_type if golden.auto_class == auto_class and golden.dtype == "float32"])
    overrides, inputs = dict(golden.overrides), dict(golden.inputs)
    lists = {len(value) for value in overrides.values() if isinstance(value, (list, tuple))}
    for key in LAYERS:
        if isinstance(overrides.get(key), int) and overrides[key] not in lists:
            overrides[key] = r.choice([1, overrides[key]])
    for key in SIZES:
        if isinstance(overrides.get(key), int):
            overrides[key] += r.choice([0, 3, 8])
    for key in FUNCTIONS:
        if key in overrides:
            overrides[key] = r.choice(["gelu", "relu", "silu", overrides[key]])
    if "batch" in inputs:
        inputs["batch"] = r.choice([2, 3])
    if inputs.get("padding") in ("none", "right", "left"):
        inputs["padding"] = r.choice(["none", "right", inputs["padding"]])
    if golden.gradients == 0 and auto_class != "AutoModel" and golden.train is False:
        return replace(golden, overrides=overrides, inputs=inputs, seed=r.randrange(10**6), margin=1.0)
    return replace(
        golden, overrides=overrides, inputs=inputs, seed=r.randrange(10**6), margin=1.0, gradients=min(golden.gradients, 20_000)
    )


def random_golden(r: random.Random, model_type: str, auto_class: str) -> Golden:
    if model_type not in CONFIGS or auto_class not in HEADS[model_type]:
        return varied_golden(r, model_type, auto_class)
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
        *(f"{key}={value}" for key, value in golden.inputs.items()),
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
    model_type: str
    head: str
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


def verify(program: Path, folder: Path, golden: Golden) -> Result:
    known = (folder.name, golden.model_type, golden.auto_class, summary(golden))
    done = subprocess.run([program, "verify", folder, "--json"], capture_output=True, text=True, timeout=600)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        text = f"exit {done.returncode}, no JSON: {(done.stderr or done.stdout).strip()[-300:]}"
        return Result(*known, False, text=text)
    worst = max(report["tensors"], key=_share)
    return Result(
        *known,
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


def by_head(results: list[Result]) -> list[dict]:
    """A line of the table for each model type and head."""
    lines = []
    for model_type, head in sorted({(r.model_type, r.head) for r in results}):
        own = [r for r in results if (r.model_type, r.head) == (model_type, head)]
        lines.append(
            {
                "model_type": model_type,
                "head": head,
                "goldens": len(own),
                "failed_goldens": sum(not r.ok for r in own),
                "tensors": sum(r.passed + r.failed for r in own),
                "failed_tensors": sum(r.failed for r in own),
                "worst_ratio": max(r.worst_ratio for r in own),
                "first_divergence": next((r.first_divergence or r.text for r in own if not r.ok), ""),
            }
        )
    return lines


def print_table(results: list[Result]) -> None:
    print(f"{'model type':<26}{'head':<42}{'goldens':>8}{'tensors':>8}{'failed':>7}{'ratio':>7}  first divergence")
    for line in by_head(results):
        head = line["head"].removeprefix("AutoModelFor")
        print(f"{line['model_type']:<26}{head:<42}{line['goldens']:8d}{line['tensors']:8d}", end="")
        print(f"{line['failed_tensors']:7d}{line['worst_ratio']:7.2f}  {line['first_divergence'][:120]}")
    print("ratio: the largest error over the reference's own, where it is more than a float's last digits.")


def _share(tensor: dict) -> float:
    if not tensor["passed"] and tensor.get("note"):
        return math.inf
    share = float(tensor["error"]) / max(float(tensor["allowed"]), 1e-300)
    return math.inf if math.isnan(share) else share


def written(r: random.Random, model_type: str, head: str, folder: Path, unscreened: bool) -> Golden | None:
    """A golden that was written to the folder; none where the reference refuses what was drawn ten times."""
    for _ in range(10):
        golden = random_golden(r, model_type, head)
        if unscreened:
            golden.margin = None
        try:
            write(golden, folder)
            return golden
        except (Exception, SystemExit) as reason:
            last = reason
    print(f"       {type(last).__name__}: {str(last)[:300]}")
    return None


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("imago", type=Path, nargs="?", help="the program; without it goldens are only written")
    p.add_argument("--configs", type=int, default=3, help="how many of each head")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", nargs="+", metavar="TYPE", help="these model types")
    p.add_argument("--skip", nargs="+", metavar="TYPE", default=[], help="not these model types")
    p.add_argument("--out", type=Path, help="folder for the goldens; default: a temporary one")
    p.add_argument("--unscreened", action="store_true", help="take the first seed, even where the reference was lucky")
    p.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE")
    p.add_argument("--keep", action="store_true", help="keep folders that pass")
    a = p.parse_args()
    torch.set_num_threads(1)
    r, out = random.Random(a.seed), a.out or Path(tempfile.mkdtemp(prefix="sweep"))
    results, unwritten = [], []
    for model_type, head in heads():
        if (a.only and model_type not in a.only) or model_type in a.skip:
            continue
        for i in range(a.configs):
            folder = out / f"{model_type}_{head.removeprefix('AutoModelFor')}_{i}"
            golden = written(r, model_type, head, folder, a.unscreened)
            if golden is None:
                unwritten.append(folder.name)
                print(f"---- {folder.name}: the reference refused ten configurations", flush=True)
                continue
            if a.imago is None:
                print(f"{folder.name}  {summary(golden)}", flush=True)
                continue
            result = verify(a.imago.resolve(), folder, golden)
            results.append(result)
            mark = "ok  " if result.ok else "FAIL"
            print(f"{mark} {folder.name}  {result.description}\n       {result.text}", flush=True)
            if result.ok and not a.keep:
                shutil.rmtree(folder)
            if a.json:
                a.json.write_text(json.dumps({"heads": by_head(results), "goldens": [asdict(r) for r in results]}, indent=1) + "\n")
    if not results:
        return 0
    print_table(results)
    failures = sum(not result.ok for result in results)
    tensors, failed = sum(r.passed + r.failed for r in results), sum(r.failed for r in results)
    print(f"{len(results) - failures} goldens passed, {failures} failed; {failed} of {tensors} tensors failed;", end=" ")
    print(f"worst error over the reference's own: {max(r.worst_ratio for r in results):.2f}")
    if failures:
        print(f"folders of failures are in {out}")
    if unwritten:
        print(f"{len(unwritten)} could not be written by the reference: {', '.join(unwritten)}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
