#!/usr/bin/env python3
"""Writes tests/golden/speech: tiny checkpoints that hear, and what the reference's pipelines answer with them.

    python tools/golden/speech_pipelines.py [OUT]

As pipelines.py does for texts: pipeline.json beside each checkpoint; "inputs" are files of
src/imago/processors/audio/testdata, or with "@N" behind the name N times the same sound, one behind the other.
"""

import io
import json
import pathlib
import sys

import numpy as np
import sentencepiece
import torch
import transformers
from pipelines import TEXTS, finish, plain, randomise, save
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import pipeline
from transformers.audio_utils import load_audio

SOUNDS = pathlib.Path(__file__).resolve().parents[2] / "src" / "imago" / "processors" / "audio" / "testdata"
LANGUAGES = ["en", "de", "fr", "zh"]
# What pipelines read themselves; other options are of generation.
PIPELINE_OPTIONS = ["return_timestamps", "return_language", "function_to_apply", "chunk_length_s", "stride_length_s", "batch_size"]

SMALL_WHISPER = {
    "num_mel_bins": 80,
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
}


def sound(name: str) -> np.ndarray:
    file, _, times = name.partition("@")
    return np.tile(load_audio(str(SOUNDS / file), 16000, backend="soundfile"), int(times or 1))


def cases(pipe, task, calls) -> list[dict]:
    result = []
    for name, options in calls:
        mine = PIPELINE_OPTIONS + ([] if task == "automatic-speech-recognition" else ["top_k"])
        own = {key: value for key, value in options.items() if key in mine}
        generate = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items() if key not in own}
        expected = pipe(sound(name), **own, **({"generate_kwargs": generate} if generate else {}))
        result.append({"task": task, "inputs": name, "options": options, "expected": plain(expected)})
    return result


def lively(make, variety, wanted: int):
    """The first model of 200 whose answer has so many different parts: one that repeats itself would prove little."""
    for seed in range(200):
        model = make(seed)
        if variety(model) >= wanted:
            return model
    raise SystemExit("no seed of 200 gives a lively model")


def whisper_tokenizer(timestamps: int):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    state = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(pair) for pair in state["merges"]]
    own = transformers.WhisperTokenizer(vocab=state["vocab"] | {"<|endoftext|>": len(state["vocab"])}, merges=merges)
    special = ["<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>", "<|transcribe|>"]
    special += ["<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    own.add_special_tokens({"additional_special_tokens": special})
    own.add_tokens([transformers.AddedToken(f"<|{i * 0.02:.2f}|>", special=False) for i in range(timestamps)])
    return own


def small_whisper(tokenizer, positions, suppressed=(), **sizes):
    """A model that says many different tokens, with all that its generation_config.json needs."""
    ids = tokenizer.convert_tokens_to_ids
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        **(SMALL_WHISPER | sizes),
        max_source_positions=positions,
        max_target_positions=40,
        tie_word_embeddings=False,
        pad_token_id=ids("<|endoftext|>"),
        bos_token_id=ids("<|endoftext|>"),
        eos_token_id=ids("<|endoftext|>"),
        decoder_start_token_id=ids("<|startoftranscript|>"),
    )
    features = transformers.WhisperFeatureExtractor(chunk_length=1)(
        sound("mono_16k.wav"), sampling_rate=16000, return_tensors="pt"
    ).input_features

    def make(seed):
        model = randomise(transformers.WhisperForConditionalGeneration(config), seed, 0.4)
        with torch.no_grad():
            model.model.decoder.embed_positions.weight.mul_(8)
        return model

    def variety(model):
        start = torch.tensor([[config.decoder_start_token_id, ids("<|en|>"), ids("<|transcribe|>")]])
        for _ in range(20):
            scores = model(features, decoder_input_ids=start).logits[0, -1, : config.eos_token_id]
            scores[list(suppressed)] = -torch.inf
            start = torch.cat([start, scores.argmax().reshape(1, 1)], dim=1)
        return len(set(start[0].tolist()))

    model = lively(make, variety, 12)
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        bos_token_id=config.bos_token_id,
        max_length=30,
        suppress_tokens=list(suppressed) or [5, 6, 7],
        begin_suppress_tokens=[ids("<|endoftext|>"), 220],
        no_timestamps_token_id=ids("<|notimestamps|>"),
        max_initial_timestamp_index=20,
        is_multilingual=True,
        lang_to_id={f"<|{code}|>": ids(f"<|{code}|>") for code in LANGUAGES},
        task_to_id={"transcribe": ids("<|transcribe|>"), "translate": ids("<|translate|>")},
        return_timestamps=False,
    )
    return model


