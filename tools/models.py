#!/usr/bin/env python3
"""Writes docs/models.md: what models there are, what proves them, how long they are and what they refuse.

    python3 tools/models.py                               # from the sources, with docs/proofs.json and docs/sweep.json
    python3 tools/models.py --prove build/release/bin/imago [FOLDER ...]   # runs `imago verify` over the goldens first
    python3 tools/models.py --check                       # whether the page is that of the sources (CI)
    python3 tools/models.py --commits                     # which files each model's first commit touched

Lines of code are those of a folder without its tests, blank lines and comments. What is refused stands in a folder's
README.md, in sentences that say so. It needs nothing but Python.
"""

import argparse
import concurrent.futures
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "src" / "imago" / "models"
PAGE, PROOFS, SWEEP = ROOT / "docs" / "models.md", ROOT / "docs" / "proofs.json", ROOT / "docs" / "sweep.json"

HEAD = """# Models

Written by `tools/models.py`; CI checks that it is current. A golden is a small checkpoint with inputs and what the Python reference made of
them (`tools/golden/README.md`). The figure of a proof is the largest error of any tensor over the reference's own, both against float64,
where it is more than a float's last digits; an error may be twice the reference's own and four epsilon more. `verify_test` runs all.

The sweep (`tools/golden/sweep.py`) draws random configurations of every head that the reference registers: padded left, right and not
at all, with gradients, and with sequences generated with a cache and without. "9 of 27" says that 27 goldens of 9 configurations
pass; a head may be missing where it came after the last sweep. What the reference registers and is not here is named.
"""


def sources(folder: Path) -> list[Path]:
    files = sorted([*folder.glob("*.h"), *folder.glob("*.cpp")])
    return [file for file in files if not file.stem.endswith(("_test", "_fuzz"))]


def lines_of_code(folder: Path) -> int:
    lines = [line.strip() for file in sources(folder) for line in file.read_text().splitlines()]
    return sum(bool(line) and not line.startswith("//") for line in lines)


def folders() -> list[Path]:
    return sorted(folder for folder in MODELS.iterdir() if folder.is_dir() and sources(folder))


def model_types(folder: Path) -> list[str]:
    text = "\n".join(file.read_text() for file in sources(folder))
    return sorted(set(re.findall(r'kModelType = "([^"]+)"', text))) or [folder.name]


def heads(folder: Path) -> list[str]:
    text = "\n".join(file.read_text() for file in sources(folder))
    listed = [name for names in re.findall(r"REGISTER_MODELS\(\w+,([^)]*)\)", text) for name in names.split(",")]
    return [name.strip() for name in listed] + re.findall(r'\.add<[^;]*?>\(\s*"([^"]+)"', text)


def refused(folder: Path) -> str:
    readme = folder / "README.md"
    if not readme.exists():
        return ""
    text = re.sub(r"^#.*$", "", readme.read_text(), flags=re.M)
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=- )", text)]
    sentences = [s for part in parts for s in re.split(r"(?<=[.;])\s+", part.removeprefix("- ")) if "efuse" in s]
    return " ".join(sentences)


def goldens(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("golden/*/golden.json"))


