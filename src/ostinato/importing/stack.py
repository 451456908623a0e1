"""What came in as layers of ours: one Recurrent where the stack is plain, else its directions one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ostinato import ops
from ostinato.cells import Cell
from ostinato.errors import OptionError, ShapeError
from ostinato.layers import Direction, Recurrent
from ostinato.sequence import Sequences
from ostinato.state import State


@dataclass(frozen=True)
class Way:
    """One layer in one direction: its cell, its weights as ``Cell.shapes`` has them, and where it starts, [1 or B, H]
    for each part, if that is not zero."""

    cell: Cell
    weights: Mapping[str, Tensor]
    reverse: bool = False
    start: State | None = None

    @property
    def hidden(self) -> int:
        """The width H."""
        return len(self.weights["W"]) // len(self.cell.gates)

    @property
    def shown(self) -> int | None:
        """The width of a projected shown part; None where the cell does not project it."""
        return None if self.cell.projected is None else len(self.weights[self.cell.projected])


def assembled(
    layers: Sequence[Sequence[Way]], *, dropout: float = 0.0, input_dropout: float = 0.0, lengths: Tensor | None = None
) -> Recurrent | Imported:
    """A :class:`~ostinato.layers.Recurrent` where it can be one, else an :class:`Imported`, with these weights.

    ``lengths`` [B] are those that a file has fixed.
    """
    first = layers[0][0]
    both = len(layers[0]) == 2
    plain = lengths is None and all(
        [way.reverse for way in ways] == [False, True][: 1 + both]
        and all(way.cell is first.cell and way.shown == first.shown and way.start is None for way in ways)
        and len({way.hidden for way in ways}) == 1
        for ways in layers
    )
    made: Recurrent | Imported
    # Weights that are about to be copied in need not be drawn.
    with torch.device("meta"):
        if plain:
            widths = [ways[0].hidden for ways in layers]
            options: dict[str, Any] = {"projection": first.shown} if first.shown is not None else {}
            options.update(bidirectional=both, dropout=dropout, input_dropout=input_dropout)
            made = Recurrent(first.cell, first.weights["W"].shape[1], widths, **options)
        else:
            made = Imported(layers, input_dropout)
    like = first.weights["W"]
    made = made.to(like.dtype).to_empty(device=like.device)
    with torch.no_grad():
        for directions, ways in zip(made.directions(), layers, strict=True):
            for direction, way in zip(directions, ways, strict=True):
                for name in direction.names:
                    getattr(direction, name).copy_(way.weights[name])
    if isinstance(made, Imported):
        made.start_from([way.start for ways in layers for way in ways], lengths)
    return made


class Imported(nn.Module):
    """Layers that no single :class:`~ostinato.layers.Recurrent` can be, run as they were in their file.

    A layer may run only in reverse, its directions and the layers may have different cells, and it may start from a
    state, or stop at lengths, that the file has fixed; both give way to what a call brings. It is called like
    Recurrent, and the state is the same tuple: one :class:`~ostinato.state.State` for each layer and direction.

    >>> from ostinato.cells import elman
    >>> weights = {"W": torch.eye(2), "R": torch.zeros(2, 2), "b": torch.zeros(2)}
    >>> layer = assembled([[Way(elman, weights, reverse=True)]])
    >>> y, state = layer(torch.zeros(1, 3, 2))
    >>> layer
    Imported(
      (layers): ModuleList(
        (0): ModuleList(
          (0): Direction(elman, 2, 2, reverse=True)
        )
      )
    )
    """

    def __init__(self, layers: Sequence[Sequence[Way]], input_dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for ways in layers:
            directions = []
            for way in ways:
                options: dict[str, Any] = {"shown": way.shown, "input_dropout": input_dropout}
                wide = way.weights["W"].shape[1]
                directions.append(Direction(way.cell, wide, way.hidden, reverse=way.reverse, **options))
            self.layers.append(nn.ModuleList(directions))
        self.inputs = layers[0][0].weights["W"].shape[1]
        self.width = sum(direction.width for direction in self.directions()[-1])

    def start_from(self, starts: Sequence[State | None], lengths: Tensor | None) -> None:
        """Keep the states [1 or B, H], None for zero, and the lengths [B] that hold where a call brings none."""
        like = next(self.parameters())
        for index, start in enumerate(starts):
            for part, value in () if start is None else start.items():
                self.register_buffer(f"start_{index}_{part}", value.to(like))
        self.register_buffer("lengths", lengths)

    def forward(
        self,
        x: Tensor | Sequences,
        state: Sequence[State] | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
    ) -> tuple[Tensor, tuple[State, ...]]:
        """x [B, T, D] to y [B, T, width] and the last states."""
        if isinstance(x, Sequences):
            if lengths is not None or reset is not None:
                raise OptionError("Sequences bring their own lengths and resets; leave out lengths= and reset=")
            below, lengths, reset = x.data, x.lengths, x.reset
        else:
            below = x
        if lengths is None:
            lengths = cast("Tensor | None", self.lengths)
        given = iter(self.initial_state(len(below)) if state is None else self._checked(state))
        last = []
        for directions in self.directions():
            outputs = []
            for direction in directions:
                y, end = direction(below, next(given), lengths=lengths, reset=reset)
                outputs.append(y)
                last.append(end)
            below = torch.cat(outputs, dim=-1)
        return below, tuple(last)

    def directions(self) -> list[list[Direction]]:
        """The parts of the stack, in the order in which a layer's outputs stand beside each other."""
        return [[cast("Direction", direction) for direction in cast("nn.ModuleList", ways)] for ways in self.layers]

    def initial_state(self, rows: int) -> tuple[State, ...]:
        """The states before the first step, for so many rows: what the file fixed, else zero."""
        held = dict(self.named_buffers(recurse=False))
        states = []
        for index, direction in enumerate(d for directions in self.directions() for d in directions):
            like = direction.weights()["W"]
            zero = ops.zero_state(direction.cell, rows, direction.hidden, like=like, shown=direction.width)
            parts = {part: held.get(f"start_{index}_{part}", value) for part, value in zero.items()}
            for part, value in parts.items():
                if len(value) not in (1, rows):
                    raise ShapeError(
                        f"the file starts {part} of {len(value)} rows each in its own way, and x has {rows}; "
                        f"pass x of {len(value)} rows, or a state"
                    )
                parts[part] = value.expand(rows, -1).contiguous()
            states.append(State(**parts))
        return tuple(states)

    def _checked(self, state: Any) -> Sequence[State]:
        wanted = sum(len(directions) for directions in self.directions())
        if not isinstance(state, tuple | list) or len(state) != wanted:
            came = str(len(state)) if isinstance(state, tuple | list) else f"one {type(state).__name__}"
            raise ShapeError(
                f"state wanted a tuple of {wanted}, one State for each layer and direction, got {came}; "
                "pass what the layer returned"
            )
        return state
