"""Quantiles of the distributions that forecasts take, with numpy and the standard library alone.

Everything is in double precision and takes arrays that broadcast. Probabilities are between 0 and 1.

>>> normal_quantile(0.975).round(6).item(), student_quantile(0.975, 5.0).round(6).item()
(1.959964, 2.570582)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
# From this many degrees of freedom on a series in their inverse is exact to about 1e-9.
_MANY = 200.0
_NORMAL = NormalDist()


def _each(function: Callable[[float], float], values: npt.ArrayLike) -> Floats:
    """A function of one float for every element; the standard library's are exact, and numpy has none of these."""
    array = np.asarray(values, np.float64)
    return np.fromiter(map(function, array.ravel().tolist()), np.float64, array.size).reshape(array.shape)


def normal_quantile(p: npt.ArrayLike) -> Floats:
    """The standard Gaussian's quantile at p: few different levels are cheap, many different ones are not."""
    levels, where = np.unique(np.asarray(p, np.float64), return_inverse=True)
    return _each(_NORMAL.inv_cdf, levels)[where.reshape(np.shape(p))]


def normal_cdf(x: npt.ArrayLike) -> Floats:
    """The share of the standard Gaussian below x: erfc(-x / sqrt(2)) / 2."""
    return 0.5 * _each(math.erfc, -np.asarray(x, np.float64) / math.sqrt(2))


def log_gamma(x: npt.ArrayLike) -> Floats:
    """log Gamma(x) for x > 0."""
    return _each(math.lgamma, x)


