"""Floor 1: recurrent cells as equations.

A cell is a few lines of mathematics; loops, kernels, streams, exports and formulas are derived from it. To add one,
write it here, in the file of its family, and name it in ``BUILT_IN``.
"""

from __future__ import annotations

from ostinato.cells.declaration import Cell, Gates, cell
from ostinato.cells.gated import gru
from ostinato.cells.initial import Constant, Identity, Initial, Orthogonal, Spectral, Uniform, Xavier
from ostinato.cells.long_memory import lstm
from ostinato.cells.noise import Mask
from ostinato.cells.operations import (
    absolute,
    cos,
    exp,
    less,
    log,
    maximum,
    minimum,
    product,
    relu,
    row_max,
    row_mean,
    row_sum,
    select,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
)
from ostinato.cells.plain import elman, elman_relu
from ostinato.errors import OptionError, nearest

BUILT_IN: dict[str, Cell] = {c.name: c for c in (elman, elman_relu, lstm, gru)}


def find(cell: str | Cell) -> Cell:
    """The cell of a name; a cell is given back as it is.

    >>> find("gru")
    <cell gru: state h, gates r z n>
    >>> find("lsmt")
    Traceback (most recent call last):
    ostinato.errors.OptionError: unknown cell 'lsmt'; did you mean 'lstm'? known: 'elman', 'elman_relu', 'lstm', 'gru'
    """
    if isinstance(cell, Cell):
        return cell
    if not isinstance(cell, str):
        raise OptionError(f"a cell is a name or made by @cell, got {type(cell).__name__}")
    if cell not in BUILT_IN:
        raise OptionError(f"unknown cell '{cell}'; {nearest(cell, BUILT_IN)}")
    return BUILT_IN[cell]


__all__ = [
    "BUILT_IN",
    "Cell",
    "Constant",
    "Gates",
    "Identity",
    "Initial",
    "Mask",
    "Orthogonal",
    "Spectral",
    "Uniform",
    "Xavier",
    "absolute",
    "cell",
    "cos",
    "elman",
    "elman_relu",
    "exp",
    "find",
    "gru",
    "less",
    "log",
    "lstm",
    "maximum",
    "minimum",
    "product",
    "relu",
    "row_max",
    "row_mean",
    "row_sum",
    "select",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "tanh",
]
