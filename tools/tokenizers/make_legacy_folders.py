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
         "CodeGenTokenizer", "CohereTokenizer", "LayoutLMv3Tokenizer", "NougatTokenizer", "Qwen3_5Tokenizer", "LukeTokenizer",
         "MarkupLMTokenizer"]
NO_FILES = ["ByT5Tokenizer"]
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
    "XLNetTokenizer": ("spiece.model", "xlnet"), "XGLMTokenizer": ("sentencepiece.bpe.model", "unigram"),
    "PegasusTokenizer": ("spiece.model", "pegasus"), "LasrTokenizer": ("spiece.model", "t5"),
    "VideoPrismTokenizer": ("spiece.model", "t5"), "MLukeTokenizer": ("sentencepiece.bpe.model", "unigram"),
    "Siglip2Tokenizer": ("tokenizer.model", "gemma"), "Tipsv2Tokenizer": ("tokenizer.model", "gemma"),
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
    ("MBartTokenizer", {"additional_special_tokens": ["<a>", "en_XX"]}),
    ("DebertaV2Tokenizer", {"do_lower_case": True, "split_by_punct": True}),
    ("BigBirdTokenizer", {"add_prefix_space": False}), ("BarthezTokenizer", {"add_prefix_space": False}),
    ("MPNetTokenizer", {"mask_token": {"content": "<mask>", "lstrip": False, "rstrip": True, "normalized": True, "__type": "AddedToken"}}),
]
VARIANTS += [
    ("PegasusTokenizer", {"offset": 5, "mask_token": "<mask_2>", "mask_token_sent": "<mask_1>", "additional_special_tokens": ["<mask_1>"]}),
    ("LukeTokenizer", {"entity_token_1": {"content": "<e>", "lstrip": False, "normalized": True, "__type": "AddedToken"}, "add_prefix_space": True}),
    ("MLukeTokenizer", {"entity_1_token": "<e>"}), ("Tipsv2Tokenizer", {"do_lower_case": False}), ("LasrTokenizer", {"extra_ids": 3}),
    ("XGLMTokenizer", {"add_prefix_space": False, "additional_special_tokens": ["<a>", "<madeupword1>"]}),
    ("T5Tokenizer", {"extra_ids": 2, "additional_special_tokens": ["<a>"]}), ("MarkupLMTokenizer", {"add_prefix_space": True}),
    ("ByT5Tokenizer", {"extra_ids": 2}),
]
# Of classes in Python: what files they have, see python_files().
PYTHON = ["MarianTokenizer", "M2M100Tokenizer", "Speech2TextTokenizer", "SiglipTokenizer", "SpeechT5Tokenizer",
          "BertGenerationTokenizer", "GPTSw3Tokenizer", "BartphoTokenizer", "PLBartTokenizer", "PhobertTokenizer",
          "BertweetTokenizer", "CTRLTokenizer", "BlenderbotSmallTokenizer", "EsmTokenizer", "Wav2Vec2CTCTokenizer",
          "MgpstrTokenizer", "PerceiverTokenizer", "DiaTokenizer"]
VARIANTS += [
    ("MarianTokenizer", {"separate_vocabs": True}), ("M2M100Tokenizer", {"src_lang": "fr", "tgt_lang": "de"}),
    ("M2M100Tokenizer", {"language_codes": "wmt21", "src_lang": "de", "additional_special_tokens": ["__en__", "__ha__", "<a>"]}),
    ("Speech2TextTokenizer", {"lang_codes": "mustc", "tgt_lang": "fr", "do_upper_case": True}),
    ("SiglipTokenizer", {"do_lower_case": False, "pad_token": "<pad>"}), ("PLBartTokenizer", {"src_lang": "python", "tgt_lang": "en_XX"}),
    ("Wav2Vec2CTCTokenizer", {"do_lower_case": True, "word_delimiter_token": "_", "additional_special_tokens": ["<a>"]}),
    ("DiaTokenizer", {"offset": 3}), ("CTRLTokenizer", {"pad_token": "<pad>"}),
    ("PLBartTokenizer", {"clean_up_tokenization_spaces": False}),
]
REQUIRED = {"MarkupLMTokenizer": {"tags_dict": {"a": 0}}}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<unk>", "<mask>", "<cls>", "<sep>", ".", "[QUESTION]"]


def bpe(lines, suffix, size):
    options = {"end_of_word_suffix": suffix} if suffix else {}
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **options))
    tokenizer.normalizer = normalizers.Lowercase() if suffix else None
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace() if suffix else pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = [] if suffix else pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, show_progress=False, **options,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<|endoftext|>", "<mask>", "<|startoftext|>"]))
    model = json.loads(tokenizer.to_str())["model"]
    merges = ["#version: 0.2"] + [" ".join(merge) for merge in model["merges"]]
    return {"vocab.json": json.dumps(model["vocab"], ensure_ascii=False).encode(), "merges.txt": ("\n".join(merges) + "\n").encode()}


