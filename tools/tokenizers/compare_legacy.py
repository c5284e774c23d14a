"""Compares tokenizers made of vocabularies without a tokenizer.json with those that the reference makes.

    python3 tools/tokenizers/compare_legacy.py --program build/legacy_jsonl FOLDER...

Each FOLDER holds vocabulary files and a tokenizer_config.json. Both sides write the tokenizer.json they make of it, with
vocabulary, merges and scores, and these must be equal. Every difference is printed, and the exit status is 1 when there
was one. PROGRAM is tools/tokenizers/legacy_jsonl.cpp, linked with imago_tokenizers.
"""

import argparse
import json
import subprocess
import sys

from transformers import AutoTokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("folders", nargs="+")
    arguments = parser.parse_args()
    different = 0
    for folder in arguments.folders:
        expected = json.loads(AutoTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
        run = subprocess.run([arguments.program, folder, "--json"], capture_output=True, check=False)
        ours = json.loads(run.stdout) if run.returncode == 0 else {"error": run.stderr.decode()}
        parts = [name for name in expected if ours.get(name) != expected[name]]
        different += bool(parts)
        print(f"{folder}: {'differs in ' + ', '.join(parts) + ' ' + ours.get('error', '') if parts else 'equal'}")
    print(f"{len(arguments.folders) - different} equal, {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
