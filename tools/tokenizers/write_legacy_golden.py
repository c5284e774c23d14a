"""Writes the golden files of the tests of tokenizer classes: tiny vocabularies, and what the reference makes of them.

    python3 tools/tokenizers/write_legacy_golden.py src/imago/tokenizers/legacy/golden

Writes classes.jsonl, and python_classes.jsonl of the classes that the reference has in Python. The first line holds the vocabularies: files by name, in base64. Each further line is a class with its options, the
stages that the reference builds, without the vocabulary, and the ids that it gives.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

from make_legacy_folders import PYTHON, cases, load_reference, vocabularies, vocabulary_of, write_folder

LINES = ["The quick brown fox jumps over the lazy dog.", "she sells sea shells by the sea shore, 10, 20 (30)",
         "Größe und Maße, naïve café; déjà vu!", "the theme of the thesis: then and there", "lower lowest, newer newest"] * 3
TEXTS = [["The theme of the sea: 10, 20!"], ["  ﬁnd… Größe\n\nnewer  <mask> lowest "], ["``quick''", "naïve [MASK] fox."], [""],
         ["a <extra_id_1> </s> b"]]


def encode(value):
    if isinstance(value, dict):
        return {name: encode(content) for name, content in value.items()}
    return base64.b64encode(value).decode()


def ids_of(tokenizer, text):
    return tokenizer.backend_tokenizer.encode(*text).ids if tokenizer.is_fast else tokenizer(*text)["input_ids"]


def case_of(tokenizer, text):
    case = {"text": text, "ids": ids_of(tokenizer, text)}
    if not tokenizer.is_fast:
        case["decoded"] = [tokenizer.decode(case["ids"]), tokenizer.decode(case["ids"], skip_special_tokens=True)]
    return case


def line_of(name, tokenizer_class, options, folder):
    tokenizer = load_reference(folder)
    stages, model = {}, {}  # of a class in Python
    if tokenizer.is_fast:
        tokenizer.backend_tokenizer.no_padding()  # as in every call that does not ask for it
        tokenizer.backend_tokenizer.no_truncation()
        stages = json.loads(tokenizer.backend_tokenizer.to_str())
        model = stages.pop("model")
        for part in ("version", "truncation", "padding", "added_tokens"):
            del stages[part]
    vocabulary, piece_file = vocabulary_of(tokenizer_class)
    return {
        "name": name, "config": {"tokenizer_class": tokenizer_class, **options}, "vocabulary": vocabulary, "file": piece_file,
        "stages": stages, "model": {key: value for key, value in model.items() if key not in ("vocab", "merges")},
        "size": len(tokenizer), "cases": [case_of(tokenizer, text) for text in TEXTS], "padding_side": tokenizer.padding_side,
        "special_tokens": {key: str(value) for key, value in tokenizer.special_tokens_map.items() if not isinstance(value, list)},
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.tsv"  # a character map of a few lines, because that of NFKC is large
        rules.write_text("FB01\t66 69\n2026\t2E 2E 2E\nC0\t41\n", encoding="utf-8")
        known = vocabularies(LINES, 70, normalization_rule_tsv=str(rules))
        for file, is_python in (("classes.jsonl", False), ("python_classes.jsonl", True)):
            chosen = [case for case in cases() if (case[1] in PYTHON) == is_python]
            used = {vocabulary_of(tokenizer_class)[0] for _, tokenizer_class, _ in chosen}
            lines = [{name: encode(value) for name, value in known.items() if name in used}]
            for name, tokenizer_class, options in chosen:
                write_folder(Path(folder) / name, tokenizer_class, options, known)
                lines.append(line_of(name, tokenizer_class, options, f"{folder}/{name}"))
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (Path(sys.argv[1]) / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
