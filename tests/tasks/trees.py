"""A few dozen small trees, learned in a second, and tiny networks for them."""

from __future__ import annotations

import itertools


def lists():
    """Lists of two operations over digits, and the values they have."""
    rows = [
        (f"({name} {a} ({other} {b} {c}))", (max if name == "MAX" else min)(a, (max if other == "MAX" else min)(b, c)))
        for name, other, a, b, c in itertools.product(("MAX", "MIN"), ("MAX", "MIN"), (1, 5), (1, 5), (1, 5))
    ]
    rows = rows[::3] + rows[1::3] + rows[2::3]
    return [tree for tree, _ in rows], [value for _, value in rows]


def reviews():
    """Trees with a label at every node: a word says good or bad, 'not' turns what follows, a whole is as its end."""
    rows = []
    for first, good in itertools.product(("it", "we", "all"), ("fine", "great", "bad", "poor")):
        mood = "3" if good in ("fine", "great") else "1"
        turned = {"3": "1", "1": "3"}[mood]
        rows += [f"({mood} (2 {first}) ({mood} {good}))", f"({turned} (2 {first}) ({turned} (2 not) ({mood} {good})))"]
    return rows


# Learns the lists by heart in about a second, whatever the defaults are.
SMALL = {
    "binarize": "left",
    "optimizer": "adam",
    "schedule": "constant",
    "weight_decay": 0.0,
    "hidden": 16,
    "embedding": 8,
    "min_count": 1,
    "epochs": 30,
    "batch": 8,
    "lr": 0.02,
    "warmup": 0.0,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
    "average": 0.0,
    "patience": 0,
    "holdout": 0.0,
    "device": "cpu",
}

# Learns nothing, quickly.
TINY = {**SMALL, "hidden": 4, "embedding": 4, "epochs": 1}