def word_piece(lines, size):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False))
    return {"vocab.txt": "".join(token + "\n" for token in sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)).encode()}


def pieces(lines, **options):
    out = io.BytesIO()
    options = {"character_coverage": 0.9995, "hard_vocab_limit": False, **options}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=out, minloglevel=2, **options)
    return out.getvalue()


def vocabularies(lines, size, **normalization):
    """By name: the files of a vocabulary, or the bytes of a SentencePiece model."""
    first = {"unk_id": 0, "bos_id": 1, "eos_id": 2}
    unigram, bytes_ = {"model_type": "unigram", "vocab_size": size, **normalization}, {"byte_fallback": True, "vocab_size": size + 256}
    identity = {"model_type": "bpe", "normalization_rule_name": "identity"}
    known = {
        "none": {}, "word-piece": word_piece(lines, size), "byte-bpe": bpe(lines, None, size + 256), "word-bpe": bpe(lines, "</w>", size),
        "bpe": pieces(lines, **identity, **bytes_, **first),
        "gemma": pieces(lines, **identity, **bytes_, pad_id=0, eos_id=1, bos_id=2, unk_id=3, bos_piece="<bos>",
                        eos_piece="<eos>", user_defined_symbols=["<mask>", "\n\n"]),
        "plain-bpe": pieces(lines, model_type="bpe", vocab_size=size, **normalization, **first),
        "unigram": pieces(lines, **unigram, **first),
        "t5": pieces(lines, **unigram, pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
        "pegasus": pieces(lines, **unigram, pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
        "albert": pieces(lines, **unigram, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]"],
                         user_defined_symbols=["[MASK]", "(", "€"]),
        "big-bird": pieces(lines, **unigram, pad_id=0, eos_id=1, bos_id=2, unk_id=3, control_symbols=["[CLS]", "[SEP]", "[MASK]"]),
        "deberta": pieces(lines, **unigram, pad_id=0, unk_id=3, bos_id=1, eos_id=2, bos_piece="[CLS]", eos_piece="[SEP]",
                          pad_piece="[PAD]", unk_piece="[UNK]"),
        "xlnet": pieces(lines, **unigram, control_symbols=["<cls>", "<sep>", "<pad>", "<mask>", "<eod>"],
                        user_defined_symbols=["<eop>", ".", "10,"], **first),
    }
    return {**known, **python_files(lines, size, known, **normalization)}


def pieces_of(model):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [processor.id_to_piece(i) for i in range(processor.get_piece_size())]


def word_merges(files):
    """Of a BPE vocabulary with "</w>": the names that fastBPE gives its tokens, and the merges."""
    merges = files["merges.txt"].decode().split("\n")[1:-1]
    symbols = [symbol for symbol in json.loads(files["vocab.json"]) if not symbol.startswith("<")]
    names = [symbol.removesuffix("</w>") if symbol.endswith("</w>") else symbol + "@@" for symbol in symbols]
    return list(dict.fromkeys(names)), merges


def numbered(tokens):
    return json.dumps({token: i for i, token in enumerate(dict.fromkeys(tokens))}, ensure_ascii=False).encode()


def python_files(lines, size, known, **normalization):
    """By class: the files of the classes in Python."""
    unigram, bytes_ = known["unigram"], known["bpe"]
    target = pieces(lines[::-1], model_type="unigram", vocab_size=size * 4 // 5 + 14, **normalization)
    characters = pieces(lines, model_type="char", vocab_size=size, bos_id=0, pad_id=1, eos_id=2, unk_id=3, **normalization)
    both = [*pieces_of(unigram)[3:], *pieces_of(target)[3:]]
    fast_bpe, merges = word_merges(known["word-bpe"])
    counted = "".join(f"{name} 7\n" for name in fast_bpe[40:] if " " not in name).encode()
    codes = "".join(f"{merge} 3\n" for merge in merges).encode()
    version = ("#version: 0.2\n" + "".join(f"{merge}\n" for merge in merges)).encode()
    letters = sorted({letter for line in lines for letter in line.upper() if letter.isalpha()})
    fairseq = ["<s>", "<pad>", "</s>", "<unk>", *pieces_of(known["plain-bpe"])[3:]]
    unknown_left_out = fairseq[:50] + fairseq[60:]
    return {
        "MarianTokenizer": {"source.spm": unigram, "target.spm": target,
                            "vocab.json": numbered(["</s>", "<unk>", *both, ">>fra<<", ">>deu<<", "<pad>"]),
                            "target_vocab.json": numbered(["</s>", "<unk>", *pieces_of(target)[3:], "<pad>"])},
        "M2M100Tokenizer": {"sentencepiece.bpe.model": known["plain-bpe"], "vocab.json": numbered(unknown_left_out)},
        "Speech2TextTokenizer": {"sentencepiece.bpe.model": unigram, "vocab.json": numbered(["<s>", "<pad>", "</s>", "<unk>", *both[:200]])},
        "SiglipTokenizer": {"spiece.model": known["t5"]},
        "SpeechT5Tokenizer": {"spm_char.model": characters},
        "BertGenerationTokenizer": {"spiece.model": known["plain-bpe"]},
        "GPTSw3Tokenizer": {"spiece.model": bytes_},
        "BartphoTokenizer": {"sentencepiece.bpe.model": known["plain-bpe"],
                             "dict.txt": "".join(f"{piece} 7\n" for piece in fairseq[4:60]).encode()},
        "PLBartTokenizer": {"sentencepiece.bpe.model": known["plain-bpe"]},
        "PhobertTokenizer": {"vocab.txt": counted, "bpe.codes": codes}, "BertweetTokenizer": {"vocab.txt": counted, "bpe.codes": codes},
        "CTRLTokenizer": {"vocab.json": numbered([*fast_bpe[20:], "<unk>"]), "merges.txt": version},
        "BlenderbotSmallTokenizer": {"vocab.json": numbered(["__null__", "__start__", "__end__", "__unk__", "__newln__", *fast_bpe]),
                                     "merges.txt": version},
        "EsmTokenizer": {"vocab.txt": "\n".join(["<cls>", "<pad>", "<eos>", "<unk>", *letters[:24], ".", "-", "the", "<mask>"]).encode()},
        "Wav2Vec2CTCTokenizer": {"vocab.json": numbered(["<pad>", "<s>", "</s>", "<unk>", "|", *letters, "'", "ER", "ÜBER"])},
        "MgpstrTokenizer": {"vocab.json": numbered(["[GO]", "[s]", *"0123456789abcdefghijklmnopqrstuvwxyz", " "])},
        "PerceiverTokenizer": {}, "DiaTokenizer": {},
    }


def vocabulary_of(tokenizer_class):
    """The name of the vocabulary, and of the file where it is a SentencePiece model."""
    if tokenizer_class in PYTHON:
        return tokenizer_class, None
    if tokenizer_class in PIECES:
        file, model = PIECES[tokenizer_class]
        return model, file
    if tokenizer_class in NO_FILES:
        return "none", None
    return ("word-piece" if tokenizer_class in BERT else "byte-bpe" if tokenizer_class in BYTES else "word-bpe"), None


def cases():
    """Name, class and options of every folder."""
    for tokenizer_class in [*NO_FILES, *BERT, *BYTES, *WORD_ENDS, *PIECES, *PYTHON]:
        yield tokenizer_class, tokenizer_class, REQUIRED.get(tokenizer_class, {})
    for number, (tokenizer_class, options) in enumerate(VARIANTS):
        yield f"{tokenizer_class}-{number}", tokenizer_class, {**REQUIRED.get(tokenizer_class, {}), **options}


def load_reference(folder):
    """The reference's tokenizer of a folder. Some of its classes open no file but tokenizer.json: these are given theirs."""
    from transformers import AutoTokenizer, XGLMTokenizer
    from transformers.convert_slow_tokenizer import SentencePieceExtractor, XGLMConverter

    config = json.loads((Path(folder) / "tokenizer_config.json").read_text())
    tokenizer_class = config.pop("tokenizer_class")
    if tokenizer_class == "XGLMTokenizer":
        proto = SentencePieceExtractor(f"{folder}/sentencepiece.bpe.model").proto
        charsmap = proto.normalizer_spec.precompiled_charsmap or None
        if "additional_special_tokens" in config:  # as from_pretrained does
            config["extra_special_tokens"] = config.pop("additional_special_tokens")
        return XGLMTokenizer(vocab=XGLMConverter.vocab(None, proto), _spm_precompiled_charsmap=charsmap, **config)
    files = {"vocab_file": f"{folder}/vocab.json", "merges_file": f"{folder}/merges.txt"} if tokenizer_class == "Qwen3_5Tokenizer" else {}
    return AutoTokenizer.from_pretrained(folder, **files)


def write_folder(folder, tokenizer_class, options, known):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": tokenizer_class, **options}))
    vocabulary, file = vocabulary_of(tokenizer_class)
    files = {file: known[vocabulary]} if file else known[vocabulary]
    for name, content in files.items():
        (folder / name).write_bytes(content)


def main():
    out, lines = Path(sys.argv[1]), []
    for path in sys.argv[2:]:
        lines += [line for line in Path(path).read_text(encoding="utf-8").split("\n") if line.strip()][:1500]
    known = vocabularies(lines, 500)
    for name, tokenizer_class, options in cases():
        write_folder(out / name, tokenizer_class, options, known)


if __name__ == "__main__":
    main()
