"""Compares tokenizing and detokenizing with the reference, field by field, on random and adversarial text.

    python3 tools/tokenizers/compare.py --imago build/release/bin/imago --count 100000 TOKENIZER_JSON...
    python3 tools/tokenizers/compare.py --imago build/release/bin/imago --count 300 --combinations 1000

Runs `imago tokenize --jsonl` (ids alone, and with --encoding all fields) and `imago detokenize --json` (with and without
--skip-special-tokens) beside the Python package tokenizers. make_tokenizers.py writes the vocabularies that come in
other formats. --combinations builds small tokenizers of random components with the reference's trainers (combinations.py).
Every difference is counted, the first few are printed, and the exit status is 1 when there was one.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import tokenizers

from random_text import requests_for

BATCH = 20000  # requests held in memory at once


def fields(encoding):
    return {
        "ids": encoding.ids, "type_ids": encoding.type_ids, "tokens": encoding.tokens,
        "offsets": [list(span) for span in encoding.offsets], "word_ids": encoding.word_ids,
        "sequence_ids": encoding.sequence_ids, "special_tokens_mask": encoding.special_tokens_mask,
        "attention_mask": encoding.attention_mask, "overflowing": [fields(window) for window in encoding.overflowing],
    }


def encode(tokenizer, request):
    if "words" in request:
        return tokenizer.encode(request["words"], is_pretokenized=True, add_special_tokens=request["add_special_tokens"])
    return tokenizer.encode(request["text"], request.get("pair"), add_special_tokens=request["add_special_tokens"])


def expected(tokenizer, request):
    """What the reference answers; None where it refuses or panics. Decodings are apart, for they may panic alone."""
    answer = {"encoding": None, "text": None, "text_without_special": None}
    try:
        answer["encoding"] = fields(encode(tokenizer, request))
        ids = answer["encoding"]["ids"]
        answer["text"] = tokenizer.decode(ids, skip_special_tokens=False)
        answer["text_without_special"] = tokenizer.decode(ids, skip_special_tokens=True)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
    return answer


def ask(command, lines):
    """One answer for each line; a string that is no JSON where the program refused the line."""
    answers = []
    while len(answers) < len(lines):
        sent = "".join(line + "\n" for line in lines[len(answers):])
        run = subprocess.run(command, input=sent.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        answers += run.stdout.decode().split("\n")[:-1]  # splitlines cuts at U+2028, too
        if len(answers) < len(lines):
            answers.append(run.stderr.decode() or f"exit status {run.returncode}")
    return answers


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"error": line}


class Comparison:
    def __init__(self, imago, path, show):
        self.imago, self.path, self.show = imago, path, show
        self.texts = self.refused = self.differences = 0

    def differ(self, what, request, ours, want):
        self.differences += 1
        if self.differences <= self.show:
            print(f"{self.path}: {what} of {json.dumps(request)}\n  ours {json.dumps(ours)}\n  want {json.dumps(want)}")

    def run(self, requests, answers):
        model = ["-m", str(self.path)]
        self.texts += len(requests)
        pairs = [pair for pair in zip(requests, answers) if pair[1]["encoding"] is not None]
        self.refused += len(requests) - len(pairs)
        lines = [json.dumps(request) for request, _ in pairs]
        full = ask([self.imago, "tokenize", *model, "--jsonl", "--encoding"], lines)
        alone = ask([self.imago, "tokenize", *model, "--jsonl"], lines)
        for (request, answer), line, ids_line in zip(pairs, full, alone):
            ours, want = parsed(line), answer["encoding"]
            wrong = [key for key in want if ours.get(key) != want[key]]
            if wrong:
                self.differ(wrong[0], request, ours.get(wrong[0], ours), want[wrong[0]])
            elif parsed(ids_line) != want["ids"]:
                self.differ("ids alone", request, parsed(ids_line), want["ids"])
        for key, options in (("text", []), ("text_without_special", ["--skip-special-tokens"])):
            decoded = [pair for pair in pairs if pair[1][key] is not None]
            lines = [json.dumps(answer["encoding"]["ids"]) for _, answer in decoded]
            for (request, answer), line in zip(decoded, ask([self.imago, "detokenize", *model, "--json", *options], lines)):
                if parsed(line) != answer[key]:
                    self.differ(key, request, parsed(line), answer[key])


def compare(imago, path, count, seed, text_words, show):
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    comparison = Comparison(imago, path, show)
    requests = []
    for request in requests_for(random.Random(seed), tokenizer, count, text_words):
        requests.append(request)
        if len(requests) == BATCH:
            comparison.run(requests, [expected(tokenizer, each) for each in requests])
            requests = []
    comparison.run(requests, [expected(tokenizer, each) for each in requests])
    print(f"{path}: {comparison.texts} texts ({comparison.refused} without an answer of the reference), "
          f"{comparison.differences} differences", flush=True)
    return comparison.differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--imago", required=True, help="the program")
    parser.add_argument("--count", type=int, default=1000, help="texts for each tokenizer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3, help="differences to print for each tokenizer")
    parser.add_argument("--combinations", type=int, default=0, help="random small tokenizers to build and compare")
    parser.add_argument("--text", type=Path, action="append", default=[], help="a text file to take words from")
    arguments = parser.parse_args()
    words = "the of and to in a is that was he for it with as his on be at by I".split()
    for path in arguments.text:
        words += path.read_text(encoding="utf-8")[:200000].split()[:5000]
    differences = 0
    for path in arguments.files:
        differences += compare(arguments.imago, path, arguments.count, arguments.seed, words, arguments.show)
    if arguments.combinations:
        from combinations import random_tokenizer

        for i in range(arguments.combinations):
            seed = arguments.seed * 1000003 + i
            tokenizer, description = random_tokenizer(random.Random(seed), words)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{seed}.json"
                tokenizer.save(str(path))
                try:
                    tokenizers.Tokenizer.from_file(str(path))
                except Exception as error:  # scores that are no numbers
                    print(f"{path}: the reference refuses what it saved: {error}")
                    continue
                found = compare(arguments.imago, path, arguments.count, seed, words, arguments.show)
                if found:
                    print("  built as", description)
                differences += found
    print(f"{differences} differences in all")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
