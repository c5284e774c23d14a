#!/usr/bin/env python3
"""Writes src/imago/processors/image/testdata: small generated pictures in many formats, and what Pillow and the
reference's image processors make of them. Also the seeds of the fuzz target, which are the smallest of the files.

    python tools/images/write_testdata.py
"""

import io
import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import transformers
from safetensors.numpy import save_file

FOLDER = Path(__file__).resolve().parents[2] / "src" / "imago" / "processors" / "image"
FILTERS = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
SIZES = [(5, 9), (40, 31), (29, 12), (3, 60)]
PROCESSORS = [
    {"image_processor_type": "ViTImageProcessor", "size": 16},
    {"feature_extractor_type": "ViTFeatureExtractor", "size": 12, "resample": 3, "do_rescale": False},
    {"image_processor_type": "DeiTImageProcessor", "size": {"height": 20, "width": 18}, "crop_size": 15},
    {"image_processor_type": "CLIPImageProcessorFast", "size": {"shortest_edge": 10}, "crop_size": {"height": 13, "width": 9}},
    {"image_processor_type": "BitImageProcessor", "size": 14, "crop_size": 12},
    {"image_processor_type": "SiglipImageProcessor", "size": {"height": 8, "width": 20}, "do_normalize": False},
    {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 14}, "crop_pct": 0.8},
    {"image_processor_type": "SegformerImageProcessor", "size": {"max_height": 15, "max_width": 40}},
    {"image_processor_type": "DPTImageProcessor", "size": 20, "keep_aspect_ratio": True, "ensure_multiple_of": 6},
    {"image_processor_type": "DPTImageProcessor", "size": 20, "do_pad": True, "size_divisor": 8},
    {"image_processor_type": "DetrImageProcessor", "size": {"shortest_edge": 12, "longest_edge": 20}},
    {"image_processor_type": "DetrImageProcessor", "size": 10, "max_size": 30, "pad_and_return_pixel_mask": False},
    {"image_processor_type": "YolosImageProcessor", "size": {"shortest_edge": 20, "longest_edge": 50}},
    {
        "image_processor_type": "SamImageProcessor",
        "size": {"longest_edge": 17},
        "pad_size": {"height": 18, "width": 19},
        "mask_size": {"longest_edge": 5},
    },
    {
        "image_processor_type": "Mask2FormerImageProcessor",
        "size": {"shortest_edge": 10, "longest_edge": 15},
        "size_divisor": 4,
    },
]


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 90 * np.sin(x / (3 + c) + c) + 60 * np.cos(y / (2.5 + c) - c) for c in range(channels)]
    return np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8)


