"""Writes tokenizer.json files of the vocabularies that come in other formats, as transformers converts them.

    python3 tools/tokenizers/make_tokenizers.py ../shared/data/tokenizers OUT_FOLDER
"""

import sys
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers.convert_slow_tokenizer import TikTokenConverter

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])


def from_tiktoken(path, pattern, ignore_merges=True):
    converter = TikTokenConverter(vocab_file=str(path), pattern=pattern)
    tokenizer = converter.converted()
    tokenizer.model.ignore_merges = ignore_merges
    return tokenizer


def gpt2(folder):
    tokenizer = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True)])
    return tokenizer


def main():
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    gpt2(data / "gpt2").save(str(out / "gpt2.json"))
    llama3 = from_tiktoken(data / "llama3" / "tokenizer.model", LLAMA3)
    llama3.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>"])
    llama3.save(str(out / "llama3.json"))
    from_tiktoken(data / "tiktoken" / "cl100k_base.tiktoken", LLAMA3, False).save(str(out / "cl100k.json"))
    from_tiktoken(data / "tiktoken" / "o200k_base.tiktoken", O200K, False).save(str(out / "o200k.json"))


if __name__ == "__main__":
    main()
