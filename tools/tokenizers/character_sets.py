"""Reads the character sets of the reference's components off the reference, and writes character_tables.cpp.

    python3 tools/tokenizers/character_sets.py src/imago/tokenizers/character_tables.cpp

Run it with Python 3.11, whose unicodedata is Unicode 14: the additions are what came later.
"""

import sys
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
CATEGORIES = {
    "Lu": "kUppercaseLetter", "Ll": "kLowercaseLetter", "Lt": "kTitlecaseLetter", "Lm": "kModifierLetter",
    "Lo": "kOtherLetter", "Mn": "kNonspacingMark", "Mc": "kSpacingMark", "Me": "kEnclosingMark",
    "Nd": "kDecimalNumber", "Nl": "kLetterNumber", "No": "kOtherNumber", "Pc": "kConnectorPunctuation",
    "Pd": "kDashPunctuation", "Ps": "kOpenPunctuation", "Pe": "kClosePunctuation", "Pi": "kInitialPunctuation",
    "Pf": "kFinalPunctuation", "Po": "kOtherPunctuation", "Sm": "kMathSymbol", "Sc": "kCurrencySymbol",
    "Sk": "kModifierSymbol", "So": "kOtherSymbol", "Zs": "kSpaceSeparator", "Zl": "kLineSeparator",
    "Zp": "kParagraphSeparator", "Cc": "kControl", "Cf": "kFormat", "Co": "kPrivateUse", "Cn": "kUnassigned",
}


def isolated(pre_tokenizer, separator="a"):
    """The characters that the pre-tokenizer separates from a letter (or from `separator`)."""
    result = set()
    for start in range(0, len(CHARACTERS), 20000):
        block = CHARACTERS[start : start + 20000]
        text = separator + separator.join(map(chr, block)) + separator
        bounds = {bound for _, span in pre_tokenizer.pre_tokenize_str(text) for bound in span}
        result |= {c for i, c in enumerate(block) if 2 * i + 1 in bounds or 2 * i + 2 in bounds}
    return result


def removed(normalizer):
    return {c for c in CHARACTERS if normalizer.normalize_str("a" + chr(c)) == "a"}


def ranges(characters):
    result = []
    for c in sorted(characters):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def write_table(out, name, entries, type_name):
    out.append(f"std::span<const {type_name}> {name}() {{")
    out.append(f"  static constexpr {type_name} kRanges[] = {{")
    line = "     "
    for entry in entries:
        if len(line) + len(entry) > 118:
            out.append(line)
            line = "     "
        line += " " + entry
    out += [line, "  };", "  return kRanges;", "}", ""]


def main():
    bert = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    sets = {
        "bert_punctuation_ranges": isolated(pre_tokenizers.Punctuation()),
        "numeric_ranges": isolated(pre_tokenizers.Digits(individual_digits=True)),
        "combining_mark_ranges": removed(normalizers.StripAccents()),
        "accent_ranges": removed(normalizers.BertNormalizer(**{**bert, "strip_accents": True})),
        "control_ranges": removed(normalizers.BertNormalizer(**{**bert, "clean_text": True})),
    }
    additions = []
    for category, constant in CATEGORIES.items():
        separator = "1" if category.startswith("L") else "a"
        found = isolated(pre_tokenizers.Split(Regex(r"\p{%s}" % category), "isolated"), separator)
        changed = {c for c in found if unicodedata.category(chr(c)) != category}
        additions += [(begin, end, constant) for begin, end in ranges(changed)]
    out = [
        "// Written by tools/tokenizers/character_sets.py; do not edit.",
        '#include "imago/tokenizers/character_tables.h"', "", "// clang-format off", "namespace imago::tokenizers {", "",
        "using enum GeneralCategory;", "",
    ]
    entries = [f"{{0x{begin:X}, 0x{end:X}, {constant}}}," for begin, end, constant in sorted(additions)]
    write_table(out, "category_additions", entries, "CategoryRange")
    for name, characters in sets.items():
        beyond_ascii = [c for c in characters if c >= 0x80]
        write_table(out, name, [f"{{0x{b:X}, 0x{e:X}}}," for b, e in ranges(beyond_ascii)], "CharacterRange")
    out += ["}  // namespace imago::tokenizers", "// clang-format on", ""]
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("\n".join(out))


if __name__ == "__main__":
    main()
