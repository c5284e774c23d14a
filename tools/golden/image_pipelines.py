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
import numpy as np
from multimodal import QFORMER, TOWER
from suppression import stand_in
from pipelines import finish, plain, word_piece_tokenizer
from transformers import AutoConfig, pipeline
from vision import CLIP, DEPTH_ANYTHING, DETR_MASKS, MASK2FORMER, SAM, SEGFORMER, SIGLIP, VIT, YOLOS
from weights import randomise

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = ROOT / "src" / "imago" / "processors" / "image" / "testdata"
ONE, TURNED, THIRD = "rgb.jpg", "orientation_6.jpg", "palette.png"


def masks_as_runs(answer):
    """A mask as the lengths of its runs, row by row: outside, inside, outside, ..."""
    if isinstance(answer, list):
        return [masks_as_runs(item) for item in answer]
    if "mask" not in answer:
        return answer
    return answer | {"mask": runs_of(np.array(answer["mask"]) > 0)}


def runs_of(inside):
    flat = np.concatenate([[False], inside.reshape(-1)])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], edges, [inside.size]])).tolist()
    return {"size": list(inside.shape), "counts": counts}


def generated_masks(answer):
    """Without the flag that a step of the reference leaves in its answer."""
    if isinstance(answer, list):
        return [generated_masks(item) for item in answer]
    answer = {key: value for key, value in answer.items() if key != "is_last"}
    answer |= {"masks": [runs_of(np.array(mask)) for mask in answer["masks"]], "scores": answer["scores"].tolist()}
    if "bounding_boxes" in answer:
        answer["bounding_boxes"] = [[int(side) for side in box] for box in answer["bounding_boxes"].tolist()]
    return answer


def depth_as_rows(answer):
    if isinstance(answer, list):
        return [depth_as_rows(item) for item in answer]
    return {"predicted_depth": answer["predicted_depth"].tolist(), "depth": np.array(answer["depth"]).tolist()}


def write(task, name, model_type, auto_class, config, processor, cases, seed=1, tokenizer=None, change=None):
    """`processor` is the content of preprocessor_config.json, `cases` are (files, options)."""
    torch.manual_seed(seed)
    folder = ROOT / "tests" / "golden" / "pipelines" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = getattr(transformers, auto_class).from_config(AutoConfig.for_model(model_type, **config))
    randomise(model, seed)
    if change is not None:
        change(model)
    model.eval().save_pretrained(folder)
    kind = getattr(transformers, processor["image_processor_type"] + "Pil")
    processor = kind(**{key: value for key, value in processor.items() if key != "image_processor_type"})
    processor.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    pipe = pipeline(task, model=str(folder), device="cpu")
    if task == "mask-generation":
        stand_in(pipe.image_processor)
    answers = []
    for files, options in cases:
        paths = [str(PICTURES / file) for file in files] if isinstance(files, list) else str(PICTURES / files)
        inputs = [{"image": file} for file in files] if isinstance(files, list) else {"image": files}
        answer = pipe(paths, **options)
        answer = masks_as_runs(answer) if task == "image-segmentation" else answer
        answer = generated_masks(answer) if task == "mask-generation" else answer
        expected = plain(depth_as_rows(answer) if task == "depth-estimation" else answer)
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


def labels_of(*names):
    return {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}


def zero_shot_image_classification():
    tokenizer = word_piece_tokenizer(48)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    words = dict(vocab_size=len(tokenizer), max_position_embeddings=48, pad_token_id=0, bos_token_id=2, eos_token_id=3)
    config = CLIP | {"text_config": CLIP["text_config"] | words}
    processor = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 14},
        "crop_size": {"height": 12, "width": 12},
    }
    cases = [
        (ONE, {"candidate_labels": ["a king", "the river", "bread and coffee"]}),
        ([ONE, THIRD], {"candidate_labels": ["a fox", "letters"], "hypothesis_template": "Paris: {}", "batch_size": 2}),
        (TURNED, {"candidate_labels": ["Berlin"]}),
    ]
    auto_class = "AutoModelForZeroShotImageClassification"
    task = "zero-shot-image-classification"
    write(task, task, "clip", auto_class, config, processor, cases, tokenizer=tokenizer)

    qformer = QFORMER | dict(use_qformer_text_input=True, vocab_size=len(tokenizer), max_position_embeddings=48)
    config = dict(vision_config=TOWER, qformer_config=qformer, num_query_tokens=3, image_text_hidden_size=10)
    processor = {"image_processor_type": "BlipImageProcessor", "size": {"height": 8, "width": 8}}
    write(task, f"{task}-blip-2", "blip-2", auto_class, config, processor, cases, tokenizer=tokenizer)


def object_detection():
    processor = {"image_processor_type": "YolosImageProcessor", "size": {"shortest_edge": 32, "longest_edge": 64}}
    cases = [(ONE, {}), (ONE, {"threshold": 0.05}), ([ONE, TURNED, THIRD], {"threshold": 0.3})]
    config = YOLOS | labels_of("cat", "remote", "sofa")
    write("object-detection", "object-detection", "yolos", "AutoModelForObjectDetection", config, processor, cases)


