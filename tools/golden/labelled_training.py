#!/usr/bin/env python3
"""Writes the losses of training on labelled sounds and words: python tools/golden/labelled_training.py src/imago/cli/testdata/labelled_training.json

Checkpoints are those of tests/golden, without dropout; rows and arguments stand in the file that is written.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from transformers.audio_utils import load_audio

ROOT = Path(__file__).resolve().parents[2]
SOUNDS = ROOT / "src" / "imago" / "processors" / "audio" / "testdata"
ARGUMENTS = {"per_device_train_batch_size": 2, "max_steps": 6, "learning_rate": 1e-2, "max_grad_norm": 1.0,
             "train_sampling_strategy": "sequential", "lr_scheduler_type": "linear"}
QUIET = {name: 0.0 for name in ("activation_dropout", "attention_dropout", "hidden_dropout", "final_dropout", "layerdrop",
                                "attention_probs_dropout_prob", "hidden_dropout_prob")} | {"apply_spec_augment": False}

HEARD = [{"audio": "mono_16k.wav", "text": "HE SAID"}, {"audio": "stereo_44k.flac", "text": "A HEART"},
         {"audio": "mono_16k.wav", "text": "DON'T"}, {"audio": "mono_16k.wav", "text": "SO IT IS, Q"}]
READ = [{"tokens": ["Anna", "lives", "in", "Paris", "."], "ner_tags": ["B-PER", "O", "O", "B-LOC", "O"]},
        {"tokens": ["unbelievable", "Tom", "Stone"], "ner_tags": ["O", "B-PER", "I-PER"]},
        {"tokens": ["New", "York", "is", "large"], "ner_tags": ["B-LOC", "I-LOC", "O", "O"]}]


def train(model, examples, collate):
    with tempfile.TemporaryDirectory() as output:
        settings = transformers.TrainingArguments(output_dir=output, use_cpu=True, report_to="none", logging_steps=1, save_strategy="no",
                                                  disable_tqdm=True, remove_unused_columns=False, **ARGUMENTS)
        trainer = transformers.Trainer(model=model, args=settings, train_dataset=examples, data_collator=collate)
        trainer.train()
    return [{key: entry[key] for key in ("loss", "grad_norm")} for entry in trainer.state.log_history if "loss" in entry]


def ctc():
    folder = ROOT / "tests" / "golden" / "speech" / "ctc"
    config = transformers.AutoConfig.from_pretrained(folder, ctc_loss_reduction="mean", **QUIET)
    model = transformers.AutoModelForCTC.from_pretrained(folder, config=config, dtype=torch.float32)
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder)

    def collate(rows):
        sounds = [load_audio(str(SOUNDS / row["audio"]), sampling_rate=16000) for row in rows]
        batch = extractor(sounds, sampling_rate=16000, padding=True, return_tensors="pt")
        labels = [torch.tensor(tokenizer(row["text"]).input_ids) for row in rows]
        batch["labels"] = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)
        return dict(batch)

    return {"task": "ctc", "rows": HEARD, "losses": train(model, HEARD, collate)}


def token_classification():
    folder = ROOT / "tests" / "golden" / "pipelines" / "token-classification"
    names = sorted({label for row in READ for label in row["ner_tags"]})
    config = transformers.AutoConfig.from_pretrained(
        folder, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)},
        **{name: value for name, value in QUIET.items() if name.endswith("_prob")})
    model = transformers.AutoModelForTokenClassification.from_pretrained(folder, config=config, dtype=torch.float32, ignore_mismatched_sizes=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def example(row):
        encoded = tokenizer(row["tokens"], is_split_into_words=True, truncation=True)
        words, labels = encoded.word_ids(), []
        for at, word in enumerate(words):
            labels.append(-100 if word is None or (at and word == words[at - 1]) else names.index(row["ner_tags"][word]))
        return dict(encoded) | {"labels": labels}

    collate = transformers.DataCollatorForTokenClassification(tokenizer)
    return {"task": "token-classification", "rows": READ, "losses": train(model, [example(row) for row in READ], collate)}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"arguments": ARGUMENTS, "settings": QUIET, "cases": [ctc(), token_classification()]}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
