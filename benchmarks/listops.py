"""ListOps: a tree network, which is given the brackets as structure, beside flat networks that read them as words."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SENTENCE = "ListOps (20,000 lists of 8-100 tokens to learn from, 2,000 to test), accuracy of trees and of a flat LSTM"

# The flat LSTM is as wide as makes it equally large.
TREES: dict[str, dict[str, Any]] = {
    "tree": {"cell": "lstm", "hidden": 128, "binarize": "left"},
    "child-sum": {"cell": "lstm", "hidden": 176},
}
FLAT: dict[str, Any] = {
    "cell": "lstm",
    "hidden": 186,
    "bidirectional": False,
    "pooling": "last",
    "bag": 0.0,
    "buckets": 0,
    "label_smoothing": 0.0,
    "word_dropout": 0.0,
}
# The same for all: nothing is gained from noise where the data are exact.
TRAINING: dict[str, Any] = {
    "embedding": 128,
    "batch": 32,
    "epochs": 24,
    "lr": 2e-3,
    "warmup": 0.5,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
    "min_count": 1,
    "holdout": 0.05,
    "device": "cpu",
}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each network."""
    return {
        **{name: lambda name=name: measure(name) for name in TREES},
        "flat-lstm": lambda: measure("flat-lstm"),
    }


def measure(name: str, **changed: Any) -> dict[str, Any]:
    """Train on 19 of 20 training lists, choose the epoch by the rest, count on the test lists."""
    import ostinato as ost
    from ostinato.data.listops import make_listops

    lists = make_listops(22_000)
    train, test = lists[:20_000], lists[20_000:]
    model: Any
    if name in TREES:
        model, read = ost.TreeClassifier(**{**TRAINING, **TREES[name], **changed}), lambda example: example.text
    else:
        model, read = ost.TextClassifier(**{**TRAINING, **FLAT, **changed}), lambda example: example.flat
    began, work = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        model.fit(
            [read(example) for example in train],
            [example.value for example in train],
            checkpoint=Path(scratch) / "checkpoint",
            progress=False,
        )
    seconds, work = time.monotonic() - began, time.process_time() - work
    answers = model.predict([read(example) for example in test]).tolist()
    right = [answer == example.value for answer, example in zip(answers, test, strict=True)]
    return {
        "accuracy": share(right),
        "by_operation": grouped(right, [example.text[1:4].strip() for example in test]),
        "by_length": grouped(right, [f"{10 * (example.length // 10):03d}+" for example in test]),
        "parameters": sum(p.numel() for p in model.model_.parameters()),
        "epochs": model.training_["epochs"],
        "best_epoch": model.training_["best_epoch"],
        "training_accuracy": model.training_["train"]["accuracy"],
        "training_seconds": round(seconds, 1),
        "cpu_seconds": round(work, 1),
    }


def share(right: list[bool]) -> float:
    """How many of some answers are right."""
    return sum(right) / len(right)


def grouped(right: list[bool], names: list[str]) -> dict[str, float]:
    """The accuracy of each group of examples."""
    return {
        group: round(share([r for r, name in zip(right, names, strict=True) if name == group]), 4)
        for group in sorted(set(names))
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Accuracy, size and time of each network."""
    keys = ("accuracy", "parameters", "training_seconds")
    return {name: {key: record[key] for key in keys} for name, record in results.items()}
