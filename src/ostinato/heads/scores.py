"""How good forecasts are: of points, of quantiles and intervals, and of remaining life; with numpy alone.

Every score takes the truth as an array [...] of any shape and a forecast that fits it. A truth of NaN is missing and
never counts, nor does one where ``mask`` is False. A forecast that is missing where the truth is known is an error, and
so is a truth of which nothing is known: no score stands for no evidence.

>>> mae([1.0, np.nan, 3.0], [2.0, 5.0, 3.0])
0.5
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ostinato.errors import DataError, OptionError, ShapeError

Floats = npt.NDArray[np.float64]
# The levels of which ``crps`` takes the mean.
DECILES = tuple(number / 10 for number in range(1, 10))


def _known(
    truth: npt.ArrayLike, mask: npt.ArrayLike | None, **forecasts: tuple[npt.ArrayLike, int]
) -> tuple[npt.NDArray[np.bool_], list[Floats]]:
    """Where the truth [...] counts, and there the truth and each forecast, which comes with its number of more axes."""
    wanted = np.asarray(truth, np.float64)
    known = ~np.isnan(wanted)
    if mask is not None:
        kept = np.asarray(mask)
        if kept.shape != wanted.shape or kept.dtype != np.bool_:
            raise ShapeError(f"mask wanted booleans {list(wanted.shape)}, got {kept.dtype} {list(kept.shape)}")
        known &= kept
    if not known.any():
        raise DataError(f"a score wanted at least one known truth, got none among {wanted.size}")
    if not np.isfinite(wanted[known]).all():
        raise DataError("truth wanted finite numbers, or NaN where it is missing; got an infinite one")
    found = [wanted[known]]
    for name, (forecast, own) in forecasts.items():
        values = np.asarray(forecast, np.float64)
        if values.shape[: values.ndim - own] != wanted.shape or values.ndim < own:
            more = ", levels" * own
            raise ShapeError(f"{name} wanted {list(wanted.shape)}{more} to fit the truth, got {list(values.shape)}")
        found.append(values[known])
        if np.isnan(found[-1]).any():
            raise DataError(f"{name} is NaN where the truth is known; a forecast answers for every known truth")
    return known, found


def mae(truth: npt.ArrayLike, forecast: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> float:
    """How far off a forecast is: mean |y - f|, in the units of the data.

    >>> mae([1.0, 2.0], [2.0, 4.0])
    1.5
    """
    _, (y, f) = _known(truth, mask, forecast=(forecast, 0))
    return float(np.abs(y - f).mean())


def rmse(truth: npt.ArrayLike, forecast: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> float:
    """How far off a forecast is where large errors count more: sqrt(mean (y - f)^2), in the units of the data.

    >>> rmse([1.0, 2.0], [1.0, 4.0]) == 2**0.5
    True
    """
    _, (y, f) = _known(truth, mask, forecast=(forecast, 0))
    return float(np.sqrt(np.square(y - f).mean()))


def smape(truth: npt.ArrayLike, forecast: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> float:
    """How far off a forecast is for its size: 200 mean |y - f| / (|y| + |f|), in per cent, from 0 to 200.

    >>> smape([100.0, 0.0], [300.0, 0.0])
    50.0

    Where truth and forecast are both 0 the error is 0. As in the M4 competition: Makridakis et al., 2020
    (doi:10.1016/j.ijforecast.2019.04.014).
    """
    _, (y, f) = _known(truth, mask, forecast=(forecast, 0))
    size = np.abs(y) + np.abs(f)
    return float(200 * np.divide(np.abs(y - f), size, out=np.zeros_like(size), where=size > 0).mean())


def naive_error(history: npt.ArrayLike, season: int = 1) -> Floats:
    """What repeating the value of one season ago misses: mean over t of |y_t - y_(t-m)|, in the units of the data.

    >>> naive_error([1.0, 2.0, 4.0]).tolist()
    1.5

    ``history`` is [..., T], of what the model was trained on; pairs of which one is NaN do not count. The answer is
    [...]. A history that never changes from season to season has an error of 0, by which nothing can be divided, and is
    refused.
    """
    if isinstance(season, bool) or not isinstance(season, int) or season < 1:
        raise OptionError(f"season wanted a whole number of steps of at least 1, got {season!r}")
    values = np.asarray(history, np.float64)
    if values.ndim < 1 or values.shape[-1] <= season:
        raise DataError(f"a season of {season} wanted a history of more than {season} steps, got {list(values.shape)}")
    misses = np.abs(values[..., season:] - values[..., :-season])
    known = ~np.isnan(misses)
    if not known.any(-1).all():
        raise DataError(f"history wanted at least two known values {season} steps apart in each series")
    error: Floats = np.where(known, misses, 0.0).sum(-1) / known.sum(-1)
    if not (error > 0).all():
        raise DataError(
            f"history is the same {season} steps later throughout: repeating it makes no error to compare with"
        )
    return error


def mase(
    truth: npt.ArrayLike,
    forecast: npt.ArrayLike,
    history: npt.ArrayLike,
    season: int = 1,
    mask: npt.ArrayLike | None = None,
) -> float:
    """How far off a forecast is beside repeating the last season: the mean of |y - f| / naive_error(history, season).

    >>> mase([5.0, 6.0], [5.0, 5.0], history=[1.0, 2.0, 4.0])
    0.3333333333333333

    No unit: 1 is as good as repeating the season was within ``history``. ``truth`` and ``forecast`` are [..., H] and
    ``history`` is [..., T] of the same series. Hyndman & Koehler, 2006 (doi:10.1016/j.ijforecast.2006.03.001).
    """
    error = naive_error(history, season)
    shape = np.shape(truth)
    if error.shape != shape[:-1]:
        raise ShapeError(
            f"history wanted {[*shape[:-1], 'T']} to fit the truth {list(shape)}, got {list(np.shape(history))}"
        )
    known, (y, f) = _known(truth, mask, forecast=(forecast, 0))
    return float((np.abs(y - f) / np.broadcast_to(error[..., None], shape)[known]).mean())


def check_levels(levels: Sequence[float]) -> Floats:
    """Levels of quantiles as an array, or an error: at least one, between 0 and 1, each above the one before."""
    found = np.asarray(levels, np.float64)
    if found.ndim != 1 or not len(found) or not ((found > 0) & (found < 1)).all() or (np.diff(found) <= 0).any():
        raise OptionError(f"levels wanted numbers between 0 and 1, each above the one before, got {list(levels)}")
    return found


def pinball(
    truth: npt.ArrayLike, quantiles: npt.ArrayLike, levels: Sequence[float], mask: npt.ArrayLike | None = None
) -> float:
    """How good quantiles are: the mean over truths and levels p of max(p (y - q), (p - 1) (y - q)).

    >>> pinball([1.0], [[0.0, 3.0]], [0.1, 0.5])
    0.55

    In the units of the data; ``quantiles`` is [..., L]. Koenker & Bassett, 1978 (doi:10.2307/1913643).
    """
    p = check_levels(levels)
    _, (y, q) = _known(truth, mask, quantiles=(quantiles, 1))
    if q.shape[-1] != len(p):
        raise ShapeError(f"quantiles wanted [..., {len(p)}], one for each level, got {list(np.shape(quantiles))}")
    above = y[:, None] - q
    return float(np.maximum(p * above, (p - 1) * above).mean())


def crps(truth: npt.ArrayLike, quantiles: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> float:
    """How good a forecast is as a distribution: the mean pinball loss at the levels 0.1, 0.2, ..., 0.9.

    >>> round(crps([1.0], [[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]]), 6)
    0.011111

    In the units of the data; ``quantiles`` is [..., 9]. The continuous ranked probability score is the integral of
    twice the pinball loss over all levels: this is the half of it, by nine of them. Gneiting & Raftery, 2007
    (doi:10.1198/016214506000001437).
    """
    return pinball(truth, quantiles, DECILES, mask)


def coverage(
    truth: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike, mask: npt.ArrayLike | None = None
) -> float:
    """The share of truths inside their intervals, from 0 to 1: the mean of [lower <= y <= upper].

    >>> coverage([1.0, 2.0], [0.0, 0.0], [1.0, 1.0])
    0.5
    """
    _, (y, low, high) = _known(truth, mask, lower=(lower, 0), upper=(upper, 0))
    return float(((low <= y) & (y <= high)).mean())


def width(truth: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> float:
    """How wide intervals are, in the units of the data: the mean of upper - lower where the truth is known.

    >>> width([1.0, np.nan], [0.0, 0.0], [1.0, 9.0])
    1.0
    """
    _, (_, low, high) = _known(truth, mask, lower=(lower, 0), upper=(upper, 0))
    return float((high - low).mean())


def nasa_score(truth: npt.ArrayLike, forecast: npt.ArrayLike, mask: npt.ArrayLike | None = None) -> float:
    """What errors of a remaining life cost, a late warning more than an early one; summed over units, lower is better.

    s = sum over units of exp(-d / 13) - 1 where d < 0, exp(d / 10) - 1 where d >= 0;  d = forecast - truth, in cycles

    >>> round(nasa_score([100.0, 100.0], [87.0, 110.0]), 6) == round(2 * (np.e - 1), 6)
    True

    Saxena et al., 2008 (doi:10.1109/PHM.2008.4711414).
    """
    _, (y, f) = _known(truth, mask, forecast=(forecast, 0))
    late = f - y
    with np.errstate(over="ignore"):
        return float(np.expm1(np.where(late < 0, -late / 13, late / 10)).sum())
