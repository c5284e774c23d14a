#!/usr/bin/env python3
"""Kills training runs at random moments: kill_test.py build/release/bin/imago --kills 500

A run is done once without a break. Then it is started again and again from its last checkpoint, each time ended by SIGKILL at a random
moment, by a limit on the size of files that makes writes fail, or by a full disk (a small file system of its own, where this may mount
one), until it gets through. Its losses and weights must be bitwise those of the run without a break, and no other file may be left.
"""

import argparse
import ctypes
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = "src/imago/models/llama/golden/causal_lm"
STEPS, EXAMPLES = 40, 32
LORA = {"r": 4, "lora_dropout": 0.1, "target_modules": ["q_proj", "v_proj"]}


def write_run(folder, output, lora):
    rows = folder / "rows.jsonl"
    if not rows.exists():
        generator = random.Random(5)
        lines = []
        for _ in range(EXAMPLES):
            ids = [generator.randrange(1, 64) for _ in range(generator.randrange(6, 20))]
            lines.append(json.dumps({"input_ids": ids, "labels": ids}) + "\n")
        rows.write_text("".join(lines))
    run = {"task": "tokenized", "model_name_or_path": MODEL, "train_file": str(rows), "output_dir": str(output), "max_steps": STEPS,
           "per_device_train_batch_size": 4, "learning_rate": 0.01, "logging_steps": 1, "save_steps": 2, "save_total_limit": 2,
           "neftune_noise_alpha": 5}
    if lora:
        run["lora"] = LORA
    path = folder / f"{output.name}.yaml"
    path.write_text(json.dumps(run))
    return path


def start(imago, run, limit=None):
    def prepare():
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen([imago, "train", str(run), "--resume_from_checkpoint", "last"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, preexec_fn=prepare, env=os.environ | {"IMAGO_NUM_THREADS": "1"})


def files(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def losses(folder):
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [entry["loss"] for entry in entries if "loss" in entry]


def last_checkpoint_loads(imago, output):
    """Every checkpoint that is there must load, whenever the run was ended."""
    for checkpoint in sorted(output.glob("checkpoint-*")):
        for name in ("trainer_state.json", "optimizer.safetensors"):
            if not (checkpoint / name).exists():
                raise SystemExit(f"{checkpoint} has no {name}")
        json.loads((checkpoint / "trainer_state.json").read_text())


def try_mount(folder, size):
    libc = ctypes.CDLL(None, use_errno=True)
    folder.mkdir()
    return libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={size}".encode()) == 0


def run_until_done(imago, run, output, whole_time, generator, counts):
    while True:
        kind = generator.choice(["kill", "kill", "kill", "limit", "none" if generator.random() < 0.05 else "kill"])
        # Weights are about 80 KB, the optimizer's state twice as much: such limits stop either in the middle.
        limit = generator.randrange(1000, 200_000) if kind == "limit" else None
        process = start(imago, run, limit)
        if kind == "kill":
            time.sleep(generator.random() * whole_time * 0.4)
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        if process.returncode == -signal.SIGKILL:
            counts["killed"] += 1
        elif process.returncode != 0:
            if kind != "limit":
                raise SystemExit(f"an uninterrupted run failed: {errors.decode()}")
            counts["failed writes"] += 1
        else:
            return
        last_checkpoint_loads(imago, output)


def fill_disk(imago, folder, whole, generator, counts, lora):
    """A disk that is full at some step; then there is room again, and the run goes on."""
    disk = folder / "disk"
    # Enough for what a run keeps, or not.
    size = generator.randrange(200_000, 1_500_000)
    if not try_mount(disk, size):
        shutil.rmtree(disk)
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    output = disk / "out"
    process = start(imago, write_run(folder, output, lora))
    _, errors = process.communicate()
    if process.returncode != 0:
        counts["full disks"] += 1
        if b"imago:" not in errors:
            raise SystemExit(f"a full disk ended a run without an error: {errors.decode()}")
        if output.exists():
            last_checkpoint_loads(imago, output)
        libc.mount(b"tmpfs", str(disk).encode(), b"tmpfs", 32, b"size=64m")  # remounted with more room
        process = start(imago, write_run(folder, output, lora))
        _, errors = process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"no resuming after a full disk: {errors.decode()}")
    if files(output) != whole:
        raise SystemExit("a run over a full disk ended with other files")
    libc.umount(str(disk).encode())
    shutil.rmtree(disk)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("imago")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = random.Random(options.seed)
    counts = {"killed": 0, "failed writes": 0, "full disks": 0}
    runs = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = {}
        for lora in (False, True):
            output = folder / f"whole-{lora}"
            begin = time.time()
            process = start(options.imago, write_run(folder, output, lora))
            _, errors = process.communicate()
            if process.returncode != 0:
                raise SystemExit(errors.decode())
            expected[lora] = (files(output), losses(output), time.time() - begin)
        while sum(counts.values()) < options.kills:
            lora = runs % 2 == 1
            whole, curve, whole_time = expected[lora]
            output = folder / f"out-{runs}"
            run_until_done(options.imago, write_run(folder, output, lora), output, whole_time, generator, counts)
            if losses(output) != curve:
                raise SystemExit(f"run {runs}: other losses than without a break")
            if files(output) != whole:
                now = files(output)
                different = {path for path in set(now) | set(whole) if now.get(path) != whole.get(path)}
                raise SystemExit(f"run {runs}: other files than without a break: {sorted(different)}")
            shutil.rmtree(output)
            fill_disk(options.imago, folder, whole, generator, counts, lora)
            runs += 1
            print(f"{runs} runs whole, {counts}", flush=True)
    print(f"passed: {sum(counts.values())} interruptions of {runs} runs, every one resumed to the bit, no file left over")
    return 0


if __name__ == "__main__":
    sys.exit(main())
