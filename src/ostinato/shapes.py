"""Named array shapes: the same letters in formulas, annotations, C++ and kernels.

B batch rows, T time steps, D features of the input, H units of the state, G gates of a cell, N classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ostinato.errors import ShapeError


def expect_shape(what: str, array: Any, wanted: Sequence[int | str], advice: str = "") -> None:
    """Raise unless the array has the wanted shape; letters and -1 stand for any size.

    >>> import numpy
    >>> expect_shape("x", numpy.zeros((8, 17, 12)), ["B", "T", 12])
    >>> expect_shape("x", numpy.zeros((8, 13)), ["B", 12])
    Traceback (most recent call last):
    ostinato.errors.ShapeError: x wanted [B, 12], got [8, 13]
    """
    got = tuple(int(n) for n in array.shape)
    same = len(got) == len(wanted) and all(
        isinstance(w, str) or w == -1 or w == g for w, g in zip(wanted, got, strict=True)
    )
    if not same:
        tail = f"; {advice}" if advice else ""
        raise ShapeError(f"{what} wanted {shown(wanted)}, got {shown(got)}{tail}")


def shown(shape: Sequence[int | str]) -> str:
    """A shape as it stands in messages and docs.

    >>> shown(["B", "T", 12])
    '[B, T, 12]'
    """
    return "[" + ", ".join(str(n) for n in shape) + "]"
