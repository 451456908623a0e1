"""A few dozen requests to a voice assistant, small enough to be learned in a second, and tiny networks for them."""

from __future__ import annotations

import itertools

THINGS = ("lamp", "fan", "radio", "oven", "heater", "kettle", "blinds")
TIMES = ("seven", "noon", "midnight", "half past ten", "six thirty", "four")
ELSEWHERE = (
    "who wrote hamlet",
    "is the earth flat",
    "tell me a joke",
    "how tall is everest",
    "what is seven times eight",
    "name a big city in spain",
)


def requests() -> tuple[list[str], list[str]]:
    """Texts and labels of three intents, in mixed order."""
    rows = [
        (f"{verb} {way} the {thing}", way)
        for verb, way, thing in itertools.product(("turn", "switch"), ("on", "off"), THINGS)
    ]
    rows += [(f"{verb} me up at {time}", "alarm") for verb, time in itertools.product(("wake", "get"), TIMES)]
    rows = rows[::3] + rows[1::3] + rows[2::3]
    return [text for text, _ in rows], [label for _, label in rows]


def with_others() -> tuple[list[str], list[str]]:
    """The same, and texts that belong to no intent."""
    texts, labels = requests()
    return texts + list(ELSEWHERE), labels + ["oos"] * len(ELSEWHERE)


# Learns the requests by heart in about a second, whatever the defaults are.
SMALL = {
    "cell": "lstm",
    "layers": 1,
    "bidirectional": True,
    "optimizer": "adam",
    "schedule": "constant",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "hidden": 12,
    "embedding": 16,
    "buckets": 128,
    "epochs": 20,
    "batch": 8,
    "lr": 0.02,
    "warmup": 0.0,
    "dropout": 0.1,
    "embedding_dropout": 0.1,
    "word_dropout": 0.0,
    "average": 0.0,
    "bag": 0.0,
    "patience": 0,
    "device": "cpu",
}

# Learns nothing, quickly.
TINY = {**SMALL, "hidden": 4, "embedding": 4, "buckets": 16, "epochs": 1}
