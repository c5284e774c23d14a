"""Compares the tokenizer classes that the reference has in Python, which have no tokenizer.json.

    python3 tools/tokenizers/compare_python.py --program build/release/bin/imago --count 2000 [--text TEXT]... FOLDER...

Each FOLDER holds vocabulary files and a tokenizer_config.json (make_legacy_folders.py writes such); folders of other
classes are passed over. Ids of texts and pairs, with and without special tokens, and decodings of these ids and of random
ones must be equal. Lines of the texts are compared beside random ones. The exit status is 1 when there was a difference.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from compare import ask, parsed
from make_legacy_folders import load_reference
from random_text import random_text


def requests(rng, tokenizer, count, lines):
    added = list(tokenizer.get_added_vocab())
    words = [word for line in lines for word in line.split()] or ["the", "of", "theme", "Größe"]
    texts = rng.sample(lines, min(len(lines), count)) + [random_text(rng, words, added) for _ in range(count)]
    for text in texts:
        text = text.encode(errors="ignore").decode()
        request = {"text": text, "add_special_tokens": rng.random() < 0.8}
        if rng.random() < 0.1:
            request["pair"] = random_text(rng, words, added)
        yield request


def ids_of(tokenizer, request):
    return tokenizer(request["text"], request.get("pair"), add_special_tokens=request["add_special_tokens"])["input_ids"]


def compare(program, folder, count, rng, lines, show):
    tokenizer = load_reference(folder)
    if tokenizer.is_fast:
        return 0
    model = ["-m", str(folder)]
    differences = refused = 0

    def check(what, given, ours, expected):
        nonlocal differences
        if ours != expected:
            differences += 1
            if differences <= show:
                print(f"  {what} of {given!r}:\n    ours {ours!r}\n    want {expected!r}")

    asked = list(requests(rng, tokenizer, count, lines))
    answers = []
    for request, line in zip(asked, ask([program, "tokenize", *model, "--jsonl"], [json.dumps(request) for request in asked])):
        answers.append(ids_of(tokenizer, request))
        check("ids", request, parsed(line), answers[-1])
    for ids in list(answers):
        answers.append([rng.randrange(len(tokenizer)) for _ in range(len(ids))])
    for options in ([], ["--skip-special-tokens"]):
        lists = [json.dumps(ids) for ids in answers]
        for ids, line in zip(answers, ask([program, "detokenize", *model, "--json", *options], lists)):
            try:
                expected = tokenizer.decode(ids, skip_special_tokens=bool(options))
            except Exception:  # of ids that its vocabulary lacks
                refused += 1
                continue
            check("text" + "".join(options), ids, parsed(line), expected)
    print(f"{folder}: {len(asked)} texts, {2 * len(answers)} decodings ({refused} without an answer of the reference), "
          f"{differences} differences", flush=True)
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--text", type=Path, action="append", default=[])
    parser.add_argument("folders", nargs="+")
    arguments = parser.parse_args()
    lines = [line for path in arguments.text for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    differences = sum(compare(arguments.program, folder, arguments.count, random.Random(arguments.seed), lines, arguments.show)
                      for folder in arguments.folders)
    print(f"{differences} differences in all")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
