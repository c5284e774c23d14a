#!/usr/bin/env python3
"""Writes the pictures' part of tests/golden/pipelines (see pipelines.py): tiny models with their image processors, and
what the reference's pipelines answer to files of src/imago/processors/image/testdata.

    python tools/golden/image_pipelines.py [TASK ...]
"""

import os
import pathlib
import shutil
import sys

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import torch
import transformers
from pipelines import finish, plain
from transformers import AutoConfig, pipeline
from vision import VIT
from weights import randomise

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = ROOT / "src" / "imago" / "processors" / "image" / "testdata"
ONE, TURNED, THIRD = "rgb.jpg", "orientation_6.jpg", "palette.png"


def write(task, name, model_type, auto_class, config, processor, cases, seed=1):
    """`processor` is the content of preprocessor_config.json, `cases` are (files, options)."""
    torch.manual_seed(seed)
    folder = ROOT / "tests" / "golden" / "pipelines" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = getattr(transformers, auto_class).from_config(AutoConfig.for_model(model_type, **config))
    randomise(model, seed)
    model.eval().save_pretrained(folder)
    kind = getattr(transformers, processor["image_processor_type"] + "Pil")
    kind(**{key: value for key, value in processor.items() if key != "image_processor_type"}).save_pretrained(folder)
    pipe = pipeline(task, model=str(folder), device="cpu")
    answers = []
    for files, options in cases:
        paths = [str(PICTURES / file) for file in files] if isinstance(files, list) else str(PICTURES / files)
        inputs = [{"image": file} for file in files] if isinstance(files, list) else {"image": files}
        expected = plain(pipe(paths, **options))
        answers.append({"task": task, "inputs": inputs, "options": options, "expected": expected})
    finish(folder, answers)


def image_classification():
    labels = {0: "cat", 1: "dog", 2: "remote", 3: "sofa"}
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 16}}
    cases = [
        (ONE, {}),
        (TURNED, {"top_k": 2}),
        ([ONE, TURNED, THIRD], {}),
        ([ONE, TURNED, THIRD], {"batch_size": 2, "top_k": 1}),
        (ONE, {"function_to_apply": "sigmoid"}),
        (ONE, {"function_to_apply": "none", "top_k": 9}),
    ]
    for suffix, problem in [("", None), ("-multi-label", "multi_label_classification")]:
        config = VIT | {"id2label": labels, "label2id": {v: k for k, v in labels.items()}, "problem_type": problem}
        name = "image-classification" + suffix
        write("image-classification", name, "vit", "AutoModelForImageClassification", config, processor, cases)


def image_feature_extraction():
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 16, "width": 16}}
    cases = [(ONE, {"pool": True}), ([ONE, THIRD], {"batch_size": 2, "pool": True}), (ONE, {})]
    config = VIT | {"num_hidden_layers": 1}
    write("image-feature-extraction", "image-feature-extraction", "vit", "AutoModel", config, processor, cases)


TASKS = {"image-classification": image_classification, "image-feature-extraction": image_feature_extraction}


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for task in sys.argv[1:] or TASKS:
        TASKS[task]()


if __name__ == "__main__":
    main()
