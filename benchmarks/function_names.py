"""Python functions of the standard library: the first word of a function's name, guessed from its nameless code."""

from __future__ import annotations

import hashlib
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

SENTENCE = "first word of a Python function's name (30 words, split by module), accuracy of trees and of a flat LSTM"

WORDS = 30
TREES: dict[str, dict[str, Any]] = {
    "child-sum": {"cell": "lstm", "hidden": 186},
    "tree": {"cell": "lstm", "hidden": 128, "binarize": "left"},
}
# As wide as makes it equally large, and read in one direction like a tree from its leaves to its root.
FLAT: dict[str, Any] = {
    "cell": "lstm",
    "hidden": 186,
    "bidirectional": False,
    "pooling": "last",
    "bag": 0.0,
    "label_smoothing": 0.0,
    "locked": False,
}
# Identifiers fall into pieces that rare ones share with known ones.
TRAINING: dict[str, Any] = {
    "embedding": 128,
    "buckets": 5_000,
    "min_count": 2,
    "batch": 32,
    "epochs": 12,
    "lr": 2e-3,
    "dropout": 0.3,
    "embedding_dropout": 0.3,
    "word_dropout": 0.1,
    "device": "cpu",
}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each network, and the majority class."""
    return {name: lambda name=name: measure(name) for name in ("majority", *TREES, "flat-lstm")}


def measure(name: str) -> dict[str, Any]:
    """Train on the functions of some modules, choose the epoch by those of others, count on those of the rest."""
    from ostinato.data.functions import library_functions, modules_of, split_functions

    split = split_functions(library_functions(), words=WORDS)
    words = [[function.word for function in part] for part in (split.train, split.valid, split.test)]
    about = {
        "python_library": platform.python_version(),
        "digest": hashlib.sha256(repr(split).encode()).hexdigest()[:16],
        "functions": {
            "train": len(split.train),
            "valid": len(split.valid),
            "test": len(split.test),
            "test_share_of_all": round(split.covered, 4),
        },
        "test_modules": sorted(modules_of(split.test)),
        "words": list(split.words),
    }
    if name == "majority":
        most, _ = Counter(words[0]).most_common(1)[0]
        return {"accuracy": words[2].count(most) / len(words[2]), "word": most, **about}
    return {**trained(name, [split.train, split.valid, split.test], words), **about}


def trained(name: str, parts: list[Any], words: list[list[str]]) -> dict[str, Any]:
    """One network, trained and counted."""
    import ostinato as ost
    from ostinato.data.functions import flat_words

    model: Any
    if name in TREES:
        model = ost.TreeClassifier(**TRAINING, **TREES[name])
        given = [[function.tree for function in part] for part in parts]
    else:
        model = ost.TextClassifier(**TRAINING, **FLAT)
        given = [[flat_words(function.tree) for function in part] for part in parts]
    began, work = time.monotonic(), time.process_time()
    model.fit(given[0], words[0], valid=(given[1], words[1]), progress=False)
    seconds, work = time.monotonic() - began, time.process_time() - work
    report = model.evaluate(given[2], words[2])
    return {
        "accuracy": report.accuracy,
        "macro_f1": report.macro_f1,
        "worst_confusions": [f"{p.truth} for {p.taken_for}: {p.count}" for p in report.worst_confusions(5)],
        "parameters": sum(p.numel() for p in model.model_.parameters()),
        "body_parameters": sum(p.numel() for p in model.model_.body.parameters()),
        "epochs": model.training_["epochs"],
        "best_epoch": model.training_["best_epoch"],
        "training_seconds": round(seconds, 1),
        "cpu_seconds": round(work, 1),
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The accuracy of each."""
    return {name: {"accuracy": record["accuracy"]} for name, record in results.items()}
