"""Small tokenizers of random components, trained with the reference's trainers, for compare.py."""

import base64
import glob
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = (
    "The quick brown fox jumps over the lazy dog. Don't you'll we've I'm 1234 56 7. Größe café naïve Straße ÀÉÎ. "
    "Привет мир, как дела? こんにちは 世界 カタカナ. 你好世界。 안녕하세요 세계. שלום עולם مرحبا بالعالم. "
    "नमस्ते दुनिया สวัสดีชาวโลก. def f(x): return x + 1 # comment\n\tif x: pass\n\nhello world hello there "
)

PATTERNS = [
    r"\s+", r"\w+|[^\w\s]+", r"\d", r"\p{L}+", r" ?\p{L}+", r"\p{N}{1,3}", r"[aeiou]", r"\s+(?!\S)|\s+", r"[^\S\n]+",
    r"(?i:the|'s|'t)", r"[\r\n]", r"\p{Lu}\p{Ll}*", r"\b", r"x*", r"[[:punct:]]", r"[[:alpha:]]+", r"\p{Punct}", r"[[:upper:][:digit:]]", r"\w+", r"[\w']+", r"\W", r"\S+", r"\p{^L}+", r"[^\p{L}\d]", r"(?:ab|a)c?", r"a{2}?", r"b{1,2}+", r"(?m:.)+", r"^\w", r"\w$", r"\h+", r"(?<=[a-z])(?=[A-Z])", r"\p{Han}",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", r"[\u4e00-\u9fff]", r"\X",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "[一-龥぀-ゟ゠-ヿ]+",
]
# What a normalizer inserts at the very beginning has no place in the text, and the reference fails on it later.
NOT_EMPTY = [pattern for pattern in PATTERNS if pattern not in (r"\b", r"x*", r"(?<=[a-z])(?=[A-Z])")]
BEHAVIORS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]


SET_ITEMS = [
    "a", "e", "_", ".", "é", "ß", "中", " ", r"\n", r"\-", r"\]", "a-f", "A-Z", "0-9", "à-ÿ", "一-龥", r"\x{300}-\x{36f}", r"\w", r"\W", r"\s",
    r"\S", r"\d", r"\D", r"\h", r"\H", r"\p{L}", r"\P{L}", r"\p{^Lu}", r"\p{M}", r"\P{Alphabetic}", r"\p{Han}", "[:alpha:]", "[:^alpha:]",
    "[:^punct:]", "[:space:]", "[:^ascii:]", "[:word:]", "[:^word:]", "[:print:]",
]


def random_set(rng, depth=0):
    """A set in brackets, with sets in it and intersections."""
    parts = []
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
        items = [random_set(rng, depth + 1) if depth < 3 and rng.random() < 0.2 else rng.choice(SET_ITEMS)
                 for _ in range(rng.randrange(1, 4))]
        parts.append("".join(items))
    return "[" + ("^" if rng.random() < 0.4 else "") + "&&".join(parts) + "]"


def random_pattern(rng, patterns=PATTERNS):
    kind = rng.random()
    if kind < 0.3:
        return rng.choice([" ", "a", "the", "\n", "..", "▁", "é"])
    if kind < 0.5:
        return Regex(rng.choice(["", "", " ?", "a"]) + random_set(rng) + rng.choice(["", "", "+", "{2}", "{1,3}", "++", "+?"]))
    return Regex(rng.choice(patterns))


def charsmaps():
    for path in glob.glob("../shared/data/tokenizers/*/tokenizer.json"):
        normalizer = json.load(open(path, encoding="utf-8")).get("normalizer") or {}
        if normalizer.get("type") == "Precompiled":
            yield base64.b64decode(normalizer["precompiled_charsmap"])


CHARSMAPS = list(charsmaps())


