"""Requests with slots, small enough to be learned in a second, and a tiny network for them."""

from __future__ import annotations

import itertools

SMALL = {
    "hidden": 12,
    "embedding": 12,
    "buckets": 64,
    "epochs": 60,
    "batch": 8,
    "lr": 0.02,
    "min_count": 1,
    "embedding_dropout": 0.0,
    "dropout": 0.1,
    "device": "cpu",
}
TINY = {**SMALL, "hidden": 3, "embedding": 3, "epochs": 1, "holdout": 0}
ROOMS = ("kitchen", "living room", "attic", "guest room")
THINGS = ("lamp", "floor lamp", "radio", "heater")


def texts_with_spans():
    """Requests, and where in them names and areas stand."""
    texts, spans = [], []
    for verb, thing, room in itertools.product(("turn on", "turn off"), THINGS, ROOMS):
        before = f"{verb} the "
        text = f"{before}{thing} in the {room}"
        texts.append(text)
        start = len(text) - len(room)
        spans.append([(len(before), len(before) + len(thing), "name"), (start, len(text), "area")])
    return texts, spans


def columns(sentences):
    """Sentences as a file with a word a line."""
    return "\n".join("".join(f"{w} {t}\n" for w, t in zip(s.words, s.tags, strict=True)) for s in sentences)
