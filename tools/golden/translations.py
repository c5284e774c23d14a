"""Checkpoints of translation models with the tokenizers they come with, for pipelines.py.

The expected answers come from the reference's model and tokenizer: what its tokenizers call _build_translation_inputs
sets the language of the text and the token with which the answer begins.
"""

import io
import json
import tempfile
from pathlib import Path

import sentencepiece
import transformers
from transformers import AutoTokenizer


def pieces_of(texts, size, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=out, vocab_size=size, hard_vocab_limit=False, minloglevel=2,
        normalization_rule_name="identity", **options,
    )
    model = out.getvalue()
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return model, [processor.id_to_piece(i) for i in range(processor.get_piece_size())]


def numbered(tokens):
    return json.dumps({token: i for i, token in enumerate(dict.fromkeys(tokens))}, ensure_ascii=False).encode()


def tokenizer_of(files, **config):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps(config))
        return AutoTokenizer.from_pretrained(folder)


def marian_tokenizer(texts):
    source, names = pieces_of(texts, 110, model_type="unigram")
    target, more = pieces_of(texts[::-1], 90, model_type="unigram")
    vocabulary = numbered(["</s>", "<unk>", *names[3:], *more[3:], ">>fra<<", "<pad>"])
    return tokenizer_of({"source.spm": source, "target.spm": target, "vocab.json": vocabulary}, tokenizer_class="MarianTokenizer")


def m2m_100_tokenizer(texts):
    model, names = pieces_of(texts, 120, model_type="bpe")
    vocabulary = numbered(["<s>", "<pad>", "</s>", "<unk>", *names[3:]])
    return tokenizer_of({"sentencepiece.bpe.model": model, "vocab.json": vocabulary}, tokenizer_class="M2M100Tokenizer")


def nllb_tokenizer(texts):
    model, _ = pieces_of(texts, 120, model_type="bpe")
    languages = ["eng_Latn", "fra_Latn", "deu_Latn", "zho_Hans"]
    return tokenizer_of({"sentencepiece.bpe.model": model}, tokenizer_class="NllbTokenizer", additional_special_tokens=languages)


SIZES = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
         "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_position_embeddings": 64, "forced_eos_token_id": None}


def answers(model, tokenizer, inputs, languages, options):
    named = {"max_new_tokens": 256, "num_beams": 4, **{key: value for key, value in options.items() if key != "batch_size"}}
    found = []
    for text in [inputs] if isinstance(inputs, str) else inputs:
        if languages:
            tokenizer.src_lang = languages[0]
            named["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(
                f"__{languages[1]}__" if isinstance(tokenizer, transformers.M2M100Tokenizer) else languages[1])
        encoded = tokenizer(text, return_tensors="pt")
        ids = model.generate(encoded.input_ids, attention_mask=encoded.attention_mask, do_sample=False, **named)
        found.append([{"translation_text": tokenizer.decode(row, skip_special_tokens=True)} for row in ids])
    return found[0] if isinstance(inputs, str) else [answer[0] for answer in found]


def translation_cases(texts, make_model, save, finish, root):
    """make_model(class, config, seed, scale), save and finish are those of pipelines.py."""
    kinds = [
        ("translation-marian", marian_tokenizer, "MarianConfig", "MarianMTModel", []),
        ("translation-m2m-100", m2m_100_tokenizer, "M2M100Config", "M2M100ForConditionalGeneration", [("en", "fr"), ("de", "zh")]),
        ("translation-nllb", nllb_tokenizer, "M2M100Config", "M2M100ForConditionalGeneration",
         [("eng_Latn", "fra_Latn"), ("deu_Latn", "zho_Hans")]),
    ]
    for number, (name, make_tokenizer, config_class, model_class, pairs) in enumerate(kinds):
        tokenizer = make_tokenizer(texts)
        size = max(tokenizer.convert_tokens_to_ids([f"__{pairs[0][0]}__", "__zu__"])) + 1 if name == "translation-m2m-100" else len(tokenizer)
        config = getattr(transformers, config_class)(
            vocab_size=size, **SIZES, bos_token_id=0, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
            decoder_start_token_id=tokenizer.pad_token_id if name == "translation-marian" else tokenizer.eos_token_id)
        model = make_model(getattr(transformers, model_class)(config), 20 + number, 0.5)
        model.generation_config.forced_eos_token_id = None
        folder, _ = save(root / name, model, tokenizer, [])
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = getattr(transformers, model_class).from_pretrained(folder).eval()  # with the sinusoids that no file holds
        cases = []
        for inputs, options in [
            (texts[0], {"max_new_tokens": 9}),
            (texts[:3], {"max_new_tokens": 9, "batch_size": 3}),
            (texts[1], {"max_new_tokens": 12, "num_beams": 1}),
            (">>fra<< " + texts[2], {"max_new_tokens": 6, "num_return_sequences": 2}),
        ]:
            for languages in pairs or [()]:
                expected = answers(model, tokenizer, inputs, languages, options)
                named = {**options, **({"src_lang": languages[0], "tgt_lang": languages[1]} if languages else {})}
                cases.append({"task": "translation", "inputs": inputs, "options": named, "expected": expected})
        if name == "translation-m2m-100":
            options = {"max_new_tokens": 7}
            cases.append({"task": "translation_en_to_de", "inputs": texts[3], "options": options,
                          "expected": answers(model, tokenizer, texts[3], ("en", "de"), options)})
        finish(folder, cases)
