"""Recurrent layers: one cell run in one direction, and stacks of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ostinato import ops
from ostinato.cells import Cell, find
from ostinato.errors import OptionError, ShapeError
from ostinato.layers.dropout import Dropout, checked_share, drop_weights
from ostinato.layers.initialise import initialise
from ostinato.layers.steps import alike
from ostinato.layers.stored import check_rests, stored_weights
from ostinato.lowering.rebuild import stored_cell
from ostinato.lowering.varied import varied
from ostinato.sequence import Sequences, valid_steps
from ostinato.state import State


class Direction(nn.Module):
    """One cell run over a sequence in one direction.

    >>> layer = Direction("gru", 3, 5)
    >>> y, state = layer(torch.zeros(2, 7, 3))
    >>> y.shape, state.h.shape
    (torch.Size([2, 7, 5]), torch.Size([2, 5]))

    Its weights W, b, R, ... lie as :meth:`ostinato.cells.Cell.shapes` says and start as the cell declares.
    """

    def __init__(
        self,
        cell: str | Cell,
        inputs: int,
        hidden: int,
        *,
        reverse: bool = False,
        shown: int | None = None,
        weight_drop: float = 0.0,
        input_dropout: float = 0.0,
        output_dropout: float = 0.0,
        timescale: float | None = None,
        engine: str | None = None,
    ) -> None:
        super().__init__()
        self.cell = find(cell)
        ops.register(self.cell)
        self.inputs, self.hidden = _positive("inputs", inputs), _positive("hidden", hidden)
        if shown is not None:
            _positive("shown", shown)
        self.width = self.cell.widths(hidden, shown)[self.cell.output]
        self.input_dropout = checked_share(input_dropout, "input_dropout")
        self.output_dropout = checked_share(output_dropout, "output_dropout")
        self.reverse, self.wish = reverse, engine
        if engine is not None:
            ops.named_engine(engine)
        self.weight_drop = checked_share(weight_drop, "weight_drop")
        if weight_drop and self.cell.recurrent == "none":
            raise OptionError(f"weight_drop does not apply to {self.cell.name}: it has no recurrent weights")
        self.names = tuple(self.cell.shapes(inputs, hidden, shown))
        for name, shape in self.cell.shapes(inputs, hidden, shown).items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape), requires_grad=self.cell.trained))
        initialise(self.cell, {name: getattr(self, name) for name in self.names}, hidden, timescale)

    def weights(self) -> dict[str, Tensor]:
        """The weights by name, read anew at every call so that parametrizations and pruning act."""
        weights = {name: getattr(self, name) for name in self.names}
        if "R" in weights:
            weights["R"] = drop_weights(weights["R"], self.weight_drop, self.training)
        return weights

    def noise(self, x: Tensor) -> ops.Noise | None:
        """Fresh masks for one call over x [B, T, D] in training; None where there is nothing to draw."""
        quiet = not self.cell.noise and not self.input_dropout and not self.output_dropout
        if quiet or not self.training:
            return None
        return ops.Noise.draw(
            *(self.cell, x, self.hidden),
            shown=self.width,
            x_share=self.input_dropout,
            y_share=self.output_dropout,
        )

    def forward(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
        noise: ops.Noise | None = None,
    ) -> tuple[Tensor, State]:
        """x [B, T, D] to y [B, T, P] and the last state, as :func:`ostinato.ops.recur`; noise is drawn unless given."""
        x, state = alike(x, self), alike(state, self)
        noise = self.noise(x) if noise is None else noise
        told: dict[str, Any] = {"inputs": inputs, "noise": noise, "reverse": self.reverse, "engine": self.wish}
        return ops.recur(self.cell, x, self.weights(), state, lengths, reset, **told)

    def engine(
        self,
        x: Tensor,
        state: State | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> ops.Choice:
        """Which engine runs such a call, and why others refuse it."""
        call = ops.checked_call(self.cell, x, self.weights(), state, lengths, reset, self.reverse, inputs)
        return ops.choose(call, self.wish)

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return f"{self.cell.name}, {self.inputs}, {self.hidden}" + (", reverse=True" if self.reverse else "")


class Recurrent(nn.Module):
    """A stack of recurrent layers of any cell, one or both ways.

    >>> layer = Recurrent("lstm", 3, 5, layers=2, bidirectional=True)
    >>> y, state = layer(torch.zeros(2, 7, 3), lengths=torch.tensor([7, 4]))
    >>> y.shape, len(state)
    (torch.Size([2, 7, 10]), 4)

    ``cell`` is a name or your own ``@cell``. ``hidden`` is one width H or one for each layer. ``dropout`` acts between
    layers: a share, or a module such as :class:`LockedDropout`. ``projection`` maps each layer's output linearly to
    that width; a cell that projects what it shows, such as ``lstm_projected``, does it inside the loop. ``residual``
    adds each layer's input to its output from the second layer on. ``norm`` normalises between layers (Ba et al., 2016,
    arXiv:1607.06450). ``timescale`` starts the gates for a memory of so many steps; ``engine`` insists on one engine.

    Inside the loop, see :mod:`ostinato.lowering.variants`: ``layer_norm`` is "gates", "memory" or both; ``zoneout`` a
    share of units that keep their state, or one for each part; ``clip`` a bound of the state; ``recurrent_dropout`` a
    share of the candidate; ``state_dropout`` of what R sees, the same units at all steps. ``input_dropout`` and
    ``output_dropout`` act on what each layer reads and shows, the same features at all steps, and ``weight_drop`` cuts
    recurrent connections. In training the masks of a layer are drawn once for a call, for every engine the same.

    The state is a tuple with one :class:`~ostinato.state.State` for each layer and direction: the first layer
    forwards, the first layer backwards, the second layer forwards, and so on. Options that cannot act here raise
    :class:`~ostinato.errors.OptionError`.
    """

    def __init__(
        self,
        cell: str | Cell,
        inputs: int,
        hidden: int | Sequence[int],
        *,
        layers: int | None = None,
        bidirectional: bool = False,
        dropout: float | nn.Module = 0.0,
        projection: int | None = None,
        residual: bool = False,
        norm: bool = False,
        layer_norm: str | None = None,
        zoneout: float | Mapping[str, float] = 0.0,
        clip: float | None = None,
        recurrent_dropout: float = 0.0,
        state_dropout: float = 0.0,
        input_dropout: float = 0.0,
        output_dropout: float = 0.0,
        weight_drop: float = 0.0,
        timescale: float | None = None,
        engine: str | None = None,
    ) -> None:
        super().__init__()
        self.cell = varied(
            find(cell),
            layer_norm=layer_norm,
            zoneout=zoneout,
            clip=clip,
            recurrent_dropout=recurrent_dropout,
            state_dropout=state_dropout,
        )
        widths = _widths(hidden, layers)
        for name, switch in (("bidirectional", bidirectional), ("residual", residual), ("norm", norm)):
            if not isinstance(switch, bool):
                raise OptionError(f"{name} wanted True or False, got {switch!r}")
        self.inputs, self.bidirectional, self.residual = _positive("inputs", inputs), bidirectional, residual
        each: dict[str, Any] = {"weight_drop": weight_drop, "timescale": timescale, "engine": engine}
        each.update(input_dropout=input_dropout, output_dropout=output_dropout)
        ways = 2 if bidirectional else 1
        shown: int | None = None
        # None lets a cell that projects what it shows choose, for each layer.
        self.projection = None if projection is None else _positive("projection", projection)
        if self.cell.projected is not None:
            shown, projection = projection, None
        wide = [self.cell.widths(width, shown)[self.cell.output] * ways for width in widths]
        outputs = wide if projection is None else [projection] * len(widths)
        _check_between(len(widths), outputs, dropout, residual, norm)
        self.layers = nn.ModuleList()
        for below, width in zip([inputs, *outputs[:-1]], widths, strict=True):
            each["shown"] = shown
            directions = [Direction(self.cell, below, width, reverse=way == 1, **each) for way in range(ways)]
            self.layers.append(nn.ModuleList(directions))
        self.projections = nn.ModuleList(nn.Linear(width, projection) for width in wide if projection is not None)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in outputs[:-1] if norm)
        self.dropout = Dropout(dropout) if isinstance(dropout, int | float) else dropout
        self.width = outputs[-1]

    def description(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The layers as data for a file, a stream or an export: a manifest and the weights by name, as they act.

        Raises :class:`~ostinato.errors.OptionError` for a ``dropout`` module that acts outside of training too.
        """
        if len(self.layers) > 1 and not isinstance(self.dropout, Dropout):
            check_rests(self.dropout, self.directions()[1][0].inputs)
        body: dict[str, Any] = {
            "cell": stored_cell(self.cell),
            "hidden": [layer[0].hidden for layer in self.directions()],
            "bidirectional": self.bidirectional,
            "residual": self.residual,
            "norm": bool(self.norms),
        }
        if self.projection is not None:
            body["projection"] = self.projection
        tensors = {f"body.{name}": array for name, array in stored_weights(self).items()}
        embed = {"kind": "numbers", "width": self.inputs}
        return {"kind": "network", "architecture": {"embed": embed, "body": body}}, tensors

    def forward(
        self,
        x: Tensor | Sequences,
        state: Sequence[State] | None = None,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        inputs: Mapping[str, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[State, ...]]:
        """x [B, T, D] to y [B, T, width] and the last states; ``Sequences`` bring their own lengths and resets.

        ``inputs`` are what the cell declares besides x, such as time gaps [B, T]; each layer is given them.
        """
        if isinstance(x, Sequences):
            if lengths is not None or reset is not None:
                raise OptionError("Sequences bring their own lengths and resets; leave out lengths= and reset=")
            below, lengths, reset = x.data, x.lengths, x.reset
        else:
            below = x
        last: list[State] = []
        given = iter(self._given(state))
        for index, directions in enumerate(self.directions()):
            outputs = []
            for direction in directions:
                y, end = direction(below, next(given), lengths=lengths, reset=reset, inputs=inputs)
                outputs.append(y)
                last.append(end)
            below = self._after(index, below, outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1))
        if lengths is not None and (self.projections or self.norms):
            # A bias of a projection or a norm shows in the padding too.
            below = torch.where(valid_steps(lengths, below.shape[1])[..., None], below, 0.0)
        return below, tuple(last)

    def _after(self, index: int, below: Tensor, y: Tensor) -> Tensor:
        """What happens to a layer's output before the next layer sees it."""
        if self.projections:
            y = self.projections[index](y)
        if self.residual and index > 0:
            y = y + below
        if index < len(self.layers) - 1:
            if self.norms:
                y = self.norms[index](y)
            y = self.dropout(y)
        return y

    def directions(self) -> list[list[Direction]]:
        """The parts of the stack: for each layer, the forward one and perhaps the reverse one."""
        return [[cast("Direction", direction) for direction in cast("nn.ModuleList", layer)] for layer in self.layers]

    def depths(self) -> list[list[nn.Parameter]]:
        """The weights of each layer, the top one first; what follows a layer belongs to it."""
        groups = []
        for index, layer in enumerate(self.layers):
            after = [parts[index] for parts in (self.projections, self.norms) if index < len(parts)]
            groups.append([parameter for part in (layer, *after) for parameter in part.parameters()])
        return groups[::-1]

    def _given(self, state: Sequence[State] | None) -> Sequence[State | None]:
        wanted = len(self.layers) * (2 if self.bidirectional else 1)
        if state is None:
            return [None] * wanted
        if not isinstance(state, tuple | list) or len(state) != wanted:
            came = str(len(state)) if isinstance(state, tuple | list) else f"one {type(state).__name__}"
            raise ShapeError(
                f"state wanted a tuple of {wanted}, one State for each layer and direction, got {came}; "
                "pass what the layer returned"
            )
        return state

    def engine(self, x: Tensor | Sequences, **call: Any) -> ops.Choice:
        """Which engine runs such a call in the first layer, and why others refuse it."""
        if isinstance(x, Sequences):
            return self.directions()[0][0].engine(x.data, lengths=x.lengths, reset=x.reset, **call)
        return self.directions()[0][0].engine(x, **call)

    def zero_state(self, rows: int) -> tuple[State, ...]:
        """The states before the first step, for so many rows."""
        flat = [direction for directions in self.directions() for direction in directions]
        return tuple(ops.zero_state(self.cell, rows, d.hidden, like=d.weights()["W"], shown=d.width) for d in flat)


