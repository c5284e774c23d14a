#!/usr/bin/env python3
"""Holds the layers to their order: an include may only point to the same layer or one above it in the list.

Reads every #include "imago/..." below src/imago. Also refuses heavy headers (JSON, regex, iostream, filesystem) in the
headers of the layers that models include. Exits 1 and names each line that breaks a rule.
"""

import pathlib
import re
import sys

# From the bottom of the design's table to the top.
LAYERS = ["base", "kernels", "tensor", "ops", "autograd", "quant", "nn", "tokenizers", "io", "processors", "models", "auto",
          "generation", "peft", "train", "export", "pipelines", "serve", "agents", "verify", "cli"]
ALLOWED_ONLY = {"tokenizers": {"base", "tokenizers"}, "kernels": {"base", "kernels"}}
LIGHT = {"base", "kernels", "tensor", "ops", "autograd", "quant", "nn", "models", "auto"}
HEAVY = re.compile(r'#include\s*[<"](simdjson\.h|regex|iostream|filesystem)[>"]')
INCLUDE = re.compile(r'#include\s*"imago/([a-z_]+)/')


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent / "src" / "imago"
    problems = []
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".h", ".cpp", ".cu", ".cuh"}):
        if path.parent == root:
            continue  # the precompiled header belongs to no layer
        layer = path.relative_to(root).parts[0]
        if layer not in LAYERS:
            problems.append(f"{path}: the layer {layer} is not in the list")
            continue
        # A test may look at everything.
        if path.stem.endswith(("_test", "_fuzz")):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{path.relative_to(root.parent.parent)}:{number}"
            if (match := INCLUDE.match(line)) and match[1] != layer:
                target = match[1]
                if target not in LAYERS or LAYERS.index(target) > LAYERS.index(layer):
                    problems.append(f"{where}: {layer} must not include {target}")
                elif target not in ALLOWED_ONLY.get(layer, LAYERS):
                    problems.append(f"{where}: {layer} must not include {target}: it stands by itself")
            if path.suffix == ".h" and layer in LIGHT and HEAVY.match(line):
                problems.append(f"{where}: a header must not include {HEAVY.match(line)[1]}")
    print("\n".join(problems) if problems else "includes are in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
