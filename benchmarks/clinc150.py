"""CLINC150: 150 intents and what is outside them, trained from scratch with the defaults of the command."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.registry import data_folder, spread

SENTENCE = "CLINC150, in-scope accuracy and out-of-scope recall, 3 seeds, default options (SVM 91.0, MLP 93.5 / 47.4)"
SEEDS = (1, 2, 3)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each seed."""
    folder = data_folder("clinc150")
    if folder is None:
        return {}
    return {f"seed-{seed}": lambda seed=seed: measure(folder, seed) for seed in SEEDS}


def measure(folder: Path, seed: int) -> dict[str, Any]:
    """Train on the given training rows, choose by the given validation rows, count on the test rows."""
    import ostinato as ost

    data = json.loads((folder / "data_full.json").read_text())
    train, valid, test = (data[a] + data[b] for a, b in PARTS)
    model = ost.TextClassifier(out_of_scope="oos", seed=seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        model.fit(*columns(train), valid=columns(valid), checkpoint=Path(scratch) / "checkpoint", progress=False)
    seconds = time.monotonic() - began
    texts, labels = columns(test)
    report = model.evaluate(texts, labels)
    inside = [(text, label) for text, label in test if label != "oos"]
    # Without refusal: the most probable of the 150 intents, whatever the confidence.
    plain = [answer.label for answer in model.answers([text for text, _ in inside])]
    return {
        "seed": seed,
        "in_scope_accuracy": sum(a == label for a, (_, label) in zip(plain, inside, strict=True)) / len(inside),
        "in_scope_accuracy_with_refusal": report.in_scope_accuracy,
        "out_of_scope_recall": report.out_of_scope_recall,
        "threshold": model.threshold_,
        "epochs": model.training_["epochs"],
        "parameters": sum(p.numel() for p in model.model_.parameters()),
        "training_seconds": round(seconds, 1),
    }


PARTS = (("train", "oos_train"), ("val", "oos_val"), ("test", "oos_test"))


def columns(rows: list[list[str]]) -> tuple[list[str], list[str]]:
    """Texts and labels apart."""
    return [text for text, _ in rows], [label for _, label in rows]


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds."""
    measures = ("in_scope_accuracy", "in_scope_accuracy_with_refusal", "out_of_scope_recall", "training_seconds")
    return {name: spread(record[name] for record in results.values()) for name in measures} if results else {}
