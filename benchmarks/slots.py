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
    """One run for each split, whose number is the seed."""
    return {f"split-{seed}": lambda seed=seed: measure(seed) for seed in SEEDS}


def measure(seed: int) -> dict[str, Any]:
    """Train both models on all that the demo sees, and count on the same test templates."""
    import ostinato as ost
    from ostinato.data.assistant import OUTSIDE, read_sentences, split_by_template, with_outside

    plain = split_by_template(read_sentences(), seed)
    split = with_outside(plain)
    texts, intents = columns(plain.test)
    record: dict[str, Any] = {"seed": seed, "test_rows": len(texts)}
    joint = ost.IntentParser(out_of_scope=OUTSIDE, seed=seed, cut="snap", device="cpu")
    alone = ost.TextClassifier(out_of_scope=OUTSIDE, seed=seed, device="cpu")
    for name, model, rows in (("joint", joint, with_slots), ("intents", alone, columns)):
        began, spent = time.monotonic(), time.process_time()
        model.fit(*rows(split.train), valid=rows(split.valid), progress=False)
        record[f"{name}_seconds"] = round(time.monotonic() - began, 1)
        record[f"{name}_processor_seconds"] = round(time.process_time() - spent, 1)
        answers = model.answers(texts)
        # The best intent, whatever the confidence; and with what is refused.
        record[f"{name}_accuracy"] = share(a.label == i for a, i in zip(answers, intents, strict=True))
        report = model.evaluate(*rows(split.test))
        record[f"{name}_accuracy_with_refusal"] = report.in_scope_accuracy
        record[f"{name}_out_of_scope_recall"] = report.out_of_scope_recall
    report = joint.evaluate(*with_slots(plain.test))
    record["slot_f1"] = report.slot_f1
    record["request_accuracy"] = report.request_accuracy
    record["slots"] = {score.name: score.to_dict() for score in report.slots[1:]}
    return record


def with_slots(records: Any) -> tuple[list[str], list[str], list[Any]]:
    """Texts, intents and slots apart."""
    return (*columns(records), [list(record.slots) for record in records])


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Means over the splits, and the F1 of each slot."""
    names = ("joint_accuracy", "intents_accuracy", "joint_out_of_scope_recall", "intents_out_of_scope_recall")
    names += ("slot_f1", "request_accuracy", "joint_processor_seconds", "intents_processor_seconds")
    told: dict[str, Any] = {name: spread(result[name] for result in results.values()) for name in names}
    slots = sorted({slot for result in results.values() for slot in result["slots"]})
    told["slots"] = {
        slot: spread(result["slots"][slot]["f1"] for result in results.values() if slot in result["slots"])
        for slot in slots
    }
    return told
