"""The plain recurrent network."""

from __future__ import annotations

from ostinato.cells.declaration import Gates, cell
from ostinato.cells.initial import Identity
from ostinato.cells.operations import relu, tanh
from ostinato.state import State


@cell(state="h", gates="h", candidate="h")
def elman(x: Gates, u: Gates, s: State) -> State:
    """Mixes the input with its last output and squashes the sum.

    Elman, 1990 (doi:10.1207/s15516709cog1402_1).
    """
    return State(h=tanh(x.h + u.h))


@cell(state="h", gates="h", initial={"R": Identity()}, candidate="h")
def elman_relu(x: Gates, u: Gates, s: State) -> State:
    """Mixes the input with its last output and keeps what is positive; it starts by remembering everything.

    Le, Jaitly & Hinton, 2015 (arXiv:1504.00941).
    """
    return State(h=relu(x.h + u.h))
