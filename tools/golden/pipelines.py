#!/usr/bin/env python3
"""Writes tests/golden/pipelines: a tiny checkpoint with its tokenizer per kind of model, and what the reference's
pipelines answer with it.

    python tools/golden/pipelines.py [OUT [FUNCTION...]]

Functions are those below, as write_translation; without any all are called.
Each folder has pipeline.json: {"reference": versions, "cases": [{"task", "inputs", "options", "expected"}]}.
Transformers 5 has no pipelines for question-answering, summarization, translation and text2text-generation: for those
the expected answers come from the reference's model and tokenizer with the algorithm that version 4 documents.
"""

import json
import os
import pathlib
import shutil
import sys

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np
import tokenizers
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, pipeline

TEXTS = [
    "Paris is the capital of France and lies on the river Seine.",
    "Anna Maria works for Acme in Berlin and writes letters to her brother.",
    "Once upon a time there lived a king who had three sons and one daughter.",
    "The quick brown fox jumps over the lazy dog near the old mill.",
    "A café in Zürich sells naïve paintings, fresh bread and coffee.",
    "The river was cold, but the children swam in it all summer long.",
    "Who lives in Berlin? Where does the river lie? What does the café sell?",
]
CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def word_piece_tokenizer(max_length):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=160, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"], special))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **names,
    )


def byte_level_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|bos|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=340, special_tokens=special, initial_alphabet=alphabet)
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<|bos|> $A", special_tokens=[("<|bos|>", 1)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        bos_token="<|bos|>",
        eos_token="<|end|>",
        model_input_names=["input_ids", "attention_mask"],
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def unigram_tokenizer():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        TEXTS, trainers.UnigramTrainer(vocab_size=150, special_tokens=special, unk_token="<unk>", shrinking_factor=0.75)
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    )


def randomise(model, seed, scale):
    """Weights that are not degenerate: answers differ between inputs and scores are spread."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * scale if parameter.dim() > 1 else noise * 0.1 + ("norm" in name.lower()))
    return model.eval()


def bert(head, tokenizer, seed, positions=64, **overrides):
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=positions,
        pad_token_id=0,
        **overrides,
    )
    return randomise(getattr(transformers, head)(config), seed, 0.25)


def save(folder, model, tokenizer, cases):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder, cases


def finish(folder, cases):
    versions = {
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    text = json.dumps({"reference": versions, "cases": cases}, indent=1, ensure_ascii=False)
    (folder / "pipeline.json").write_text(text + "\n", encoding="utf-8")
    size = sum(f.stat().st_size for f in folder.iterdir())
    assert size < 200_000, f"{folder} has {size} bytes"
    print(f"{folder}: {len(cases)} cases, {size} bytes")


def plain(value):
    """Numbers as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, (np.generic, torch.Tensor)) else value


def answered(task, folder, cases):
    """The reference's answers to (inputs, options)."""
    pipe = pipeline(task, model=str(folder), tokenizer=str(folder), device="cpu")
    out = []
    for inputs, options in cases:
        named = dict(options)
        if task == "fill-mask" and named.pop("truncation", False):
            named["tokenizer_kwargs"] = {"truncation": True}
        if task == "feature-extraction":  # the reference leaves the padding of a batch in its answers
            named.pop("batch_size", None)
        out.append({"task": task, "inputs": inputs, "options": options, "expected": plain(pipe(inputs, **named))})
    return out


def write_fill_mask(root):
    tokenizer = word_piece_tokenizer(64)
    folder, _ = save(root / "fill-mask", bert("BertForMaskedLM", tokenizer, 1), tokenizer, [])
    one, two = "Paris is the [MASK] of France.", "The [MASK] was cold, [MASK] the children swam."
    cases = [
        (one, {}),
        (two, {"top_k": 3}),
        ([one, two, "A [MASK]"], {"top_k": 2}),
        ([one, two, "A [MASK]"], {"top_k": 2, "batch_size": 3}),
        (one, {"targets": ["river", "king", "dog"]}),
        (one, {"targets": ["river", "king"], "top_k": 1}),
        ("[MASK] " + "river " * 90, {"top_k": 2, "truncation": True}),
    ]
    finish(folder, answered("fill-mask", folder, cases))


