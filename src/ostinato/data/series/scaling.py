"""Scales of series: an offset and a scale for each, fitted on what was observed before some row, and reversible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.series.panel import Numbers, Panel, Rows
from ostinato.errors import DataError, OptionError, nearest

KINDS = ("none", "mean", "standard", "robust")
SCOPES = ("series", "panel")
# The distance of the quartiles of a normal distribution, in standard deviations.
_QUARTILES = 1.3489795003921634
# So many rows are widened to 64 bits at a time.
_CHUNK = 1 << 16


@dataclass(frozen=True, eq=False)
class Scales:
    """An offset and a scale, float32 [S, K] each: a value v of the series s becomes (v - offset[s]) / scale[s].

    >>> from ostinato.data.series import read_series
    >>> scales = fit_scales(read_series([[1.0, 2.0, 3.0], [7.0, 7.0]]), "standard")
    >>> scales.offset.ravel().tolist(), [round(float(scale), 4) for scale in scales.scale.ravel()]
    ([2.0, 7.0], [0.8165, 1.0])
    """

    offset: Numbers
    scale: Numbers

    def apply(self, values: NDArray[Any], series: Rows) -> Numbers:
        """Values [..., K] of some series [...] as scaled ones; NaN stays NaN."""
        scaled: Numbers = (values - self.offset[series]) / self.scale[series]
        return scaled

    def invert(self, values: NDArray[Any], series: Rows) -> NDArray[Any]:
        """The inverse of :meth:`apply`."""
        return values * self.scale[series] + self.offset[series]


def fit_scales(panel: Panel, kind: str = "standard", *, scope: str = "series", before: Rows | None = None) -> Scales:
    """The scales of the targets of a panel.

    ``kind``: "none"; "mean" divides by the mean of absolute values; "standard" takes the mean and the standard
    deviation; "robust" the median and the distance of the quartiles over 1.349. ``scope`` "series" fits each series by
    itself, "panel" all together. Only observed values before the row ``before[s]`` of each series count (int64 [S]; all
    where it is None). A constant series, which has no spread, has the scale 1; a series without a value is refused.
    """
    check_kind(kind, "scaling", KINDS)
    check_kind(scope, "scope", SCOPES)
    ends = panel.ends if before is None else numpy.minimum(before, panel.ends)
    size = (len(panel), panel.target.shape[1])
    offset, scale = numpy.zeros(size), numpy.ones(size)
    if kind != "none" and scope == "panel":
        found = pooled(panel, panel.target, kind, ends)
        silent = numpy.flatnonzero(numpy.isnan(found[0]))
        if silent.size:
            raise DataError(f"'{panel.layout.target[int(silent[0])]}' has no observed value to be scaled by")
        offset[:], scale[:] = found
    elif kind != "none":
        for series, (begin, end) in enumerate(zip(panel.starts[:-1].tolist(), ends.tolist(), strict=True)):
            offset[series], scale[series] = _fitted(panel.target[begin:end], kind)
        unseen = numpy.argwhere(numpy.isnan(offset))
        if unseen.size:
            series, column = unseen[0].tolist()
            seen = int(ends[series] - panel.starts[series])
            raise DataError(
                f"series '{panel.ids[series]}' has no observed '{panel.layout.target[column]}' in its first {seen} "
                "rows, by which it would be scaled; give it more history, choose scope='panel', or leave it out"
            )
    return Scales(offset.astype(numpy.float32), scale.astype(numpy.float32))


def pooled(panel: Panel, values: Numbers, kind: str, ends: Rows) -> tuple[NDArray[Any], NDArray[Any]]:
    """One offset and one scale [K] for columns [N, K], over the rows of all series before ``ends``; NaN: no value."""
    columns = values.shape[1]
    offset, scale = numpy.zeros(columns), numpy.ones(columns)
    for column in range(columns if kind != "none" else 0):
        if kind == "robust":
            seen = numpy.concatenate([v for part in _chunks(panel, values[:, column], ends) for v in (part,)])
            offset[column], scale[column] = (part[0] for part in _fitted(seen[:, None], kind))
            continue
        count, total, absolute = 0, 0.0, 0.0
        for part in _chunks(panel, values[:, column], ends):
            count, total, absolute = count + len(part), total + part.sum(), absolute + numpy.abs(part).sum()
        if not count:
            offset[column] = numpy.nan
            continue
        mean = total / count
        squares = sum(((part - mean) ** 2).sum() for part in _chunks(panel, values[:, column], ends))
        offset[column], spread = (0.0, absolute / count) if kind == "mean" else (mean, float(squares / count) ** 0.5)
        scale[column] = _usable(numpy.array(spread), numpy.array(mean))
    return offset, scale


def check_kind(value: Any, name: str, known: tuple[str, ...]) -> None:
    """Refuse a word that is none of those known."""
    if value not in known:
        raise OptionError(f"{name} wanted one of {', '.join(known)}; got {value!r:.40}; {nearest(str(value), known)}")


def _chunks(panel: Panel, column: NDArray[Any], ends: Rows) -> Iterator[NDArray[numpy.float64]]:
    """The observed values of all series before ``ends``, a few at a time."""
    for begin, end in zip(panel.starts[:-1].tolist(), ends.tolist(), strict=True):
        for at in range(begin, end, _CHUNK):
            part = column[at : min(at + _CHUNK, end)].astype(numpy.float64)
            yield part[~numpy.isnan(part)]


def _fitted(values: NDArray[Any], kind: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Offset and scale [K] of the rows [n, K] of one series; NaN where a column has no value."""
    wide = values.astype(numpy.float64)
    missing = numpy.isnan(wide)
    if missing.any():
        # The rare way: column by column, without what is missing.
        parts = [_fitted(wide[~gone, k][:, None], kind) for k, gone in enumerate(missing.T)]
        return numpy.array([part[0][0] for part in parts]), numpy.array([part[1][0] for part in parts])
    if not len(wide):
        return numpy.full(wide.shape[1], numpy.nan), numpy.ones(wide.shape[1])
    mean = wide.mean(axis=0)
    if kind == "mean":
        spread = numpy.abs(wide).mean(axis=0)
        return numpy.zeros_like(mean), _usable(spread, numpy.zeros_like(mean))
    deviation = _usable(wide.std(axis=0), mean)
    if kind == "standard":
        return mean, deviation
    low, middle, high = numpy.quantile(wide, [0.25, 0.5, 0.75], axis=0)
    between = (high - low) / _QUARTILES
    # More than half of the values may be equal in a series that is not constant.
    return middle, numpy.where(between > 0, _usable(between, middle), deviation)


def _usable(spread: NDArray[Any], level: NDArray[Any]) -> NDArray[Any]:
    """The spread, or 1 where it is no more than the rounding of numbers of such a level."""
    tiny = numpy.finfo(numpy.float32)
    kept: NDArray[Any] = numpy.where(spread > numpy.maximum(numpy.abs(level) * tiny.eps, tiny.tiny), spread, 1.0)
    return kept
