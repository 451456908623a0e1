"""The best sequence of tags by the scores of steps and moves, with numpy alone, so that streams need no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ostinato.errors import OptionError, ShapeError

# Far below any score that is learned, yet far from where differences of single precision are lost.
FORBIDDEN = -1e4


def best_paths(
    emissions: npt.NDArray[np.floating],
    lengths: npt.NDArray[np.integer] | None,
    start: npt.NDArray[np.floating],
    end: npt.NDArray[np.floating],
    moves: npt.NDArray[np.floating],
) -> npt.NDArray[np.int64]:
    """The sequence of tags with the highest score for each row, int64 [B, T], -1 past the length.

    >>> none, moves = np.zeros(2), np.array([[0.0, FORBIDDEN], [0.0, 0.0]])
    >>> best_paths(np.array([[[1.0, 0.0], [0.0, 0.5]]]), None, none, none, moves)
    array([[0, 0]])

    ``emissions`` [B, T, N] are the scores of steps, ``start`` and ``end`` [N] those of the first and the last tag,
    ``moves`` [N, N] those of the move from i to j. Of equal paths the one that ends, or comes, from the lowest number
    wins. Viterbi, 1967 (doi:10.1109/TIT.1967.1054010).
    """
    batch, steps, tags = emissions.shape
    for name, given, wanted in (("start", start, (tags,)), ("end", end, (tags,)), ("moves", moves, (tags, tags))):
        if given.shape != wanted:
            raise ShapeError(f"{name} wanted {list(wanted)}, got {list(given.shape)}")
    counts = np.full(batch, steps) if lengths is None else np.asarray(lengths)
    if counts.shape != (batch,) or (counts > steps).any() or (counts < 0).any():
        raise ShapeError(f"lengths wanted {batch} whole numbers from 0 to {steps}, got {counts.tolist()!r:.60}")
    paths = np.full((batch, steps), -1, np.int64)
    if not steps or not batch:
        return paths
    rows = np.arange(batch)
    came = np.zeros((steps, batch, tags), np.int64)
    score = start + emissions[:, 0]
    ends = np.where((counts == 1)[:, None], score, 0)
    for t in range(1, steps):
        ways = score[:, :, None] + moves
        came[t] = ways.argmax(1)
        score = emissions[:, t] + np.take_along_axis(ways, came[t][:, None], 1)[:, 0]
        # What a row shows past its end, NaN perhaps, is never kept.
        ends = np.where((counts == t + 1)[:, None], score, ends)
    tag = (ends + end).argmax(1)
    for t in range(steps - 1, -1, -1):
        inside = counts > t
        # A row begins to be read where it ends.
        tag = np.where(counts > t + 1, came[min(t + 1, steps - 1)][rows, tag], tag)
        paths[inside, t] = tag[inside]
    return paths


def read_moves(allowed: Sequence[str], tags: int) -> npt.NDArray[np.bool_]:
    """Which moves there are, [N + 1, N + 1], from rows of 0 and 1 as a model file holds them.

    >>> read_moves(["111", "110", "101"], 2)[0]
    array([ True,  True,  True])

    Row i tells where tag i may go to, and its last sign whether a sequence may end there; the last row tells with what
    it may begin.
    """
    rows = list(allowed)
    size = tags + 1
    if len(rows) != size or not all(isinstance(row, str) and len(row) == size and not row.strip("01") for row in rows):
        raise OptionError(f"allowed moves of {tags} tags wanted {size} rows of {size} signs 0 and 1, got {rows!r:.60}")
    return np.array([[sign == "1" for sign in row] for row in rows])


def write_moves(moves: Any) -> list[str]:
    """The inverse of :func:`read_moves`.

    >>> write_moves(np.array([[True, False], [True, True]]))
    ['10', '11']
    """
    return ["".join("1" if allowed else "0" for allowed in row) for row in moves]
