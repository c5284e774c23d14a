#!/usr/bin/env python3
"""Compares `imago preprocess` with Pillow and the reference's image processors, bit for bit.

    python tools/images/compare.py build/release/bin/imago ../shared/data/images [FOLDER_OR_FILE ...]

Every JPEG, PNG, WebP and GIF below the folders is decoded as Image.open(...).convert("RGB") decodes it, as stored and
upright; one picture of each size is resized by every filter to several sizes, and prepared by every image processor
of the reference that Imago has. A file that both refuse is in order; one that only one of them refuses is listed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
from safetensors.numpy import load_file

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif"}
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
SIZES = [(224, 224), (37, 91), (1, 1), (333, 200), (640, 7), (3, 640), (90, 300), (400, 400)]
# Options that take other ways through a processor than its defaults.
PROCESSORS = {
    "ViTImageProcessor": [{}, {"size": 96, "resample": 3}, {"do_normalize": False}, {"do_rescale": False}],
    "DeiTImageProcessor": [{}, {"size": 100, "crop_size": 131}],
    "CLIPImageProcessor": [{}, {"size": {"shortest_edge": 101}, "crop_size": {"height": 90, "width": 140}}],
    "BitImageProcessor": [{}, {"size": {"shortest_edge": 256}}],
    "SiglipImageProcessor": [{}],
    "ConvNextImageProcessor": [{}, {"size": {"shortest_edge": 224}}, {"size": {"shortest_edge": 160}, "crop_pct": 0.9}],
    "SegformerImageProcessor": [{}, {"size": {"height": 130, "width": 70}}],
    "DPTImageProcessor": [
        {},
        {"size": {"height": 518, "width": 518}, "ensure_multiple_of": 14, "keep_aspect_ratio": True},
        {"do_pad": True, "size_divisor": 50},
    ],
    "SamImageProcessor": [{}, {"size": {"longest_edge": 130}, "pad_size": {"height": 140, "width": 130}}],
    "Mask2FormerImageProcessor": [{}, {"size": {"shortest_edge": 90, "longest_edge": 200}, "size_divisor": 20}, {"size": {"height": 96, "width": 130}}],
    "LlavaImageProcessor": [{}, {"do_pad": True, "size": {"shortest_edge": 100}, "crop_size": {"height": 90, "width": 90}}],
    "BlipImageProcessor": [{}],
    "Qwen2VLImageProcessor": [{}, {"min_pixels": 4000, "max_pixels": 30000}, {"size": {"shortest_edge": 100000, "longest_edge": 400000}, "patch_size": 8, "merge_size": 3}],
    "Idefics3ImageProcessor": [{}, {"size": {"longest_edge": 500}, "max_image_size": {"longest_edge": 130}}, {"do_image_splitting": False}],
    "SmolVLMImageProcessor": [{"size": {"longest_edge": 1024}, "max_image_size": {"longest_edge": 512}}],
    "DetrImageProcessor": [{}, {"size": {"shortest_edge": 120, "longest_edge": 150}}, {"size": 90, "max_size": 300}],
    "YolosImageProcessor": [{}, {"size": {"shortest_edge": 120, "longest_edge": 150}}],
}


def imago(program: str, *arguments: str) -> dict[str, np.ndarray] | str:
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as out:
        run = subprocess.run([program, "preprocess", *arguments, "-o", out.name], capture_output=True, text=True)
        if run.returncode == 1:
            return run.stderr.strip()
        if run.returncode != 0:
            raise SystemExit(f"{arguments}: ended with {run.returncode}: {run.stderr}")
        return load_file(out.name)


def pillow(path: Path, upright: bool) -> np.ndarray | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = PIL.Image.open(path)
            if upright:
                image = PIL.ImageOps.exif_transpose(image)
            return np.array(image.convert("RGB"))
    except Exception as error:  # of whatever class: Pillow has many
        return f"{type(error).__name__}: {error}"


def compare_files(program: str, files: list[Path], counts: Counter) -> list[Path]:
    usable = []
    for path in files:
        for upright in (False, True):
            expected = pillow(path, upright)
            ours = imago(program, str(path), *([] if upright else ["--as-stored"]))
            way = f"{path}{' upright' if upright else ''}"
            if isinstance(expected, str) and isinstance(ours, str):
                counts["refused by both"] += 1
            elif isinstance(expected, str):
                counts["refused by Pillow only"] += 1
                print(f"only Pillow refuses {way}: {expected}")
            elif isinstance(ours, str):
                counts["refused by us only"] += 1
                print(f"only we refuse {way}: {ours}")
            elif expected.shape != ours["pixels.0"].shape:
                counts["different"] += 1
                print(f"different size {way}: {ours['pixels.0'].shape}, expected {expected.shape}")
            elif np.array_equal(expected, ours["pixels.0"]):
                counts["equal"] += 1
                if upright:
                    usable.append(path)
            else:
                counts["different"] += 1
                gap = np.abs(expected.astype(int) - ours["pixels.0"].astype(int))
                print(f"different pixels {way}: {np.count_nonzero(gap.max(-1))} pixels, by up to {gap.max()}")
    return usable


def one_of_each_size(files: list[Path]) -> list[Path]:
    by_size = {}
    for path in files:
        by_size.setdefault(pillow(path, True).shape, path)
    return list(by_size.values())


def compare_filters(program: str, files: list[Path], counts: Counter) -> None:
    for path in files:
        image = PIL.Image.fromarray(pillow(path, True))
        for name, number in FILTERS.items():
            for height, width in SIZES:
                ours = imago(program, str(path), "--height", str(height), "--width", str(width), "--filter", name)
                expected = np.array(image.resize((width, height), number))
                same = not isinstance(ours, str) and np.array_equal(expected, ours["pixels.0"])
                counts["resized equally" if same else "resized differently"] += 1
                if not same:
                    print(f"resized differently: {path} {name} to {height} x {width}")


def compare_processors(program: str, files: list[Path], counts: Counter) -> None:
    import transformers

    pairs = [[path] for path in files] + [files[:2], files[1:4]]
    for name, settings in PROCESSORS.items():
        for options in settings:
            reference = getattr(transformers, name + "Pil")(**options)
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "preprocessor_config.json").write_text(json.dumps(options | {"image_processor_type": name}))
                for paths in pairs:
                    images = [PIL.Image.fromarray(pillow(path, True)) for path in paths]
                    try:
                        expected = dict(reference(images=images, return_tensors="np"))
                        for key in ("original_sizes", "reshaped_input_sizes"):  # which no file of ours has
                            expected.pop(key, None)
                    except ValueError as error:
                        expected = str(error)
                    ours = imago(program, *map(str, paths), "-m", folder)
                    if isinstance(expected, str) or isinstance(ours, str):
                        same = isinstance(expected, str) and isinstance(ours, str)
                    else:
                        same = expected.keys() == ours.keys() and all(
                            np.array_equal(expected[key].astype(ours[key].dtype), ours[key]) for key in expected
                        )
                    counts["prepared equally" if same else "prepared differently"] += 1
                    if not same:
                        print(f"prepared differently: {name} {options} {[p.name for p in paths]} {ours if isinstance(ours, str) else ''}")


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("paths", nargs="+", type=Path)
    p.add_argument("--decoding-only", action="store_true")
    a = p.parse_args()
    files = []
    for path in a.paths:
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        files += [file for file in found if file.suffix.lower() in SUFFIXES and file.is_file()]
    counts: Counter = Counter()
    usable = compare_files(a.program, files, counts)
    if not a.decoding_only:
        chosen = [file for file in one_of_each_size(usable) if max(pillow(file, True).shape) <= 2000]
        # Pictures of several shapes; the many tiny ones of test suites show nothing more.
        chosen = sorted(chosen, key=lambda file: -pillow(file, True).size)[:10]
        compare_filters(a.program, chosen, counts)
        compare_processors(a.program, chosen, counts)
    for what, count in sorted(counts.items()):
        print(f"{count:6d}  {what}")
    return 1 if any("different" in what for what in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
