#!/usr/bin/env python3
"""Draws small pictures of discs, squares and crosses for vit_shapes.yaml: make_shapes.py build/shapes

Writes 480 PNG files and train.csv, and 120 more with validation.csv: columns image and label. Needs nothing but Python.
"""

import random
import struct
import sys
import zlib
from pathlib import Path

SIZE = 32


def png(pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def inside(shape, dx, dy, radius):
    if shape == "disc":
        return dx * dx + dy * dy <= radius * radius
    if shape == "square":
        return max(abs(dx), abs(dy)) <= radius * 0.85
    return min(abs(dx), abs(dy)) <= radius * 0.3 and max(abs(dx), abs(dy)) <= radius


def draw(shape, generator):
    ground, color = ([generator.randrange(low, low + 90) for _ in range(3)] for low in (0, 166))
    radius = generator.uniform(8, 12)
    x, y = (SIZE / 2 + generator.uniform(-3, 3) for _ in range(2))
    noisy = lambda values: tuple(min(255, max(0, value + generator.randrange(-12, 13))) for value in values)
    return [[noisy(color if inside(shape, column - x, row - y, radius) else ground) for column in range(SIZE)] for row in range(SIZE)]


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    generator = random.Random(7)
    for name, count in (("train", 480), ("validation", 120)):
        lines = ["image,label"]
        for i in range(count):
            shape = ("disc", "square", "cross")[i % 3]
            file = f"{name}_{i:03}.png"
            (out / file).write_bytes(png(draw(shape, generator)))
            lines.append(f"{file},{shape}")
        (out / f"{name}.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