def page() -> str:
    proofs = json.loads(PROOFS.read_text()) if PROOFS.exists() else {}
    sweep = json.loads(SWEEP.read_text()) if SWEEP.exists() else {}
    rows, lengths, total = [], [], 0
    for folder in folders():
        proof, count, length = proofs.get(folder.name, {}), len(goldens(folder)), lines_of_code(folder)
        lengths.append(length)
        total += count
        figure = "not run"
        if proof.get("goldens"):
            figure = f"{proof['worst_ratio']:.2f}" + (f", {proof['failed']} failed" if proof["failed"] else "")
            if proof["goldens"] != count:
                figure += f" (of {proof['goldens']})"
        names = ", ".join(f"`{name}`" for name in heads(folder))
        types = ", ".join(f"`{name}`" for name in model_types(folder))
        rows.append(f"| {types} | {names} | {count} | {figure} | {swept(sweep.get(folder.name), heads(folder))} | {length} | {refused(folder)} |")
    middle = sorted(lengths)[len(lengths) // 2]
    summary = (
        f"\n{len(rows)} folders with {total} goldens; of lines of code the median is {middle}, the largest number {max(lengths)}.\n\n"
    )
    every = list(sweep.values())
    summary += (
        f"The sweep: {sum(s['goldens'] for s in every)} goldens of {sum(s['configs'] for s in every)} configurations, "
        f"{sum(s['tensors'] for s in every)} tensors, {sum(s['failed'] for s in every)} goldens failed.\n\n"
    )
    table = "| model type | heads | goldens | worst | sweep | lines | refused |\n|---|---|--:|--:|---|--:|---|\n"
    return HEAD + summary + table + "\n".join(rows) + "\n"


def swept(figures: dict | None, here: list[str]) -> str:
    if not figures:
        return "not run"
    text = f"{figures['configs']} of {figures['goldens']}" + (f", {figures['failed']} failed" if figures["failed"] else "")
    missing = [f"`{name}`" for name in figures["missing"] if name not in here]
    return text + (f"; not here: {', '.join(missing)}" if missing else "")


def proved(program: str, folder: Path) -> dict:
    ratios, failed, tensors = [0.0], 0, 0
    for golden in goldens(folder):
        done = subprocess.run([program, "verify", golden, "--json"], capture_output=True, text=True)
        try:
            report = json.loads(done.stdout)
        except json.JSONDecodeError:
            failed += 1
            print(f"{golden}: {done.stderr.strip()[-200:]}", file=sys.stderr)
            continue
        ratios.append(float(report["worst_ratio"]))
        failed += report["failed"]
        tensors += report["passed"] + report["failed"]
    print(f"{folder.name:<28}{len(goldens(folder)):5d} goldens {tensors:6d} tensors {failed:3d} failed {max(ratios):6.2f}", flush=True)
    return {"goldens": len(goldens(folder)), "tensors": tensors, "failed": failed, "worst_ratio": round(max(ratios), 2)}


def prove(program: str, names: list[str]) -> None:
    proofs = json.loads(PROOFS.read_text()) if PROOFS.exists() else {}
    chosen = [folder for folder in folders() if not names or folder.name in names]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        proofs |= dict(zip([folder.name for folder in chosen], pool.map(lambda folder: proved(program, folder), chosen)))
    PROOFS.write_text(json.dumps(dict(sorted(proofs.items())), indent=1) + "\n")


def commits() -> None:
    """For each model the first commit of its folder, with the files outside of models/ and tools/ that it touched."""
    def git(*arguments: str) -> list[str]:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()

    for folder in folders():
        where = folder.relative_to(ROOT)
        found = git("log", "--no-merges", "--diff-filter=A", "--format=%h %s", "--", f"{where}/{folder.name}.cpp")
        if not found:
            print(f"{folder.name:<28} came with a merge")
            continue
        commit, _, subject = found[-1].partition(" ")
        touched = git("show", "--name-only", "--format=", commit)
        own = [file for file in touched if file.startswith(str(where))]
        others = [file for file in touched if not file.startswith(("src/imago/models/", "tools/", "docs/"))]
        new = set(git("show", "--name-only", "--diff-filter=A", "--format=", commit))
        changed = [file for file in others if file not in new]
        print(f"{folder.name:<28} {commit}  {len(own)} of its own, {len(others) - len(changed)} new beside, {len(changed)} changed: {subject}")
        for file in changed:
            print(f"    {file}")


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--prove", metavar="IMAGO", help="the program that verifies")
    p.add_argument("folders", nargs="*", help="with --prove: of these folders only")
    p.add_argument("--check", action="store_true")
    p.add_argument("--commits", action="store_true")
    a = p.parse_args()
    if a.commits:
        commits()
        return 0
    if a.prove:
        prove(a.prove, a.folders)
    text = page()
    if a.check:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print("docs/models.md is not that of the sources: run python3 tools/models.py", file=sys.stderr)
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
