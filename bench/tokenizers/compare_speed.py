"""Runs tokenizers_bench beside the Python packages tokenizers and tiktoken, on one thread.

    python3 bench/tokenizers/compare_speed.py --program build/release/bin/tokenizers_bench --text TEXT TOKENIZER_JSON...
"""

import argparse
import json
import os
import subprocess
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import tokenizers  # noqa: E402  (after the environment is set)


def documents(text):
    parts, current, size = [], [], 0
    for line in text.splitlines(keepends=True):
        current.append(line)
        size += len(line.encode())
        if size > 1000:
            parts.append("".join(current))
            current, size = [], 0
    return parts + ["".join(current)]


def best(runs, body):
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        body()
        seconds.append(time.process_time() - start)
    return min(seconds)


def tiktoken_speed(path, parts, mib):
    import base64

    import tiktoken

    with open(path, encoding="utf-8") as file:
        ranks = dict((base64.b64decode(token), int(rank)) for token, rank in (line.split() for line in file))
    pattern = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
    encoding = tiktoken.Encoding("test", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return mib / best(2, lambda: [encoding.encode_ordinary(part) for part in parts])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--program", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--tiktoken", help="a tiktoken vocabulary to measure with Llama 3's pattern")
    arguments = parser.parse_args()
    with open(arguments.text, encoding="utf-8", newline="") as file:
        text = file.read()
    parts = documents(text)
    mib = len(text.encode()) / 2**20
    if arguments.tiktoken:
        print(f"tiktoken {tiktoken_speed(arguments.tiktoken, parts, mib):.2f} MiB/s")
    for path in arguments.files:
        start = time.process_time()
        tokenizer = tokenizers.Tokenizer.from_file(path)
        load = time.process_time() - start
        theirs = mib / best(2, lambda: [tokenizer.encode(part) for part in parts])
        theirs_fast = mib / best(2, lambda: tokenizer.encode_batch_fast(parts))  # no offsets
        lines = subprocess.run([arguments.program, path, arguments.text], stdout=subprocess.PIPE, check=True).stdout
        ours = {key: value for line in lines.splitlines() for key, value in json.loads(line).items()}
        print(f"{path}: load {ours['load_ms']:.0f} ms (reference {load * 1e3:.0f}); "
              f"ids {ours['encode_ids_mib_s']:.1f} MiB/s (reference {theirs_fast:.2f}, x{ours['encode_ids_mib_s'] / theirs_fast:.1f}), "
              f"encode {ours['encode_mib_s']:.1f} (reference {theirs:.2f}, x{ours['encode_mib_s'] / theirs:.1f})", flush=True)


if __name__ == "__main__":
    main()
