"""Compares the tokenizer with the reference, field by field, on random text.

    python3 tools/tokenizers/compare.py --program build/release/bin/encode_jsonl --count 100000 FILE...
    python3 tools/tokenizers/compare.py --program ... --kinds all --count 100000

FILE is a tokenizer.json. --kinds builds small tokenizers of every component with the reference's trainers instead, in
random combinations. Every difference is printed, and the exit status is 1 when there was one.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import tokenizers

BLOCKS = [  # begin, end, weight
    (0x20, 0x7F, 30), (0x41, 0x7B, 20), (0x00, 0x20, 3), (0x80, 0xA0, 1), (0xA0, 0x180, 6), (0x180, 0x250, 2),
    (0x2B0, 0x300, 1), (0x300, 0x370, 4), (0x370, 0x400, 3), (0x400, 0x530, 3), (0x590, 0x700, 3), (0x900, 0xE00, 3),
    (0xE00, 0xF00, 2), (0xF00, 0x1000, 1), (0x1100, 0x1200, 1), (0x1E00, 0x2000, 2), (0x2000, 0x2070, 3),
    (0x2070, 0x2200, 2), (0x2200, 0x2700, 1), (0x3000, 0x3100, 3), (0x3130, 0x3400, 1), (0x4E00, 0x9FFF, 4),
    (0xAC00, 0xD7A4, 3), (0xD7B0, 0xD800, 1), (0xE000, 0xE010, 1), (0xF900, 0xFB50, 1), (0xFB50, 0xFE00, 1),
    (0xFE00, 0xFE70, 2), (0xFF00, 0xFFFE, 2), (0x10000, 0x10400, 1), (0x10400, 0x11000, 1), (0x11000, 0x12000, 1),
    (0x1D400, 0x1D800, 1), (0x1F000, 0x1FB00, 4), (0x20000, 0x20100, 1), (0x2F800, 0x2FA20, 1), (0xE0000, 0xE0080, 1),
    (0x10FFF0, 0x110000, 1),
]
PIECES = [
    " ", "  ", "\n", "\r\n", "\t", "\n\n", " \n", "\u00a0", "\u2028", "\u3000", "\u200b", "\u200d", "\ufeff", "\ufe0f",
    "'s", "'S", "'ll", "'LL", "n't", "'\u017f", "don't", "I'm", "123", "1234567", "\u00b2", "\u0661\u0662", "...", "!!", "e\u0301",
    "\u00e9", "\u1e9b\u0323", "\u0344", "\u0f73", "\u1100\u1161\u11a8", "\ud55c", "\ufb01", "\u0130", "\u03a3",
    "\u4e2d\u6587", "\u3042\u30a2\u30fc", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2581", "\u0120", "##", "<0x0A>", "</w>",
    "\ufffd", "\x00", "\x7f", "\ud7ff", "\ue000", "hello", "world", "The", "HELLO", "camelCase", "def f(x):\n    return x",
    "https://example.com/a?b=c", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc\u05d5\u05dd",
]


def random_character(rng):
    begin, end, _ = rng.choices(BLOCKS, weights=[weight for _, _, weight in BLOCKS])[0]
    while True:
        c = rng.randrange(begin, end)
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def random_text(rng, words, added):
    parts = []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 5, 8, 13])):
        kind = rng.random()
        if kind < 0.30:
            parts.append(rng.choice(words))
        elif kind < 0.45:
            parts.append(" ")
        elif kind < 0.62:
            parts.append(rng.choice(PIECES))
        elif kind < 0.70 and added:
            parts.append(rng.choice(added))
        elif kind < 0.75:
            parts.append(random_character(rng) * rng.randrange(1, 6))
        else:
            parts.append("".join(random_character(rng) for _ in range(rng.randrange(1, 9))))
    return "".join(parts)


def expected(tokenizer, request):
    if "words" in request:
        encoding = tokenizer.encode(request["words"], is_pretokenized=True, add_special_tokens=request["add_special_tokens"])
    else:
        encoding = tokenizer.encode(request["text"], request.get("pair"), add_special_tokens=request["add_special_tokens"])
    result = fields(encoding)
    result["text"] = tokenizer.decode(encoding.ids, skip_special_tokens=request["skip_special_tokens"])
    return result


def fields(encoding):
    return {
        "ids": encoding.ids, "type_ids": encoding.type_ids, "tokens": encoding.tokens,
        "offsets": [list(span) for span in encoding.offsets], "word_ids": encoding.word_ids,
        "sequence_ids": encoding.sequence_ids, "special_tokens_mask": encoding.special_tokens_mask,
        "attention_mask": encoding.attention_mask, "overflowing": [fields(window) for window in encoding.overflowing],
    }


def requests_for(rng, tokenizer, count, text_words):
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    vocabulary = list(tokenizer.get_vocab())
    rng.shuffle(vocabulary)
    words = text_words + vocabulary[:2000]
    for _ in range(count):
        request = {"add_special_tokens": rng.random() < 0.7, "skip_special_tokens": rng.random() < 0.5}
        kind = rng.random()
        if kind < 0.08:
            request["words"] = [random_text(rng, words, added) for _ in range(rng.randrange(4))]
        else:
            request["text"] = random_text(rng, words, added)
            if kind < 0.2:
                request["pair"] = random_text(rng, words, added)
        yield request


def compare(program, path, count, seed, text_words, show):
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    rng = random.Random(seed)
    requests, answers = [], []
    for request in requests_for(rng, tokenizer, count, text_words):
        try:
            answer = expected(tokenizer, request)
        except BaseException as error:  # what the reference refuses, or panics on
            if isinstance(error, KeyboardInterrupt):
                raise
            answer = {"error": str(error)}
        requests.append(request)
        answers.append(answer)
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    run = subprocess.run([program, str(path)], input=lines.encode(), stdout=subprocess.PIPE, check=False)
    ours = run.stdout.decode().split("\n")[:-1]  # splitlines cuts at U+2028, too
    differences = 0
    if run.returncode != 0 or len(ours) != len(requests):
        print(f"{path}: exit status {run.returncode}, {len(ours)} answers of {len(requests)}")
        differences += 1
    for request, answer, line in zip(requests, answers, ours):
        got = json.loads(line)
        if "error" in answer:
            continue  # the reference has no answer to compare with
        wrong = [key for key in answer if got.get(key) != answer[key]] + (["error"] if "error" in got else [])
        if wrong:
            differences += 1
            if differences <= show:
                key = wrong[0]
                print(f"{path}: {key} of {json.dumps(request)}\n  ours {json.dumps(got.get(key))}\n  want {json.dumps(answer.get(key))}")
    saved = subprocess.run([program, str(path), "--save"], stdout=subprocess.PIPE, check=False).stdout.decode()
    if saved != tokenizer.to_str(pretty=True):
        differences += 1
        at = next((i for i, (a, b) in enumerate(zip(saved, tokenizer.to_str(pretty=True))) if a != b), -1)
        print(f"{path}: saved differently at {at}: ours {saved[at-40:at+60]!r} want {tokenizer.to_str(pretty=True)[at-40:at+60]!r}")
    refused = sum("error" in answer for answer in answers)
    print(f"{path}: {len(requests)} texts ({refused} without an answer of the reference), {differences} differences", flush=True)
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--program", required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--combinations", type=int, default=0, help="random small tokenizers to build and compare")
    parser.add_argument("--text", type=Path, action="append", default=[], help="a text file to take words from")
    arguments = parser.parse_args()
    words = "the of and to in a is that was he for it with as his on be at by I".split()
    for path in arguments.text:
        words += path.read_text(encoding="utf-8")[:200000].split()[:5000]
    differences = 0
    for path in arguments.files:
        differences += compare(arguments.program, path, arguments.count, arguments.seed, words, arguments.show)
    if arguments.combinations:
        from combinations import random_tokenizer

        for i in range(arguments.combinations):
            seed = arguments.seed * 1000003 + i
            tokenizer, description = random_tokenizer(random.Random(seed), words)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"{seed}.json"
                tokenizer.save(str(path))
                found = compare(arguments.program, path, arguments.count, seed, words, arguments.show)
                if found:
                    print("  built as", description)
                differences += found
    print(f"{differences} differences in all")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