def beta_share(a: npt.ArrayLike, b: npt.ArrayLike, x: npt.ArrayLike) -> Floats:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and x from 0 to 1.

    >>> beta_share(2.0, 3.0, 0.5).item()
    0.6875

    By its continued fraction, on the side of the mean where that converges fast (Lentz's method; DLMF 8.17.22).
    """
    a, b, x = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (a, b, x)))
    swapped = x > (a + 1) / (a + b + 2)
    a, b, x = np.where(swapped, b, a), np.where(swapped, a, b), np.where(swapped, 1 - x, x)
    inside = (x > 0) & (x < 1)
    safe = np.where(inside, x, 0.5)
    front = a * np.log(safe) + b * np.log1p(-safe) - (log_gamma(a) + log_gamma(b) - log_gamma(a + b)) - np.log(a)
    share = np.where(inside, np.exp(front) * _fraction(a, b, safe), np.where(x >= 1, 1.0, 0.0))
    return np.clip(np.where(swapped, 1 - share, share), 0.0, 1.0)


def _fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    shape = x.shape
    a, b, x = a.ravel(), b.ravel(), x.ravel()
    found = np.empty_like(x)
    left = np.arange(x.size)
    tiny = 1e-300
    c, d = np.ones_like(x), 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    value = d.copy()
    m = 0
    while left.size:
        m += 1
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + numerator * d, tiny)
            c = _away(1 + numerator / c, tiny)
            value = value * d * c
        # The number of terms grows like the square root of a and b; a bound ends what rounding keeps from settling.
        going = (np.abs(d * c - 1) > 1e-15) & (m < 20_000)
        if not going.all():
            found[left[~going]] = value[~going]
            left = left[going]
            a, b, x, c, d, value = (part[going] for part in (a, b, x, c, d, value))
    return found.reshape(shape)


def _away(value: Floats, tiny: float) -> Floats:
    return np.where(np.abs(value) < tiny, tiny, value)


def student_quantile(p: npt.ArrayLike, freedom: npt.ArrayLike) -> Floats:
    """The quantile at p of Student's t with so many degrees of freedom.

    >>> student_quantile([0.1, 0.5, 0.9], 3.0).round(6).tolist()
    [-1.637744, 0.0, 1.637744]

    Newton's method on the logarithm of the tail, from a series in 1 / freedom; the series alone from 200 degrees on
    (Abramowitz & Stegun, 1964, 26.7.5).
    """
    level, df = np.broadcast_arrays(np.asarray(p, np.float64), np.asarray(freedom, np.float64))
    tail = np.minimum(level, 1 - level)
    size = _by_series(-normal_quantile(tail), df)
    few = (df < _MANY) & (tail < 0.5)
    if few.any():
        size = np.array(size)
        size[few] = _by_newton(size[few], tail[few], df[few])
    return np.where(tail == 0.5, 0.0, np.where(level < 0.5, -size, size))


def _by_series(z: Floats, df: Floats) -> Floats:
    s = z * z
    first = (s + 1) / 4
    second = ((5 * s + 16) * s + 3) / 96
    third = (((3 * s + 19) * s + 17) * s - 15) / 384
    fourth = ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92160
    more: Floats = z * (1 + (first + (second + (third + fourth / df) / df) / df) / df)
    return more


def _by_newton(t: Floats, tail: Floats, df: Floats) -> Floats:
    size = log_gamma((df + 1) / 2) - log_gamma(df / 2) - np.log(df * math.pi) / 2
    wanted = np.log(tail)
    # In the far tail the logarithm of the tail is a line in log t; near the middle the tail is a line in t.
    far = (size + (df - 1) / 2 * np.log(df) - wanted) / df
    t = np.where(wanted < -4, np.exp(np.minimum(far, 300.0)), np.maximum(t, 1e-300))
    for _ in range(60):
        density = np.exp(size - (df + 1) / 2 * np.log1p(t * (t / df)))
        share = 0.5 * beta_share(df / 2, 0.5, df / (df + t * t))
        # The slope of log tail over log t where t is large keeps a step from leaving the positive numbers.
        gap = np.log(share) - wanted
        moved = np.where(tail < 0.25, t * np.exp(gap * share / (density * t)), t + gap * share / density)
        moved = np.where(moved > 0, moved, t / 2)
        # The error of a Newton step is about the square of the step before.
        settled = np.abs(moved - t) <= 1e-9 * (t + 1)
        t = moved
        if settled.all():
            break
    return t


def negative_binomial_cdf(k: npt.ArrayLike, mean: npt.ArrayLike, spread: npt.ArrayLike) -> Floats:
    """The chance of at most k counts, whose variance is mean + spread mean^2: I_q(1 / spread, k + 1)."""
    m, a = np.asarray(mean, np.float64), np.asarray(spread, np.float64)
    return beta_share(1 / a, np.floor(np.asarray(k, np.float64)) + 1, 1 / (1 + a * m))


def negative_binomial_quantile(p: npt.ArrayLike, mean: npt.ArrayLike, spread: npt.ArrayLike) -> Floats:
    """The least number of counts whose chance of not being exceeded is p or more, as floats.

    >>> negative_binomial_quantile([0.1, 0.5, 0.9], 2.0, 0.5).tolist()
    [0.0, 1.0, 5.0]
    """
    level, m, a = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (p, mean, spread)))
    # What rounding takes from a chance that is the level exactly must not cost a count.
    level = level * (1 - 1e-12)
    low = np.full(level.shape, -1.0)
    high: Floats = np.ceil(m)
    while True:
        short = negative_binomial_cdf(high, m, a) < level
        if not short.any():
            break
        low, high = np.where(short, high, low), np.where(short, 2 * high + 1, high)
    while (open_ := high - low > np.maximum(1.0, 1e-12 * high)).any():
        middle = np.maximum(np.floor((low + high) / 2), 0.0)
        enough = negative_binomial_cdf(middle, m, a) >= level
        high, low = np.where(enough & open_, middle, high), np.where(~enough & open_, middle, low)
    return high


def mixture_quantile(p: npt.ArrayLike, weights: npt.ArrayLike, means: npt.ArrayLike, scales: npt.ArrayLike) -> Floats:
    """The quantile at p [...] of Gaussians [..., C] that are weighed; it lies between those of its parts.

    >>> mixture_quantile(0.1, [0.5, 0.5], [-3.0, 3.0], [1.0, 1.0]).round(6).item()
    -3.841621

    Newton's method, kept inside a bracket that bisection narrows.
    """
    level, w = np.asarray(p, np.float64), np.asarray(weights, np.float64)
    shape = np.broadcast_shapes(level.shape, w.shape[:-1], np.shape(means)[:-1], np.shape(scales)[:-1])
    level = np.broadcast_to(level, shape).ravel()
    parts = (w, np.asarray(means, np.float64), np.asarray(scales, np.float64))
    w, mu, sigma = (np.broadcast_to(part, (*shape, w.shape[-1])).reshape(-1, w.shape[-1]) for part in parts)
    each = mu + sigma * normal_quantile(level)[:, None]
    low, high, x = each.min(-1), each.max(-1), (w * each).sum(-1)
    found: Floats = np.empty_like(x)
    left = np.arange(x.size)
    for _ in range(200):
        z = (x[:, None] - mu) / sigma
        gap = (w * normal_cdf(z)).sum(-1) - level
        low, high = np.where(gap < 0, x, low), np.where(gap >= 0, x, high)
        density = (w / sigma * np.exp(-0.5 * z * z)).sum(-1) / math.sqrt(2 * math.pi)
        moved = x - gap / np.maximum(density, 1e-300)
        moved = np.where((moved > low) & (moved < high), moved, low + (high - low) / 2)
        found[left] = moved
        going = np.abs(moved - x) > 1e-9 * sigma.min(-1)
        if not going.any():
            break
        left, level, low, high, x = left[going], level[going], low[going], high[going], moved[going]
        w, mu, sigma = w[going], mu[going], sigma[going]
    return found.reshape(shape)
