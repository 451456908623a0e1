"""Where torch's own step is quicker than the fused engine, which packs the weights of each call: data, as measured."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Quicker:
    """Calls of up to so many steps and rows, from a width on, that torch's own code answers sooner.

    ``cell`` is whether a module of one step is called (``LSTMCell``) or a layer (``LSTM``), ``gradients`` whether they
    are wanted.
    """

    names: tuple[str, ...]
    cell: bool
    gradients: bool
    steps: int = 1
    rows: float = math.inf
    hidden: int = 1


ELMAN = ("elman", "elman_relu")

# Time of torch over ours, one thread, AVX2 and FMA, torch 2.13, float32, I = H, seconds of the CPU, best of nine, both
# in one process; B in 1, 8, 32, 128 and H in 16, 64, 256; for layers T in 1, 2, 4, 8, 16 (best of five). Beside each
# line the ratios that it stands for; all other points were at 0.93 or above.
TABLE = (
    # 0.60 to 0.97 at every point.
    Quicker(ELMAN, cell=True, gradients=True),
    # 0.45 to 0.85; from 32 rows on it depends on the width, and 0.74 meets 1.20.
    Quicker(ELMAN, cell=True, gradients=False, rows=127),
    # 0.55 to 0.95; 32 rows 1.05 to 1.11, 128 rows 1.02 to 1.60.
    Quicker(("lstm", "gru"), cell=True, gradients=False, rows=15),
    # 0.65 and 0.70 at H 256; narrower 0.95 to 1.18.
    Quicker(("lstm", "gru"), cell=True, gradients=True, rows=7, hidden=128),
    # 0.79 to 0.93 at every point; two steps 0.94 to 1.08.
    Quicker(ELMAN, cell=False, gradients=True),
    # 0.68 and 0.95 at H 256; narrower 1.05 to 1.39.
    Quicker(ELMAN, cell=False, gradients=False, rows=15, hidden=128),
    # Two steps of one row: 0.87 at H 256; narrower 1.16.
    Quicker(ELMAN, cell=False, gradients=False, steps=2, rows=7, hidden=128),
    # 0.72 and 0.88 at H 256; narrower 1.28 to 1.40, 8 rows 1.02.
    Quicker(("gru",), cell=False, gradients=False, rows=7, hidden=128),
    Quicker(("gru",), cell=False, gradients=True, rows=7, hidden=128),
)

# Beyond this there is nothing to look up.
STEPS = max(row.steps for row in TABLE)


@functools.lru_cache(maxsize=4096)
def quicker(name: str, cell: bool, gradients: bool, steps: int, rows: int, hidden: int) -> str | None:
    """Why a call is left to torch although the fused engine could serve it, or None.

    >>> quicker("gru", True, False, 1, 1, 64)
    "torch's own step is quicker for so few steps and rows"
    >>> quicker("gru", False, True, 32, 1, 64)
    """
    for row in TABLE:
        if (
            name in row.names
            and cell is row.cell
            and gradients is row.gradients
            and steps <= row.steps
            and rows <= row.rows
            and hidden >= row.hidden
        ):
            return "torch's own step is quicker for so few steps and rows"
    return None
