"""The last steps of a series as a network reads them, which an answer is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Rows:
    """The last ``count`` rows of some width.

    >>> rows = Rows(2, 1)
    >>> for number in (1.0, 2.0, 3.0):
    ...     rows.add([number])
    >>> rows.last().ravel().tolist()
    [2.0, 3.0]
    """

    def __init__(self, count: int, width: int) -> None:
        self.count, self.width = count, width
        # Twice as long as it must be: only now and then are rows moved to its beginning.
        self._held: Floats = np.zeros((min(2 * count, 64), width), np.float32)
        self._begin, self._end = 0, 0

    def add(self, row: Any) -> None:
        """Take a row; the oldest one goes where there are enough."""
        if self._end == len(self._held):
            kept = self.last()
            room = self._held if 2 * len(kept) <= len(self._held) else np.zeros((2 * len(kept), self.width), np.float32)
            room[: len(kept)] = kept
            self._held, self._begin, self._end = room, 0, len(kept)
        self._held[self._end] = row
        self._end += 1
        self._begin = max(self._begin, self._end - self.count)

    def last(self) -> Floats:
        """The rows, the oldest one first: [n, width]; to be read only, and before the next one comes."""
        return self._held[self._begin : self._end]

    @classmethod
    def of(cls, values: Any, count: int, width: int) -> Rows:
        """Rows from plain numbers; what is none is a ValueError or a TypeError."""
        given = np.array(values, np.float32).reshape(-1, width)
        if len(given) > count or not np.isfinite(given).all():
            raise ValueError(f"wanted at most {count} rows of {width} finite numbers")
        rows = cls(count, width)
        for row in given:
            rows.add(row)
        return rows
