#!/usr/bin/env python3
"""Writes tests/golden/sentences: tiny folders of sentence-transformers and what that package makes of some texts.

    python tools/golden/sentences.py [OUT]

Each folder has sentences.json: {"reference": versions, "class", "cases": [{"method", "inputs", "options", "expected"}]}.
"""

import json
import pathlib
import shutil
import sys

import sentence_transformers
import torch
import transformers
from pipelines import TEXTS, byte_level_tokenizer, plain, randomise, word_piece_tokenizer
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.cross_encoder.modules import LogitScore
from sentence_transformers.sentence_transformer import modules
from tokenizers import normalizers

QUERIES = ["Who lives in Berlin?", "a king with three sons"]
PAIRS = [(query, text) for query in QUERIES for text in TEXTS[:4]]


def bert(head, tokenizer, seed, **overrides):
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=40,
        pad_token_id=0,
        **overrides,
    )
    return randomise(getattr(transformers, head)(config), seed, 0.4)


def llama(tokenizer, seed):
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=200,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
    )
    return randomise(transformers.LlamaForCausalLM(config), seed, 0.4)


def start(folder, model, tokenizer, inside=""):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / inside).mkdir(parents=True)
    model.save_pretrained(folder / inside)
    tokenizer.save_pretrained(folder / inside)
    return folder


