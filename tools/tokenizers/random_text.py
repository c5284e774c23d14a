"""Random and adversarial text and requests for compare.py."""

BLOCKS = [  # begin, end, weight
    (0x20, 0x7F, 30), (0x41, 0x7B, 20), (0x00, 0x20, 3), (0x80, 0xA0, 1), (0xA0, 0x180, 6), (0x180, 0x250, 2),
    (0x2B0, 0x300, 1), (0x300, 0x370, 4), (0x370, 0x400, 3), (0x400, 0x530, 3), (0x590, 0x700, 3), (0x900, 0xE00, 3),
    (0xE00, 0xF00, 2), (0xF00, 0x1000, 1), (0x1100, 0x1200, 1), (0x1E00, 0x2000, 2), (0x2000, 0x2070, 3),
    (0x2070, 0x2200, 2), (0x2200, 0x2700, 1), (0x3000, 0x3100, 3), (0x3130, 0x3400, 1), (0x4E00, 0x9FFF, 4),
    (0xAC00, 0xD7A4, 3), (0xD7B0, 0xD800, 1), (0xE000, 0xE010, 1), (0xF900, 0xFB50, 1), (0xFB50, 0xFE00, 1),
    (0xFE00, 0xFE70, 2), (0xFF00, 0xFFFE, 2), (0x10000, 0x10400, 1), (0x10400, 0x11000, 1), (0x11000, 0x12000, 1),
    (0x1D400, 0x1D800, 1), (0x1F000, 0x1FB00, 4), (0x20000, 0x20100, 1), (0x2F800, 0x2FA20, 1), (0xE0000, 0xE0080, 1),
    (0xE0100, 0xE01F0, 1), (0x10FFF0, 0x110000, 1),
    (0x0000, 0x10000, 4), (0x10000, 0x110000, 2),  # and every plane
]
WEIGHTS = [weight for _, _, weight in BLOCKS]
SPACES = [chr(c) for c in [*range(9, 14), *range(0x1C, 0x20), 0x20, 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x200F), 0x2028,
                           0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF]]
MARKS = [chr(c) for c in [*range(0x300, 0x345), 0x345, 0x483, 0x5B0, 0x64B, 0x903, 0x93C, 0xE31, 0xE4D, 0x20DD, 0x302A, 0x3099, 0xFE0F,
                          0xFE20, 0x1E8D0]]
PIECES = [
    " ", "  ", "\n", "\r\n", "\t", "\n\n", " \n", "\u00a0", "\u2028", "\u3000", "\u200b", "\u200d", "\ufeff", "\ufe0f",
    "'s", "'S", "'ll", "'LL", "n't", "'\u017f", "don't", "I'm", "123", "1234567", "\u00b2", "\u0661\u0662", "...", "!!", "e\u0301",
    "\u00e9", "\u1e9b\u0323", "\u0344", "\u0f73", "\u1100\u1161\u11a8", "\ud55c", "\ufb01", "\u0130", "\u03a3",
    "\u4e2d\u6587", "\u3042\u30a2\u30fc", "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "\u2581", "\u0120", "##", "<0x0A>", "</w>",
    "\ufffd", "\x00", "\x7f", "\ud7ff", "\ue000", "hello", "world", "The", "HELLO", "camelCase", "def f(x):\n    return x",
    "https://example.com/a?b=c", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc\u05d5\u05dd", "\r", "\r\r\n\n", "/\n", "\u2581\u2581",
    "\u0ba8\u0bbf", "\u1e0b\u0323", "q\u0307\u0323", "\u212b", "\u2126", "\u01c4", "\u1fb7", "\ufdfa", "\u3392",
]


def random_character(rng):
    begin, end, _ = rng.choices(BLOCKS, weights=WEIGHTS)[0]
    while True:
        c = rng.randrange(begin, end)
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def long_run(rng, words):
    unit = rng.choice([random_character(rng), rng.choice(SPACES), rng.choice("a7!'\n -=_"), rng.choice(words), rng.choice(PIECES)])
    return unit * rng.choice([7, 31, 64, 65, 129, 300])


def around(rng, token):
    """An added token with what may keep it from being one."""
    before = rng.choice(["", "", " ", "\n", "a", "_", "1", "\u0301", "\u00a0"])
    behind = rng.choice(["", "", " ", "  ", "\n", "a", "\u0301", ".", "\u3000"])
    if rng.random() < 0.2 and token:
        cut = rng.randrange(len(token) + 1)
        token = token[:cut] + rng.choice(["", " ", "\u200d", token]) + token[cut:]
    return before + (token.upper() if rng.random() < 0.1 else token) + behind


def random_text(rng, words, added):
    parts = []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 5, 8, 13])):
        kind = rng.random()
        if kind < 0.28:
            parts.append(rng.choice(words))
        elif kind < 0.42:
            parts.append(" ")
        elif kind < 0.57:
            parts.append(rng.choice(PIECES))
        elif kind < 0.65 and added:
            parts.append(around(rng, rng.choice(added)))
        elif kind < 0.70:
            parts.append(random_character(rng) * rng.randrange(1, 6))
        elif kind < 0.74:
            parts.append("".join(rng.choice(SPACES) for _ in range(rng.randrange(1, 6))))
        elif kind < 0.77:
            parts.append(random_character(rng) + "".join(rng.choice(MARKS) for _ in range(rng.randrange(1, 12))))
        elif kind < 0.785:
            parts.append(long_run(rng, words))
        else:
            parts.append("".join(random_character(rng) for _ in range(rng.randrange(1, 9))))
    return "".join(parts)


def requests_for(rng, tokenizer, count, text_words):
    """Texts, pairs of texts, and words that are split already."""
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    vocabulary = sorted(tokenizer.get_vocab())
    rng.shuffle(vocabulary)
    words = text_words + vocabulary[:2000]
    for _ in range(count):
        request = {"add_special_tokens": rng.random() < 0.7}
        kind = rng.random()
        if kind < 0.08:
            request["words"] = [random_text(rng, words, added) for _ in range(rng.randrange(4))]
        else:
            request["text"] = random_text(rng, words, added)
            if kind < 0.2:
                request["pair"] = random_text(rng, words, added)
        yield request
