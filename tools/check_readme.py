#!/usr/bin/env python3
"""Runs every command of README.md's sh blocks, in order, from the repository's root; exits 1 at the first that fails.

Commands that build or test everything are run by the CI itself and are passed over here.
"""

import pathlib
import re
import subprocess
import sys

RUN_BY_CI = ("./scripts/",)


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    blocks = re.findall(r"^```sh\n(.*?)^```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    commands = [line for block in blocks for line in block.splitlines() if line.strip() and not line.startswith("#")]
    if not commands:
        print("README.md has no commands")
        return 1
    for command in commands:
        if command.startswith(RUN_BY_CI):
            continue
        print(f"$ {command}", flush=True)
        done = subprocess.run(["bash", "-c", f"PATH=$PWD/build/release/bin:$PATH; {command}"], cwd=root, timeout=600)
        if done.returncode != 0:
            print(f"failed with status {done.returncode}: {command}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
