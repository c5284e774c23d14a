"""Writes a folder with small vocabulary files and a tokenizer_config.json for every tokenizer class, for compare_legacy.py.

    python3 tools/tokenizers/make_legacy_folders.py OUT_FOLDER TEXT...

The vocabularies are trained on the texts. Some classes come with further options, in folders of their own.
"""

import io
import json
import sys
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

BERT = ["BertTokenizer", "ConvBertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "DPRReaderTokenizer",
        "DPRContextEncoderTokenizer", "LayoutLMTokenizer", "LayoutLMv2Tokenizer", "LxmertTokenizer", "MobileBertTokenizer",
        "MPNetTokenizer", "SqueezeBertTokenizer", "FunnelTokenizer", "SplinterTokenizer"]
BYTES = ["GPT2Tokenizer", "GPTNeoXTokenizer", "Qwen2Tokenizer", "RobertaTokenizer", "BartTokenizer", "LEDTokenizer",
         "LongformerTokenizer", "MvpTokenizer", "DebertaTokenizer", "WhisperTokenizer", "BlenderbotTokenizer",
         "CodeGenTokenizer", "CohereTokenizer", "LayoutLMv3Tokenizer", "NougatTokenizer"]
WORD_ENDS = ["CLIPTokenizer", "OpenAIGPTTokenizer", "HerbertTokenizer"]
# Of SentencePiece models: the file's name and which model.
PIECES = {
    "LlamaTokenizer": ("tokenizer.model", "bpe"), "GemmaTokenizer": ("tokenizer.model", "gemma"),
    "CodeLlamaTokenizer": ("tokenizer.model", "bpe"), "NllbTokenizer": ("sentencepiece.bpe.model", "plain-bpe"),
    "SeamlessM4TTokenizer": ("sentencepiece.bpe.model", "plain-bpe"), "ReformerTokenizer": ("spiece.model", "plain-bpe"),
    "T5Tokenizer": ("spiece.model", "t5"), "UdopTokenizer": ("spiece.model", "t5"), "AlbertTokenizer": ("spiece.model", "albert"),
    "FNetTokenizer": ("spiece.model", "albert"), "RemBertTokenizer": ("sentencepiece.model", "albert"),
    "BigBirdTokenizer": ("spiece.model", "big-bird"), "DebertaV2Tokenizer": ("spm.model", "deberta"),
    "XLMRobertaTokenizer": ("sentencepiece.bpe.model", "unigram"), "CamembertTokenizer": ("sentencepiece.bpe.model", "unigram"),
    "BarthezTokenizer": ("sentencepiece.bpe.model", "unigram"), "LayoutXLMTokenizer": ("sentencepiece.bpe.model", "unigram"),
    "MBartTokenizer": ("sentencepiece.bpe.model", "unigram"), "MBart50Tokenizer": ("sentencepiece.bpe.model", "unigram"),
    "XGLMTokenizer": ("sentencepiece.bpe.model", "unigram"), "XLNetTokenizer": ("spiece.model", "xlnet"),
    "PegasusTokenizer": ("spiece.model", "pegasus"),
}
VARIANTS = [
    ("BertTokenizer", {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}),
    ("FunnelTokenizer", {"clean_text": False, "do_lower_case": False}), ("SplinterTokenizer", {"padding_side": "left"}),
    ("RobertaTokenizer", {"add_prefix_space": True, "trim_offsets": False}), ("LayoutLMv3Tokenizer", {"add_prefix_space": False}),
    ("GPT2Tokenizer", {"add_bos_token": True, "add_eos_token": True}), ("CodeGenTokenizer", {"add_bos_token": True}),
    ("BlenderbotTokenizer", {"add_prefix_space": False}), ("CohereTokenizer", {"add_bos_token": True, "add_prefix_space": True}),
    ("LlamaTokenizer", {"add_bos_token": True, "legacy": True}), ("LlamaTokenizer", {"add_prefix_space": False}),
    ("CodeLlamaTokenizer", {"add_bos_token": False, "add_prefix_space": False}), ("NllbTokenizer", {"src_lang": "fra_Latn"}),
    ("NllbTokenizer", {"legacy_behaviour": True, "additional_special_tokens": ["eng_Latn", "fra_Latn"]}),
    ("SeamlessM4TTokenizer", {"additional_special_tokens": ["__eng__", "__fra__"], "tgt_lang": "eng"}),
    ("T5Tokenizer", {"extra_ids": 3}), ("AlbertTokenizer", {"do_lower_case": False, "keep_accents": True}),
    ("RemBertTokenizer", {"do_lower_case": True, "keep_accents": False}), ("XLNetTokenizer", {"do_lower_case": True}),
    ("MBartTokenizer", {"src_lang": "fr_XX"}), ("MBart50Tokenizer", {"src_lang": "sl_SI"}),
    ("MBartTokenizer", {"additional_special_tokens": ["<a>", "en_XX"]}), ("PegasusTokenizer", {"offset": 10}),
    ("XGLMTokenizer", {"additional_special_tokens": ["<a>"]}), ("DebertaV2Tokenizer", {"do_lower_case": True, "split_by_punct": True}),
    ("BigBirdTokenizer", {"add_prefix_space": False}), ("BarthezTokenizer", {"add_prefix_space": False}),
    ("MPNetTokenizer", {"mask_token": {"content": "<mask>", "lstrip": False, "rstrip": True, "normalized": True, "__type": "AddedToken"}}),
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<unk>", "<mask>", "<cls>", "<sep>", ".", "[QUESTION]"]


def bpe(lines, suffix):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **({"end_of_word_suffix": suffix} if suffix else {})))
    tokenizer.normalizer = normalizers.Lowercase() if suffix else None
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace() if suffix else pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = [] if suffix else pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=900, initial_alphabet=alphabet, show_progress=False, **({"end_of_word_suffix": suffix} if suffix else {}),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<|endoftext|>", "<mask>", "<|startoftext|>"]))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], model["merges"]


