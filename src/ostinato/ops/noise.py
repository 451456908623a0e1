"""The noise of one call, drawn once: every engine that is handed it computes with the same masks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ostinato.cells import Cell, Mask
from ostinato.errors import ShapeError, nearest


@dataclass(frozen=True)
class Noise:
    """The masks of one call of :func:`~ostinato.ops.recur`.

    ``masks`` has a tensor for each name that the cell declares as noise: [B, T, H] where it is drawn at each step,
    [B, 1, H] where once for each sequence. ``x`` [B, 1, D] multiplies the input and ``y`` [B, 1, P] the output, each
    the same at all steps: variational dropout (Gal & Ghahramani, 2016, arXiv:1512.05287). None leaves them as they are.
    """

    masks: Mapping[str, Tensor] = field(default_factory=dict)
    x: Tensor | None = None
    y: Tensor | None = None

    @classmethod
    def draw(
        cls,
        cell: Cell,
        x: Tensor,
        hidden: int,
        *,
        shown: int | None = None,
        x_share: float = 0.0,
        y_share: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Noise:
        """Fresh masks for a cell over x [B, T, D], as the cell declares them, and for x and y by shares of zeros.

        >>> from ostinato.cells import lstm
        >>> noise = Noise.draw(lstm, torch.ones(2, 7, 3), 5, x_share=0.5)
        >>> noise.masks, noise.x.shape, sorted(set(noise.x.flatten().tolist()) - {0.0, 2.0})
        ({}, torch.Size([2, 1, 3]), [])
        """
        rows, steps, inputs = x.shape
        width = cell.widths(hidden, shown)[cell.output]

        def drawn(mask: Mask, size: int) -> Tensor:
            kept = _kept((rows, steps if mask.per == "step" else 1, size), mask.share, x.device, generator)
            return kept.to(x.dtype).mul_(mask.kept) if mask.scaled else kept.to(x.dtype)

        masks = {name: drawn(mask, width if name == cell.seen_through else hidden) for name, mask in cell.noise.items()}
        return cls(
            masks,
            drawn(Mask(x_share, per="sequence"), inputs) if x_share else None,
            drawn(Mask(y_share, per="sequence"), width) if y_share else None,
        )


def _kept(shape: tuple[int, int, int], share: float, device: torch.device, generator: torch.Generator | None) -> Tensor:
    """Which numbers stay, each with the probability 1 - share to the nearest 65,536th: three times faster than
    Bernoulli draws, because one whole number of 64 bits decides four.
    """
    if torch.compiler.is_compiling():
        # A compiler knows no views of other types, and joins what it draws with what follows.
        return torch.rand(shape, device=device, generator=generator) >= share
    count = math.prod(shape)
    drawn = torch.empty((count + 3) // 4, dtype=torch.int64, device=device)
    drawn.random_(-(2**63), None, generator=generator)
    least = -(2**15) + round(share * 2**16)
    return (drawn.view(torch.int16)[:count] >= min(least, 2**15 - 1)).view(shape)


def extras_of(
    cell: Cell, x: Tensor, hidden: int, shown: int, inputs: Mapping[str, Tensor] | None, noise: Noise | None
) -> dict[str, Tensor]:
    """What comes in at each step besides x, by name: [B, T, H] each, as views that may repeat.

    Where there is no noise, each mask's resting value stands. Raises :class:`~ostinato.errors.ShapeError` for names
    that the cell does not declare, for missing ones, and for wrong sizes.
    """
    given, masks = dict(inputs or {}), dict(noise.masks) if noise is not None else {}
    _check_names(cell, "inputs", given, cell.inputs)
    if noise is not None:
        _check_names(cell, "noise", masks, tuple(cell.noise))
    extras: dict[str, Tensor] = {}
    for name in (*cell.inputs, *cell.noise):
        tensor = given[name] if name in cell.inputs else masks.get(name)
        if tensor is None:
            tensor = x.new_full((1, 1, 1), cell.noise[name].resting)
        width = shown if name == cell.seen_through else hidden
        extras[name] = _expanded(f"{name} of {cell.name}", tensor, x, width)
    return extras


def _check_names(cell: Cell, what: str, given: Mapping[str, Tensor], wanted: tuple[str, ...]) -> None:
    for name in given:
        if name not in wanted:
            advice = nearest(name, wanted) if wanted else "it declares none"
            raise ShapeError(f"{cell.name} has no {what} called '{name}'; {advice}")
    missing = [name for name in wanted if name not in given]
    if missing:
        raise ShapeError(f"{cell.name} wanted {what}={{'{missing[0]}': a tensor [B, T]}}, got none of that name")


def _expanded(what: str, tensor: Tensor, x: Tensor, width: int) -> Tensor:
    """[B, T], [B, T, H] or what repeats to it, as [B, T, H]."""
    rows, steps, _ = x.shape
    whole = tensor[..., None] if tensor.dim() == 2 else tensor
    sizes = (rows, steps, width)
    if whole.dim() != 3 or any(size not in (1, wanted) for size, wanted in zip(whole.shape, sizes, strict=True)):
        raise ShapeError(f"{what} wanted [{rows}, {steps}] or [{rows}, {steps}, {width}], got {list(tensor.shape)}")
    if whole.dtype != x.dtype or whole.device != x.device:
        raise ShapeError(
            f"{what} wanted {x.dtype} on {x.device} like x, got {whole.dtype} on {whole.device}; "
            "convert it with .to(...)"
        )
    return whole.expand(sizes)