def write_json(path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def case(model, method, inputs, **options):
    expected = getattr(model, method)(inputs, **options)
    return {"method": method, "inputs": inputs, "options": options, "expected": plain(torch.as_tensor(expected).tolist())}


def finish(folder, kind, cases):
    versions = {
        "sentence_transformers": sentence_transformers.__version__,
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
    }
    write_json(folder / "sentences.json", {"reference": versions, "class": kind, "cases": cases})
    (folder / "README.md").unlink(missing_ok=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert size < 200_000, f"{folder} has {size} bytes"
    print(f"{folder}: {len(cases)} cases, {size} bytes")


def embedding_cases(model, names):
    cases = [
        case(model, "encode", TEXTS),
        case(model, "encode", TEXTS[:3], batch_size=1, normalize_embeddings=True),
        case(model, "encode", TEXTS[:2], truncate_dim=5),
        case(model, "encode", TEXTS[:2], prompt="the old river: ", truncate_dim=7, normalize_embeddings=True),
        case(model, "encode_query", QUERIES),
        case(model, "encode_document", TEXTS[:2]),
    ]
    cases += [case(model, "encode", QUERIES, prompt_name=name) for name in names]
    vectors = model.encode(TEXTS[:3]), model.encode(QUERIES)
    for name in ("cosine", "dot", "euclidean", "manhattan"):
        model.similarity_fn_name = name
        scores = model.similarity(*vectors).tolist()
        cases.append({"method": "similarity", "inputs": [TEXTS[:3], QUERIES], "options": {"name": name}, "expected": scores})
    return cases


def write_every_pooling(root):
    tokenizer = word_piece_tokenizer(40)
    source = start(root / "source", bert("BertModel", tokenizer, 1), tokenizer)
    torch.manual_seed(2)
    modes = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
    norm = modules.LayerNorm(20)
    torch.nn.init.normal_(norm.norm.weight, 1.0, 0.3), torch.nn.init.normal_(norm.norm.bias, 0.0, 0.3)
    model = SentenceTransformer(
        modules=[
            Transformer(str(source)),
            modules.Pooling(16, modes),
            modules.Dense(96, 20, bias=False, activation_function=torch.nn.GELU(), use_residual=True),
            modules.Dense(20, 20, use_residual=True),
            norm,
            modules.Normalize(),
        ],
        prompts={"query": "letters about the river ", "topic": "king: "},
        similarity_fn_name="euclidean",
    )
    folder = root / "every_pooling"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(str(folder))
    shutil.rmtree(source)
    finish(folder, "SentenceTransformer", embedding_cases(SentenceTransformer(str(folder)), ["topic"]))


def write_legacy(root):
    """What releases before 3 wrote: the model in a folder of its own, truth values per mode; letters made small."""
    tokenizer = word_piece_tokenizer(40)
    tokenizer.backend_tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    folder = start(root / "legacy", bert("BertModel", tokenizer, 3), tokenizer, "0_Transformer")
    entries = [("Transformer", "0_Transformer"), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    write_json(
        folder / "modules.json",
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
            for i, (name, path) in enumerate(entries)
        ],
    )
    write_json(folder / "0_Transformer" / "sentence_bert_config.json", {"max_seq_length": 11, "do_lower_case": True})
    pooling = {"word_embedding_dimension": 16, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    pooling |= {"pooling_mode_max_tokens": False, "pooling_mode_weightedmean_tokens": True, "include_prompt": False}
    write_json(folder / "1_Pooling" / "config.json", pooling)
    write_json(
        folder / "config_sentence_transformers.json",
        {"prompts": {"passage": "passage: "}, "default_prompt_name": "passage", "truncate_dim": 30},
    )
    finish(folder, "SentenceTransformer", embedding_cases(SentenceTransformer(str(folder)), ["passage"]))


def write_without_modules(root):
    """A causal language model, padded on the left: its last token."""
    tokenizer = byte_level_tokenizer()
    tokenizer.padding_side = "left"
    tokenizer.chat_template = None
    folder = start(root / "without_modules", llama(tokenizer, 4), tokenizer)
    finish(folder, "SentenceTransformer", embedding_cases(SentenceTransformer(str(folder)), []))


def write_reranker(root):
    tokenizer = word_piece_tokenizer(40)
    folder = start(root / "reranker", bert("BertForSequenceClassification", tokenizer, 5, num_labels=1), tokenizer)
    CrossEncoder(str(folder), prompts={"news": "in the news "}).save_pretrained(str(folder))
    model = CrossEncoder(str(folder))
    cases = [
        case(model, "predict", PAIRS),
        case(model, "predict", PAIRS[:3], batch_size=1, prompt="the "),
        case(model, "predict", PAIRS[:3], prompt_name="news"),
    ]
    for top_k in (None, 3):
        ranking = model.rank(QUERIES[1], TEXTS, top_k=top_k)
        cases.append({"method": "rank", "inputs": [QUERIES[1], TEXTS], "options": {"top_k": top_k}, "expected": plain(ranking)})
    finish(folder, "CrossEncoder", cases)


def write_three_labels(root):
    tokenizer = word_piece_tokenizer(16)  # pairs are cut
    model = bert("BertForSequenceClassification", tokenizer, 6, num_labels=3)
    folder = start(root / "three_labels", model, tokenizer)
    config = json.loads((folder / "config.json").read_text())
    config["sbert_ce_default_activation_function"] = "torch.nn.modules.activation.Tanh"
    write_json(folder / "config.json", config)
    model = CrossEncoder(str(folder))
    finish(folder, "CrossEncoder", [case(model, "predict", PAIRS), case(model, "predict", PAIRS, apply_softmax=True)])


def write_logit_score(root):
    """A causal language model that says yes or no."""
    tokenizer = byte_level_tokenizer()
    tokenizer.chat_template = None
    source = start(root / "source", llama(tokenizer, 7), tokenizer)
    text_only = {"text": {"method": "forward", "method_output_name": "logits"}}
    transformer = Transformer(
        str(source), transformer_task="text-generation", modality_config=text_only, module_output_name="causal_logits"
    )
    model = CrossEncoder(modules=[transformer, LogitScore(30, 41)])
    folder = root / "logit_score"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(str(folder))
    shutil.rmtree(source)
    model = CrossEncoder(str(folder))
    ranking = model.rank(QUERIES[0], TEXTS)
    cases = [case(model, "predict", PAIRS)]
    cases.append({"method": "rank", "inputs": [QUERIES[0], TEXTS], "options": {}, "expected": plain(ranking)})
    finish(folder, "CrossEncoder", cases)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "sentences"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    root.mkdir(parents=True, exist_ok=True)
    for write in [
        write_every_pooling,
        write_legacy,
        write_without_modules,
        write_reranker,
        write_three_labels,
        write_logit_score,
    ]:
        write(root)


if __name__ == "__main__":
    main()
