"""Forecast heads: numbers to come, as a point, a distribution or quantiles.

>>> head = make_forecast("student", inputs=4, outputs=2)
>>> head.decode(torch.zeros(5, 4), [0.1, 0.9]).quantiles.shape
torch.Size([5, 2, 2])
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ostinato.errors import OptionError, nearest
from ostinato.heads.forecast_distributions import (
    Gaussian,
    LogNormal,
    Mixture,
    NegativeBinomial,
    Student,
    inverse_softplus,
    noise,
)
from ostinato.heads.forecast_head import Forecast, Forecasted
from ostinato.heads.forecast_numbers import middle_of
from ostinato.heads.scores import DECILES, check_levels

__all__ = ["FORECASTS", "Forecast", "Forecasted", "make_forecast"]


class Point(Forecast):
    """One number: the median (error l1), the mean (l2), or between them (huber: l2 up to one unit of scale, then l1).

    loss = |z - m|, (z - m)^2, or (z - m)^2 / 2 where |z - m| < 1 and |z - m| - 1 / 2 beyond

    Huber, 1964 (doi:10.1214/aoms/1177703732).
    """

    kind = "point"

    def __init__(self, inputs: int, outputs: int, *, error: str = "l1", dropout: float = 0.0) -> None:
        if error not in _ERRORS:
            raise OptionError(f"unknown error '{error}'; {nearest(error, _ERRORS)}")
        super().__init__(inputs, outputs, [0.0], dropout=dropout)
        self.error = error

    def to_dict(self) -> dict[str, Any]:
        """The head as plain data."""
        return {**super().to_dict(), "error": self.error}

    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        return _ERRORS[self.error](parameters[..., 0], target, reduction="none")

    def _centre(self, parameters: Tensor) -> Tensor:
        return parameters[..., 0]

    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        raise OptionError("a point forecast has no distribution to draw from; choose another kind of forecast")


_ERRORS: dict[str, Callable[..., Tensor]] = {
    "l1": functional.l1_loss,
    "l2": functional.mse_loss,
    "huber": functional.huber_loss,
}


class Quantiles(Forecast):
    """Quantiles at fixed levels that never cross: the middle one first, then steps up and down through softplus.

    loss = mean over levels p of max(p (z - q), (p - 1) (z - q))

    Asked for other levels, it draws a line through its own in the Gaussian's quantile at each level.
    Gasthaus et al., 2019 (proceedings.mlr.press/v89/gasthaus19a); Koenker & Bassett, 1978 (doi:10.2307/1913643).
    """

    kind = "quantiles"

    def __init__(self, inputs: int, outputs: int, *, levels: Sequence[float] = DECILES, dropout: float = 0.0) -> None:
        self.levels = tuple(check_levels(levels).tolist())
        z = [NormalDist().inv_cdf(level) for level in self.levels]
        gaps = [inverse_softplus(up - low) for low, up in itertools.pairwise(z)]
        place = middle_of(self.levels)
        super().__init__(inputs, outputs, [z[place], *gaps[place:], *gaps[:place][::-1]], dropout=dropout)
        self.place = place

    def to_dict(self) -> dict[str, Any]:
        """The head as plain data."""
        return {**super().to_dict(), "levels": list(self.levels)}

    def _knots(self, parameters: Tensor) -> Tensor:
        middle, steps = parameters[..., :1], functional.softplus(parameters[..., 1:])
        ups = len(self.levels) - 1 - self.place
        up, down = middle + steps[..., :ups].cumsum(-1), middle - steps[..., ups:].cumsum(-1)
        return torch.cat([down.flip(-1), middle, up], -1)

    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        p = torch.tensor(self.levels, dtype=parameters.dtype, device=parameters.device)
        above = target[..., None] - self._knots(parameters)
        return torch.maximum(p * above, (p - 1) * above).mean(-1)

    def _centre(self, parameters: Tensor) -> Tensor:
        return parameters[..., 0]

    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        q, drawn = self._knots(parameters), noise(parameters.shape[:-1], parameters, generator)
        if len(self.levels) == 1:
            return q[..., 0]
        z = torch.tensor([NormalDist().inv_cdf(level) for level in self.levels], dtype=q.dtype, device=q.device)
        line = torch.searchsorted(z[1:-1].contiguous(), drawn)[..., None]
        low, up = q.gather(-1, line)[..., 0], q.gather(-1, line + 1)[..., 0]
        start, end = z[line[..., 0]], z[line[..., 0] + 1]
        return low + (up - low) * (drawn - start) / (end - start)


FORECASTS: dict[str, type[Forecast]] = {
    member.kind: member for member in (Point, Gaussian, Student, LogNormal, NegativeBinomial, Quantiles, Mixture)
}


def make_forecast(kind: str, inputs: int, outputs: int, **options: Any) -> Forecast:
    """A forecast head by the name of its kind; ``options`` are those of its class.

    >>> make_forecast("quantiles", 4, 1, levels=[0.1, 0.5, 0.9]).to_dict()
    {'kind': 'quantiles', 'outputs': 1, 'dropout': 0.0, 'levels': [0.1, 0.5, 0.9]}
    """
    if kind not in FORECASTS:
        raise OptionError(f"unknown forecast '{kind}'; {nearest(kind, FORECASTS)}")
    known = [name for name in inspect.signature(FORECASTS[kind]).parameters if name not in ("inputs", "outputs")]
    for name in options:
        if name not in known:
            raise OptionError(f"a {kind} forecast has no option '{name}'; {nearest(name, known)}")
    # Each kind has options of its own, which a type of the class of all kinds cannot tell.
    made: Any = FORECASTS[kind]
    head: Forecast = made(inputs, outputs, **options)
    return head
