"""The tree layer: one cell folded over trees, from the leaves to the roots."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ostinato import ops
from ostinato.cells import Cell, find
from ostinato.errors import OptionError, ShapeError
from ostinato.forest import Forest
from ostinato.layers.dropout import Dropout, checked_share, drop_weights
from ostinato.layers.initialise import fill, initialise
from ostinato.ops.tree_step import tree_step
from ostinato.state import State


class TreeFold(nn.Module):
    """One cell folded over trees: a recursive network, a Tree-LSTM, a Tree-GRU, as the cell is.

    >>> layer = TreeFold("lstm", 3, 5)
    >>> forest = Forest.of([[-1, 0, 0], [-1]])
    >>> y, state = layer(torch.zeros(4, 3), forest)
    >>> y.shape, state.c.shape, roots_of(y, forest).shape
    (torch.Size([4, 5]), torch.Size([4, 5]), torch.Size([2, 5]))

    The states of a node's children are added up; with ``arity=N`` they are told apart by their places instead, and a
    node has at most N of them (see :func:`ostinato.ops.fold`). ``shown`` is the width of the shown part of a cell that
    projects it. ``dropout`` zeroes outputs in training, never what nodes tell their parents; ``weight_drop`` cuts
    recurrent connections in training; ``timescale`` starts the gates for so many nodes on the way from a leaf to the
    root. Weights lie as :func:`ostinato.ops.fold_shapes` says and start as the cell declares, with ``arity`` each of
    their blocks. Layers are stacked by giving one's y to the next.

    Tai, Socher & Manning, 2015 (arXiv:1503.00075).
    """

    def __init__(
        self,
        cell: str | Cell,
        inputs: int,
        hidden: int,
        *,
        arity: int | None = None,
        shown: int | None = None,
        dropout: float = 0.0,
        weight_drop: float = 0.0,
        timescale: float | None = None,
    ) -> None:
        super().__init__()
        self.cell = find(cell)
        tree_step(self.cell)
        self.inputs, self.hidden, self.arity = _positive("inputs", inputs), _positive("hidden", hidden), arity
        self.dropout = Dropout(dropout)
        self.weight_drop = checked_share(weight_drop, "weight_drop")
        if weight_drop and self.cell.recurrent == "none":
            raise OptionError(f"weight_drop does not apply to {self.cell.name}: it has no recurrent weights")
        if shown is not None:
            _positive("shown", shown)
        self.width = self.cell.widths(hidden, shown)[self.cell.output]
        shapes = ops.fold_shapes(self.cell, inputs, hidden, arity, shown=shown)
        self.names = tuple(shapes)
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))
        self._initialise(timescale)

    def _initialise(self, timescale: float | None) -> None:
        weights = {name: getattr(self, name) for name in self.names}
        placed = {} if self.arity is None else {name: weights.pop(name) for name in ("R", "br") if name in weights}
        initialise(self.cell, weights, self.hidden, timescale)
        with torch.no_grad():
            for name, weight in placed.items():
                self._fill_places(name, weight)

    def _fill_places(self, name: str, weight: Tensor) -> None:
        """Fill R or br block by block: one for each gate and place, and in R each place that is seen."""
        assert self.arity is not None
        apart = tree_step(self.cell).apart
        gates = [gate for gate in self.cell.sees for _ in range(self.arity if gate in apart else 1)]
        for gate, rows in zip(gates, torch.split(weight, self.hidden), strict=True):
            for block in rows.chunk(self.arity, dim=1) if name == "R" else (rows,):
                part = block[:, 0] if name == "R" and self.cell.recurrent == "diagonal" else block
                fill(part, self.cell.initial_of(f"{name}.{gate}", self.hidden))

    def weights(self) -> dict[str, Tensor]:
        """The weights by name, read anew at every call so that parametrizations and pruning act."""
        weights = {name: getattr(self, name) for name in self.names}
        if "R" in weights:
            weights["R"] = drop_weights(weights["R"], self.weight_drop, self.training)
        return weights

    def forward(self, x: Tensor, forest: Forest, state: State | None = None) -> tuple[Tensor, State]:
        """x [N, D], in the forest's order of nodes, to y [N, H] and the state of every node.

        ``state`` is what leaves start from: [1, H], or one row for each of ``forest.leaves``; zeros if None.
        """
        y, last = ops.fold(self.cell, x, self.weights(), forest, state, arity=self.arity)
        return self.dropout(y), last

    def extra_repr(self) -> str:
        """What stands in the brackets of the printed module."""
        return f"{self.cell.name}, {self.inputs}, {self.hidden}" + (f", arity={self.arity}" if self.arity else "")


def roots_of(y: Tensor, forest: Forest) -> Tensor:
    """Of the values of all nodes [N, ...] those of the roots [B, ...], in the order of the trees."""
    if y.dim() < 1 or y.shape[0] != forest.nodes:
        raise ShapeError(f"y wanted [{forest.nodes}, ...], one for each node of the forest, got {list(y.shape)}")
    return y[forest.roots]


def _positive(what: str, number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise OptionError(f"{what} wanted a whole number of at least 1, got {number!r}")
    return number
