"""Pairs of texts: two parallel files, columns of a table, or two lists."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostinato.data.files import read_text
from ostinato.data.frames import as_list
from ostinato.data.table import read_table
from ostinato.errors import DataError, OptionError, nearest

# What is done with a pair whose source holds nothing.
EMPTY = ("refuse", "drop")
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Pairs:
    """Texts to read and texts to write, in pairs, each of which knows its place.

    >>> pairs = read_pairs(["ein Haus", "zwei"], ["a house", "two"])
    >>> len(pairs), pairs.target[0], pairs.place(1)
    (2, 'a house', 'row 2')

    ``dropped`` are the lines (or rows, counted from 1) that were left out because their source or target was empty.
    """

    source: list[str]
    target: list[str]
    lines: tuple[int, ...]
    name: str = ""
    dropped: tuple[int, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.source)

    def place(self, row: int) -> str:
        """Where a pair stands, in words for messages: "train.de, line 17" or "row 17"."""
        return _place(self.name, self.lines[row])

    def pick(self, rows: Sequence[int]) -> Pairs:
        """Some of the pairs; each keeps its place."""
        return Pairs(
            [self.source[row] for row in rows],
            [self.target[row] for row in rows],
            tuple(self.lines[row] for row in rows),
            self.name,
            self.dropped,
        )

    def digest(self) -> str:
        """A fingerprint of all texts in their order."""
        sha = hashlib.sha256()
        for column in (self.source, self.target):
            for text in column:
                # A text is framed by its length: it may hold any character that could part two of them.
                data = text.encode(errors="surrogatepass")
                sha.update(len(data).to_bytes(8, "little") + data)
        return sha.hexdigest()


def read_pairs(
    data: Any = None,
    answers: Any = None,
    *,
    source: Any = None,
    target: Any = None,
    empty: str = "refuse",
) -> Pairs:
    """Pairs of texts from whatever a user has.

    >>> read_pairs({"de": ["ja", " "], "en": ["yes", "no"]}, source="de", target="en", empty="drop").dropped
    (2,)
    >>> read_pairs(source=["ja"], target=["yes", "no"])
    Traceback (most recent call last):
    ostinato.errors.DataError: source and target are equally long, got 1 and 2 texts

    ``data`` is a table (.csv, .tsv, .jsonl, a frame, a dict of lists), whose columns are called "source" and "target"
    unless these words name others. Without it, or with ``answers``, the two sides are given apart, as lists or as paths
    of parallel files in UTF-8 with a text on each line. A pair with an empty side is refused with its line, or left out
    by ``empty="drop"`` and told in :attr:`Pairs.dropped`.
    """
    if empty not in EMPTY:
        raise OptionError(f"empty wanted one of 'refuse', 'drop', got {empty!r}; {nearest(str(empty), EMPTY)}")
    if data is not None and answers is not None:
        if source is not None or target is not None:
            raise OptionError("source= and target= name columns of a table; with two lists there are none to name")
        source, target, data = data, answers, None
    if data is not None:
        return _clean(*_table(data, source or "source", target or "target"), empty)
    if source is None or target is None:
        raise OptionError(
            "pairs wanted a table, or both source= and target= as lists or as paths of parallel files; "
            f"got {'neither' if source is None and target is None else 'one of them'}"
        )
    return _clean(*_apart(source, target), empty)


@dataclass(frozen=True)
class Sources:
    """Texts to read, each of which knows its place.

    >>> Sources(["ja", "nein"], (7, 8), "in.txt").place(1)
    'in.txt, line 8'
    """

    texts: list[str]
    lines: tuple[int, ...]
    name: str = ""

    def __len__(self) -> int:
        return len(self.texts)

    def place(self, row: int) -> str:
        """Where a text stands, in words for messages."""
        return _place(self.name, self.lines[row])


def read_sources(data: Any, source: str = "source") -> Sources:
    """Texts to read, of a list, a column of a table, or the lines of a file.

    >>> read_sources("Wer kommt?")
    Traceback (most recent call last):
    ostinato.errors.DataError: there is no file Wer kommt?; texts that are no file stand in a list: ['Wer kommt?']
    """
    if isinstance(data, Sources):
        return data
    table = _is_path(data) and Path(os.fsdecode(data)).suffix.lower() in TABLES
    if isinstance(data, str) and not table and not os.path.exists(os.path.expanduser(data)):
        raise DataError(f"there is no file {data:.60}; texts that are no file stand in a list: [{data[:30]!r}]")
    if _is_path(data) and not table:
        lines = read_lines(data)
        return Sources(lines, tuple(range(1, len(lines) + 1)), os.fsdecode(data))
    if not table and not isinstance(data, dict) and not hasattr(data, "columns"):
        data = {source: as_list(data, "texts")}
        if not data[source]:
            return Sources([], ())
    found = read_table(data)
    return Sources(found.texts(source), found.lines, found.source)


def read_lines(path: Any) -> list[str]:
    """The lines of a file in UTF-8, without their ends; the last one may do without."""
    name = os.fsdecode(path)
    lines = read_text(name, (Path(name).suffix.lower(),)).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _table(data: Any, source: Any, target: Any) -> tuple[list[str], list[str], tuple[int, ...], str]:
    if not isinstance(source, str) or not isinstance(target, str):
        raise OptionError("source= and target= name columns of a table; leave the table out to give the texts apart")
    if source == target:
        raise OptionError(f"source and target wanted two columns, got '{source}' for both")
    table = read_table(data)
    return table.texts(source), table.texts(target), table.lines, table.source


def _apart(source: Any, target: Any) -> tuple[list[str], list[str], tuple[int, ...], str]:
    if _is_path(source) != _is_path(target):
        raise OptionError("source= and target= are two files or two lists, got one of each")
    if not _is_path(source):
        texts, answers = as_list(source, "source"), as_list(target, "target")
        if len(texts) != len(answers):
            raise DataError(f"source and target are equally long, got {len(texts):,} and {len(answers):,} texts")
        if not texts:
            raise DataError("pairs wanted at least one pair, got none")
        table = read_table({"source": texts, "target": answers})
        return table.texts("source"), table.texts("target"), table.lines, ""
    left, right = read_lines(source), read_lines(target)
    if len(left) != len(right):
        short, long = (source, target) if len(left) < len(right) else (target, source)
        raise DataError(
            f"parallel files are equally long: {os.fsdecode(source)} has {len(left):,} lines and "
            f"{os.fsdecode(target)} {len(right):,}; line {min(len(left), len(right)) + 1:,} of {os.fsdecode(long)} "
            f"has no partner in {os.fsdecode(short)}"
        )
    return left, right, tuple(range(1, len(left) + 1)), os.fsdecode(source)


def _clean(source: list[str], target: list[str], lines: tuple[int, ...], name: str, empty: str) -> Pairs:
    """The pairs of which both sides say something."""
    wanting = [k for k, (a, b) in enumerate(zip(source, target, strict=True)) if not a.strip() or not b.strip()]
    if not wanting:
        return Pairs(source, target, lines, name)
    if empty == "refuse":
        side = "target" if source[wanting[0]].strip() else "source"
        raise DataError(
            f"{_place(name, lines[wanting[0]])}: the {side} is empty; fill it in, or leave such pairs out "
            f"(empty='drop'; there {'is 1' if len(wanting) == 1 else f'are {len(wanting):,}'})"
        )
    if len(wanting) == len(source):
        raise DataError(f"{name or 'the data'}: every pair has an empty side; nothing is left to learn from")
    pairs = Pairs(source, target, lines, name, tuple(lines[k] for k in wanting))
    gone = set(wanting)
    return pairs.pick([k for k in range(len(source)) if k not in gone])


def _is_path(data: Any) -> bool:
    return isinstance(data, str | os.PathLike)


def _place(name: str, line: int) -> str:
    return f"{name}, line {line}" if name else f"row {line}"
