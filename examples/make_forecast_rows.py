#!/usr/bin/env python3
"""Cuts a table of hourly values into rows for etth1_forecast.yaml: make_forecast_rows.py ETTh1.csv build/etth1

ETTh1.csv is of the Electricity Transformer Dataset (Zhou et al. 2021, "Informer"): a date and seven columns. As there, the first 12 months
are for training and the next four for validation, each column less its mean of the training months and over their deviation. A row has
past_values [96, 7] and future_values [24, 7].
"""

import csv
import json
import sys
from pathlib import Path

PAST, FUTURE, MONTH = 96, 24, 30 * 24


def main():
    with open(sys.argv[1], newline="") as file:
        table = [[float(value) for value in row[1:]] for row in list(csv.reader(file))[1:]]
    out = Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    seen = table[: 12 * MONTH]
    means = [sum(column) / len(seen) for column in zip(*seen)]
    deviations = [(sum((value - mean) ** 2 for value in column) / len(seen)) ** 0.5 for column, mean in zip(zip(*seen), means)]
    scaled = [[round((value - mean) / deviation, 5) for value, mean, deviation in zip(row, means, deviations)] for row in table]
    for name, first, last, step in (("train", 0, 12 * MONTH, 8), ("validation", 12 * MONTH - PAST, 16 * MONTH, 48)):
        with open(out / f"{name}.jsonl", "w") as file:
            for start in range(first, last - PAST - FUTURE + 1, step):
                row = {"past_values": scaled[start : start + PAST], "future_values": scaled[start + PAST : start + PAST + FUTURE]}
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