def write_feature_extraction(root):
    tokenizer = word_piece_tokenizer(24)
    folder, _ = save(root / "feature-extraction", bert("BertModel", tokenizer, 2, 24), tokenizer, [])
    cases = [("Anna", {}), (["Anna lives", "a"], {"batch_size": 2}), ("river " * 40, {"truncation": True})]
    finish(folder, answered("feature-extraction", folder, cases))


def write_text_classification(root):
    names = {0: "calm", 1: "merry", 2: "sad"}
    pair = {"text": "Who lives in Berlin?", "text_pair": "Anna Maria does."}
    for suffix, problem, labels in [
        ("", None, names),
        ("-multi-label", "multi_label_classification", names),
        ("-regression", "regression", {0: "LABEL_0"}),
    ]:
        tokenizer = word_piece_tokenizer(64)
        model = bert(
            "BertForSequenceClassification",
            tokenizer,
            3,
            id2label=labels,
            problem_type=problem,
            label2id={name: index for index, name in labels.items()},
        )
        folder, _ = save(root / f"text-classification{suffix}", model, tokenizer, [])
        cases = [
            (TEXTS[0], {}),
            (TEXTS[:4], {}),
            (TEXTS[1], {"top_k": None}),
            (TEXTS[:4], {"top_k": 2, "batch_size": 3}),
            (TEXTS[2], {"function_to_apply": "sigmoid", "top_k": 3}),
            (TEXTS[2], {"function_to_apply": "none"}),
            (pair, {}),
            (pair, {"top_k": 2}),
            ("river " * 90, {"truncation": True}),
        ]
        finish(folder, answered("text-classification", folder, cases))


def write_zero_shot_classification(root):
    tokenizer = word_piece_tokenizer(30)
    labels = {0: "contradiction", 1: "neutral", 2: "entailment"}
    model = bert(
        "BertForSequenceClassification",
        tokenizer,
        4,
        id2label=labels,
        label2id={name: index for index, name in labels.items()},
    )
    folder, _ = save(root / "zero-shot-classification", model, tokenizer, [])
    three = {"candidate_labels": ["river", "king", "old mill"]}
    cases = [
        (TEXTS[0], three),
        (TEXTS[1], {**three, "multi_label": True}),
        (TEXTS[2], {"candidate_labels": "a king, cold bread , Berlin", "hypothesis_template": "It is about {}, is it?"}),
        (TEXTS[3], {"candidate_labels": "dog"}),
        (TEXTS[:3], {**three, "batch_size": 4}),
        ("river " * 60, three),
    ]
    finish(folder, answered("zero-shot-classification", folder, cases))


def write_token_classification(root):
    tokenizer = word_piece_tokenizer(24)
    labels = dict(enumerate(TAGS))
    model = bert(
        "BertForTokenClassification", tokenizer, 5, id2label=labels, label2id={v: k for k, v in labels.items()}
    )
    folder, _ = save(root / "token-classification", model, tokenizer, [])
    unknown = "Anna ☃ lives in Zürich"
    cases = [(TEXTS[1], {}), (TEXTS[:5], {"batch_size": 3}), (unknown, {"ignore_labels": []})]
    for strategy in ["simple", "first", "average", "max"]:
        cases += [
            (TEXTS[1], {"aggregation_strategy": strategy}),
            (unknown, {"aggregation_strategy": strategy, "ignore_labels": []}),
            (" ".join(TEXTS[:3]), {"aggregation_strategy": strategy, "stride": 6}),
        ]
    finish(folder, answered("token-classification", folder, cases))


