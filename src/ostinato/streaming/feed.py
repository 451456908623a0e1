"""What a session feeds to its model: samples of any kind as the arrays of one chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import DataError, OptionError, ShapeError, nearest
from ostinato.hashing import pair_bucket
from ostinato.plan import Plan

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Chunk:
    """T steps: arrays of numbers [T, width] and of ids in the plan's order, and where each step's ids end.

    ``single`` says that one sample came, not a chunk of one; ``last`` is the id of the last word, None without words.
    """

    steps: int
    numbers: tuple[Floats, ...]
    ids: tuple[NDArray[np.int32], ...]
    ends: tuple[Whole, ...]
    single: bool
    last: int | None = None


class Feed:
    """Makes chunks for a plan with ids or with several inputs, and remembers the word before.

    ``previous`` is the id of the last word that was pushed; before the first one, the boundary of the text.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.boundary = plan.ids["words"].count if "words" in plan.ids else -1
        self.previous = self.boundary

    def chunk(self, x: Any, given: dict[str, Any]) -> Chunk:
        """The arrays of what was pushed; nothing is remembered until :meth:`advance`."""
        beside = self.plan.ids if "x" in self.plan.numbers else ()
        wanted = {name for name in (*self.plan.numbers, *beside) if name != "x"}
        for name in given:
            if name not in wanted:
                raise OptionError(f"this model takes no input '{name}'; {nearest(name, wanted)}")
        if wanted - set(given):
            raise OptionError(f"this model wanted {', '.join(sorted(wanted - set(given)))} at every step, by name")
        if self.plan.vocabulary is not None:
            return self._text(x)
        if self.plan.tokens is not None and isinstance(x, str):
            x = self.plan.tokens.encode(x)
        if "words" in self.plan.ids:
            ids = _as_ids(x)
            return self._words(ids.reshape(-1), np.zeros(0, np.int64), np.zeros(ids.size, np.int64), ids.ndim == 0)
        return self._numbers(x, given)

    def advance(self, chunk: Chunk) -> None:
        """Remember the last word of a chunk that was run."""
        if chunk.last is not None:
            self.previous = chunk.last

    def _numbers(self, x: Any, given: dict[str, Any]) -> Chunk:
        first = as_floats(x, "x", self.plan.numbers["x"])
        single = first.ndim == 1
        steps = 1 if single else len(first)
        arrays = []
        for name, width in self.plan.numbers.items():
            array = first if name == "x" else as_floats(given[name], name, width, steps=steps)
            arrays.append(np.ascontiguousarray(array.reshape(-1, width)))
            if len(arrays[-1]) != steps:
                raise ShapeError(f"{name} wanted one for each of {steps} samples, got {len(arrays[-1])}")
        ids = tuple(_one_each(given[name], name, steps) for name in self.plan.ids)
        return Chunk(steps, tuple(arrays), ids, tuple(np.zeros(steps, np.int64) for _ in ids), single)

    def _text(self, text: Any) -> Chunk:
        """The words of a text with their pieces."""
        if not isinstance(text, str):
            raise DataError(f"this model reads texts: push wanted a str of whole words, got {type(text).__name__}")
        assert self.plan.vocabulary is not None
        texts = self.plan.vocabulary.encode([text])
        types, tokens = texts.types, texts.tokens
        counts = np.diff(types.starts)[tokens]
        ends = np.cumsum(counts)
        begins = types.starts[tokens]
        total = int(ends[-1]) if len(ends) else 0
        pieces = types.grams[np.repeat(begins - (ends - counts), counts) + np.arange(total)]
        return self._words(types.words[tokens], pieces, ends, False)

    def _words(self, words: Whole, pieces: Whole, ends: Whole, single: bool) -> Chunk:
        """Ids of words, and what follows from them."""
        columns = {"words": words, "pieces": pieces}
        if "pairs" in self.plan.ids:
            buckets = self.plan.ids["pairs"].count
            before = np.concatenate([np.array([self.previous], np.int64), words])[: len(words)]
            columns["pairs"] = pair_bucket(before, words, buckets)
            columns["edges"] = pair_bucket(words, np.full_like(words, self.boundary), buckets)
        most = np.iinfo(np.int32).max
        ids = tuple(np.clip(columns[name], -1, most).astype(np.int32) for name in self.plan.ids)
        last = int(words[-1]) if len(words) else None
        return Chunk(len(words), (), ids, tuple(ends.astype(np.int64) for _ in self.plan.ids), single, last)


def as_floats(values: Any, name: str, width: int, *, steps: int | None = None) -> Floats:
    """One sample [width] or some [T, width] in single precision; ``steps`` lets [T] stand for [T, 1].

    >>> as_floats([1, 2], "x", 2)
    array([1., 2.], dtype=float32)
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        raise DataError(f"{name} wanted numbers in rows of one width; give an array of float32") from None
    if array.dtype.kind not in "fiub":
        came = f", got {array.dtype}" if array.dtype != object else " in rows of one width"
        raise DataError(f"{name} wanted numbers{came}; give an array of float32")
    with np.errstate(over="ignore"):
        made = np.ascontiguousarray(array, np.float32)
    if steps is not None and made.ndim < 2 and width == 1:
        made = made.reshape(-1, 1)
    if made.ndim not in (1, 2) or made.shape[-1] != width:
        raise ShapeError(f"{name} wanted [{width}] or [T, {width}], got {list(made.shape)}")
    return made


def _as_ids(values: Any) -> Whole:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        array = np.empty((0, 0))
    if array.shape == (0,):
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu" or array.ndim > 1:
        raise DataError(f"this model reads ids: push wanted one whole number or a list, got {type(values).__name__}")
    return array.astype(np.int64)


def _one_each(values: Any, name: str, steps: int) -> NDArray[np.int32]:
    """An id for each of some steps; one stands for all."""
    ids = _as_ids(values).reshape(-1)
    if len(ids) not in (1, steps):
        raise ShapeError(f"{name} wanted an id for each of {steps} samples, got {len(ids)}")
    most = np.iinfo(np.int32).max
    return np.ascontiguousarray(np.broadcast_to(np.clip(ids, -1, most).astype(np.int32), steps))
