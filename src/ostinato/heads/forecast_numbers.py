"""From the parameters of a forecast head to means and quantiles, with numpy alone, so that streams need no torch.

A head's plain description (``head.to_dict()``) says what its parameters [..., K, P] mean. They are raw numbers, as the
linear map gives them; what must be positive goes through softplus(r) = log(1 + exp(r)), plus a floor:

| kind | parameters | distribution of z = (y - shift) / scale |
|---|---|---|
| point | m | none; the answer is m |
| gaussian | m, s | mean m, deviation s+ |
| student | m, s, v | Student's t with 2+ + v degrees of freedom, about m, times s+ |
| log_normal | m, s | exp of a Gaussian of mean m and deviation s+ |
| negative_binomial | m, a | counts y of mean scale m+ and variance mean + a+ mean^2 |
| quantiles | q, up, down | q at the middle level, growing by softplus(r) from level to level away from it |
| mixture | C logits, C means, C deviations | Gaussians, weighed by softmax |

>>> made = decode({"kind": "gaussian", "outputs": 1}, np.zeros((1, 2)), [0.1, 0.5, 0.9], scale=10.0, shift=100.0)
>>> made.mean.tolist(), made.quantiles.round(2).tolist()
([100.0], [[91.12, 100.0, 108.88]])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ostinato.errors import DataError, OptionError, ShapeError, nearest
from ostinato.heads.decoding import softmax
from ostinato.heads.distribution_functions import (
    Floats,
    mixture_quantile,
    negative_binomial_quantile,
    normal_cdf,
    normal_quantile,
    student_quantile,
)
from ostinato.heads.scores import check_levels

# The least deviation, in units of ``scale``: below it a density grows faster than single precision can follow.
FLOOR = 1e-4
# The least spread of counts beyond a Poisson's, and the least mean, in units of ``scale``.
LEAST_SPREAD, LEAST_MEAN = 1e-5, 1e-6
# Student's t has a variance above 2 degrees of freedom; this much more is seen in single precision.
LEAST_FREEDOM = 2.001
# The largest logarithm that log_normal raises e to: the answer still fits single precision.
LARGEST_LOG = 80.0


class Prediction(NamedTuple):
    """The mean [..., K] and quantiles [..., K, L], in the units of the data."""

    mean: Floats
    quantiles: Floats


def softplus(r: Floats) -> Floats:
    """log(1 + exp(r)), for any r."""
    return np.logaddexp(0.0, r)


def middle_of(levels: Sequence[float]) -> int:
    """The place of the level nearest to one half, the lower one of two: there quantiles start to grow."""
    return min(range(len(levels)), key=lambda place: (abs(levels[place] - 0.5), place))


def knots(parameters: Floats, levels: Sequence[float]) -> Floats:
    """The quantiles [..., L] that parameters [..., L] mean: the middle one first, then steps up, then steps down."""
    place = middle_of(levels)
    middle, steps = parameters[..., :1], softplus(parameters[..., 1:])
    up = middle + np.cumsum(steps[..., : len(levels) - 1 - place], -1)
    down = middle - np.cumsum(steps[..., len(levels) - 1 - place :], -1)
    return np.concatenate([down[..., ::-1], middle, up], -1)


def _point(head: Mapping[str, Any], r: Floats, p: Floats) -> Prediction:
    if len(p):
        raise OptionError("a point forecast has no quantiles; ask for none, or put conformal intervals around it")
    return Prediction(r[..., 0], np.empty((*r.shape[:-1], 0)))


def _gaussian(head: Mapping[str, Any], r: Floats, p: Floats) -> Prediction:
    m, s = r[..., 0], FLOOR + softplus(r[..., 1])
    return Prediction(m, m[..., None] + s[..., None] * normal_quantile(p))


def _student(head: Mapping[str, Any], r: Floats, p: Floats) -> Prediction:
    m, s, v = r[..., 0], FLOOR + softplus(r[..., 1]), LEAST_FREEDOM + softplus(r[..., 2])
    return Prediction(m, m[..., None] + s[..., None] * student_quantile(p, v[..., None]))


def _log_normal(head: Mapping[str, Any], r: Floats, p: Floats) -> Prediction:
    m, s = r[..., 0], FLOOR + softplus(r[..., 1])
    quantiles = np.exp(np.minimum(m[..., None] + s[..., None] * normal_quantile(p), LARGEST_LOG))
    return Prediction(np.exp(np.minimum(m + s * s / 2, LARGEST_LOG)), quantiles)


def _quantiles(head: Mapping[str, Any], r: Floats, p: Floats) -> Prediction:
    """Between two levels, and beyond the outermost two, a quantile is a line in the Gaussian's quantile at its level.

    So every level has an answer that never crosses another, samples can be drawn, and the mean is a sum over the lines.
    """
    levels = check_levels(head["levels"])
    q = knots(r, head["levels"])
    if len(levels) == 1:
        return Prediction(q[..., 0], np.repeat(q, len(p), -1))
    z = normal_quantile(levels)
    slope = np.diff(q, axis=-1) / np.diff(z)
    start = q[..., :-1] - slope * z[:-1]
    line = np.clip(np.searchsorted(levels, p, side="right") - 1, 0, len(levels) - 2)
    quantiles = start[..., line] + slope[..., line] * normal_quantile(p)
    # A level of the head's own is answered by its own number, not by one that was rounded on the way.
    own = np.searchsorted(levels, p).clip(0, len(levels) - 1)
    quantiles = np.where(levels[own] == p, q[..., own], quantiles)
    inner = z[1:-1]
    below = np.concatenate([[0.0], normal_cdf(inner), [1.0]])
    dense = np.concatenate([[0.0], np.exp(-inner * inner / 2) / math.sqrt(2 * math.pi), [0.0]])
    mean = (start * np.diff(below) - slope * np.diff(dense)).sum(-1)
    return Prediction(mean, np.maximum.accumulate(quantiles, -1))


def _mixture(head: Mapping[str, Any], r: Floats, p: Floats) -> Prediction:
    logits, m, s = np.split(r, 3, axis=-1)
    weights = softmax(logits).astype(np.float64)
    parts = (weights[..., None, :], m[..., None, :], FLOOR + softplus(s)[..., None, :])
    found = mixture_quantile(p, *parts) if len(p) else np.empty((*r.shape[:-1], 0))
    return Prediction((weights * m).sum(-1), np.maximum.accumulate(found, -1) if len(p) else found)


def _counts(r: Floats, p: Floats, scale: Floats) -> Prediction:
    mean, spread = scale * (LEAST_MEAN + softplus(r[..., 0])), LEAST_SPREAD + softplus(r[..., 1])
    if not len(p):
        return Prediction(mean, np.empty((*mean.shape, 0)))
    return Prediction(mean, negative_binomial_quantile(p, mean[..., None], spread[..., None]))


_READERS: dict[str, Callable[[Mapping[str, Any], Floats, Floats], Prediction]] = {
    "point": _point,
    "gaussian": _gaussian,
    "student": _student,
    "log_normal": _log_normal,
    "quantiles": _quantiles,
    "mixture": _mixture,
}
# Kinds whose first parameter is their mean: a stream that wants no more gets it at once.
_MIDDLES = ("point", "gaussian", "student")
_COUNTS = "negative_binomial"
KINDS = (*_READERS, _COUNTS)
# What is zero at the least cannot be moved.
UNMOVED = ("log_normal", _COUNTS)
_UNIT, _NOWHERE = np.ones(()), np.zeros(())


def parameters_of(head: Mapping[str, Any]) -> int:
    """How many parameters a head of this description has for each target: P."""
    kind = head.get("kind")
    if kind not in KINDS:
        raise OptionError(f"unknown forecast '{kind}'; {nearest(str(kind), KINDS)}")
    several = {"quantiles": "levels", "mixture": "components"}
    if kind in several and several[kind] not in head:
        raise OptionError(f"a forecast of kind '{kind}' wanted '{several[kind]}' in its description, got {dict(head)}")
    if kind == "quantiles":
        return len(check_levels(head["levels"]))
    return {"point": 1, "student": 3, "mixture": 3 * int(head.get("components", 0))}.get(str(kind), 2)


def decode(
    head: Mapping[str, Any],
    parameters: npt.ArrayLike,
    levels: Sequence[float] = (),
    *,
    scale: npt.ArrayLike | None = None,
    shift: npt.ArrayLike | None = None,
) -> Prediction:
    """The mean, and the quantiles at rising levels, that the parameters [..., K, P] of a head mean.

    ``scale`` and ``shift`` [..., K], or what broadcasts to it, say how the data were brought to the head's units:
    y = shift + scale z. What is never negative (log_normal, negative_binomial) has no shift.
    """
    r = np.asarray(parameters, np.float64)
    wanted = [int(head.get("outputs", 0)), parameters_of(head)]
    if list(r.shape[-2:]) != wanted:
        raise ShapeError(
            f"a {head['kind']} forecast wanted parameters [..., {wanted[0]}, {wanted[1]}], got {list(r.shape)}"
        )
    if np.isnan(r).any():
        raise DataError("parameters of a forecast are NaN; a NaN went into the network")
    p = check_levels(levels) if len(levels) else np.empty(0)
    size, move = _units(head["kind"], r.shape[:-1], scale, shift)
    if head["kind"] == _COUNTS:
        return _counts(r, p, size)
    if not len(p) and head["kind"] in _MIDDLES:
        return Prediction(move + size * r[..., 0], np.empty((*r.shape[:-1], 0)))
    mean, quantiles = _READERS[head["kind"]](head, r, p)
    return Prediction(move + size * mean, move[..., None] + size[..., None] * quantiles)


def _units(
    kind: str, shape: tuple[int, ...], scale: npt.ArrayLike | None, shift: npt.ArrayLike | None
) -> tuple[Floats, Floats]:
    if shift is not None and kind in UNMOVED:
        raise OptionError(
            f"a {kind} forecast is never negative and cannot be shifted; scale the data without moving them"
        )
    if scale is None and shift is None:
        return _UNIT, _NOWHERE
    found = []
    for name, units, default in (("scale", scale, 1.0), ("shift", shift, 0.0)):
        values = np.asarray(default if units is None else units, np.float64)
        try:
            values = np.broadcast_to(values, shape)
        except ValueError:
            raise ShapeError(f"{name} wanted {list(shape)} or less, got {list(values.shape)}") from None
        if not np.isfinite(values).all() or (name == "scale" and not (values > 0).all()):
            raise DataError(f"{name} wanted finite numbers{' above 0' if name == 'scale' else ''}")
        found.append(values)
    return found[0], found[1]