def best_spans(start, end, allowed, k, max_answer_len):
    candidates = np.tril(np.triu(np.outer(start, end)), max_answer_len - 1)
    order = np.argsort(-candidates.flatten(), kind="stable")[:k]
    for s, e in zip(*np.unravel_index(order, candidates.shape)):
        if allowed[s] and allowed[e] and candidates[s, e] > 0:
            yield s, e, candidates[s, e]


def answer_question(
    model,
    tokenizer,
    question,
    context,
    top_k=1,
    doc_stride=None,
    max_answer_len=15,
    max_seq_len=None,
    handle_impossible_answer=False,
    align_to_words=True,
):
    max_seq_len = max_seq_len or min(tokenizer.model_max_length, 384)
    doc_stride = min(max_seq_len // 2, 128) if doc_stride is None else doc_stride
    encoded = tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=max_seq_len,
        stride=doc_stride,
        return_overflowing_tokens=True,
    )
    answers, null_score = [], 1_000_000
    for window in encoded.encodings:
        inputs = {"input_ids": window.ids, "attention_mask": window.attention_mask, "token_type_ids": window.type_ids}
        with torch.no_grad():
            output = model(**{key: torch.tensor([value]) for key, value in inputs.items()})
        allowed = np.array([s == 1 for s in window.sequence_ids]) | (np.array(window.ids) == tokenizer.cls_token_id)
        scores = []
        for logits in (output.start_logits, output.end_logits):
            masked = np.where(allowed, logits[0].double().numpy(), -10000.0)
            powers = np.exp(masked - masked.max())
            scores.append(powers / powers.sum())
        start, end = scores
        if handle_impossible_answer:
            null_score = min(null_score, start[0] * end[0])
        start[0] = end[0] = 0.0
        for s, e, score in best_spans(start, end, allowed, top_k * 2 + 10 if align_to_words else top_k, max_answer_len):
            begin, stop = window.offsets[s][0], window.offsets[e][1]
            if align_to_words:
                begin = window.word_to_chars(window.token_to_word(s), 1)[0]
                stop = window.word_to_chars(window.token_to_word(e), 1)[1]
            text = context[begin:stop]
            same = [answer for answer in answers if answer["answer"].lower() == text.lower()]
            if same:
                same[0]["score"] += score
            else:
                answers.append({"score": score, "start": begin, "end": stop, "answer": text})
    if handle_impossible_answer:
        answers.append({"score": null_score, "start": 0, "end": 0, "answer": ""})
    answers = sorted(answers, key=lambda answer: answer["score"], reverse=True)[:top_k]
    return answers[0] if len(answers) == 1 else answers


def write_question_answering(root):
    tokenizer = word_piece_tokenizer(64)
    model = bert("BertForQuestionAnswering", tokenizer, 7)
    folder, _ = save(root / "question-answering", model, tokenizer, [])
    short, long = TEXTS[4], " ".join(TEXTS[:6])
    question, other = "Where does the river lie?", "Who lives in Berlin?"
    cases = []
    for pairs, options in [
        ([(question, short)], {}),
        ([(question, short)], {"top_k": 3}),
        ([(other, long)], {}),
        ([(other, long)], {"top_k": 4, "doc_stride": 8, "max_seq_len": 32}),
        ([(other, long)], {"max_answer_len": 2, "top_k": 2}),
        ([(other, short)], {"handle_impossible_answer": True, "top_k": 3}),
        ([(other, short)], {"align_to_words": False, "top_k": 2}),
        ([(question, short), (other, long), (question, long)], {"batch_size": 4}),
    ]:
        named = {key: value for key, value in options.items() if key != "batch_size"}
        expected = [plain(answer_question(model, tokenizer, q, c, **named)) for q, c in pairs]
        inputs = [{"question": q, "context": c} for q, c in pairs]
        single = len(pairs) == 1
        cases.append(
            {
                "task": "question-answering",
                "inputs": inputs[0] if single else inputs,
                "options": options,
                "expected": expected[0] if single else expected,
            }
        )
    finish(folder, cases)


