"""A linear readout found in closed form: how an echo-state network learns, without backpropagation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ostinato.errors import DataError, NotFittedError, OptionError, ShapeError
from ostinato.sequence import check_lengths, valid_steps


class Ridge(nn.Module):
    """Predicts K numbers, or one of K classes, by the linear map that ridge regression gives.

    V, a = argmin sum over steps of |y - V f - a|^2 + penalty |V|^2

    >>> features, target = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[1.0], [3.0], [5.0]])
    >>> Ridge(1, 1, penalty=0.0).fit([(features, target)])(torch.tensor([[10.0]])).round(decimals=6).tolist()
    [[21.0]]

    ``fit`` takes batches of ``(features, target)`` or ``(features, target, lengths)`` and holds one of them at a time:
    features are [B, T, D] with targets [B, T, K], or [n, D] with [n, K]; with ``classify=True`` targets are class
    numbers [B, T] or [n], learned as one-hot vectors. Padding never counts, nor do the first ``washout`` steps of each
    sequence, in which a reservoir still forgets how it was started. Sums and weights are double precision, because a
    small penalty leaves weights that nearly cancel.

    Of several penalties the best is chosen: by the squared error on ``valid``, batches of the same form, or without
    them by leaving out each step in turn, in closed form, which takes a second pass over the batches. ``chosen`` is
    the one taken, ``errors`` the mean squared error of each.

    Jaeger, 2001 (GMD Report 148); Lukosevicius, 2012 (doi:10.1007/978-3-642-35289-8_36); leaving one out: Allen, 1974
    (doi:10.1080/00401706.1974.10489157).
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        penalty: float | Sequence[float] = 1e-6,
        washout: int = 0,
        classify: bool = False,
    ) -> None:
        super().__init__()
        self.penalties = _checked_penalties(penalty)
        least = {"inputs": (inputs, 1), "outputs": (outputs, 2 if classify else 1), "washout": (washout, 0)}
        for name, (number, bound) in least.items():
            if isinstance(number, bool) or not isinstance(number, int) or number < bound:
                raise OptionError(f"{name} wanted a whole number of at least {bound}, got {number!r}")
        if not isinstance(classify, bool):
            raise OptionError(f"classify wanted True or False, got {classify!r}")
        self.inputs, self.outputs, self.washout, self.classify = inputs, outputs, washout, classify
        self.chosen: float | None = None
        self.errors: dict[float, float] = {}
        # Numbers before a fit would pass for an answer.
        self.register_buffer("weight", torch.full((outputs, inputs), torch.nan, dtype=torch.float64))
        self.register_buffer("bias", torch.full((outputs,), torch.nan, dtype=torch.float64))

    @torch.no_grad()
    def fit(self, batches: Iterable[Any], valid: Iterable[Any] | None = None) -> Ridge:
        """Find the map from batches, and the penalty if there are several; returns itself."""
        several = len(self.penalties) > 1
        if valid is not None and not several:
            raise OptionError("valid chooses between penalties, and there is one; leave it out, or list more of them")
        if several and valid is None and iter(batches) is batches:
            raise OptionError(
                "choosing between penalties reads the batches twice, and these can be read once; give a list, or valid="
            )
        sums = _Sums()
        for x, y in self._rows(batches):
            sums.add(x, y)
        if not sums.count:
            raise DataError(f"a ridge regression wanted at least one step after a washout of {self.washout}, got none")
        solutions = _Solutions(sums, self.penalties)
        place, errors = 0, {}
        if several:
            rows = self._rows(batches if valid is None else valid)
            found = solutions.errors(rows, left_out=valid is None)
            errors = dict(zip(self.penalties, found, strict=True))
            place = min(range(len(found)), key=found.__getitem__)
        self.weight, self.bias = (part.to(self.weight.device) for part in solutions.map_of(place))
        self.chosen, self.errors = self.penalties[place], errors
        return self

    def forward(self, features: Tensor) -> Tensor:
        """features [..., D] to numbers or scores [..., K], of the same type."""
        if torch.isnan(self.bias).any():
            raise NotFittedError("this Ridge is not fitted yet; call fit with batches of features and targets")
        if features.shape[-1] != self.inputs:
            raise ShapeError(f"Ridge wanted features [..., {self.inputs}], got {list(features.shape)}")
        weight, bias = (part.to(torch.float64) for part in (self.weight, self.bias))
        answer: Tensor = functional.linear(features.to(torch.float64), weight, bias)
        return answer.to(features.dtype)

    def decode(self, features: Tensor) -> Tensor:
        """The prediction: numbers [..., K], or class numbers [...]."""
        scores: Tensor = self(features)
        return scores.argmax(-1) if self.classify else scores

    def loss(self, scores: Tensor, target: Tensor) -> Tensor:
        """The mean squared error of scores [..., K] against numbers [..., K] or classes [...]."""
        wanted = functional.one_hot(target, self.outputs) if self.classify else target
        if scores.shape != wanted.shape:
            raise ShapeError(f"target wanted {list(scores.shape)}, got {list(wanted.shape)}")
        return functional.mse_loss(scores, wanted.to(scores.dtype))

    def measure(self, scores: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What a report shows: how many are right, or the sum of squared errors."""
        if self.classify:
            return {"accuracy": (scores.argmax(-1) == target).sum()}
        return {"squared error": (scores - target).square().sum()}

    def _rows(self, batches: Iterable[Any]) -> Iterator[tuple[Tensor, Tensor]]:
        """The steps of each batch that count: features [n, D] and targets [n, K], double precision."""
        for number, batch in enumerate(batches, 1):
            if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
                raise DataError(f"batch {number}: wanted (features, target) or (features, target, lengths)")
            features, target, lengths = (*batch, None)[:3]
            x, y = self._counted(features, self._wanted(features, target, number), lengths)
            if not torch.isfinite(x).all():
                raise DataError(f"batch {number}: a feature is NaN or infinite; drop or mend its sequence")
            if not torch.isfinite(y).all():
                wanted = f"class numbers from 0 to {self.outputs - 1}" if self.classify else "finite numbers"
                raise DataError(f"batch {number}: targets wanted {wanted}, and at least one is none")
            yield x.to(torch.float64), y.to(torch.float64)

    def _counted(self, features: Tensor, wanted: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """Without padding and washout."""
        if features.dim() == 2:
            if lengths is not None or self.washout:
                raise ShapeError("lengths and washout belong to sequences [B, T, D], got features [n, D]")
            return features, wanted
        rows, steps = features.shape[:2]
        check_lengths(lengths, rows, steps)
        counted = torch.ones(rows, steps, dtype=torch.bool, device=features.device)
        if lengths is not None:
            counted = valid_steps(lengths, steps)
        counted[:, : self.washout] = False
        return features[counted], wanted[counted]

    def _wanted(self, features: Tensor, target: Tensor, number: int) -> Tensor:
        """The targets as vectors [..., K]."""
        if features.dim() not in (2, 3) or features.shape[-1] != self.inputs:
            raise ShapeError(
                f"batch {number}: features wanted [B, T, {self.inputs}] or [n, {self.inputs}], "
                f"got {list(features.shape)}"
            )
        shape = [*features.shape[:-1]] + ([] if self.classify else [self.outputs])
        if list(target.shape) != shape:
            raise ShapeError(f"batch {number}: target wanted {shape}, got {list(target.shape)}")
        if not self.classify:
            return target
        if target.is_floating_point():
            raise DataError(f"batch {number}: classes wanted whole numbers, got {target.dtype}")
        # What stands in the padding is no class; that no step which counts has such a one is seen by its NaN.
        known = (target >= 0) & (target < self.outputs)
        one_hot = functional.one_hot(torch.where(known, target, 0).long(), self.outputs).to(torch.float64)
        return torch.where(known[..., None], one_hot, torch.nan)


@dataclass
class _Sums:
    """Means and centred products of all steps so far, joined batch by batch (Chan et al., 1983)."""

    count: int = 0
    x: Any = None
    y: Any = None
    xx: Any = None
    xy: Any = None

    def add(self, x: Tensor, y: Tensor) -> None:
        """Count the steps of one batch: x [n, D] and y [n, K]."""
        if not len(x):
            return
        mean_x, mean_y = x.mean(0), y.mean(0)
        xx, xy = (x - mean_x).T @ (x - mean_x), (x - mean_x).T @ (y - mean_y)
        if not self.count:
            self.count, self.x, self.y, self.xx, self.xy = len(x), mean_x, mean_y, xx, xy
            return
        total = self.count + len(x)
        to_x, to_y = mean_x - self.x, mean_y - self.y
        share = self.count * len(x) / total
        self.xx += xx + share * torch.outer(to_x, to_x)
        self.xy += xy + share * torch.outer(to_x, to_y)
        self.x, self.y = self.x + to_x * (len(x) / total), self.y + to_y * (len(x) / total)
        self.count = total


class _Solutions:
    """The maps of all penalties, from one eigendecomposition."""

    def __init__(self, sums: _Sums, penalties: Sequence[float]) -> None:
        self.sums = sums
        values, self.vectors = torch.linalg.eigh(sums.xx)
        # A direction without data keeps what rounding left of it, which a small penalty would blow up.
        there = values > values[-1] * len(values) * torch.finfo(values.dtype).eps
        damped = values + torch.tensor(penalties, dtype=values.dtype, device=values.device)[:, None]  # [L, D]
        self.inverse = torch.where(there, 1 / damped, 0.0)
        self.weights = self.vectors @ (self.inverse[..., None] * (self.vectors.T @ sums.xy))  # [L, D, K]

    def map_of(self, place: int) -> tuple[Tensor, Tensor]:
        """The weights [K, D] and the bias [K] of one penalty."""
        weight = self.weights[place]
        return weight.T.contiguous(), self.sums.y - self.sums.x @ weight

    def errors(self, rows: Iterable[tuple[Tensor, Tensor]], *, left_out: bool) -> list[float]:
        """The mean squared error of each penalty; ``left_out`` predicts each step by the map of all the others."""
        if left_out and self.sums.count < 2:
            raise DataError("choosing between penalties wanted at least two steps, got one; give one penalty")
        total: Any = 0.0
        count = 0
        for x, y in rows:
            centred = x - self.sums.x
            rest = (y - self.sums.y) - centred @ self.weights  # [L, n, K]
            if left_out:
                weighed = (centred @ self.vectors).square() @ self.inverse.T + 1 / self.sums.count  # [n, L]
                rest = rest / (1 - weighed).clamp(min=torch.finfo(y.dtype).eps).T[..., None]
            total = total + rest.square().sum((1, 2))
            count += y.numel()
        if not count:
            raise DataError("choosing between penalties wanted validation steps, got none")
        found: list[float] = (total / count).tolist()
        return found


def _checked_penalties(penalty: float | Sequence[float]) -> tuple[float, ...]:
    numbers = (penalty,) if isinstance(penalty, int | float) else tuple(penalty)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            raise OptionError(f"penalty wanted numbers of at least 0, got {number!r}")
    if not numbers or len(set(numbers)) != len(numbers):
        raise OptionError(f"penalty wanted different numbers, got {list(numbers)}")
    return tuple(float(number) for number in numbers)