def write_whisper(root):
    positions = 50  # of a window of one second
    tokenizer = whisper_tokenizer(positions + 1)
    model = small_whisper(tokenizer, positions)
    folder, _ = save(root / "whisper", model, tokenizer, [])
    transformers.WhisperFeatureExtractor(chunk_length=1).save_pretrained(folder)
    pipe = pipeline("automatic-speech-recognition", str(folder))
    calls = []
    for name in ["mono_16k.wav", "stereo_44k.flac", "mono_16k.mp3@4"]:
        calls += [
            (name, {"num_beams": 1}),
            (name, {}),
            (name, {"num_beams": 1, "return_timestamps": True}),
            (name, {"num_beams": 1, "return_timestamps": True, "language": "german", "task": "translate"}),
        ]
    calls += [
        ("mono_16k.wav", {"num_beams": 1, "language": "fr", "max_new_tokens": 7}),
        ("mono_16k.wav", {"num_beams": 3, "return_timestamps": True, "max_new_tokens": 12}),
        ("mono_16k.wav", {"num_beams": 1, "return_language": True}),
        ("mono_16k.wav", {"num_beams": 1, "return_language": True, "return_timestamps": True}),
        ("mono_16k.wav@9", {"num_beams": 1, "return_timestamps": True}),
        ("mono_16k.wav@7", {"return_timestamps": True, "language": "zh"}),
    ]
    finish(folder, cases(pipe, "automatic-speech-recognition", calls))


def write_whisper_words(root):
    """Long sounds: words, windows that overlap, and texts that are tried again. It says printable characters only.

    No case asks for words and the language at once: the reference then gives each token the time of its neighbour. With
    top_k of 1 nothing is random about sampling, so that what comes of a second try is known.
    """
    positions = 50
    tokenizer = whisper_tokenizer(positions + 1)
    tokenizer.pad_token = tokenizer.eos_token  # for batches
    texts = [tokenizer.decode([i]) for i in range(tokenizer.eos_token_id)]
    suppressed = [i for i, text in enumerate(texts) if not (text.isprintable() and text.isascii())]
    model = small_whisper(tokenizer, positions, suppressed=suppressed, decoder_layers=2)
    model.generation_config.alignment_heads = [[1, 0], [0, 1], [1, 1]]
    model.generation_config.prev_sot_token_id = tokenizer.convert_tokens_to_ids("<|startofprev|>")
    folder, _ = save(root / "whisper-words", model, tokenizer, [])
    transformers.WhisperFeatureExtractor(chunk_length=1).save_pretrained(folder)
    pipe = pipeline("automatic-speech-recognition", str(folder))
    once, four, nine = "mono_16k.wav", "mono_16k.wav@4", "mono_16k.wav@9"
    greedy, words, times = {"num_beams": 1}, {"return_timestamps": "word"}, {"return_timestamps": True}
    again = {"temperature": [0.0, 0.2, 0.6], "top_k": 1}
    calls = [(name, greedy | words) for name in [once, "stereo_44k.flac", four, nine]]
    calls += [
        (once, greedy | words | {"language": "zh"}),
        (four, words | {"num_beams": 3, "max_new_tokens": 14}),
        (four, greedy | {"chunk_length_s": 0.5}),
        (nine, greedy | {"chunk_length_s": 0.9, "stride_length_s": [0.2, 0.1], "batch_size": 3}),
        (nine, greedy | times | {"chunk_length_s": 0.8, "batch_size": 2}),
        (nine, greedy | times | {"chunk_length_s": 0.9, "stride_length_s": 0.25, "return_language": True}),
        (nine, greedy | words | {"chunk_length_s": 0.9}),
        (nine, greedy | times | {"condition_on_prev_tokens": True}),
        (nine, words | {"num_beams": 3, "condition_on_prev_tokens": True, "max_new_tokens": 12}),
    ]
    calls += [
        (nine, words | again | {"num_beams": 3, "max_new_tokens": 12, "condition_on_prev_tokens": True, "compression_ratio_threshold": ratio, "logprob_threshold": probability})
        for ratio, probability in [(0.85, -20.0), (9.0, -1.6), (0.85, -1.9)]
    ]
    calls += [
        (nine, times | again | greedy | {"logprob_threshold": 0.5, "no_speech_threshold": silence})
        for silence in [0.0009, 0.5]
    ]
    finish(folder, cases(pipe, "automatic-speech-recognition", calls))


