"""Texts small enough to learn from in a second."""

from __future__ import annotations

from typing import Any

TEXTS = ["to be or not to be\n", "that is the question\n", "whether it is nobler\n", "to be the question\n"] * 3
# The smallest network that learns something of them.
QUICK: dict[str, Any] = {
    "hidden": 8,
    "layers": 1,
    "embedding": 4,
    "epochs": 2,
    "batch": 3,
    "truncate": 10,
    "device": "cpu",
}
