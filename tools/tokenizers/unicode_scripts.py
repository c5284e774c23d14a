"""Reads the scripts of characters off the reference's UnicodeScripts, and writes unicode_scripts_table.cpp.

    python3 tools/tokenizers/unicode_scripts.py src/imago/tokenizers/pre_tokenizers/unicode_scripts_table.cpp

The reference does not name scripts; it cuts between two of them. Characters that it cuts from nothing have none.
"""

import sys

from tokenizers import pre_tokenizers

SCRIPTS = pre_tokenizers.UnicodeScripts()
CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def joined(first, second):
    return len(SCRIPTS.pre_tokenize_str(chr(first) + chr(second))) == 1


def main():
    latin, greek = ord("a"), 0x3B1
    representatives = []
    ranges = []  # begin, end, script
    for c in CHARACTERS:
        if joined(latin, c) and joined(greek, c):
            continue
        if ranges and ranges[-1][1] == c - 1 and joined(c - 1, c):
            ranges[-1][1] = c
            continue
        script = next((i for i, r in enumerate(representatives) if joined(r, c)), None)
        if script is None:
            script = len(representatives)
            representatives.append(c)
        ranges.append([c, c, script])
    out = [
        "// Written by tools/tokenizers/unicode_scripts.py; do not edit.",
        '#include "imago/tokenizers/pre_tokenizers/unicode_scripts_table.h"', "", "// clang-format off",
        "namespace imago::tokenizers {", "", "std::span<const ScriptRange> script_ranges() {",
        "  static constexpr ScriptRange kRanges[] = {",
    ]
    line = "     "
    for begin, end, script in ranges:
        entry = f" {{0x{begin:X}, 0x{end:X}, {script}}},"
        if len(line) + len(entry) > 118:
            out.append(line)
            line = "     "
        line += entry
    out += [line, "  };", "  return kRanges;", "}", "", "}  // namespace imago::tokenizers", "// clang-format on", ""]
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("\n".join(out))


if __name__ == "__main__":
    main()
