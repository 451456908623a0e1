"""Sentence polarity: 10-fold cross-validation, trained from scratch with the defaults of the command."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.registry import data_folder, spread

SENTENCE = "sentence polarity, accuracy over 10 folds, default options (CNN-rand 76.1)"
FOLDS = 10


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each fold."""
    folder = data_folder("sentence-polarity")
    if folder is None:
        return {}
    return {f"fold-{fold}": lambda fold=fold: measure(folder, fold) for fold in range(FOLDS)}


def sentences(folder: Path) -> tuple[list[str], list[str]]:
    """All sentences and their polarity, classes in turn."""
    with zipfile.ZipFile(folder / "sentence_polarity.zip") as archive:
        named = {name.rpartition("rt-polarity.")[2]: name for name in archive.namelist() if "rt-polarity." in name}
        rows = {k: archive.read(named[k]).decode("latin-1").strip().split("\n") for k in ("neg", "pos")}
    texts = [text.strip() for pair in zip(rows["neg"], rows["pos"], strict=True) for text in pair]
    return texts, ["negative", "positive"] * len(rows["neg"])


def measure(folder: Path, fold: int) -> dict[str, Any]:
    """Train on nine folds, a tenth of which chooses the epoch, and count on the tenth fold."""
    import numpy as np

    import ostinato as ost

    texts, labels = sentences(folder)
    place = np.random.default_rng(0).permutation(len(texts) // 2)
    # Both classes are dealt out alike, so every fold is balanced.
    held = np.repeat(place % FOLDS == fold, 2)
    train, test = np.flatnonzero(~held), np.flatnonzero(held)
    model = ost.TextClassifier(seed=1)
    began = time.monotonic()
    model.fit([texts[i] for i in train], [labels[i] for i in train], progress=False)
    seconds = time.monotonic() - began
    report = model.evaluate([texts[i] for i in test], [labels[i] for i in test])
    return {
        "fold": fold,
        "accuracy": report.accuracy,
        "epochs": model.training_["epochs"],
        "training_seconds": round(seconds, 1),
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Mean over the folds."""
    return {name: spread(r[name] for r in results.values()) for name in ("accuracy", "training_seconds")}
