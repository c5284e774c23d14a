#!/usr/bin/env python3
"""Imago and its peers on the same weights and the same processors, in turns; prints the ratio of each row.

  language models  a Llama of 1B and a Qwen2 of 0.5B parameters, reading a prompt and writing tokens, in GGUF formats
                   against llama.cpp's own llama-bench, whose paths are in $LLAMA_BENCH and $IK_LLAMA_BENCH
  embeddings       BERT-base and MiniLM, 1 and 32 texts of 128 tokens, against torch, onnxruntime, ctranslate2 and
                   openvino, each where it can be imported
  translation      T5-small, 32 tokens in and out, against torch
  vision           ViT-base on 1 and 8 pictures, DETR with ResNet-50 on one of 800 x 1066, CLIP ViT-B/32 on 1 and 8
                   pictures with as many texts, against torch, onnxruntime and openvino
  contexts         (with --contexts TOKENS, alone) writing behind a prompt of so many tokens, of Qwen2-0.5B in q4_0 with
                   keys and values in f16, q8_0 and q4_0, against llama-cpp-python with the same
  starts           (with --starts, alone) from nothing to the first token of those language models, the file in the
                   page cache: seconds and peak memory, against llama-cpp-python, of which neither starting Python nor
                   importing packages counts, in either figure; a ratio below 1 is Imago ahead

Weights are random: what they are does not change the time. They are made once, in --folder. In each round every
contestant runs once, in an order that moves on by one; the best round of each counts, and a ratio above 1 is Imago ahead
of the fastest peer. On a machine that others use, IMAGO_BENCH_CPU_TIME=1 with --threads 1 compares processor time (not that of
llama-bench, which measures by the wall). `--parameters small` shrinks every model, to try the script itself.

Usage: compare.py IMAGO [--folder DIR] [--threads N] [--rounds N] [--only TEXT] [--parameters small] [--starts]
       [--contexts TOKENS] [--json]
"""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time

# Of one process, the best counts: as many as peers.py has, with the one that warms up.
RUNS = 4
GGUF_FORMATS = ["f16", "q8_0", "q4_0", "q4_k"]