def letter_tokenizer(root):
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAOINSHRDLU'"]
    scratch = root / "vocab.json"
    scratch.write_text(json.dumps({letter: i for i, letter in enumerate(letters)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(scratch), do_lower_case=False)
    scratch.unlink()
    return tokenizer


def write_ctc(root):
    tokenizer = letter_tokenizer(root)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=[12, 12, 12],
        conv_stride=[5, 4, 4],
        conv_kernel=[10, 8, 4],
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        num_codevectors_per_group=8,
        codevector_dim=8,
        proj_codevector_dim=8,
        pad_token_id=0,
    )
    values = torch.from_numpy(sound("mono_16k.wav"))[None]

    def variety(model):
        said = set(model((values - values.mean()) / values.std()).logits.argmax(-1)[0].tolist())
        return len(said) if {0, 4} <= said else 0

    def make(seed):
        model = randomise(transformers.Wav2Vec2ForCTC(config), seed, 0.9)
        with torch.no_grad():
            model.lm_head.bias[[0, 4]] += 1  # blanks and spaces, too
        return model

    model = lively(make, variety, 4)
    folder, _ = save(root / "ctc", model, tokenizer, [])
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)
    pipe = pipeline("automatic-speech-recognition", str(folder))
    calls = []
    for name in ["mono_16k.wav", "stereo_44k.flac", "mono_8k_float.wav@4"]:
        calls += [(name, {}), (name, {"return_timestamps": "char"}), (name, {"return_timestamps": "word"})]
    calls += [
        ("mono_16k.wav@4", {"chunk_length_s": 0.5}),
        ("mono_16k.wav@4", {"chunk_length_s": 0.4, "stride_length_s": 0.05}),
        ("mono_16k.wav@4", {"chunk_length_s": 0.4, "stride_length_s": 0.1, "return_timestamps": "word"}),
    ]
    finish(folder, cases(pipe, "automatic-speech-recognition", calls))


def write_ctc_spectra(root):
    """Letters of a model that reads spectra."""
    tokenizer = letter_tokenizer(root)
    extractor = transformers.SeamlessM4TFeatureExtractor(feature_size=24, num_mel_bins=24, padding_value=1)
    config = transformers.Wav2Vec2BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        feature_projection_input_dim=48,
        conv_depthwise_kernel_size=5,
        pad_token_id=0,
    )
    features = extractor(sound("mono_16k.wav"), sampling_rate=16000, return_tensors="pt")

    def make(seed):
        model = randomise(transformers.Wav2Vec2BertForCTC(config), seed, 0.9)
        with torch.no_grad():
            model.lm_head.bias[[0, 4]] += 1  # blanks and spaces, too
        return model

    model = lively(make, lambda model: len(set(model(**features).logits.argmax(-1)[0].tolist())), 5)
    folder, _ = save(root / "ctc-spectra", model, tokenizer, [])
    extractor.save_pretrained(folder)
    pipe = pipeline("automatic-speech-recognition", str(folder))
    calls = [(name, options) for name in ["mono_16k.wav", "stereo_44k.flac", "mono_8k_float.wav@4"] for options in [{}, {"return_timestamps": "char"}, {"return_timestamps": "word"}]]
    finish(folder, cases(pipe, "automatic-speech-recognition", calls))


SMALL_SPEECHT5 = {
    "hidden_size": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "encoder_max_relative_position": 8,
    "num_mel_bins": 8,
    "speech_decoder_prenet_units": 12,
    "speaker_embedding_dim": 6,
    "speech_decoder_postnet_layers": 2,
    "speech_decoder_postnet_units": 8,
    "conv_dim": [12, 12, 12],
    "conv_stride": [5, 4, 4],
    "conv_kernel": [10, 8, 4],
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "max_speech_positions": 600,
    "max_text_positions": 600,
}


def character_tokenizer(root):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=model, model_type="char", vocab_size=44, minloglevel=2,
        bos_id=0, pad_id=1, eos_id=2, unk_id=3, character_coverage=1.0, normalization_rule_name="identity",
    )  # fmt: skip
    scratch = root / "spm_char.model"
    scratch.write_bytes(model.getvalue())
    tokenizer = transformers.SpeechT5Tokenizer(str(scratch))
    scratch.unlink()
    return tokenizer


