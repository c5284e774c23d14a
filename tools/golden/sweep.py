#!/usr/bin/env python
"""Fresh goldens of every architecture and head that there is, each checked by `imago verify`.

    python tools/golden/sweep.py build/release/bin/imago --seed 7 --configs 3 --json FILE [--only TYPE ...]

Every head has --configs goldens of random configurations (sweep_cases.py), unpadded, padded on the right and on the left in
turn, with gradients where there is a loss and, where a model writes, sequences generated with a cache and without. For each it
prints the tensor that comes nearest to what is allowed (or goes beyond it) and the first module to diverge; at the end a table,
with the heads that the reference registers and are not here. --json keeps what was in the file of other model types and
--gather takes in other files, so that a sweep
can be run in pieces; --summary writes what docs/models.md shows. The exit status is 1 when anything fails. Folders
that pass are removed unless --keep.
"""

import argparse
import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from record import Golden, failing_programs, write
from sweep_cases import draw
from sweep_heads import Head, heads

SEEDS = 15  # tried before another configuration is drawn
PROGRAMS = 100  # that look again at a golden in which Imago fails


@dataclass
class Result:
    """What `imago verify` said of one golden."""

    golden: str
    model_type: str
    head: str
    folder: str  # of src/imago/models
    config: dict
    inputs: dict
    shows: list[str]  # of left, right, none (padding), gradients, training, cached, uncached
    ok: bool = False
    passed: int = 0
    failed: int = 0
    worst_ratio: float = 0.0  # the largest error over the reference's own
    worst_tensor: str = ""  # the one that comes nearest to what is allowed, or goes beyond it
    share: float = 0.0  # its part of what is allowed
    first_divergence: str = ""
    failures: list[str] = field(default_factory=list)
    text: str = ""
    passed_over: list[dict] = field(default_factory=list)  # draws in which the reference was lucky; see proved()


def shown(golden: Golden) -> list[str]:
    padding = golden.inputs.get("padding")
    if padding not in ("left", "right"):
        padded = any(golden.inputs.get(key) for key in ("padding", "missing")) or golden.inputs.get("mask") is True
        padding = "right" if padded and padding != "none" else "none"
    return [padding] + [
        name
        for name, there in (
            ("gradients", golden.gradients),
            ("training", golden.train),
            ("cached", golden.generate),
            ("uncached", "uncached" in golden.runs),
        )
        if there
    ]


def verify(program: Path, folder: Path, golden: Golden, head: Head) -> Result:
    result = Result(folder.name, head.model_type, head.name, head.folder, golden.overrides, golden.inputs, shown(golden))
    done = subprocess.run([program, "verify", folder, "--json"], capture_output=True, text=True, timeout=600)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        result.text = f"exit {done.returncode}, no JSON: {(done.stderr or done.stdout).strip()[-300:]}"
        return result
    worst = max(report["tensors"], key=share)
    result.ok = done.returncode == 0 and report["failed"] == 0
    result.passed, result.failed, result.worst_ratio = report["passed"], report["failed"], float(report["worst_ratio"])
    result.worst_tensor, result.share = worst["name"], share(worst)
    result.first_divergence = report.get("first_divergence") or ""
    result.failures = [describe(tensor) for tensor in report["tensors"] if not tensor["passed"]]
    result.text = f"{report['passed']} passed, {report['failed']} failed; worst {describe(worst)}"
    if result.first_divergence:
        result.text += f"; first to diverge: {result.first_divergence}"
    return result


def share(tensor: dict) -> float:
    if not tensor["passed"] and tensor.get("note"):
        return math.inf
    value = float(tensor["error"]) / max(float(tensor["allowed"]), 1e-300)
    return math.inf if math.isnan(value) else value


def describe(tensor: dict) -> str:
    # Numbers that JSON cannot write (inf, nan) come as text, which float() reads.
    text = f"{tensor['name']}: {float(tensor['error']):.1e}, reference {float(tensor['reference_error']):.1e}"
    return text + f", allowed {float(tensor['allowed']):.1e}" + (f" ({tensor['note']})" if tensor.get("note") else "")


