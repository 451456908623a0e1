"""Labelled texts from whatever a user has: a file, a data frame, or two lists."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.frames import as_list
from ostinato.data.table import Table, read_table
from ostinato.errors import DataError, OptionError

# The kinds of label that come back as they were given; all others become words.
_KINDS: tuple[type, ...] = (str, bool, int, float)


class DataWarning(UserWarning):
    """Something about the data that a user would want to know, though training can go on."""


@dataclass(frozen=True)
class Examples:
    """Texts with their labels as words; ``table`` knows where each row came from.

    ``kind`` is the type that all labels had: str, bool, int or float.
    """

    texts: list[str]
    labels: list[str]
    table: Table
    rows: tuple[int, ...]
    kind: str = "str"

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def source(self) -> str:
        """The file's name, empty for what came from memory."""
        return self.table.source

    def place(self, row: int) -> str:
        """Where a row stands, in words for messages."""
        return self.table.place(self.rows[row])

    def pick(self, rows: NDArray[np.int64]) -> Examples:
        """Some of the rows; each keeps its place."""
        chosen = rows.tolist()
        return Examples(
            [self.texts[r] for r in chosen],
            [self.labels[r] for r in chosen],
            self.table,
            tuple(self.rows[r] for r in chosen),
            self.kind,
        )

    def digest(self) -> str:
        """A fingerprint of all texts and labels in their order."""
        sha = hashlib.sha256()
        for column in (self.texts, self.labels):
            for value in column:
                # Half a surrogate pair, as json reads "\\ud800", has no UTF-8 otherwise.
                sha.update(value.encode(errors="surrogatepass") + b"\0")
        return sha.hexdigest()


def read_examples(source: Any, labels: Any = None, *, text: str | None = None, label: str | None = None) -> Examples:
    """Texts and labels from a path or frame with named columns, or from two lists.

    >>> read_examples(["lights on", "stop"], ["light", "halt"]).labels
    ['light', 'halt']
    >>> read_examples({"text": ["stop"], "intent": ["halt"]}, label="intent").place(0)
    'row 1'

    The columns are called ``text`` and ``label`` unless named.
    """
    if labels is None:
        table = read_table(source)
        text, label = text or "text", label or "label"
    else:
        if text or label:
            raise OptionError("text= and label= name columns of a file or frame; with y given there are none to name")
        texts, values = as_list(source, "X"), as_list(labels, "y")
        if len(texts) != len(values):
            raise DataError(f"X and y are equally long, got {len(texts):,} texts and {len(values):,} labels")
        text, label = "text", "label"
        table = read_table({text: texts, label: values})
    values = table.column(label)
    kinds = {type(value) for value in values}
    kind = next((k.__name__ for k in _KINDS if kinds == {k}), "str")
    return Examples(table.texts(text), table.labels(label), table, tuple(range(len(table))), kind)


def check_training(examples: Examples) -> None:
    """Refuse what nothing can be learned from, and warn of what little can.

    >>> check_training(read_examples(["a", "b"], ["yes", "yes"]))
    Traceback (most recent call last):
    ostinato.errors.DataError: all 2 rows have the label 'yes'; a classifier needs at least two labels
    """
    counts = Counter(examples.labels)
    where = f"{examples.source}: " if examples.source else ""
    if len(counts) == 1:
        raise DataError(
            f"{where}all {len(examples):,} rows have the label '{next(iter(counts))}'; "
            "a classifier needs at least two labels"
        )
    if len(counts) > 100 and len(counts) > len(examples) / 2:
        raise DataError(
            f"{where}{len(examples):,} rows have {len(counts):,} different labels; is the label column the right one?"
        )
    for row, written in enumerate(examples.texts):
        if not written.strip():
            raise DataError(f"{examples.place(row)}: the text is empty; fill it in or leave the row out")
    lonely = sorted(label for label, count in counts.items() if count == 1)
    if lonely:
        listed = ", ".join(f"'{label}'" for label in lonely[:5]) + (
            f" and {len(lonely) - 5} more" if lonely[5:] else ""
        )
        warnings.warn(
            f"{where}labels with a single example are trained on but never validated: {listed}",
            DataWarning,
            stacklevel=3,
        )


def hold_out(labels: Sequence[str], share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to validate on: a share of every label, drawn at random.

    >>> kept, held = hold_out(["a"] * 20 + ["b"] * 10 + ["c"], 0.1, seed=1)
    >>> len(kept), len(held), 30 in kept
    (28, 3, True)

    The rows of all labels are lined up label by label, each label's in random order, and every (1 / share)-th one is
    taken; so no label's share is off by more than one row. A label's last row is never taken.
    """
    values = np.asarray(labels, dtype=object)
    # Raw bits and stable sorting are the same in every version of numpy; its own shuffling is not.
    bits = np.random.PCG64([seed, 0x5EED])
    ranks = bits.random_raw(len(values))
    groups = [np.flatnonzero(values == label) for label in sorted(set(labels))]
    line = np.concatenate([group[np.argsort(ranks[group], kind="stable")] for group in groups])
    last = np.cumsum([len(group) for group in groups]) - 1
    stride = 1 / share if share else np.inf
    first = bits.random_raw() / 2**64 * min(stride, len(line))
    places = np.floor(first + stride * np.arange(np.ceil((len(line) - first) * share))).astype(np.int64)
    held = np.sort(line[np.setdiff1d(places, last)])
    kept = np.setdiff1d(np.arange(len(values)), held)
    return kept.astype(np.int64), held.astype(np.int64)
