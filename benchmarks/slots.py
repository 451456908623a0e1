"""The assistant's requests: intents and slots in one model against intents alone, on the same splits by template."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.assistant import columns, share
from benchmarks.registry import spread

SENTENCE = "the assistant with slots: intents and slots in one model against intents alone, 3 template splits, slot F1"
SEEDS = (0, 1, 2)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Both models on each split, whose number is the seed."""
    made: dict[str, Callable[[], dict[str, Any]]] = {}
    for seed in SEEDS:
        made[f"joint-{seed}"] = lambda seed=seed: joint(seed)
        made[f"intents-{seed}"] = lambda seed=seed: intents(seed)
    return made


def joint(seed: int) -> dict[str, Any]:
    """Intents and slots in one model."""
    import ostinato as ost
    from ostinato.data.assistant import OUTSIDE

    model = ost.IntentParser(out_of_scope=OUTSIDE, seed=seed, cut="snap", device="cpu")
    record = measure(model, with_slots, seed)
    report = model.evaluate(*with_slots(_plain(seed).test))
    return record | {
        "slot_f1": report.slot_f1,
        "request_accuracy": report.request_accuracy,
        "slots": {score.name: score.to_dict() for score in report.slots[1:]},
    }


def intents(seed: int) -> dict[str, Any]:
    """Intents alone."""
    import ostinato as ost
    from ostinato.data.assistant import OUTSIDE

    return measure(ost.TextClassifier(out_of_scope=OUTSIDE, seed=seed, device="cpu"), columns, seed)


def measure(model: Any, rows: Callable[[Any], Any], seed: int) -> dict[str, Any]:
    """Train on all that the demo sees, and count on the test templates."""
    from ostinato.data.assistant import with_outside

    plain = _plain(seed)
    split = with_outside(plain)
    began, spent = time.monotonic(), time.process_time()
    model.fit(*rows(split.train), valid=rows(split.valid), progress=False)
    seconds, processor = time.monotonic() - began, time.process_time() - spent
    texts, wanted = columns(plain.test)
    report = model.evaluate(*rows(split.test))
    return {
        "seed": seed,
        "test_rows": len(texts),
        # The best intent, whatever the confidence; and with what is refused.
        "accuracy": share(a.label == i for a, i in zip(model.answers(texts), wanted, strict=True)),
        "accuracy_with_refusal": report.in_scope_accuracy,
        "out_of_scope_recall": report.out_of_scope_recall,
        "training_seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
    }


def _plain(seed: int) -> Any:
    from ostinato.data.assistant import read_sentences, split_by_template

    return split_by_template(read_sentences(), seed)


def with_slots(records: Any) -> tuple[list[str], list[str], list[Any]]:
    """Texts, intents and slots apart."""
    return (*columns(records), [list(record.slots) for record in records])


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Means over the splits of both models, and the F1 of each slot."""
    told: dict[str, Any] = {}
    names = ("accuracy", "accuracy_with_refusal", "out_of_scope_recall", "processor_seconds")
    for kind, more in (("joint", ("slot_f1", "request_accuracy")), ("intents", ())):
        mine = [result for name, result in results.items() if name.startswith(kind)]
        if mine:
            told[kind] = {name: spread(result[name] for result in mine) for name in (*names, *more)}
    found = [result["slots"] for name, result in results.items() if name.startswith("joint")]
    slots = sorted({slot for each in found for slot in each})
    told["slots"] = {slot: spread(each[slot]["f1"] for each in found if slot in each) for slot in slots}
    return told
