"""Small pairs of texts that a model learns within seconds: numbers and the same numbers backwards."""

from __future__ import annotations

TINY = {"hidden": 16, "embedding": 8, "epochs": 3, "holdout": 0.2, "batch": 8, "device": "cpu"}


def pairs(count=40):
    source = [f"day {k * 7 % 100}" for k in range(count)]
    return source, [text.removeprefix("day ")[::-1] for text in source]
