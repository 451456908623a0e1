"""Requests with their intent and their slots, from a file, a frame, or three lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.frames import as_list
from ostinato.data.language.columns import Sentence
from ostinato.data.language.spans import read_spans, tag_text
from ostinato.data.table import read_table
from ostinato.errors import DataError
from ostinato.tasks.examples import Examples, read_examples
from ostinato.tasks.tag_examples import TaggedExamples


@dataclass(frozen=True)
class Requests:
    """Texts with their intents in ``rows``, and the same texts as words with the tags of their slots."""

    rows: Examples
    tagged: TaggedExamples

    def __len__(self) -> int:
        return len(self.rows)

    def pick(self, rows: NDArray[np.int64]) -> Requests:
        """Some of the requests; each keeps its place."""
        return Requests(self.rows.pick(rows), self.tagged.pick(rows))

    def digest(self) -> str:
        """A fingerprint of all texts, intents and slots in their order."""
        return self.rows.digest() + self.tagged.digest()


def read_requests(
    source: Any,
    labels: Any = None,
    slots: Any = None,
    *,
    text: str | None = None,
    label: str | None = None,
    slot: str | None = None,
    scheme: str = "bio",
    cut: str = "refuse",
) -> Requests:
    """Requests from a path or frame with named columns, or from lists of texts, intents and spans of characters.

    >>> read_requests(["lamp off"], ["off"], [[(0, 4, "name")]]).tagged.tags
    ['B-name', 'O']

    The columns are called ``text``, ``label`` and ``slots`` unless named; without a column of slots no word has one.
    """
    if isinstance(source, Requests):
        return source
    if labels is None:
        source = read_table(source)
        named = slot or "slots"
        known = slot is not None or named in source.columns
        values = source.column(named) if known else [None] * len(source)
    else:
        values = as_list(slots, "slots") if slots is not None else [None] * len(as_list(labels, "y"))
    rows = read_examples(source, labels, text=text, label=label)
    if len(values) != len(rows):
        raise DataError(f"slots wanted a list for each of {len(rows):,} texts, got {len(values):,}")
    sentences: list[Sentence] = []
    for row, (written, spans) in enumerate(zip(rows.texts, values, strict=True)):
        place = rows.place(row)
        sentences.append(tag_text(written, read_spans(spans, f"{place}: "), scheme=scheme, cut=cut, place=place))
    return Requests(rows, TaggedExamples(sentences, scheme, rows.source))
