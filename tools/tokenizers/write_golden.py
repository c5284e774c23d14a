"""Writes the golden file of the tokenizers' tests: small tokenizers of random components and what the reference makes of
a few texts with them.

    python3 tools/tokenizers/write_golden.py src/imago/tokenizers/golden/combinations.jsonl
"""

import json
import random
import sys

from tokenizers import Tokenizer

from combinations import random_tokenizer
from compare import encode, fields
from random_text import requests_for


def golden(tokenizer, request):
    encoding = encode(tokenizer, request)
    text = tokenizer.decode(encoding.ids, skip_special_tokens=request["skip_special_tokens"])
    return {**fields(encoding), "text": text}


def main():
    words = "the of and to in a is that was he for it with as his on be at by I".split()
    seen = {}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        seed = 0
        while len(seen) < 28 and seed < 5000:
            seed += 1
            rng = random.Random(seed)
            tokenizer, _ = random_tokenizer(rng, words)
            text = tokenizer.to_str(pretty=True)
            # The reference does not read every score back as it wrote it: write what stays the same.
            while (again := Tokenizer.from_str(text).to_str(pretty=True)) != text:
                text = again
            if len(text) > 12000:
                continue
            # A tokenizer is worth its place when it has a component that none before it has.
            parts = {part for part in json.dumps(json.loads(text)).split('"type": "')[1:]}
            types = {part.split('"')[0] for part in parts}
            if types <= {known for known, count in seen.items() if count >= 2} and rng.random() < 0.9:
                continue
            cases = []
            for request in requests_for(rng, tokenizer, 40, words):
                request["skip_special_tokens"] = rng.random() < 0.5
                try:
                    cases.append({"request": request, "expected": golden(tokenizer, request)})
                except BaseException:
                    pass
                if len(cases) == 8:
                    break
            if len(cases) < 8:
                continue
            for name in types:
                seen[name] = seen.get(name, 0) + 1
            file.write(json.dumps({"file": text, "cases": cases}, ensure_ascii=False) + "\n")
    print(sorted(seen.items()))


if __name__ == "__main__":
    main()
