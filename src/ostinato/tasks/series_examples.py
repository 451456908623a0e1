"""Series with a label or a number each, from whatever a user has: files, data frames, arrays of different lengths."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.frames import as_list
from ostinato.data.series import Layout, Panel, read_series, read_ts
from ostinato.data.table import read_table
from ostinato.errors import DataError, OptionError

# The kinds of label that come back as they were given; all others become words.
_KINDS: tuple[type, ...] = (str, bool, int, float)
WANTED = ("label", "number", "nothing")


@dataclass(frozen=True)
class SeriesExamples:
    """Series, and for each a label as a word, or a number, or neither.

    ``kind`` is the type that all labels had: str, bool, int or float.
    """

    panel: Panel
    labels: list[str] | None = None
    numbers: NDArray[np.float64] | None = None
    kind: str = "str"
    source: str = ""

    def __len__(self) -> int:
        return len(self.panel)

    def place(self, row: int) -> str:
        """Which series it is, in words for messages."""
        where = f"{self.source}: " if self.source else ""
        return f"{where}series '{self.panel.ids[row]}'"

    def pick(self, rows: NDArray[np.int64]) -> SeriesExamples:
        """Some of the series, each with what belongs to it."""
        labels = None if self.labels is None else [self.labels[r] for r in rows.tolist()]
        numbers = None if self.numbers is None else self.numbers[rows]
        return dataclasses.replace(self, panel=self.panel.pick(rows.tolist()), labels=labels, numbers=numbers)

    def digest(self) -> str:
        """A fingerprint of all values, labels and numbers in their order."""
        sha = hashlib.sha256()
        for array in (self.panel.starts, self.panel.time, self.panel.target, self.panel.past, self.panel.known):
            sha.update(np.ascontiguousarray(array).tobytes())
        for label in self.labels or ():
            sha.update(label.encode(errors="surrogatepass") + b"\0")
        if self.numbers is not None:
            sha.update(np.ascontiguousarray(self.numbers).tobytes())
        return sha.hexdigest()


@dataclass(frozen=True)
class Columns:
    """What the columns of a table of series are called; None looks for the usual words."""

    id: str | None = None
    time: str | None = None
    channels: tuple[str, ...] | None = None
    answer: str | None = None
    frequency: Any = "infer"

    @classmethod
    def named(cls, id: Any, time: Any, channels: Any, answer: Any, frequency: Any = "infer") -> Columns:
        """From the words that a user gave: ``channels`` is one name or several."""
        several = (channels,) if isinstance(channels, str) else None if channels is None else tuple(channels)
        return cls(id, time, several, answer, frequency)


def read_series_examples(
    source: Any, answers: Any = None, *, wanted: str, columns: Columns | None = None, like: Layout | None = None
) -> SeriesExamples:
    """Series and their answers.

    >>> read = read_series_examples([[1.0, 2.0], [3.0]], ["up", "flat"], wanted="label")
    >>> read.labels, read.panel.lengths.tolist()
    (['up', 'flat'], [2, 1])

    ``wanted`` says what an answer is: a "label", a "number", or "nothing". Series are those of
    :func:`~ostinato.data.series.read_series`, and an array [S, T], which is S series of one channel. Answers are a list
    with one for each series, those that a .ts file brings, or a column of a long table that is constant in each series.
    ``like`` reads as the series of training were read.
    """
    columns = columns or Columns()
    named = [name for name, value in dataclasses.asdict(columns).items() if value not in (None, "infer")]
    if isinstance(source, str | os.PathLike) and Path(os.fsdecode(source)).suffix.lower() == ".ts":
        if named:
            raise OptionError(f"{named[0]} names a column of a table, and a .ts file has none; leave it out")
        return _from_ts(os.fsdecode(source), answers, wanted)
    if _rows_of_steps(source):
        source = list(source)
    if isinstance(source, list | tuple | np.ndarray | Panel) or type(source).__name__ == "Tensor":
        if named:
            raise OptionError(f"{named[0]} names a column of a table, and arrays have none; leave it out")
        panel = read_series(source) if isinstance(source, Panel) or like is None else read_series(source, like=like)
        return _with_answers(_bare(panel), answers, wanted, "")
    return _from_table(source, answers, wanted, columns, like)


def _rows_of_steps(source: Any) -> bool:
    """Whether a source is an array [S, T]."""
    return (isinstance(source, np.ndarray) or type(source).__name__ == "Tensor") and source.ndim == 2


def _from_ts(path: str, answers: Any, wanted: str) -> SeriesExamples:
    file = read_ts(path)
    if wanted == "nothing":
        return SeriesExamples(_bare(file.panel), source=path)
    if answers is not None:
        return _with_answers(_bare(file.panel), answers, wanted, path)
    if wanted == "label" and file.labels is not None:
        return SeriesExamples(_bare(file.panel), labels=list(file.labels), source=path)
    if wanted == "number" and file.targets is not None:
        return SeriesExamples(_bare(file.panel), numbers=file.targets, source=path)
    has = (
        "labels" if file.labels is not None else "targets" if file.targets is not None else "neither labels nor targets"
    )
    raise DataError(f"{path} has {has}, and a {wanted} for each series was wanted; give them beside the file as y")


def _from_table(source: Any, answers: Any, wanted: str, columns: Columns, like: Layout | None) -> SeriesExamples:
    """From a long table: the answer is a column that is constant in each series."""
    told: dict[str, Any] = {"id": columns.id, "time": columns.time, "frequency": columns.frequency}
    target = columns.channels or (like.target if like is not None else None)
    name = os.fsdecode(source) if isinstance(source, str | os.PathLike) else ""
    inside = wanted != "nothing" and answers is None
    if inside and columns.answer is None:
        raise OptionError(f"which column is the {wanted}? name it, or give one {wanted} a series as y")
    part: dict[str, Any] = {"categories" if wanted == "label" else "static": [columns.answer]} if inside else {}
    if like is not None:
        told |= {"zone": like.zone, "frequency": like.frequency if told["frequency"] == "infer" else told["frequency"]}
    panel = read_series(source, target=target, **told, **part)
    if not inside:
        return _with_answers(_bare(panel), answers, wanted, name)
    if wanted == "label":
        numbers = panel.categories[:, 0]
        _refuse_missing(numbers == 0, panel, name, str(columns.answer))
        words = [panel.layout.word(0, number) or "" for number in numbers.tolist()]
        return SeriesExamples(_bare(panel), labels=words, source=name)
    values = panel.static[:, 0].astype(np.float64)
    _refuse_missing(np.isnan(values), panel, name, str(columns.answer))
    return SeriesExamples(_bare(panel), numbers=values, source=name)


def _refuse_missing(missing: NDArray[np.bool_], panel: Panel, source: str, column: str) -> None:
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        where = f"{source}: " if source else ""
        raise DataError(f"{where}series '{panel.ids[row]}' has no '{column}'; fill it in or leave the series out")


def _with_answers(panel: Panel, answers: Any, wanted: str, source: str) -> SeriesExamples:
    """A panel with the answers that were given beside it."""
    if wanted == "nothing":
        return SeriesExamples(panel, source=source)
    if answers is None:
        raise OptionError(f"series without a table wanted a {wanted} for each as y, got none")
    values = as_list(answers, "y")
    if len(values) != len(panel):
        raise DataError(f"X and y are equally long, got {len(panel):,} series and {len(values):,} {wanted}s")
    if wanted == "number":
        return SeriesExamples(panel, numbers=numbers_of(values, panel.ids), source=source)
    kinds = {type(value) for value in values}
    kind = next((k.__name__ for k in _KINDS if kinds == {k}), "str")
    return SeriesExamples(panel, labels=read_table({"label": values}).labels("label"), kind=kind, source=source)


def numbers_of(values: Sequence[Any], ids: Sequence[str]) -> NDArray[np.float64]:
    """Finite numbers, one for each series; anything else is refused with its series.

    >>> numbers_of([1, 2.5], ["a", "b"]).tolist()
    [1.0, 2.5]
    """
    found = np.empty(len(values))
    for row, value in enumerate(values):
        try:
            found[row] = float("nan") if isinstance(value, bool | str) or value is None else float(value)
        except (TypeError, ValueError):
            found[row] = np.nan
        if not np.isfinite(found[row]):
            raise DataError(f"series '{ids[row]}' wanted a finite number to be learned, got {value!r:.40}")
    return found


def _bare(panel: Panel) -> Panel:
    """A panel of observed steps alone: what is one a series is no channel, and there is no future."""
    empty = np.flatnonzero(panel.lengths == 0)
    if empty.size:
        raise DataError(f"series '{panel.ids[int(empty[0])]}' has no step; leave it out")
    layout = dataclasses.replace(panel.layout, static=(), categories=(), words=())
    count = len(panel)
    return dataclasses.replace(
        panel, static=np.empty((count, 0), np.float32), categories=np.empty((count, 0), np.int64), layout=layout
    )
