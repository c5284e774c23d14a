"""Writes tokenizer.json files of the vocabularies that come in other formats, as transformers converts them.

    python3 tools/tokenizers/make_tokenizers.py ../shared/data/tokenizers OUT_FOLDER
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from tokenizers import AddedToken, BertWordPieceTokenizer, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers
from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import TikTokenConverter

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])

QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
DEEPSEEK3 = [
    r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
SENTENCEPIECE = [  # vocabulary, the name its class expects, the class, what to write
    ("mistral/tokenizer.model.v1", "tokenizer.model", "LlamaTokenizer", "mistral_v1.json"),
    ("mistral/tokenizer.model.v3", "tokenizer.model", "LlamaTokenizer", "mistral_v3.json"),
    ("sentencepiece/albert_spiece.model", "spiece.model", "AlbertTokenizer", "albert.json"),
    ("sentencepiece/test_sentencepiece.model", "sentencepiece.bpe.model", "XLMRobertaTokenizer", "xlm_roberta_small.json"),
    ("sentencepiece/test_sentencepiece_with_bytefallback.model", "spiece.model", "T5Tokenizer", "t5_bytes_small.json"),
]


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


def gpt2_split_by(folder, *patterns):
    """GPT-2's vocabulary behind the split patterns of other models."""
    tokenizer = gpt2(folder)
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    return tokenizer


def from_sentencepiece(path, name, tokenizer_class):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(path, Path(folder) / name)
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class}))
        return AutoTokenizer.from_pretrained(folder).backend_tokenizer


def bert_cased(path):
    return BertWordPieceTokenizer(str(path), lowercase=False, strip_accents=False)


def word_level(text):
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train([str(path) for path in text], trainers.WordLevelTrainer(vocab_size=20000, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1",
                                                             special_tokens=[("<s>", 1), ("</s>", 2)])
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
    gpt2_split_by(data / "gpt2", QWEN2).save(str(out / "qwen2_split.json"))
    gpt2_split_by(data / "gpt2", *DEEPSEEK3).save(str(out / "deepseek3_split.json"))
    bert_cased(data / "bert" / "bert-base-cased.vocab.txt").save(str(out / "bert_cased.json"))
    word_level([data.parent / "text" / "tinyshakespeare.txt"]).save(str(out / "word_level.json"))
    for path, name, tokenizer_class, target in SENTENCEPIECE:
        from_sentencepiece(data / path, name, tokenizer_class).save(str(out / target))


if __name__ == "__main__":
    main()
