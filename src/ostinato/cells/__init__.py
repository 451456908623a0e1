"""Floor 1: recurrent cells as equations.

A cell is a few lines of mathematics; loops, kernels, streams, exports and formulas are derived from it. To add one,
write it here, in the file of its family, and name it in ``BUILT_IN``.
"""

from __future__ import annotations

from ostinato.cells.continuous import cfc
from ostinato.cells.declaration import Cell, Gates, cell
from ostinato.cells.exponential import slstm
from ostinato.cells.gated import gru, gru_dreamer, gru_reset_before, ligru, mgu, ugrnn
from ostinato.cells.initial import (
    Constant,
    Decay,
    Identity,
    Initial,
    Lecun,
    Orthogonal,
    Phase,
    Ring,
    RingGain,
    Spaced,
    Spectral,
    Uniform,
    Xavier,
)
from ostinato.cells.input_gated import mingru, minlstm, qrnn, sru
from ostinato.cells.linear import lru, rglru
from ostinato.cells.long_memory import (
    janet,
    lstm,
    lstm_coupled,
    lstm_peephole,
    lstm_projected,
    multiplicative_lstm,
)
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
from ostinato.cells.plain import elman, elman_relu, indrnn, jordan
from ostinato.cells.reservoir import leaky_echo
from ostinato.errors import OptionError, nearest

_FAMILIES = (
    (elman, elman_relu, jordan),
    (lstm, lstm_peephole, lstm_coupled, lstm_projected),
    (gru, gru_reset_before, gru_dreamer, ligru, mgu, janet, ugrnn, multiplicative_lstm),
    (indrnn, sru, qrnn, mingru, minlstm),
    (slstm, rglru, lru, cfc, leaky_echo),
)
BUILT_IN: dict[str, Cell] = {member.name: member for family in _FAMILIES for member in family}


def find(cell: str | Cell) -> Cell:
    """The cell of a name; a cell is given back as it is.

    >>> find("gru")
    <cell gru: state h, gates r z n>
    >>> find("lsmt")
    Traceback (most recent call last):
    ostinato.errors.OptionError: unknown cell 'lsmt'; did you mean 'lstm'? known: 'elman', 'elman_relu', ...
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
    "Decay",
    "Gates",
    "Identity",
    "Initial",
    "Lecun",
    "Mask",
    "Orthogonal",
    "Phase",
    "Ring",
    "RingGain",
    "Spaced",
    "Spectral",
    "Uniform",
    "Xavier",
    "absolute",
    "cell",
    "cfc",
    "cos",
    "elman",
    "elman_relu",
    "exp",
    "find",
    "gru",
    "gru_dreamer",
    "gru_reset_before",
    "indrnn",
    "janet",
    "jordan",
    "leaky_echo",
    "less",
    "ligru",
    "log",
    "lru",
    "lstm",
    "lstm_coupled",
    "lstm_peephole",
    "lstm_projected",
    "maximum",
    "mgu",
    "mingru",
    "minimum",
    "minlstm",
    "multiplicative_lstm",
    "product",
    "qrnn",
    "relu",
    "rglru",
    "row_max",
    "row_mean",
    "row_sum",
    "select",
    "sigmoid",
    "sin",
    "slstm",
    "softplus",
    "sqrt",
    "sru",
    "tanh",
    "ugrnn",
]
