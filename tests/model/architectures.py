"""Architectures and batches that the tests of networks share."""

from __future__ import annotations

from typing import Any

import torch

from ostinato.data.batch import Batch, SeriesPart, TokenTable
from ostinato.forest import Forest

TABLE = TokenTable(torch.tensor([3, 0]), torch.tensor([7, 8, 9]), torch.tensor([0, 2]))


INPUTS: dict[str, Any] = {
    "words": Batch(torch.tensor([[0, 1, 1], [1, 0, 0]]), torch.tensor([3, 1]), torch.tensor([0, 1]), table=TABLE),
    "ids": Batch(torch.tensor([[0, 1, 1], [1, 0, 0]]), torch.tensor([3, 1]), torch.tensor([0, 1])),
    "numbers": Batch(torch.randn(2, 3, 4), torch.tensor([3, 1]), torch.tensor([0, 1])),
    "series": Batch(torch.randn(2, 3, 4), torch.tensor([3, 1]), torch.tensor([0, 1])),
}


KINDS: dict[str, dict[str, Any]] = {
    "words": {"words": 10, "pieces": 20, "width": 4},
    "ids": {"count": 10, "width": 4},
    "numbers": {"width": 4},
    "series": {"observed": 3, "ahead": 1},
}


def architecture(kind: str = "words", **changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "embed": {"kind": kind, **KINDS[kind]},
        "body": {"cell": "gru", "hidden": 5},
        "pool": ["last"],
        "head": {"kind": "classify", "classes": 3},
    }
    return plain | changed


BESIDE = {"words": 10, "pieces": 20, "pairs": 16, "dropout": 0.2, "share": 0.25}


def trees(**changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "embed": {"kind": "words", **KINDS["words"]},
        "body": {"kind": "tree", "cell": "lstm", "hidden": 5, "enter_dropout": 0.1},
        "head": {"kind": "nodes", "classes": 3},
    }
    return plain | changed


FOREST = Batch(torch.tensor([0, 1, 1]), target=torch.tensor([-1, 2, 0]), table=TABLE, forest=Forest.of([[1, -1], [-1]]))


def foretelling(**changed: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "embed": {"kind": "series", "observed": 1, "ahead": 2},
        "body": {"cell": "gru", "hidden": 5},
        "head": {"kind": "gaussian", "outputs": 1, "dropout": 0.1, "skip": True},
    }
    return plain | changed


def window(rows: int = 2, context: int = 4, steps: int = 3) -> Batch:
    torch.manual_seed(0)
    part = SeriesPart(
        *(torch.arange(rows), torch.arange(rows), torch.full((rows, 1), 7.0), torch.full((rows, 1), 2.0)),
        *(torch.zeros(rows, 0), torch.zeros(rows, 0, dtype=torch.int64)),
    )
    return Batch(
        torch.randn(rows, context, 3),
        target=torch.randn(rows, steps, 1),
        future=torch.randn(rows, steps, 2),
        mask=torch.ones(rows, steps, 1, dtype=torch.bool),
        part=part,
    )
