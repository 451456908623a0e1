"""Evidence: tables, vocabularies, labels and batches."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ostinato.data.labels import Labels
from ostinato.data.table import Table, read_table
from ostinato.data.texts import Texts, Types
from ostinato.data.words import Vocabulary
from ostinato.errors import needs

if TYPE_CHECKING:
    from ostinato.data.batch import Batch, TokenTable
    from ostinato.data.batches import ContinuousBatches, TextBatches

__all__ = [
    "Batch",
    "ContinuousBatches",
    "Labels",
    "Table",
    "TextBatches",
    "Texts",
    "TokenTable",
    "Types",
    "Vocabulary",
    "read_table",
]

# These need torch, which a program that only reads and encodes does without.
_LAZY = {
    "Batch": "ostinato.data.batch",
    "TokenTable": "ostinato.data.batch",
    "ContinuousBatches": "ostinato.data.batches",
    "TextBatches": "ostinato.data.batches",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'ostinato.data' has no attribute '{name}'")
    needs("torch", "train")
    return getattr(importlib.import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
