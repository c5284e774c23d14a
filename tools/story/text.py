"""Books as plain text -> short documents (one story or one chapter each)."""

import re
from pathlib import Path

# Typographic quotes and dashes differ from book to book; a model this small should not spend its vocabulary and its
# capacity on telling editions apart.
_PLAIN = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2014": "--", "_": None, "*": None}
)

_CHAPTER = re.compile(r"^(chapter|part|book|adventure|the end|\d+\.|[IVXLC]+\.?($|\s))", re.IGNORECASE)
_SOURCE_NOTE = re.compile(r"^([\[(]|From [A-Z\"'t])")  # `(Grimm.)`, `From the Portuguese.`
_SMALL_WORDS = {
    "a",
    "an",
    "and",
    "the",
    "of",
    "or",
    "in",
    "to",
    "on",
    "at",
    "by",
    "with",
    "for",
    "from",
    "who",
    "le",
    "de",
}


def is_heading(paragraph: str) -> bool:
    """True for a title that stands alone: `THE GOLDEN BIRD`, `Chapter I. The beginning`, `2. The Yellow Hen`."""
    if "\n" in paragraph or len(paragraph) > 70 or not any(c.isalpha() for c in paragraph):
        return False
    if _CHAPTER.match(paragraph):
        return True
    if paragraph[-1] in ".!?,;:\"'-)":
        return False
    words = re.findall(r"[A-Za-z']+", paragraph)
    return all(w[0].isupper() or w.lower() in _SMALL_WORDS for w in words)


def documents(book: str) -> list[str]:
    """The stories or chapters of a book, without their headings (a story should begin as stories begin)."""
    result, current = [], []
    for paragraph in re.split(r"\n{2,}", book.translate(_PLAIN)):
        paragraph = paragraph.strip()
        if not any(c.isalpha() for c in paragraph) or (len(paragraph) < 150 and _SOURCE_NOTE.match(paragraph)):
            continue
        if is_heading(paragraph):
            if current:
                result.append("\n\n".join(current))
            current = []
        else:
            current.append(paragraph)
    if current:
        result.append("\n\n".join(current))
    return [d for d in result if len(d) >= 200]


def split_books(folder: Path, held_out: float = 0.01) -> tuple[list[str], list[str]]:
    """(training documents, held-out documents); held out is the last `held_out` part of every book."""
    training, held = [], []
    for path in sorted(folder.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        # A paragraph is never cut: the held-out part begins where the next paragraph does.
        cut = text.index("\n\n", int(len(text) * (1 - held_out)))
        training += documents(text[:cut])
        held += documents(text[cut:])
    return training, held