def written(head: Head, seed: int, index: int, folder: Path, margin: bool) -> Golden | str:
    """A golden that was written to the folder, or why the reference refuses what was drawn ten times."""
    r = random.Random(f"{seed} {head.model_type} {head.name} {index}")
    last: BaseException | None = None
    for _ in range(10):
        try:
            golden = draw(r, head, index)
            if not margin:
                golden.margin = None
            return write(golden, folder, SEEDS)
        except (Exception, SystemExit) as reason:
            last = reason
    return f"{type(last).__name__}: {str(last)[:300]}"


def proved(program: Path, folder: Path, golden: Golden, head: Head) -> Result:
    """The result of verify(). Where tensors fail by rounding, many other programs than the reference - itself with another order of
    summation and other last bits - look at the golden. If they fail in the same tensors, too, then it was luck and not
    exactness that made the reference's error so small there: the draw is passed over, which is written down, for the next."""
    passed_over = []
    while True:
        result = verify(program, folder, golden, head)
        result.passed_over = passed_over
        names = [text.split(": ")[0] for text in result.failures]
        if result.ok or not names or any(text.endswith(")") for text in result.failures) or len(passed_over) == 3:
            return result
        counts = failing_programs(golden, folder, PROGRAMS)
        if not all(counts.get(name) for name in names):
            return result
        passed_over.append({"failures": result.failures, "programs": {name: f"{counts[name]} of {PROGRAMS}" for name in names}})
        print(f"over {folder.name}: {passed_over[-1]}", flush=True)
        golden = write(replace(golden, seed=golden.seed + 100), folder, 10 * SEEDS)


def of_types(results: list[Result], missing: list[Head]) -> dict[str, dict]:
    """By model folder what docs/models.md shows."""
    summary = {}
    for folder in sorted({r.folder for r in results} | {head.folder for head in missing}):
        own = [r for r in results if r.folder == folder]
        summary[folder] = {
            "configs": len({json.dumps(r.config, sort_keys=True) for r in own}),
            "goldens": len(own),
            "tensors": sum(r.passed + r.failed for r in own),
            "failed": sum(not r.ok for r in own),
            "passed_over": sum(len(r.passed_over) for r in own),
            "worst_ratio": round(max((r.worst_ratio for r in own), default=0.0), 2),
            "missing": sorted({head.name for head in missing if head.folder == folder}),
        }
    return summary


def print_table(results: list[Result], missing: list[Head]) -> None:
    marks = dict(left="L", right="R", none="-", gradients="G", training="T", cached="C", uncached="U")
    print(f"{'model type':<30}{'head':<44}{'config':>6} {'shows':<7}{'tensors':>7}{'failed':>7}{'ratio':>7}  first divergence")
    for r in results:
        shows, index = "".join(marks[name] for name in r.shows), r.golden.rsplit("_", 1)[1]
        first = "" if r.ok else r.first_divergence or r.text
        print(f"{r.model_type:<30}{r.head:<44}{index:>6} {shows:<7}{r.passed + r.failed:7d}{r.failed:7d}{r.worst_ratio:7.2f}  {first[:120]}")
    for head in missing:
        print(f"{head.model_type:<30}{head.name:<44}  is registered by the reference ({head.auto_class}) and not here")
    print("shows: padding on the Left, the Right or nowhere (-), Gradients, a Training curve, sequences Cached and Uncached.")
    print("ratio: the largest error over the reference's own, where it is more than a float's last digits.")


def gathered(files: list[Path], swept: set[tuple[str, str]]) -> list[Result]:
    """What other runs found of heads that are not swept now; the last file counts."""
    found = {}
    for file in files:
        if file.exists():
            found |= {r["golden"]: Result(**r) for r in json.loads(file.read_text())["goldens"]}
    return [result for result in found.values() if (result.model_type, result.head) not in swept]


