"""Numbers for a whole sequence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError, nearest
from ostinato.layers import Dropout

LOSSES = ("squared", "absolute", "huber")


class Regress(nn.Module):
    """K numbers by one linear map, learned in units of their own spread.

    v = shift + scale * (V f + a)

    >>> head = Regress(4, shift=[100.0], scale=[20.0])
    >>> head.decode(torch.zeros(2, 4)).shape
    torch.Size([2, 1])

    ``shift`` and ``scale`` [K] are a mean and a deviation of the targets; the loss is taken after dividing by
    ``scale``, so that it does not depend on the unit. ``loss``: "squared"; "absolute", which outliers disturb less;
    "huber", squared below one ``scale`` and absolute above.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        inputs: int,
        *,
        shift: Sequence[float] = (0.0,),
        scale: Sequence[float] = (1.0,),
        loss: str = "squared",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(shift) != len(scale) or not len(shift):
            raise OptionError(f"shift and scale wanted as many numbers as there are targets, got {shift} and {scale}")
        if not all(s > 0 for s in scale):
            raise OptionError(f"scale wanted numbers above 0, got {list(scale)}")
        if loss not in LOSSES:
            raise OptionError(f"unknown loss '{loss}'; {nearest(loss, LOSSES)}")
        self.kind = loss
        self.dropout = Dropout(dropout)
        self.values = nn.Linear(inputs, len(shift))
        # The architecture says them; they are no weights.
        self.register_buffer("shift", torch.tensor(list(shift), device="cpu"), persistent=False)
        self.register_buffer("scale", torch.tensor(list(scale), device="cpu"), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """features [..., D] to numbers [..., K] in units of ``scale`` from ``shift``."""
        values: Tensor = self.values(self.dropout(features))
        return values

    def loss(self, scores: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The mean loss of scores [..., K] against targets [..., K] in their own units; ``weight`` [B] weighs rows."""
        if scores.shape != target.shape:
            raise ShapeError(f"target wanted {list(scores.shape)}, got {list(target.shape)}")
        away = (scores - self._scaled(target)).abs()
        each = away.square() if self.kind == "squared" else away
        if self.kind == "huber":
            each = torch.where(away < 1.0, 0.5 * away.square(), away - 0.5)
        if weight is None:
            return each.mean()
        share = weight.reshape(-1, *([1] * (target.dim() - 1))).expand(target.shape)
        return (share * each).sum() / share.sum()

    def decode(self, features: Tensor) -> Tensor:
        """features [..., D] to numbers [..., K] in the units of the targets."""
        values: Tensor = self.shift + self.scale * self(features)
        return values

    def measure(self, scores: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What a report shows: how far off the numbers are, in the units of the targets."""
        away = (scores.detach() - self._scaled(target)).abs() * self.scale
        return {"error": away.sum()}

    def _scaled(self, target: Tensor) -> Tensor:
        return (target - self.shift) / self.scale