def random_normalizer(rng):
    makers = [
        normalizers.NFC, normalizers.NFD, normalizers.NFKC, normalizers.NFKD, normalizers.Lowercase, normalizers.Nmt,
        normalizers.StripAccents,
        lambda: normalizers.Strip(rng.random() < 0.7, rng.random() < 0.7),
        lambda: normalizers.BertNormalizer(rng.random() < 0.7, rng.random() < 0.7, rng.choice([None, True, False]), rng.random() < 0.7),
        lambda: normalizers.Replace(random_pattern(rng, NOT_EMPTY), rng.choice(["", " ", "▁", "xy", "é"])),
        lambda: normalizers.Prepend(rng.choice(["▁", "ab", " "])),
        normalizers.ByteLevel,
        lambda: normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()]),
    ]
    if CHARSMAPS:
        makers.append(lambda: normalizers.Precompiled(rng.choice(CHARSMAPS)))
    return rng.choice(makers)()


def random_pre_tokenizer(rng):
    makers = [
        pre_tokenizers.BertPreTokenizer, pre_tokenizers.Whitespace, pre_tokenizers.WhitespaceSplit,
        pre_tokenizers.UnicodeScripts,
        lambda: pre_tokenizers.ByteLevel(rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.7),
        lambda: pre_tokenizers.CharDelimiterSplit(rng.choice(" e-é")),
        lambda: pre_tokenizers.Metaspace("▁", rng.choice(["first", "never", "always"]), rng.random() < 0.6),
        lambda: pre_tokenizers.Punctuation(rng.choice(BEHAVIORS)),
        lambda: pre_tokenizers.Digits(rng.random() < 0.5),
        lambda: pre_tokenizers.FixedLength(rng.randrange(1, 8)),
        lambda: pre_tokenizers.Split(random_pattern(rng), rng.choice(BEHAVIORS), rng.random() < 0.4),
    ]
    return rng.choice(makers)()


def random_decoder(rng):
    makers = [
        decoders.ByteLevel, decoders.Fuse, decoders.ByteFallback,
        lambda: decoders.WordPiece(rng.choice(["##", "@@"]), rng.random() < 0.5),
        lambda: decoders.Metaspace("▁", rng.choice(["first", "never", "always"])),
        lambda: decoders.BPEDecoder(rng.choice(["</w>", "e"])),
        lambda: decoders.CTC("<pad>", rng.choice(["|", " "]), rng.random() < 0.5),
        lambda: decoders.Replace(random_pattern(rng), rng.choice(["", " ", "x"])),
        lambda: decoders.Strip(rng.choice(" ▁"), rng.randrange(3), 0),
    ]
    return rng.choice(makers)()


def random_model(rng):
    kind = rng.choice(["BPE", "BPE", "BPE", "WordPiece", "Unigram", "Unigram", "WordLevel"])
    size = rng.choice([60, 200, 400, 600])
    alphabet = pre_tokenizers.ByteLevel.alphabet() if rng.random() < 0.4 else []
    specials = ["<unk>"]
    if kind == "BPE":
        fallback = rng.random() < 0.4
        options = {
            "unk_token": rng.choice([None, "<unk>"]), "fuse_unk": rng.random() < 0.5, "byte_fallback": fallback,
            "ignore_merges": rng.random() < 0.3,
        }
        training = {}
        if rng.random() < 0.2:
            options["continuing_subword_prefix"] = training["continuing_subword_prefix"] = "##"
        if rng.random() < 0.2:
            options["end_of_word_suffix"] = training["end_of_word_suffix"] = "</w>"
        if fallback and rng.random() < 0.8:
            specials += [f"<0x{byte:02X}>" for byte in range(256)]
        model = models.BPE(**{key: value for key, value in options.items() if value is not None})
        trainer = trainers.BpeTrainer(vocab_size=size + len(specials), special_tokens=specials, initial_alphabet=alphabet, show_progress=False, **training)
    elif kind == "WordPiece":
        model = models.WordPiece(unk_token="<unk>", max_input_chars_per_word=rng.choice([5, 20, 100]))
        trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, show_progress=False)
    elif kind == "Unigram":
        if rng.random() < 0.4:
            specials += [f"<0x{byte:02X}>" for byte in range(256)]
        model = models.Unigram()
        trainer = trainers.UnigramTrainer(vocab_size=size + len(specials), special_tokens=specials, unk_token="<unk>", initial_alphabet=alphabet, show_progress=False)
    else:
        model = models.WordLevel(unk_token="<unk>")
        trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=specials, show_progress=False)
    return kind, model, trainer


