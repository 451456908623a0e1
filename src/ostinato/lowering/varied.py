"""What is asked of a layer inside its loop, as the cell that does it."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from ostinato.cells import Cell
from ostinato.errors import OptionError, nearest
from ostinato.lowering import variants

NORMS = ("gates", "memory", "gates+memory")


def varied(
    cell: Cell,
    *,
    layer_norm: str | None = None,
    zoneout: float | Mapping[str, float] = 0.0,
    clip: float | None = None,
    recurrent_dropout: float = 0.0,
    state_dropout: float = 0.0,
) -> Cell:
    """A cell with what a layer was asked for; the same wishes give the same cell, so that it is compiled once.

    >>> from ostinato.cells import gru
    >>> varied(gru) is gru, varied(gru, zoneout=0.1) is varied(gru, zoneout=0.1)
    (True, True)

    Normalisation comes first, then dropout, then clipping, then zoneout, which mixes what came of all that.
    """
    if layer_norm is not None and layer_norm not in NORMS:
        raise OptionError(f"layer_norm got {layer_norm!r}; {nearest(str(layer_norm), NORMS)}")
    shares = tuple(zoneout.items()) if isinstance(zoneout, Mapping) else zoneout
    return _varied(cell, layer_norm, shares, clip, recurrent_dropout, state_dropout)


@functools.lru_cache(maxsize=256)
def _varied(
    cell: Cell,
    layer_norm: str | None,
    zoneout: float | tuple[tuple[str, float], ...],
    clip: float | None,
    recurrent_dropout: float,
    state_dropout: float,
) -> Cell:
    if layer_norm is not None:
        cell = variants.layer_norm(cell, gates="gates" in layer_norm, memory="memory" in layer_norm)
    if recurrent_dropout:
        cell = variants.recurrent_dropout(cell, recurrent_dropout)
    if state_dropout:
        cell = variants.state_dropout(cell, state_dropout)
    if clip is not None:
        cell = variants.clip(cell, clip)
    if zoneout:
        cell = variants.zoneout(cell, dict(zoneout) if isinstance(zoneout, tuple) else zoneout)
    return cell
