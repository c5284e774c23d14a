"""Compares tokenizers made of vocabularies without a tokenizer.json with those that the reference makes.

    python3 tools/tokenizers/compare_legacy.py --program build/release/bin/imago FOLDER...

Each FOLDER holds vocabulary files and a tokenizer_config.json (make_legacy_folders.py writes such). Both sides write the tokenizer.json they make of it, with
vocabulary, merges and scores, and these must be equal. Every difference is printed, and the exit status is 1 when there
was one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from make_legacy_folders import load_reference


def convert(program, folder):
    with tempfile.TemporaryDirectory() as out:
        command = [program, "tokenizer", "convert", folder, out + "/tokenizer.json"]
        run = subprocess.run(command, capture_output=True, check=False)
        if run.returncode != 0:
            return {"error": run.stderr.decode()}
        return json.loads(Path(out + "/tokenizer.json").read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("folders", nargs="+")
    arguments = parser.parse_args()
    compared = different = 0
    for folder in arguments.folders:
        reference = load_reference(folder)
        if not reference.is_fast:
            print(f"{folder}: left out, because the reference's class has no tokenizer.json")
            continue
        reference = reference.backend_tokenizer
        compared += 1
        reference.no_padding()  # as in every call that does not ask for it
        reference.no_truncation()
        expected = json.loads(reference.to_str())
        ours = convert(arguments.program, folder)
        parts = [name for name in expected if ours.get(name) != expected[name]]
        different += bool(parts)
        print(f"{folder}: {'differs in ' + ', '.join(parts) + ' ' + ours.get('error', '') if parts else 'equal'}")
    print(f"{compared - different} equal, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