def word_piece(lines):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=900, special_tokens=SPECIAL, show_progress=False))
    return sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)


def pieces(lines, **options):
    out = io.BytesIO()
    options = {"vocab_size": 500, "character_coverage": 0.9995, "hard_vocab_limit": False, **options}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=out, minloglevel=2, **options)
    return out.getvalue()


def main():
    out, lines = Path(sys.argv[1]), []
    for path in sys.argv[2:]:
        lines += [line for line in Path(path).read_text(encoding="utf-8").split("\n") if line.strip()][:1500]
    first = {"unk_id": 0, "bos_id": 1, "eos_id": 2}
    spm = {
        "bpe": pieces(lines, model_type="bpe", byte_fallback=True, vocab_size=800, normalization_rule_name="identity", **first),
        "gemma": pieces(lines, model_type="bpe", byte_fallback=True, vocab_size=800, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
                        bos_piece="<bos>", eos_piece="<eos>", user_defined_symbols=["<mask>", "\n\n"], normalization_rule_name="identity"),
        "plain-bpe": pieces(lines, model_type="bpe", **first),
        "unigram": pieces(lines, model_type="unigram", **first),
        "t5": pieces(lines, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
        "albert": pieces(lines, model_type="unigram", pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]"],
                         user_defined_symbols=["[MASK]", "(", "€"]),
        "big-bird": pieces(lines, model_type="unigram", pad_id=0, eos_id=1, bos_id=2, unk_id=3, control_symbols=["[CLS]", "[SEP]", "[MASK]"]),
        "deberta": pieces(lines, model_type="unigram", pad_id=0, unk_id=3, bos_id=1, eos_id=2, bos_piece="[CLS]", eos_piece="[SEP]",
                          pad_piece="[PAD]", unk_piece="[UNK]"),
        "xlnet": pieces(lines, model_type="unigram", control_symbols=["<cls>", "<sep>", "<pad>", "<mask>", "<eod>"],
                        user_defined_symbols=["<eop>", ".", "10,"], **first),
        "pegasus": pieces(lines, model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, control_symbols=["<mask_2>"]),
    }
    vocab_txt, byte_bpe, word_bpe = word_piece(lines), bpe(lines, None), bpe(lines, "</w>")

    def write(name, tokenizer_class, options):
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class, **options}))
        if tokenizer_class in BERT:
            (folder / "vocab.txt").write_text("\n".join(vocab_txt) + "\n", encoding="utf-8")
        elif tokenizer_class in PIECES:
            file, model = PIECES[tokenizer_class]
            (folder / file).write_bytes(spm[model])
        else:
            vocab, merges = byte_bpe if tokenizer_class in BYTES else word_bpe
            (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
            lines = ["#version: 0.2"] + [" ".join(merge) for merge in merges]
            (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    for tokenizer_class in [*BERT, *BYTES, *WORD_ENDS, *PIECES]:
        write(tokenizer_class, tokenizer_class, {})
    for number, (tokenizer_class, options) in enumerate(VARIANTS):
        write(f"{tokenizer_class}-{number}", tokenizer_class, options)


if __name__ == "__main__":
    main()
