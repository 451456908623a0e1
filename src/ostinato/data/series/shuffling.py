"""A random order of very many things, of which no list is ever made."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray

_ROUNDS = 6


class Shuffle:
    """A permutation of the numbers below n, asked place by place.

    >>> import numpy
    >>> order = Shuffle(10, [0, 1])
    >>> sorted(order.places(numpy.arange(10)).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

    A number is cut into two halves of bits; each half in turn is changed by a mixture of the other and a key, which can
    be undone, so that no two numbers become equal. What falls beyond n goes round again. Luby & Rackoff, 1988.
    """

    def __init__(self, n: int, seed: list[int]) -> None:
        self.n = n
        self._half = max(1, (max(n - 1, 1).bit_length() + 1) // 2)
        # Raw bits are the same in every version of numpy.
        self._keys: NDArray[Any] = numpy.random.PCG64(seed).random_raw(_ROUNDS)

    def places(self, numbers: NDArray[numpy.int64]) -> NDArray[numpy.int64]:
        """What stands at some places of the order."""
        found = self._mixed(numbers.astype(numpy.uint64))
        beyond = numpy.flatnonzero(found >= self.n)
        while beyond.size:
            found[beyond] = self._mixed(found[beyond])
            beyond = beyond[found[beyond] >= self.n]
        return found.astype(numpy.int64)

    def _mixed(self, numbers: NDArray[numpy.uint64]) -> NDArray[numpy.uint64]:
        half, mask = numpy.uint64(self._half), numpy.uint64((1 << self._half) - 1)
        left, right = numbers >> half, numbers & mask
        for key in self._keys:
            # The finalizer of splitmix64; 64-bit products wrap, as they should.
            z = (right + key) * numpy.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
            left, right = right, left ^ ((z ^ (z >> numpy.uint64(31))) & mask)
        whole: NDArray[numpy.uint64] = (left << half) | right
        return whole