def image_segmentation():
    processor = {"image_processor_type": "SegformerImageProcessor", "size": {"height": 32, "width": 40}}
    cases = [(ONE, {}), ([ONE, TURNED], {"subtask": "semantic"})]
    config = SEGFORMER | labels_of("wall", "sky", "floor", "tree")
    auto_class = "AutoModelForSemanticSegmentation"
    write("image-segmentation", "image-segmentation", "segformer", auto_class, config, processor, cases)


def universal_segmentation():
    processor = {
        "image_processor_type": "Mask2FormerImageProcessor",
        "size": {"shortest_edge": 32, "longest_edge": 64},
        "size_divisor": 32,
    }
    open_wide = {"threshold": 0.15, "overlap_mask_area_threshold": 0.1, "mask_threshold": 0.1}
    cases = [
        (ONE, {}),
        (ONE, open_wide),
        ([ONE, TURNED, THIRD], open_wide | {"subtask": "panoptic"}),
        ([ONE, THIRD], {"subtask": "instance", "threshold": 0.1}),
        (TURNED, {"subtask": "instance", "threshold": 0.02}),
        ([ONE, TURNED], {"subtask": "semantic"}),
    ]
    config = MASK2FORMER | labels_of("wall", "sky", "floor", "tree")
    config.pop("num_labels")
    auto_class = "AutoModelForUniversalSegmentation"
    name = "image-segmentation-universal"
    write("image-segmentation", name, "mask2former", auto_class, config, processor, cases, seed=2)


def detr_segmentation():
    processor = {"image_processor_type": "DetrImageProcessor", "size": {"shortest_edge": 32, "longest_edge": 48}}
    open_wide = {"threshold": 0.3, "overlap_mask_area_threshold": 0.1, "mask_threshold": 0.3}
    cases = [
        (ONE, {}),
        (ONE, open_wide),
        ([ONE, TURNED, THIRD], open_wide | {"subtask": "panoptic"}),
        ([ONE, THIRD], {"subtask": "instance", "threshold": 0.4}),
        ([ONE, TURNED], {"subtask": "semantic"}),
    ]
    config = DETR_MASKS | labels_of("wall", "sky", "floor", "tree")
    config.pop("num_labels")
    write("image-segmentation", "image-segmentation-detr", "detr", "AutoModelForImageSegmentation", config, processor, cases, seed=3)


def sharpen(model):
    """Has a model of random weights heed the points more, and draw masks with clear edges."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("proj_out.weight") and "hypernetworks" in name:
                parameter.mul_(8)
            if "final_attn_token_to_image.out_proj" in name or "cross_attn_token_to_image.out_proj" in name:
                parameter.mul_(3)
            if name.endswith("positional_embedding"):
                parameter.mul_(3)


def mask_generation():
    processor = {
        "image_processor_type": "SamImageProcessor",
        "size": {"longest_edge": 32},
        "pad_size": {"height": 32, "width": 32},
    }
    vision, prompts = SAM["vision_config"] | {"image_size": 32}, SAM["prompt_encoder_config"] | {"image_size": 32}
    config = SAM | {"vision_config": vision, "prompt_encoder_config": prompts}
    open_wide = {"pred_iou_thresh": 0.1, "stability_score_thresh": 0.5, "stability_score_offset": 0.3}
    open_wide |= {"points_per_crop": 4, "crops_nms_thresh": 0.97}
    crops = {"crops_n_layers": 1, "crop_overlap_ratio": 0.4, "points_per_batch": 7, "output_bboxes_mask": True}
    more = {"mask_threshold": 0.2, "crops_nms_thresh": 0.9, "output_rle_mask": True, "output_bboxes_mask": True}
    cases = [(ONE, {}), (ONE, open_wide), (TURNED, open_wide | crops), ([ONE, THIRD], open_wide | more)]
    task = "mask-generation"
    write(task, task, "sam", "AutoModelForMaskGeneration", config, processor, cases, seed=7, change=sharpen)


def depth_estimation():
    processor = {"image_processor_type": "DPTImageProcessor", "size": {"height": 16, "width": 24}}
    auto_class = "AutoModelForDepthEstimation"
    cases = [(THIRD, {}), ([THIRD, TURNED], {})]
    write("depth-estimation", "depth-estimation", "depth_anything", auto_class, DEPTH_ANYTHING, processor, cases)


TASKS = {
    "mask-generation": mask_generation,
    "universal-segmentation": universal_segmentation,
    "detr-segmentation": detr_segmentation,
    "depth-estimation": depth_estimation,
    "image-classification": image_classification,
    "image-feature-extraction": image_feature_extraction,
    "zero-shot-image-classification": zero_shot_image_classification,
    "object-detection": object_detection,
    "image-segmentation": image_segmentation,
}


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for task in sys.argv[1:] or TASKS:
        TASKS[task]()


if __name__ == "__main__":
    main()
