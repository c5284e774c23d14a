"""Trains tokenizers with `imago tokenizer train` and with the reference, and compares vocabulary, merges and times.

    python compare_trainers.py PATH_TO_IMAGO TEXT...
    python compare_trainers.py --write-golden FOLDER

The reference walks its words in random order. Where that shows (ids of characters with a prefix, scores of a unigram
model), it is trained twice, and "reference differs from itself" says how often.
"""
import json
import subprocess
import sys
import tempfile
import time

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ALPHABET = pre_tokenizers.ByteLevel.alphabet()


def byte_level(size, **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=ALPHABET, show_progress=False, **options)
    return tokenizer, trainer, ["--type", "bpe", "--vocab-size", str(size), "--initial-alphabet", "".join(ALPHABET)]


def plain(model, trainer, arguments, pre_tokenizer=None, normalizer=None):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.Whitespace()
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer, trainer, arguments


def prefixed_characters(files):
    """The characters with prefixes and suffixes, given as special tokens, have fixed ids in the reference too."""
    characters = sorted({c for file in files for c in open(file, encoding="utf-8", newline="").read()})
    return ["##" + c for c in characters if not c.isspace()]


def cases(files):
    prefixed = prefixed_characters(files)
    yield "bpe byte-level 8000", lambda: byte_level(8000)
    yield "bpe 3000, min_frequency", lambda: plain(
        models.BPE(unk_token="[UNK]"),
        trainers.BpeTrainer(vocab_size=3000, min_frequency=5, special_tokens=["[UNK]", "the"], show_progress=False),
        ["--type", "bpe", "--vocab-size", "3000", "--min-frequency", "5", "--special-tokens", "[UNK]",
         "--special-tokens", "the"])
    yield "bpe 4000, max_token_length", lambda: plain(
        models.BPE(), trainers.BpeTrainer(vocab_size=4000, max_token_length=5, show_progress=False),
        ["--type", "bpe", "--vocab-size", "4000", "--max-token-length", "5"])
    yield "wordpiece 6000, fixed ids", lambda: plain(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=6000, special_tokens=["[UNK]"] + prefixed, show_progress=False),
        ["--type", "wordpiece", "--vocab-size", "6000"] +
        [part for token in ["[UNK]"] + prefixed for part in ("--special-tokens=" + token,)])
    yield "wordlevel 5000", lambda: plain(
        models.WordLevel(unk_token="[UNK]"),
        trainers.WordLevelTrainer(vocab_size=5000, min_frequency=2, special_tokens=["[UNK]"], show_progress=False),
        ["--type", "wordlevel", "--vocab-size", "5000", "--min-frequency", "2", "--special-tokens", "[UNK]"])
    yield "unigram 4000", lambda: plain(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=4000, unk_token="<unk>", special_tokens=["<unk>", "<s>"],
                                show_progress=False),
        ["--type", "unigram", "--vocab-size", "4000", "--unk-token", "<unk>", "--special-tokens", "<unk>",
         "--special-tokens", "<s>"], pre_tokenizers.Metaspace())


def train_reference(make, files):
    tokenizer, trainer, _ = make()
    start = time.time()
    tokenizer.train(files, trainer)
    return tokenizer.to_str(pretty=True), time.time() - start


def train_imago(imago, make, files):
    tokenizer, _, arguments = make()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder + "/untrained.json")
        command = [imago, "tokenizer", "train", *arguments, "--like", folder + "/untrained.json",
                   folder + "/trained.json", *files]
        start = time.time()
        subprocess.run(command, check=True)
        seconds = time.time() - start
        return open(folder + "/trained.json", encoding="utf-8").read(), seconds


def describe(ours, reference):
    if ours == reference:
        return "the same file, byte for byte"
    a, b = json.loads(ours), json.loads(reference)
    vocabulary, expected = a["model"].pop("vocab"), b["model"].pop("vocab")
    rest = "" if a == b else "; the rest differs in " + ", ".join(
        [k for k in b if a[k] != b[k]] + [k for k in b["model"] if a["model"].get(k) != b["model"][k]])
    if isinstance(expected, dict):
        differing = len(set(vocabulary.items()) ^ set(expected.items()))
        return f"{differing} entries of the vocabulary differ{rest}"
    scores, expected_scores = dict(map(tuple, vocabulary)), dict(map(tuple, expected))
    only = len(scores.keys() ^ expected_scores.keys())
    worst = max((abs(scores[k] - expected_scores[k]) for k in scores.keys() & expected_scores.keys()), default=0)
    moved = sum(x[0] != y[0] for x, y in zip(vocabulary, expected))
    return f"{only} pieces differ, {moved} ids differ, scores by at most {worst:.1e}{rest}"


GOLDEN_TEXTS = ["low lower lowest, newer newest wider\n", "the theme of the thesis: then and there\n",
                "naïve café, déjà vu; 日本語と日本人\n", "aaaa aaaaaa abababab banana bandana\n"]


def write_golden(folder):
    """What the unit test expects: one file per trainer, free of what is random in the reference."""
    bpe, bpe_trainer, _ = byte_level(300, special_tokens=["<s>"], min_frequency=2)
    cased = models.BPE(unk_token="[UNK]")
    prefixed = ["##" + c for c in sorted(set("".join(GOLDEN_TEXTS))) if not c.isspace()]
    pairs = {
        "byte_level_bpe": (bpe, bpe_trainer),
        "bpe": plain(cased, trainers.BpeTrainer(vocab_size=60, max_token_length=4, special_tokens=["[UNK]", "the"],
                                                show_progress=False), [])[:2],
        "wordpiece": plain(models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(
            vocab_size=120, special_tokens=["[UNK]"] + prefixed, show_progress=False), [])[:2],
        "wordlevel": plain(models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer(
            vocab_size=12, special_tokens=["[UNK]", "the"], show_progress=False), [])[:2],
        "unigram": plain(models.Unigram(), trainers.UnigramTrainer(
            vocab_size=50, unk_token="<unk>", special_tokens=["<s>"], show_progress=False), [],
            pre_tokenizers.Metaspace())[:2],
    }
    for name, (tokenizer, trainer) in pairs.items():
        untrained = json.loads(tokenizer.to_str())
        tokenizer.train_from_iterator(GOLDEN_TEXTS, trainer)
        golden = {"texts": GOLDEN_TEXTS, "untrained": untrained, "trained": tokenizer.to_str(pretty=True)}
        with open(f"{folder}/{name}.json", "w", encoding="utf-8") as file:
            json.dump(golden, file, ensure_ascii=False)
            file.write("\n")


def main():
    if sys.argv[1] == "--write-golden":
        return write_golden(sys.argv[2])
    imago, files = sys.argv[1], sys.argv[2:]
    for name, make in cases(files):
        reference, reference_seconds = train_reference(make, files)
        ours, seconds = train_imago(imago, make, files)
        print(f"{name}: {describe(ours, reference)}; {seconds:.2f} s, reference {reference_seconds:.2f} s "
              f"({reference_seconds / seconds:.1f} times as fast)", flush=True)
        if ours != reference:
            again, _ = train_reference(make, files)
            print(f"  reference differs from itself: {describe(again, reference)}", flush=True)


if __name__ == "__main__":
    main()
