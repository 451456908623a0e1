"""Forecast heads that are distributions of a known form."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ostinato.errors import OptionError
from ostinato.heads.forecast_head import Forecast
from ostinato.heads.forecast_numbers import FLOOR, LARGEST_LOG, LEAST_FREEDOM, LEAST_MEAN, LEAST_SPREAD

_HALF_LOG_2_PI = math.log(2 * math.pi) / 2


def inverse_softplus(value: float) -> float:
    """What softplus makes this value of."""
    return math.log(math.expm1(value))


# The parameter that makes a deviation of 1.
_ONE = inverse_softplus(1.0)


def deviation_of(raw: Tensor) -> Tensor:
    """A deviation [...] of any raw number [...]."""
    return FLOOR + functional.softplus(raw)


def noise(shape: torch.Size, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draws from a standard Gaussian, of the type and on the device of another tensor."""
    return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)


def chance(shape: torch.Size, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Even draws above 0 and up to 1."""
    return 1 - torch.rand(shape, generator=generator, dtype=like.dtype, device=like.device)


class Gaussian(Forecast):
    """A mean and a deviation.

    - log p(z) = log s + (z - m)^2 / (2 s^2) + log(2 pi) / 2
    """

    kind = "gaussian"

    def __init__(self, inputs: int, outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__(inputs, outputs, [0.0, _ONE], dropout=dropout)

    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        deviation = deviation_of(parameters[..., 1])
        return deviation.log() + ((target - parameters[..., 0]) / deviation).square() / 2 + _HALF_LOG_2_PI

    def _centre(self, parameters: Tensor) -> Tensor:
        return parameters[..., 0]

    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        m, raw = parameters.unbind(-1)
        return m + deviation_of(raw) * noise(m.shape, m, generator)


def _gamma_step(a: Tensor) -> Tensor:
    """log Gamma(a + 1/2) - log Gamma(a): large numbers would cancel, so for large a by its series."""
    large = a > 20
    far = torch.where(large, a, torch.full_like(a, 40.0))
    near = torch.where(large, torch.ones_like(a), a)
    b = far.reciprocal()
    c = b * b
    series = far.log() / 2 - b * (1 / 8 - c * (1 / 192 - c * (1 / 640 - c * 17 / 14336)))
    return torch.where(large, series, torch.lgamma(near + 0.5) - torch.lgamma(near))


class Student(Forecast):
    """Student's t about a middle, whose tails are learned: for data with outliers.

    - log p(z) = (v + 1) / 2 log(1 + ((z - m) / s)^2 / v) + log s + log(v pi) / 2
                 - log Gamma((v + 1) / 2) + log Gamma(v / 2)

    v is above 2, so that there is a variance. Draws: Bailey, 1994 (Mathematics of Computation 62, 779).
    """

    kind = "student"

    def __init__(self, inputs: int, outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__(inputs, outputs, [0.0, _ONE, inverse_softplus(4.0)], dropout=dropout)

    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        m, raw, tail = parameters.unbind(-1)
        s, v = deviation_of(raw), LEAST_FREEDOM + functional.softplus(tail)
        spread = torch.log1p(((target - m) / s).square() / v)
        return (v + 1) / 2 * spread + s.log() + (v * math.pi).log() / 2 - _gamma_step(v / 2)

    def _centre(self, parameters: Tensor) -> Tensor:
        return parameters[..., 0]

    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        m, raw, tail = parameters.unbind(-1)
        v = LEAST_FREEDOM + functional.softplus(tail)
        far = torch.sqrt(v * torch.expm1(-2 / v * chance(m.shape, m, generator).log()))
        return m + deviation_of(raw) * far * torch.cos(2 * math.pi * chance(m.shape, m, generator))


class LogNormal(Forecast):
    """A Gaussian of the logarithm: for what is above zero and varies by factors. ``scale`` moves, nothing shifts.

    - log p(z) = log z + log s + (log z - m)^2 / (2 s^2) + log(2 pi) / 2
    """

    kind = "log_normal"

    def __init__(self, inputs: int, outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__(inputs, outputs, [0.0, _ONE], dropout=dropout)

    def _refused(self, target: Tensor) -> tuple[Tensor, str]:
        return target <= 0, "above 0"

    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        log, deviation = target.log(), deviation_of(parameters[..., 1])
        return log + deviation.log() + ((log - parameters[..., 0]) / deviation).square() / 2 + _HALF_LOG_2_PI

    def _centre(self, parameters: Tensor) -> Tensor:
        return parameters[..., 0].clamp(max=LARGEST_LOG).exp()

    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        m, raw = parameters.unbind(-1)
        return (m + deviation_of(raw) * noise(m.shape, m, generator)).clamp(max=LARGEST_LOG).exp()


class NegativeBinomial(Forecast):
    """Counts that vary more than chance alone makes them: mean M = scale m, variance M + a M^2.

    - log p(y) = log Gamma(1/a) y! / Gamma(y + 1/a) + log(1 + a M) / a + y (log(1 + a M) - log(a M))

    Computed in double precision. As in DeepAR: Salinas et al., 2020 (doi:10.1016/j.ijforecast.2019.07.001).
    """

    kind = "negative_binomial"

    def __init__(self, inputs: int, outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__(inputs, outputs, [_ONE, inverse_softplus(0.5)], dropout=dropout)

    def _refused(self, target: Tensor) -> tuple[Tensor, str]:
        return (target < 0) | (target != target.floor()), "whole numbers of at least 0"

    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        m, raw = parameters.double().unbind(-1)
        y, a = target.double(), LEAST_SPREAD + functional.softplus(raw)
        more = a * scale * (LEAST_MEAN + functional.softplus(m))
        rising = torch.lgamma(y + 1 / a) - torch.lgamma(1 / a) - torch.lgamma(y + 1)
        lost = torch.log1p(more) / a + y * (torch.log1p(more) - more.log()) - rising
        return lost.to(parameters.dtype)

    def _centre(self, parameters: Tensor) -> Tensor:
        return LEAST_MEAN + functional.softplus(parameters[..., 0])

    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        m, raw = parameters.double().unbind(-1)
        a = LEAST_SPREAD + functional.softplus(raw)
        rate = torch._standard_gamma(1 / a, generator=generator) * a * scale * (LEAST_MEAN + functional.softplus(m))
        # Counts are in the units of the data already.
        return (torch.poisson(rate, generator=generator) / scale).to(parameters.dtype)


class Mixture(Forecast):
    """Several Gaussians, weighed: for what may go one way or another.

    - log p(z) = - log sum_c w_c N(z; m_c, s_c),  w = softmax of the logits

    Bishop, 1994 (Aston University, NCRG/94/004).
    """

    kind = "mixture"

    def __init__(self, inputs: int, outputs: int, *, components: int = 3, dropout: float = 0.0) -> None:
        if isinstance(components, bool) or not isinstance(components, int) or components < 1:
            raise OptionError(f"components wanted a whole number of at least 1, got {components!r}")
        # Parts that start alike would stay alike.
        apart = [NormalDist().inv_cdf((place + 0.5) / components) for place in range(components)]
        start = [0.0] * components + apart + [inverse_softplus(1.0 / math.sqrt(components))] * components
        super().__init__(inputs, outputs, start, dropout=dropout)
        self.components = components

    def to_dict(self) -> dict[str, Any]:
        """The head as plain data."""
        return {**super().to_dict(), "components": self.components}

    def _misses(self, parameters: Tensor, target: Tensor, scale: Tensor) -> Tensor:
        logits, m, raw = parameters.chunk(3, -1)
        s = deviation_of(raw)
        each = logits.log_softmax(-1) - s.log() - ((target[..., None] - m) / s).square() / 2
        return _HALF_LOG_2_PI - each.logsumexp(-1)

    def _centre(self, parameters: Tensor) -> Tensor:
        logits, m, _ = parameters.chunk(3, -1)
        return (logits.softmax(-1) * m).sum(-1)

    def _draw(self, parameters: Tensor, scale: Tensor, generator: torch.Generator | None) -> Tensor:
        logits, m, raw = parameters.chunk(3, -1)
        share = chance(m.shape[:-1], m, generator)[..., None]
        part = (share > logits.softmax(-1).cumsum(-1)).sum(-1, keepdim=True).clamp(max=self.components - 1)
        chosen, deviation = m.gather(-1, part)[..., 0], deviation_of(raw).gather(-1, part)[..., 0]
        return chosen + deviation * noise(chosen.shape, m, generator)