def write_text_generation(root):
    tokenizer = byte_level_tokenizer()
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = randomise(transformers.LlamaForCausalLM(config), 11, 0.3)
    folder, _ = save(root / "text-generation", model, tokenizer, [])
    chat = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Who lives in Berlin?"}]
    prefill = [*chat, {"role": "assistant", "content": "Anna"}]
    greedy = {"do_sample": False, "max_new_tokens": 12}
    beams = {**greedy, "num_beams": 3}
    some = [TEXTS[0], "A", "Once upon a time"]
    cases = [
        (TEXTS[2], greedy),
        ("", greedy),
        (some, greedy),
        (some, {**greedy, "batch_size": 3}),
        (TEXTS[4], {**greedy, "return_full_text": False}),
        (chat, greedy),
        (prefill, greedy),
        (chat, {**greedy, "return_full_text": False}),
        (some[2], beams),
        (some[2], {**beams, "num_return_sequences": 2, "length_penalty": 2.0}),
        (some[2], {**greedy, "prefix": "The king. "}),
        (some[2], {**greedy, "repetition_penalty": 1.5}),
    ]
    out = answered("text-generation", folder, cases)
    text = out[0]["expected"][0]["generated_text"][len(TEXTS[2]) :]
    stop = next(
        text[i : i + 2] for i in range(3, len(text) - 2) if text[i : i + 2].isascii() and text[i : i + 2].strip()
    )
    out += answered("text-generation", folder, [(TEXTS[2], {**greedy, "stop_sequence": stop})])
    finish(folder, out)


def write_text2text(root):
    tokenizer = unigram_tokenizer()
    params = {
        "summarization": {"prefix": "summarize: ", "num_beams": 2, "max_length": 12, "early_stopping": True},
        "translation_en_to_fr": {"prefix": "translate English to French: ", "max_length": 10, "num_beams": 3},
    }
    config = transformers.T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
        task_specific_params=params,
    )
    model = randomise(transformers.T5ForConditionalGeneration(config), 13, 0.3)
    folder, _ = save(root / "text2text-generation", model, tokenizer, [])
    keys = {"summarization": "summary_text", "translation_en_to_fr": "translation_text"}
    cases = []
    for task in ["text2text-generation", "summarization", "translation_en_to_fr"]:
        own = dict(params.get(task, {}))
        prefix = own.pop("prefix", "")
        base = {"max_new_tokens": 256, "num_beams": 4} if not own else own
        many = TEXTS[:3]
        few = {"max_new_tokens": 9} if not own else {}
        for inputs, options in [
            (TEXTS[0], few),
            (many, few),
            (many, {**few, "batch_size": 3}),
            (TEXTS[1], {**few, "num_beams": 1}),
            (TEXTS[1], {**few, "num_return_sequences": 2}),
        ]:
            named = {**base, **{key: value for key, value in options.items() if key != "batch_size"}}
            answers = []
            for text in [inputs] if isinstance(inputs, str) else inputs:
                encoded = tokenizer(prefix + text, return_tensors="pt")
                ids = model.generate(encoded.input_ids, attention_mask=encoded.attention_mask, do_sample=False, **named)
                answers.append(
                    [{keys.get(task, "generated_text"): tokenizer.decode(row, skip_special_tokens=True)} for row in ids]
                )
            expected = answers[0] if isinstance(inputs, str) else [answer[0] for answer in answers]
            cases.append({"task": task, "inputs": inputs, "options": options, "expected": expected})
    finish(folder, cases)


def write_translation(root):
    from translations import translation_cases

    translation_cases(TEXTS, randomise, save, finish, root)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "pipelines"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for write in [
        write_fill_mask,
        write_feature_extraction,
        write_text_classification,
        write_zero_shot_classification,
        write_token_classification,
        write_question_answering,
        write_text_generation,
        write_text2text,
        write_translation,
    ]:
        if len(sys.argv) <= 2 or write.__name__ in sys.argv[2:]:
            write(root)


if __name__ == "__main__":
    main()
