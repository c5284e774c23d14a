#!/usr/bin/env python3
"""Writes what sacrebleu, rouge_score and jiwer say of a few texts: python text_metrics.py src/imago/train/testdata/text_metrics.json"""

import json
import sys

import jiwer
import sacrebleu
from rouge_score import rouge_scorer

CASES = [
    (["the cat sat on the mat"], ["the cat sat on the mat"]),
    (["The quick brown fox jumped over 1,000 dogs.", "He said: \"No, thank you!\" and left at 5-6 p.m."],
     ["A quick brown fox jumps over 1,000 lazy dogs.", "He said \"No, thanks\" and left around 5-6 p.m., alone."]),
    (["short"], ["a much longer text that has little in common with it, but short"]),
    (["nothing alike here at all"], ["completely different words everywhere today"]),
    (["It costs $3.50 &amp; more/less, they say [1].", "Zürich is pretty"], ["It costs $3.50 & more or less, they say [1].", "Zürich is a pretty town"]),
]


def main():
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    cases = []
    for predictions, references in CASES:
        scores = [scorer.score(reference, prediction) for prediction, reference in zip(predictions, references)]
        mean = lambda kind: sum(score[kind].fmeasure for score in scores) / len(scores)
        cases.append({"predictions": predictions, "references": references, "bleu": sacrebleu.corpus_bleu(predictions, [references]).score,
                      "wer": jiwer.wer(references, predictions), **{kind: mean(kind) for kind in ("rouge1", "rouge2", "rougeL")}})
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"cases": cases}, file, indent=1, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