def encoded(image: PIL.Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def exif(orientation: int) -> PIL.Image.Exif:
    tags = PIL.Image.Exif()
    tags[0x112] = orientation
    return tags


def files() -> dict[str, bytes]:
    rgb = PIL.Image.fromarray(picture(23, 31))
    small = PIL.Image.fromarray(picture(6, 9))
    gray = PIL.Image.fromarray(picture(13, 17, 1)[..., 0])
    rgba = PIL.Image.fromarray(picture(11, 14, 4), mode="RGBA")
    palette = small.quantize(11)
    made = {
        "rgb.jpg": encoded(rgb, "JPEG", quality=88),
        "progressive.jpg": encoded(rgb, "JPEG", quality=60, progressive=True),
        "full_chroma.jpg": encoded(rgb, "JPEG", quality=70, subsampling=0),
        "gray.jpg": encoded(gray, "JPEG"),
        "cmyk.jpg": encoded(PIL.Image.fromarray(picture(12, 10, 4), mode="CMYK"), "JPEG"),
        "rgb.png": encoded(small, "PNG"),
        "rgba.png": encoded(rgba, "PNG"),
        "gray_alpha.png": encoded(rgba.convert("LA"), "PNG"),
        "palette.png": encoded(palette, "PNG"),
        "transparent_palette.png": encoded(palette, "PNG", transparency=3),
        "bilevel.png": encoded(gray.convert("1"), "PNG"),
        "gray_2_bits.png": png(5, 2, 2, 0, bytes([0, 0b00011011, 0b11000000, 0, 0b11100100, 0b01000000])),
        "gray_4_bits.png": png(3, 1, 4, 0, bytes([0, 0x0F, 0x70])),
        "gray_16_bits.png": png(4, 1, 16, 0, bytes([0, 0, 7, 0, 255, 1, 0, 200, 9])),
        "rgb_16_bits.png": png(2, 1, 16, 2, bytes([0, 1, 200, 2, 100, 3, 0, 255, 255, 128, 127, 0, 1])),
        "short_palette.png": png(4, 1, 8, 3, bytes([0, 0, 1, 2, 255]), chunk(b"PLTE", bytes([10, 20, 30, 40, 50, 60]))),
        "lossless.webp": encoded(small, "WEBP", lossless=True),
        "lossy.webp": encoded(rgb, "WEBP", quality=60),
        "alpha.webp": encoded(rgba, "WEBP", lossless=True, exact=True),
        "palette.gif": encoded(palette, "GIF"),
        "gray.gif": encoded(gray, "GIF"),
        "interlaced.gif": encoded(gray, "GIF", interlace=True),
        "animation.gif": encoded(palette, "GIF", save_all=True, append_images=[palette.rotate(180)], transparency=2),
    }
    for orientation in range(2, 9):
        made[f"orientation_{orientation}.jpg"] = encoded(small, "JPEG", exif=exif(orientation))
    made["orientation_6.png"] = encoded(small, "PNG", exif=exif(6))
    made["orientation_8.webp"] = encoded(small, "WEBP", lossless=True, exif=exif(8))
    made["damaged_truncated.jpg"] = made["rgb.jpg"][: len(made["rgb.jpg"]) // 2]
    made["damaged_truncated.png"] = made["rgba.png"][:80]
    made["damaged_checksum.png"] = made["rgb.png"][:45] + b"\0" + made["rgb.png"][46:]
    made["damaged_truncated.webp"] = made["lossy.webp"][:90]
    made["damaged_truncated.gif"] = made["gray.gif"][:-30]
    made["damaged_huge.png"] = png(100000, 100000, 8, 2, b"")
    return made


def main() -> None:
    testdata, corpus = FOLDER / "testdata", FOLDER / "decode_image_fuzz_corpus"
    for folder in (testdata, corpus):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    expected = {}
    for name, content in files().items():
        (testdata / name).write_bytes(content)
        if len(content) < 1000:
            (corpus / name).write_bytes(content)
        if not name.startswith("damaged"):
            image = PIL.Image.open(io.BytesIO(content))
            expected[f"stored.{name}"] = np.array(image.convert("RGB"))
            expected[f"upright.{name}"] = np.array(PIL.ImageOps.exif_transpose(image).convert("RGB"))
    image = PIL.Image.fromarray(picture(23, 31))
    expected["picture"] = np.array(image)
    for number, name in enumerate(FILTERS):
        for height, width in SIZES:
            expected[f"resized.{name}.{height}.{width}"] = np.array(image.resize((width, height), number))
    for i, options in enumerate(PROCESSORS):
        kind = options.get("image_processor_type", options.get("feature_extractor_type"))
        kind = kind.replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast") + "Pil"
        features = getattr(transformers, kind)(**{k: v for k, v in options.items() if not k.endswith("_type")})(
            images=[image, PIL.Image.fromarray(np.array(image)[::-1].copy())], return_tensors="np"
        )
        expected |= {f"processor.{i}.{key}": np.asarray(value) for key, value in features.items()}
    save_file({name: np.ascontiguousarray(value) for name, value in expected.items()}, testdata / "expected.safetensors")
    (testdata / "processors.json").write_text(json.dumps(PROCESSORS, indent=1) + "\n")


if __name__ == "__main__":
    main()