CONFIGS = {
    "llama-1b": {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128256, "hidden_size": 2048,
        "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 64, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
        "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2},
    "qwen2-0.5b": {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896,
        "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
        "max_position_embeddings": 8192, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0, "tie_word_embeddings": True,
        "bos_token_id": 1, "eos_token_id": 2},
    "bert-base": {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": 30522, "hidden_size": 768,
        "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
        "max_position_embeddings": 512},
    "minilm": {
        "architectures": ["BertModel"], "model_type": "bert", "vocab_size": 30522, "hidden_size": 384,
        "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512},
    "t5-small": {
        "architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "vocab_size": 32128, "d_model": 512,
        "d_kv": 64, "d_ff": 2048, "num_layers": 6, "num_decoder_layers": 6, "num_heads": 8,
        "is_encoder_decoder": True, "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1},
    "vit-base": {
        "architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 768,
        "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224},
    "detr-r50": {
        "architectures": ["DetrForObjectDetection"], "model_type": "detr", "use_timm_backbone": False, "backbone": None,
        "num_queries": 100, "id2label": {str(i): f"LABEL_{i}" for i in range(91)},
        "backbone_config": {"model_type": "resnet", "out_features": ["stage4"]}},
    "clip-b32": {
        "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 512,
        "text_config": {"model_type": "clip_text_model", "num_attention_heads": 8},
        "vision_config": {"model_type": "clip_vision_model", "patch_size": 32, "image_size": 224}},
}
SMALL = {"vocab_size": 2048, "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "d_model": 256, "d_ff": 512, "num_layers": 2,
         "num_decoder_layers": 2, "num_heads": 4}

# A model, how many pictures, their size, and the tokens of as many texts.
PICTURES = [("vit-base", 1, "224x224", 0), ("vit-base", 8, "224x224", 0), ("detr-r50", 1, "800x1066", 0),
            ("clip-b32", 1, "224x224", 77), ("clip-b32", 8, "224x224", 77)]


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.rows = []

    def run_json(self, command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1])
        return json.loads(done.stdout)

    def imago(self, model, repeat=1, **flags):
        command = [self.options.imago, "bench", "-m", str(model), "--threads", str(self.options.threads), "--repeat",
                   str(repeat), "--json"]
        for flag, value in flags.items():
            command += [f"--{flag}", str(value)]
        return self.run_json(command)

    # Models.

    def checkpoint(self, name):
        folder = self.folder / name
        if (folder / "model.safetensors").exists():
            return folder
        config = dict(CONFIGS[name])
        if self.options.parameters == "small":
            config |= {key: value for key, value in SMALL.items() if key in config}
            config.pop("head_dim", None)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.config.json"
        path.write_text(json.dumps(config))
        dtype = "bf16" if "CausalLM" in config["architectures"][0] else "f32"
        subprocess.run([self.options.imago, "init", "--config", str(path), "--dtype", dtype, str(folder)], check=True,
                       stdout=subprocess.DEVNULL)
        if "image_size" not in str(config) and "backbone" not in config:
            write_tokenizer(folder)
        return folder

    def gguf(self, name, method):
        path = self.folder / f"{name}.{method}.gguf"
        if not path.exists():
            folder = self.checkpoint(name)
            subprocess.run([self.options.imago, "quantize", str(folder), str(path), "--method", method], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return path

    def quantized(self, name, method):
        folder = self.folder / f"{name}.{method}"
        if not (folder / "config.json").exists():
            subprocess.run([self.options.imago, "quantize", str(self.checkpoint(name)), str(folder), "--method", method],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return folder

    # Rows.

    def compare(self, row, unit, contestants):
        """`contestants`: name to a function that runs once and gives rates by the suffixes of rows."""
        if self.options.only and self.options.only not in row:
            return
        best, failed = {}, {}
        names = list(contestants)
        for round_number in range(self.options.rounds):
            turn = round_number % len(names)
            for name in names[turn:] + names[:turn]:
                if name in failed:
                    continue
                try:
                    for suffix, rate in contestants[name]().items():
                        rates = best.setdefault(suffix, {})
                        rates[name] = max(rates.get(name, 0), rate)
                except Exception as error:  # a peer that cannot run the row is named and does not end the others
                    failed[name] = f"{type(error).__name__}: {error}"
        for suffix, rates in best.items():
            peers = {name: rate for name, rate in rates.items() if name != "imago"}
            fastest = max(peers, key=peers.get) if peers else None
            ratio = rates.get("imago", 0) / peers[fastest] if fastest else None
            result = {"row": f"{row} {suffix}".strip(), "unit": unit, "rates": rates, "fastest_peer": fastest,
                      "ratio": ratio}
            self.rows.append(result)
            if not self.options.json:
                figures = "  ".join(f"{name} {rate:.1f}" for name, rate in rates.items())
                verdict = f"{ratio:.2f} of {fastest}" if ratio else "no peer"
                print(f"{result['row']:<36} {figures} {unit}  ->  {verdict}", flush=True)
        for name, reason in failed.items():
            self.rows.append({"row": row, "failed": name, "reason": reason})
            print(f"{row:<36} {name} did not run: {reason[:120]}", file=sys.stderr, flush=True)

    def language_models(self):
        prompt, new = (512, 64) if self.options.parameters == "full" else (64, 8)
        binaries = {name: os.environ[variable]
                    for name, variable in (("llama.cpp", "LLAMA_BENCH"), ("ik_llama.cpp", "IK_LLAMA_BENCH"))
                    if os.environ.get(variable)}

        def imago(path):
            result = self.imago(path, prompt=prompt, new=new)
            return {f"prompt {prompt}": result["prompt_tokens_per_second"], "decode": result["decode_tokens_per_second"]}

        def llama_bench(binary, path):
            rates = {}
            arguments = ["-m", str(path), "-p", str(prompt), "-n", str(new), "-t", str(self.options.threads), "-r", "1",
                         "-o", "json"]
            if "ik" in binary:
                arguments += ["-rtr", "1"]  # repacked at load, which is its faster mode
            for test in self.run_json([binary] + arguments):
                rates["decode" if test["n_gen"] else f"prompt {prompt}"] = test["avg_ts"]
            return rates

        for model in ("llama-1b", "qwen2-0.5b"):
            for method in GGUF_FORMATS:
                row = f"{model} {method}"
                if self.options.only and self.options.only not in row:
                    continue
                path = self.gguf(model, method)
                contestants = {"imago": lambda path=path: imago(path)}
                for name, binary in binaries.items():
                    contestants[name] = lambda binary=binary, path=path: llama_bench(binary, path)
                if importable("llama_cpp"):
                    contestants["llama_cpp"] = lambda path=path: self.peer("llama_cpp", path, prompt, new)
                self.compare(row, "tokens/s", contestants)

    def contexts(self):
        tokens, new = self.options.contexts, 32
        for dtype in ("f16", "q8_0", "q4_0"):
            row = f"qwen2-0.5b q4_0 behind {tokens} in {dtype}"
            if self.options.only and self.options.only not in row:
                continue
            path = self.gguf("qwen2-0.5b", "q4_0")

            def imago(path=path, dtype=dtype):
                result = self.imago(path, prompt=tokens, new=new, **{"cache-dtype": dtype})
                return {"prompt": result["prompt_tokens_per_second"], "decode": result["decode_tokens_per_second"]}

            contestants = {"imago": imago}
            if importable("llama_cpp"):
                contestants["llama_cpp"] = (lambda path=path, dtype=dtype:
                                            self.peer("llama_cpp_context", path, tokens, new, dtype))
            self.compare(row, "tokens/s", contestants)

    def starts(self):
        if not importable("llama_cpp"):
            sys.exit("--starts compares with the Python package llama-cpp-python, which cannot be imported")
        for model in ("llama-1b", "qwen2-0.5b"):
            for method in GGUF_FORMATS:
                row = f"{model} {method}"
                if self.options.only and self.options.only not in row:
                    continue
                path = self.gguf(model, method)
                subprocess.run(["cat", str(path)], stdout=subprocess.DEVNULL, check=True)
                best = {}
                for _ in range(self.options.rounds):
                    own = self.imago(path, prompt=1, new=1)
                    figures = {"imago": {"seconds": own["start_to_first_token_seconds"],
                                         "bytes": own["peak_memory_bytes"]},
                               "llama_cpp": self.peer("start_llama_cpp", path)}
                    for name, rates in figures.items():
                        for unit, value in rates.items():
                            key = (name, unit)
                            best[key] = min(best.get(key, value), value)
                for unit, what in (("seconds", "to the first token"), ("bytes", "peak memory")):
                    own, peer = best["imago", unit], best["llama_cpp", unit]
                    self.rows.append({"row": f"{row} {what}", "unit": unit, "imago": own, "llama_cpp": peer,
                                      "ratio": own / peer})
                    if not self.options.json:
                        scale, shown = (1, "s") if unit == "seconds" else (1e6, "MB")
                        print(f"{row + ' ' + what:<36} imago {own / scale:.3f}  llama_cpp {peer / scale:.3f} {shown}"
                              f"  ->  {own / peer:.2f}", flush=True)

    def embeddings(self):
        tokens = 128 if self.options.parameters == "full" else 16
        for model in ("bert-base", "minilm"):
            for precision in ("f32", "int8"):
                for batch in (1, 32):
                    row = f"{model} {precision} batch {batch}"
                    if self.options.only and self.options.only not in row:
                        continue
                    folder = self.checkpoint(model)
                    own = folder if precision == "f32" else self.quantized(model, "w8a8")
                    contestants = {"imago": lambda own=own, batch=batch: {
                        "": self.imago(own, RUNS, prompt=tokens, batch=batch)["texts_per_second"]}}
                    for peer in ("torch", "onnxruntime", "ctranslate2", "openvino"):
                        if importable(peer):
                            contestants[peer] = (lambda peer=peer, folder=folder, precision=precision, batch=batch:
                                                 self.peer(f"encode_{peer}", folder, precision, batch, tokens))
                    self.compare(row, "texts/s", contestants)

    def translation(self):
        tokens = 32 if self.options.parameters == "full" else 8
        for batch in (1, 8):
            row = f"t5-small batch {batch}"
            if self.options.only and self.options.only not in row:
                continue
            folder = self.checkpoint("t5-small")
            contestants = {"imago": lambda batch=batch: {
                "": self.imago(folder, RUNS, prompt=tokens, new=tokens, batch=batch)["texts_per_second"]}}
            if importable("torch"):
                contestants["torch"] = lambda batch=batch: self.peer("translate_torch", folder, batch, tokens)
            self.compare(row, "texts/s", contestants)

    def vision(self):
        for model, batch, size, tokens in PICTURES:
            row = f"{model} batch {batch}"
            if self.options.only and self.options.only not in row:
                continue
            folder = self.checkpoint(model)
            if self.options.parameters == "small" and "800" in size:
                size = "320x416"
            contestants = {"imago": lambda: {
                "": self.imago(folder, RUNS, image=size, batch=batch, prompt=max(tokens, 1))["images_per_second"]}}
            for peer in ("torch", "onnxruntime", "openvino"):
                if importable(peer):
                    contestants[peer] = lambda peer=peer: self.peer(f"see_{peer}", folder, batch, size, tokens)
            self.compare(row, "pictures/s", contestants)

    def peer(self, function, *arguments):
        """In a process of its own: libraries bring thread pools that would share the processors with the next."""
        command = [sys.executable, str(pathlib.Path(__file__).with_name("peers.py")), function,
                   str(self.options.threads)] + [str(argument) for argument in arguments]
        return self.run_json(command)


def importable(name):
    return importlib.util.find_spec(name) is not None


def write_tokenizer(folder):
    """Of bytes alone: a GGUF file must have one."""
    from_byte = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    letters = {byte: chr(byte) for byte in from_byte}
    letters |= {byte: chr(256 + i) for i, byte in enumerate(b for b in range(256) if b not in letters)}
    if "bert" in json.loads((folder / "config.json").read_text())["model_type"]:
        vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])}
        for byte in range(33, 127):
            for piece in (chr(byte), "##" + chr(byte)):
                vocabulary.setdefault(piece, len(vocabulary))
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                 "max_input_chars_per_word": 100, "vocab": vocabulary}
        normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                      "strip_accents": None, "lowercase": True}
        pre_tokenizer, decoder = {"type": "BertPreTokenizer"}, {"type": "WordPiece", "prefix": "##", "cleanup": True}
        pieces = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                  {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
        processor = {"type": "TemplateProcessing", "single": pieces,
                     "pair": pieces + [{"Sequence": {"id": "B", "type_id": 1}},
                                       {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
                     "special_tokens": {t: {"id": t, "ids": [vocabulary[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}}
        around = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]",
                  "mask_token": "[MASK]"}
    else:
        special = ["<pad>", "<s>", "</s>"]
        vocabulary = {token: i for i, token in enumerate(special + [letters[b] for b in range(256)])}
        model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                 "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary, "merges": []}
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        normalizer, pre_tokenizer, decoder, processor = None, byte_level, byte_level, None
        around = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    added = [{"id": vocabulary[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for t in special]
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": processor, "decoder": decoder, "model": model}))
    (folder / "tokenizer_config.json").write_text(json.dumps(around))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("imago")
    parser.add_argument("--folder", default="/tmp/imago-bench-cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="rows whose name has this text")
    parser.add_argument("--parameters", choices=["full", "small"], default="full")
    parser.add_argument("--contexts", type=int, default=0, metavar="TOKENS", help="compare long contexts instead")
    parser.add_argument("--starts", action="store_true", help="compare what starting costs instead of speed")
    parser.add_argument("--json", action="store_true")
    bench = Bench(parser.parse_args())
    start = time.time()
    if bench.options.starts:
        bench.starts()
    elif bench.options.contexts:
        bench.contexts()
    else:
        bench.language_models()
        bench.embeddings()
        bench.translation()
        bench.vision()
    if bench.options.json:
        print(json.dumps({"threads": bench.options.threads, "rounds": bench.options.rounds,
                          "seconds": round(time.time() - start), "rows": bench.rows}, indent=2))


if __name__ == "__main__":
    main()
