"""Recurrent matrices that stay orthogonal while they learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from ostinato.cells import Cell
from ostinato.errors import OptionError, nearest
from ostinato.layers.recurrent import Direction

MAPS = ("matrix_exp", "cayley", "householder")
Kind = TypeVar("Kind", bound=nn.Module)


def orthogonal(layer: Kind, *, gates: str | Sequence[str] | None = None, orthogonal_map: str = "matrix_exp") -> Kind:
    """Keep the recurrent matrix of each gate orthogonal through all training, in place; the layer is given back.

    >>> from ostinato.layers import Recurrent
    >>> layer = orthogonal(Recurrent("lstm", 3, 4), gates="g")
    >>> block = layer.directions()[0][0].weights()["R"][8:12]
    >>> torch.allclose(block @ block.T, torch.eye(4), atol=1e-5)
    True

    R is a stack of one matrix [H, H] for each gate that sees the state; ``gates`` names those that are constrained, all
    unless given. Where the cell has heads each block [H / heads, H / heads] is orthogonal, where it projects what it
    shows the columns of [H, P] are orthonormal. ``layer`` is a :class:`Direction` or anything that holds some, such as
    :class:`Recurrent` or :class:`Blocks`. A matrix that is not orthogonal yet is replaced by one that is. Weight-drop
    cuts connections of the matrix after it was made orthogonal.

    ``orthogonal_map`` is how free numbers become an orthogonal matrix, as in
    :func:`torch.nn.utils.parametrizations.orthogonal`, which does the work (Lezcano & Martinez-Rubio, 2019,
    arXiv:1901.08428). The state dict then has ``parametrizations.R...`` in place of ``R``; load it into a layer that
    was treated in the same way. A cell without a dense R, a gate that does not see the state, or a layer treated
    before raises :class:`~ostinato.errors.OptionError`.
    """
    if orthogonal_map not in MAPS:
        raise OptionError(f"unknown orthogonal_map '{orthogonal_map}'; {nearest(str(orthogonal_map), MAPS)}")
    directions = [part for part in layer.modules() if isinstance(part, Direction)]
    if not directions:
        raise OptionError(f"orthogonal wanted a layer with recurrent weights, got {type(layer).__name__}")
    places = [_places(direction, gates) for direction in directions]
    for direction, chosen in zip(directions, places, strict=True):
        rule = OrthogonalGates(cast("Tensor", direction.R), direction.cell, direction.hidden, chosen, orthogonal_map)
        parametrize.register_parametrization(direction, "R", rule)
    return layer


class OrthogonalGates(nn.Module):
    """Makes of free numbers [N H, P] a recurrent matrix whose chosen gates are orthogonal, block by block."""

    chosen: Tensor

    def __init__(self, weight: Tensor, cell: Cell, hidden: int, chosen: Sequence[int], orthogonal_map: str) -> None:
        super().__init__()
        self.shape = (len(cell.sees), hidden, weight.shape[1])
        self.block = (hidden // cell.heads, weight.shape[1])
        self.register_buffer("chosen", torch.tensor(chosen, device=weight.device), persistent=False)
        # torch parametrizes a parameter of a module; what it makes for this one serves the blocks of R.
        lent = nn.Module()
        lent.weight = nn.Parameter(self._cut(weight.detach()).clone())
        parametrizations.orthogonal(lent, "weight", orthogonal_map)
        self.rule = cast("nn.ModuleDict", lent.parametrizations)["weight"][0]  # type: ignore[index]

    def forward(self, free: Tensor) -> Tensor:
        """The recurrent matrix [N H, P]."""
        return self._joined(free, self.rule(self._cut(free)))

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Free numbers that give this matrix, or the orthogonal one in its place."""
        inverse: Tensor = self.rule.right_inverse(self._cut(weight))
        return self._joined(weight, inverse)

    def _cut(self, whole: Tensor) -> Tensor:
        """The chosen gates of [N H, P], block by block: [blocks, rows, P]."""
        return whole.reshape(self.shape)[self.chosen].reshape(-1, *self.block)

    def _joined(self, whole: Tensor, blocks: Tensor) -> Tensor:
        """[N H, P] with other blocks in the place of the chosen gates."""
        chosen = blocks.reshape(-1, *self.shape[1:])
        return whole.reshape(self.shape).index_copy(0, self.chosen, chosen).reshape(whole.shape)


def _places(direction: Direction, gates: str | Sequence[str] | None) -> list[int]:
    """Where in R the chosen gates lie."""
    cell = direction.cell
    if cell.recurrent != "dense":
        raise OptionError(
            f"orthogonal does not apply to {cell.name}: its gates see the state "
            + ("not at all" if cell.recurrent == "none" else "unit by unit, without a matrix")
        )
    if parametrize.is_parametrized(direction, "R"):
        raise OptionError(f"R of {cell.name} is parametrized already; constrain it once, with all its gates")
    names = cell.sees if gates is None else tuple(gates.split() if isinstance(gates, str) else gates)
    if not names or len(set(names)) != len(names):
        raise OptionError(f"gates wanted different gates of {cell.name}, got {list(names)}; {nearest('', cell.sees)}")
    for gate in names:
        if gate not in cell.sees:
            raise OptionError(f"{cell.name} has no gate '{gate}' that sees its state; {nearest(str(gate), cell.sees)}")
    return [cell.sees.index(gate) for gate in names]