def with_byte_fallback(tokenizer):
    """Unigram's constructor in Python cannot set it; the file can."""
    data = json.loads(tokenizer.to_str())
    data["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(data))


def random_processor(rng, tokenizer):
    unk = tokenizer.token_to_id("<unk>") or 0
    makers = [
        lambda: None,
        lambda: processors.BertProcessing(("<sep>", 1), ("<cls>", 0)),
        lambda: processors.RobertaProcessing(("<sep>", 1), ("<cls>", 0), rng.random() < 0.5, rng.random() < 0.5),
        lambda: processors.ByteLevel(trim_offsets=rng.random() < 0.7, add_prefix_space=rng.random() < 0.5),
        lambda: processors.TemplateProcessing(
            single=rng.choice(["<unk> $A", "$A <unk>:1", "$A", "<unk> $A:1 <unk>"]),
            pair=rng.choice(["$A $B:1", "<unk> $A <unk> $B:1 <unk>:1", "$B:1 <unk> $A"]),
            special_tokens=[("<unk>", unk)],
        ),
    ]
    return rng.choice(makers)()


def distinct(added, normalizer):
    """Of tokens that the normalizer makes equal one: which of them the reference finds changes from run to run. And none
    that it empties, which the reference finds everywhere."""
    by_text = {}
    for token in added:
        text = normalizer.normalize_str(token.content) if token.normalized and normalizer else token.content
        if text:
            by_text.setdefault((token.normalized, text), token)
    return list(by_text.values())


def random_tokenizer(rng, words):
    kind, model, trainer = random_model(rng)
    tokenizer = Tokenizer(model)
    parts = [random_normalizer(rng) for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))]
    if parts:
        tokenizer.normalizer = parts[0] if len(parts) == 1 else normalizers.Sequence(parts)
    parts = [random_pre_tokenizer(rng) for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3]))]
    if parts:
        tokenizer.pre_tokenizer = parts[0] if len(parts) == 1 else pre_tokenizers.Sequence(parts)
    try:
        tokenizer.train_from_iterator([TEXT] * 3 + words[:3000], trainer)
    except BaseException:  # an empty vocabulary, as some normalizers leave it
        return random_tokenizer(rng, words)
    if kind == "Unigram" and rng.random() < 0.5:
        tokenizer = with_byte_fallback(tokenizer)
    added = []
    for content in rng.sample(["<mask>", "<a b>", "the", "Ä", "▁x", "<|end|>", "  ", "hello", "\n\n", "é", "ing", "##s", "."], rng.randrange(5)):
        added.append(AddedToken(content, single_word=rng.random() < 0.3, lstrip=rng.random() < 0.3, rstrip=rng.random() < 0.3,
                                normalized=rng.random() < 0.5 and bool(content.strip()), special=rng.random() < 0.4))
    tokenizer.add_tokens(distinct(added, tokenizer.normalizer))
    processor = random_processor(rng, tokenizer)
    if processor is not None:
        tokenizer.post_processor = processor
    parts = [random_decoder(rng) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    if parts:
        tokenizer.decoder = parts[0] if len(parts) == 1 else decoders.Sequence(parts)
    if rng.random() < 0.35:
        tokenizer.enable_truncation(rng.randrange(6, 20), stride=rng.randrange(2), direction=rng.choice(["left", "right"]),
                                    strategy=rng.choice(["longest_first", "longest_first", "only_first", "only_second"]))
    if rng.random() < 0.3:
        tokenizer.enable_padding(direction=rng.choice(["left", "right"]), pad_id=3, pad_type_id=1, pad_token="<pad>",
                                 length=rng.choice([None, 12]), pad_to_multiple_of=rng.choice([None, 4]))
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = [token for token in data["added_tokens"] if not token["content"].startswith("<0x")]
    data["model"] = {key: value for key, value in data["model"].items() if key not in ("vocab", "merges")}
    return tokenizer, json.dumps(data, ensure_ascii=False)