def _positive(what: str, number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise OptionError(f"{what} wanted a whole number of at least 1, got {number!r}")
    return number


def _widths(hidden: int | Sequence[int], layers: int | None) -> list[int]:
    if isinstance(hidden, int):
        return [_positive("hidden", hidden)] * _positive("layers", 1 if layers is None else layers)
    if not isinstance(hidden, list | tuple):
        raise OptionError(f"hidden wanted a whole number or a list of them, got {hidden!r}")
    widths = [_positive("hidden", width) for width in hidden]
    if not widths or (layers is not None and layers != len(widths)):
        raise OptionError(f"hidden gives {len(widths)} widths and layers={layers}; give one width for each layer")
    return widths


def _check_between(layers: int, outputs: Sequence[int], dropout: float | nn.Module, residual: bool, norm: bool) -> None:
    if not isinstance(dropout, int | float | nn.Module):
        raise OptionError(f"dropout wanted a share or a module such as LockedDropout, got {dropout!r}")
    given: Mapping[str, bool] = {"dropout": bool(dropout), "residual": residual, "norm": norm}
    if layers == 1 and any(given.values()):
        name = next(name for name, asked in given.items() if asked)
        raise OptionError(f"{name} acts between layers and there is only one; leave it out or set layers=2")
    if isinstance(dropout, int | float) and not math.isfinite(dropout):
        raise OptionError(f"dropout wanted a share of at least 0 and below 1, got {dropout}")
    if residual and len(set(outputs)) > 1:
        raise OptionError(f"residual wanted layers of one width, got {list(outputs)}; set projection to join them")