def write_reports(a: argparse.Namespace, results: list[Result], absent: list[Head]) -> list[Result]:
    every = sorted(results, key=lambda r: (r.model_type, r.head, r.golden))
    if a.json:
        report = {"models": of_types(every, absent), "missing": [asdict(head) for head in absent], "goldens": [asdict(r) for r in every]}
        a.json.write_text(json.dumps(report, indent=1) + "\n")
    if a.summary:
        a.summary.write_text(json.dumps(of_types(every, absent), indent=1) + "\n")
    return every


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("imago", type=Path, nargs="?", help="the program; without it only what other runs found is gathered")
    p.add_argument("--configs", type=int, default=3, help="how many of each head")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", nargs="+", metavar="TYPE", help="these model types, or these folders of src/imago/models")
    p.add_argument("--skip", nargs="+", metavar="TYPE", default=[], help="not these")
    p.add_argument("--heads", nargs="+", metavar="CLASS", help="these heads, by the reference's names")
    p.add_argument("--out", type=Path, help="folder for the goldens; default: a temporary one")
    p.add_argument("--unscreened", action="store_true", help="take the first seed, even where the reference was lucky")
    p.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE, beside those of other model types in it")
    p.add_argument("--gather", type=Path, nargs="+", metavar="FILE", default=[], help="take in what other runs wrote with --json")
    p.add_argument("--summary", type=Path, metavar="FILE", help="write the figures of each model to FILE (docs/sweep.json)")
    p.add_argument("--keep", action="store_true", help="keep folders that pass")
    a = p.parse_args()
    torch.set_num_threads(1)
    out = a.out or Path(tempfile.mkdtemp(prefix="sweep"))
    out.mkdir(parents=True, exist_ok=True)

    def chosen(head: Head) -> bool:
        names = {head.model_type, head.folder}
        return (not a.only or bool(names & set(a.only))) and not names & set(a.skip) and (not a.heads or head.name in a.heads)

    there, absent = heads()
    here = [head for head in there if chosen(head)]
    results, unwritten = [], []
    swept = {(head.model_type, head.name) for head in here} if a.imago else set()
    before = gathered([*a.gather, *([a.json] if a.json else [])], swept)
    began = time.process_time()
    for head in here if a.imago else []:
        for index in range(a.configs):
            folder = out / f"{head.model_type}_{head.name}_{index}"
            golden = written(head, a.seed, index, folder, not a.unscreened)
            if isinstance(golden, str):
                unwritten.append(folder.name)
                print(f"---- {folder.name}: the reference refused ten configurations: {golden}", flush=True)
                continue
            result = proved(a.imago.resolve(), folder, golden, head)
            results.append(result)
            mark = "ok  " if result.ok else "FAIL"
            print(f"{mark} {folder.name}  {golden.inputs} {golden.overrides}\n       {result.text}", flush=True)
            if result.ok and not a.keep:
                shutil.rmtree(folder)
            write_reports(a, before + results, absent)
    results = write_reports(a, before + results, absent)
    print_table(results, [head for head in absent if chosen(head)])
    failures = sum(not result.ok for result in results)
    tensors, failed = sum(r.passed + r.failed for r in results), sum(r.failed for r in results)
    print(f"{len(results) - failures} goldens passed, {failures} failed; {failed} of {tensors} tensors failed;", end=" ")
    print(f"worst error over the reference's own: {max((r.worst_ratio for r in results), default=0):.2f};", end=" ")
    print(f"{time.process_time() - began:.0f} s of the reference's processor time")
    over = [r for r in results if r.passed_over]
    if over:
        print(f"{sum(len(r.passed_over) for r in over)} draws were passed over, in which other programs fail as well: {', '.join(r.golden for r in over)}")
    if failures:
        print(f"folders of failures are in {out}")
    if unwritten:
        print(f"{len(unwritten)} could not be written by the reference: {', '.join(unwritten)}")
    return int(bool(failures or unwritten))


if __name__ == "__main__":
    sys.exit(main())
