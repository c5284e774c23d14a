#!/usr/bin/env python3
"""Compares what imago writes down of sound files with the reference's pipeline, with a small random Whisper.

    python tools/audio/compare_speech.py IMAGO TOKENIZER_FOLDER FILE ...

TOKENIZER_FOLDER has the files of a real Whisper's tokenizer. Each file is heard with several options; texts and times
must be equal. Prints a line for each that is not, and a count.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from transformers import pipeline
from transformers.audio_utils import load_audio

CALLS = [
    {},
    {"return_timestamps": True},
    {"return_timestamps": "word"},
    {"return_timestamps": True, "chunk_length_s": 7},
    {"return_timestamps": "word", "chunk_length_s": 5},
    {"chunk_length_s": 4, "return_language": True},
]


def write(tokenizer_folder: str, folder: str) -> None:
    tokenizer = transformers.WhisperTokenizer.from_pretrained(tokenizer_folder)
    ids = tokenizer.convert_tokens_to_ids
    sizes = {"layers": 2, "attention_heads": 2, "ffn_dim": 32}
    config = transformers.WhisperConfig(
        d_model=16, vocab_size=51865, tie_word_embeddings=False, decoder_start_token_id=ids("<|startoftranscript|>"),
        **{f"{stack}_{name}": size for stack in ("encoder", "decoder") for name, size in sizes.items()},
    )  # fmt: skip
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(config, name, ids("<|endoftext|>"))
    torch.manual_seed(1)
    model = transformers.WhisperForConditionalGeneration(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 2.0 if "decoder.embed_positions" in name else 0.4)
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id, eos_token_id=config.eos_token_id, pad_token_id=config.pad_token_id,
        max_length=60, num_beams=1, no_timestamps_token_id=ids("<|notimestamps|>"), is_multilingual=True, max_initial_timestamp_index=50,
        lang_to_id={f"<|{code}|>": ids(f"<|{code}|>") for code in ("en", "de", "ja")}, alignment_heads=[[0, 1], [1, 0], [1, 1]],
        task_to_id={"transcribe": ids("<|transcribe|>")},
    )  # fmt: skip
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    transformers.WhisperFeatureExtractor().save_pretrained(folder)


def flags(options: dict) -> list[str]:
    result = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        result += [flag] if value is True and name == "return_language" else [flag, "true" if value is True else str(value)]
    return result


def main() -> int:
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    imago, tokenizer, *files = sys.argv[1:]
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        write(tokenizer, folder)
        pipe = pipeline("automatic-speech-recognition", folder)
        for file in files:
            samples = load_audio(file, 16000, backend="soundfile")
            for options in CALLS:
                expected = json.loads(json.dumps(pipe(samples.copy(), **options)))
                command = [imago, "run", "automatic-speech-recognition", file, "-m", folder, "--json", *flags(options)]
                ours = subprocess.run(command, capture_output=True, text=True)
                answer = json.loads(ours.stdout)["outputs"][0] if ours.returncode == 0 else ours.stderr
                if answer != expected:
                    different += 1
                    print(f"{pathlib.Path(file).name} {options}\n  {answer}\n  {expected}", flush=True)
    print(f"{len(files) * len(CALLS) - different} equal, {different} different")
    return different > 0


if __name__ == "__main__":
    sys.exit(main())
