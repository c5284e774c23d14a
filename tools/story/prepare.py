"""Cuts a folder of books into stories: OUT/train.jsonl and OUT/validation.jsonl, which tools/story/train.yaml reads, and
OUT/stories, from which the tokenizer was learned.

    python3 tools/story/prepare.py TEXTS OUT

A line, or a file of OUT/stories, is one story or chapter. Of every book the last 1 % is held out. It needs nothing but Python.
"""

import argparse
import json
from pathlib import Path

from text import split_books


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path, help="folder of books, one .txt each")
    parser.add_argument("out", type=Path, help="folder to write")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, texts in zip(("train", "validation"), split_books(arguments.texts)):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (arguments.out / f"{name}.jsonl").write_text(lines)
        if name == "train":
            (arguments.out / "stories").mkdir(exist_ok=True)
            for number, text in enumerate(texts):
                (arguments.out / "stories" / f"{number:04}.txt").write_text(text)
        print(f"{name}: {len(texts)} stories, {sum(map(len, texts))} characters")


if __name__ == "__main__":
    main()