def write_speecht5(root):
    scratch = root / "characters"
    scratch.mkdir(exist_ok=True)
    tokenizer = character_tokenizer(scratch)
    scratch.rmdir()
    config = transformers.SpeechT5Config(vocab_size=len(tokenizer), tie_word_embeddings=False, **SMALL_SPEECHT5)
    extractor = transformers.SpeechT5FeatureExtractor(num_mel_bins=8)
    values = torch.from_numpy(sound("mono_16k.wav"))[None]

    def make(seed):
        return randomise(transformers.SpeechT5ForSpeechToText(config), seed, 1.0)

    def variety(model):
        return len(set(model.generate(input_values=values, max_new_tokens=20, no_repeat_ngram_size=2)[0].tolist()))

    folder, _ = save(root / "speecht5-asr", lively(make, variety, 6), tokenizer, [])
    extractor.save_pretrained(folder)
    pipe = pipeline("automatic-speech-recognition", str(folder))
    name, long = "mono_16k.wav", "mono_16k.wav@3"
    pairs = {"no_repeat_ngram_size": 2}  # or else it says one letter again and again
    calls = [(each, pairs | {"num_beams": 1, "max_new_tokens": 24}) for each in [name, "stereo_44k.flac", long]]
    calls += [(name, pairs | {"max_new_tokens": 16})]
    finish(folder, cases(pipe, "automatic-speech-recognition", calls))

    model = randomise(transformers.SpeechT5ForTextToSpeech(config), 7, 0.3)
    vocoder = transformers.SpeechT5HifiGan(
        transformers.SpeechT5HifiGanConfig(
            model_in_dim=8, upsample_initial_channel=12, upsample_rates=[4, 2], upsample_kernel_sizes=[8, 4],
            resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]],
        )  # fmt: skip
    )
    vocoder = randomise(vocoder, 8, 0.3)
    folder, _ = save(root / "text-to-audio", model, tokenizer, [])
    vocoder.save_pretrained(folder / "vocoder")
    pipe = pipeline("text-to-audio", str(folder), vocoder=transformers.SpeechT5HifiGan.from_pretrained(folder / "vocoder"))
    voice = torch.randn((1, 6), generator=torch.Generator().manual_seed(3))
    calls = [
        ("The river was cold.", {"seed": 0, "maxlenratio": 1.5, "threshold": 5.0}),
        ("The river was cold.", {"seed": 1, "maxlenratio": 2.0, "threshold": 1.05}),
        ("Who sings?", {"seed": 7, "minlenratio": 1.0, "maxlenratio": 4.0}),
    ]
    result = []
    for text, options in calls:
        torch.manual_seed(options["seed"])
        forward = {key: value for key, value in options.items() if key != "seed"} | {"speaker_embeddings": voice}
        expected = pipe(text, forward_params=forward)
        print(text, options, expected["audio"].shape, expected["audio"].std())
        spoken = {"audio": expected["audio"].tolist(), "sampling_rate": expected["sampling_rate"]}
        result.append({"task": "text-to-audio", "inputs": text, "options": options | {"speaker_embeddings": voice[0].tolist()}, "expected": plain(spoken)})
    finish(folder, result)


def write_classification(root):
    config = transformers.WhisperConfig(
        vocab_size=12,
        **SMALL_WHISPER,
        max_source_positions=50,
        classifier_proj_size=12,
        pad_token_id=2,
        bos_token_id=2,
        eos_token_id=2,
        decoder_start_token_id=3,
        begin_suppress_tokens=None,
        id2label={i: name for i, name in enumerate(["speech", "music", "rain", "wind", "birds", "silence"])},
    )
    model = randomise(transformers.WhisperForAudioClassification(config), 23, 0.5)
    extractor = transformers.WhisperFeatureExtractor(chunk_length=1)
    folder, _ = save(root / "audio-classification", model, extractor, [])
    pipe = pipeline("audio-classification", str(folder))
    calls = [(name, {}) for name in ["mono_16k.wav", "stereo_44k.flac"]]
    calls += [("mono_16k.wav", {"top_k": 2}), ("mono_16k.wav", {"function_to_apply": "sigmoid"})]
    calls += [("mono_16k.wav", {"top_k": 6, "function_to_apply": "none"})]
    finish(folder, cases(pipe, "audio-classification", calls))


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    default = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "speech"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    root.mkdir(parents=True, exist_ok=True)
    for write in [write_whisper, write_whisper_words, write_ctc, write_ctc_spectra, write_speecht5, write_classification]:
        write(root)


if __name__ == "__main__":
    main()
