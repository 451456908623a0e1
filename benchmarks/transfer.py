"""Sentence polarity with few labels: from scratch, and from a language model that read the sentences without them.

The language model reads the training sentences of one fold, never those of its test. Both sides are the same network,
trained for as many epochs; each has the learning rate, and the second the way to begin, that are best on 1,000
sentences kept apart for that choice.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.polarity import FOLDS, sentences
from benchmarks.registry import RESULTS, data_folder, spread

SENTENCE = "sentence polarity with 100, 1,000 and all labels: from a language model beside from scratch, 3 seeds"
SEEDS = (1, 2, 3)
# So many sentences choose the learning rates, and are learned from by the language model alone.
KEPT = 1000
# How many labels there are, and how often training goes through them.
EPOCHS = {"100": 30, "1000": 12, "all": 3}
# What is best with so many labels serves others too.
CHOSEN_WITH = {"100": "100", "1000": "1000", "all": "1000"}
LANGUAGE: dict[str, Any] = {
    "tokens": "words",
    "lowercase": True,
    "min_count": 3,
    "hidden": 200,
    "layers": 1,
    "embedding": 100,
    "batch": 32,
    "truncate": 32,
    "epochs": 6,
    "dropout": 0.4,
    "input_dropout": 0.3,
    "locked": True,
    "weight_drop": 0.2,
    "seed": 1,
    "device": "cpu",
}
NETWORK: dict[str, Any] = {
    "pooling": "last+mean+max",
    "bag": 0.0,
    "buckets": 0,
    "batch": 32,
    "dropout": 0.4,
    "embedding_dropout": 0.3,
    "average": 0.98,
    "monitor": "loss",
    "holdout": 0.0,
    "patience": 0,
    "device": "cpu",
}
# The network of the language model, fresh.
SHAPE: dict[str, Any] = {"hidden": 200, "layers": 1, "embedding": 100, "bidirectional": False, "lowercase": True}
# The ways to begin of each side, with their learning rates: layers thaw over the first half, or all learn at once.
WAYS: dict[str, dict[str, tuple[float, ...]]] = {
    "scratch": {"scratch": (1e-3, 2e-3, 4e-3)},
    "transfer": {"at once": (1e-3, 2e-3, 4e-3), "thawing": (4e-3, 1e-2, 2e-2)},
}


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """The language model, the learning rates for each number of labels, and each seed with them."""
    folder = data_folder("sentence-polarity")
    if folder is None:
        return {}
    found: dict[str, Callable[[], dict[str, Any]]] = {"language-model": lambda: language_model(folder)}
    for labels in EPOCHS:
        if labels in CHOSEN_WITH.values():
            found[f"{labels}-chosen"] = lambda labels=labels: choose(folder, labels)
        for seed in SEEDS:
            found[f"{labels}-seed-{seed}"] = lambda labels=labels, seed=seed: measure(folder, labels, seed)
    return found


def parts(folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Sentences and polarity to learn from, to choose learning rates by, and to test on, in mixed order."""
    import numpy as np

    texts, labels = sentences(folder)
    place = np.random.default_rng(0).permutation(len(texts) // 2)
    held = np.repeat(place % FOLDS == 0, 2)
    mixed = np.random.default_rng(1).permutation(np.flatnonzero(~held))
    rows = {"learn": mixed[KEPT:], "choose": mixed[:KEPT], "test": np.flatnonzero(held)}
    return {name: ([texts[i] for i in some], [labels[i] for i in some]) for name, some in rows.items()}


def language_model(folder: Path) -> dict[str, Any]:
    """Train the language model on the sentences that are not tested on, without their labels."""
    import ostinato as ost

    own = parts(folder)
    texts = [*own["learn"][0], *own["choose"][0]]
    began, spent = time.monotonic(), time.process_time()

    def told(report: Any) -> None:
        if report.event == "epoch":
            print(f"{time.process_time() - spent:7.1f} s  {report.to_dict()}", flush=True)

    model = ost.LanguageModel(**LANGUAGE).fit(texts, progress=told)
    model.save(saved())
    assert model.validation_ is not None
    return {
        "options": LANGUAGE,
        "data": model.training_["data"],
        "valid_perplexity": model.validation_.perplexity,
        "processor_seconds": round(time.process_time() - spent, 1),
        "training_seconds": round(time.monotonic() - began, 1),
    }


def saved() -> Path:
    """Where the language model lies between the runs."""
    return Path(os.environ.get("OSTINATO_CHECKPOINTS", ".")) / "transfer-language-model.safetensors"


def classifier(folder: Path, way: str, labels: str, rate: float, seed: int) -> Any:
    """A network, trained in one way on so many labelled sentences, half of each polarity; others for another seed."""
    import numpy as np

    import ostinato as ost

    epochs = EPOCHS[labels]
    options = {**NETWORK, "epochs": epochs, "lr": rate, "seed": seed}
    if way == "scratch":
        options |= SHAPE
    else:
        if not saved().exists():
            language_model(folder)
        options["init_from"] = str(saved())
    if way == "thawing":
        options |= {"layer_decay": 2.6, "unfreeze": epochs / 6, "schedule": "slanted", "warmup": epochs / 10}
    texts, truth = parts(folder)["learn"]
    rows = np.random.default_rng(seed).permutation(len(texts))
    if labels != "all":
        half = int(labels) // 2
        rows = np.concatenate([[i for i in rows if truth[i] == name][:half] for name in sorted(set(truth))])
    model = ost.TextClassifier(**options)
    return model.fit([texts[i] for i in rows], [truth[i] for i in rows], progress=False)


def choose(folder: Path, labels: str) -> dict[str, Any]:
    """The accuracy of both sides on the sentences kept apart, by way and learning rate, with a seed of its own."""
    texts, truth = parts(folder)["choose"]
    record: dict[str, Any] = {}
    for side, ways in WAYS.items():
        tried = [(way, rate) for way, rates in ways.items() for rate in rates]
        found = [classifier(folder, way, labels, rate, 0).score(texts, truth) for way, rate in tried]
        print(labels, side, dict(zip(tried, found, strict=True)), flush=True)
        way, rate = tried[found.index(max(found))]
        every = [{"way": w, "rate": r, "accuracy": a} for (w, r), a in zip(tried, found, strict=True)]
        record[side] = {"way": way, "rate": rate, "tried": every}
    return record


def measure(folder: Path, labels: str, seed: int) -> dict[str, Any]:
    """Both sides on the test sentences, each as was chosen for it."""
    chosen = json.loads((RESULTS / "transfer" / f"{CHOSEN_WITH[labels]}-chosen.json").read_text())
    texts, truth = parts(folder)["test"]
    record: dict[str, Any] = {"labels": labels, "seed": seed}
    for side in WAYS:
        spent = time.process_time()
        model = classifier(folder, chosen[side]["way"], labels, chosen[side]["rate"], seed)
        record[f"{side}_processor_seconds"] = round(time.process_time() - spent, 1)
        record[f"{side}_accuracy"] = model.score(texts, truth)
    record["gain"] = record["transfer_accuracy"] - record["scratch_accuracy"]
    return record


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Accuracy of both sides and the gain, for each number of labels."""
    told: dict[str, Any] = {}
    for labels in EPOCHS:
        found = [result for result in results.values() if result.get("labels") == labels]
        if found:
            names = ("scratch_accuracy", "transfer_accuracy", "gain")
            told[labels] = {name: spread(result[name] for result in found) for name in names}
    if "language-model" in results:
        told["language_model"] = {"processor_seconds": results["language-model"]["processor_seconds"]}
    return told
