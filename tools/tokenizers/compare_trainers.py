"""Trains tokenizers with `imago tokenizer train` and with the reference, and compares vocabulary, merges and times.

    python compare_trainers.py PATH_TO_IMAGO TEXT...
    python compare_trainers.py --write-golden FOLDER

The reference walks its words in random order. Where that shows (ids of characters with a prefix or a suffix, scores of
a unigram model, limit_alphabet where characters are equally frequent), it is trained twice, and "reference differs from itself" says how often. Times are those of processors,
of all threads together, because a machine is seldom quiet.
"""
import json
import resource
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
    affixed = prefixed + [c + "</w>" for c in prefixed] + [c[2:] + "</w>" for c in prefixed]
    yield "bpe byte-level 8000", lambda: byte_level(8000)
    yield "bpe 3000, min_frequency", lambda: plain(
        models.BPE(unk_token="[UNK]"),
        trainers.BpeTrainer(vocab_size=3000, min_frequency=5, special_tokens=["[UNK]", "the"], show_progress=False),
        ["--type", "bpe", "--vocab-size", "3000", "--min-frequency", "5", "--special-tokens", "[UNK]",
         "--special-tokens", "the"])
    yield "bpe 4000, max_token_length", lambda: plain(
        models.BPE(), trainers.BpeTrainer(vocab_size=4000, max_token_length=5, show_progress=False),
        ["--type", "bpe", "--vocab-size", "4000", "--max-token-length", "5"])
    yield "bpe 2000, limit_alphabet, initial_alphabet", lambda: plain(
        models.BPE(), trainers.BpeTrainer(vocab_size=2000, limit_alphabet=40, initial_alphabet=list("xyzß日"),
                                          show_progress=False),
        ["--type", "bpe", "--vocab-size", "2000", "--limit-alphabet", "40", "--initial-alphabet", "xyzß日"])
    yield "bpe 2500, prefix and suffix, fixed ids", lambda: plain(
        models.BPE(unk_token="[UNK]"),
        trainers.BpeTrainer(vocab_size=2500, special_tokens=["[UNK]"] + affixed, continuing_subword_prefix="##",
                            end_of_word_suffix="</w>", show_progress=False),
        ["--type", "bpe", "--vocab-size", "2500", "--continuing-subword-prefix", "##", "--end-of-word-suffix", "</w>"] +
        [part for token in ["[UNK]"] + affixed for part in ("--special-tokens=" + token,)])
    yield "bpe 300, special tokens only", lambda: plain(
        models.BPE(unk_token="[UNK]"),
        trainers.BpeTrainer(vocab_size=30, special_tokens=["[UNK]", "[PAD]", "e"], show_progress=False),
        ["--type", "bpe", "--vocab-size", "30", "--special-tokens=[UNK]", "--special-tokens=[PAD]",
         "--special-tokens=e"])
    yield "wordpiece 6000, fixed ids", lambda: plain(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=6000, special_tokens=["[UNK]"] + prefixed, show_progress=False),
        ["--type", "wordpiece", "--vocab-size", "6000"] +
        [part for token in ["[UNK]"] + prefixed for part in ("--special-tokens=" + token,)])
    yield "wordlevel 5000", lambda: plain(
        models.WordLevel(unk_token="[UNK]"),
        trainers.WordLevelTrainer(vocab_size=5000, min_frequency=2, special_tokens=["[UNK]"], show_progress=False),
        ["--type", "wordlevel", "--vocab-size", "5000", "--min-frequency", "2", "--special-tokens", "[UNK]"])
    yield "wordlevel, all words", lambda: plain(
        models.WordLevel(unk_token="[UNK]"),
        trainers.WordLevelTrainer(vocab_size=100000, special_tokens=["[UNK]", "[PAD]"], show_progress=False),
        ["--type", "wordlevel", "--vocab-size", "100000", "--special-tokens=[UNK]", "--special-tokens=[PAD]"])
    yield "unigram 700, options", lambda: plain(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=700, unk_token="<unk>", special_tokens=["<pad>"], shrinking_factor=0.6,
                                n_sub_iterations=3, max_piece_length=6, initial_alphabet=list("xyz"),
                                show_progress=False),
        ["--type", "unigram", "--vocab-size", "700", "--unk-token", "<unk>", "--special-tokens", "<pad>",
         "--shrinking-factor", "0.6", "--n-sub-iterations", "3", "--max-piece-length", "6", "--initial-alphabet",
         "xyz"], pre_tokenizers.Metaspace())
    yield "unigram 4000", lambda: plain(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=4000, unk_token="<unk>", special_tokens=["<unk>", "<s>"],
                                show_progress=False),
        ["--type", "unigram", "--vocab-size", "4000", "--unk-token", "<unk>", "--special-tokens", "<unk>",
         "--special-tokens", "<s>"], pre_tokenizers.Metaspace())


def train_reference(make, files):
    tokenizer, trainer, _ = make()
    start = time.process_time()
    tokenizer.train(files, trainer)
    return tokenizer.to_str(pretty=True), time.process_time() - start


def processor_seconds_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def train_imago(imago, make, files):
    tokenizer, _, arguments = make()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder + "/untrained.json")
        command = [imago, "tokenizer", "train", *arguments, "--like", folder + "/untrained.json",
                   folder + "/trained.json", *files]
        start = processor_seconds_of_children()
        subprocess.run(command, check=True)
        seconds = processor_seconds_of_children() - start
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

# Long enough that a unigram model leaves pieces out, in several rounds.
PRUNED_TEXTS = ["".join(words) for words in zip(
    ["the theme of the thesis was there and then other weather ", "low lower lowest lowering followers fellow ",
     "newer newest renewing anew knew news newsreel ", "banana bandana cabana abandon band brand grand ",
     "interest interesting interested internal international interval "],
    ["string stringing strong stronger strongest along longest belong ", "walk walked walking talk talked talking chalk ",
     "nation national nationally rational station stationary ", "under understand standing stand outstanding undone ",
     "water later after crafter matter batter better letter "])]


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
        "unigram_pruned": plain(models.Unigram(), trainers.UnigramTrainer(
            vocab_size=50, unk_token="<unk>", special_tokens=["<s>"], show_progress=False), [],
            pre_tokenizers.Metaspace())[:2],
    }
    for name, (tokenizer, trainer) in pairs.items():
        untrained = json.loads(tokenizer.to_str())
        texts = PRUNED_TEXTS if name == "unigram_pruned" else GOLDEN_TEXTS
        tokenizer.train_from_iterator(texts, trainer)
        golden = {"texts": texts, "untrained": untrained, "trained": tokenizer.to_str(pretty=True)}
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
