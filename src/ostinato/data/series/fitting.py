"""What features are fitted to: scales of covariates, columns in which values are missing, the usual step."""

from __future__ import annotations

import numpy

from ostinato.data.series.panel import Numbers, Panel, Rows
from ostinato.data.series.scaling import pooled
from ostinato.data.series.zones import Times
from ostinato.errors import DataError

Pair = tuple[float, float]


def pooled_pairs(panel: Panel, values: Numbers, names: tuple[str, ...], kind: str, ends: Rows) -> tuple[Pair, ...]:
    """An offset and a scale for each column of covariates, over all series before the rows ``ends``."""
    offset, scale = pooled(panel, values, kind, ends)
    silent = numpy.flatnonzero(numpy.isnan(offset))
    if silent.size:
        raise DataError(f"the covariate '{names[int(silent[0])]}' has no value at all; leave it out")
    return tuple(zip(map(float, offset), map(float, scale), strict=True))


def static_pairs(values: Numbers, kind: str) -> tuple[Pair, ...]:
    """An offset and a scale for each static number, over all series."""
    if kind == "none" or not len(values):
        return tuple((0.0, 1.0) for _ in range(values.shape[1]))
    wide = values.astype(numpy.float64)
    return tuple((float(m), float(s) if s > 0 else 1.0) for m, s in zip(wide.mean(0), wide.std(0), strict=True))


def masked_columns(
    panel: Panel, lags: tuple[int, ...], missing: str, target_input: bool, known_lags: bool = False
) -> tuple[str, ...]:
    """Columns in which a value is missing; a lag always is, at the beginning of a series."""
    if missing == "never":
        return ()
    found = []
    for values, names in ((panel.target, panel.layout.target), (panel.past, panel.layout.past)):
        for column, name in enumerate(names):
            if (values is not panel.target or target_input) and (
                missing == "always" or _lacks(panel, values[:, column])
            ):
                found.append(name)
    for column, name in enumerate(panel.layout.known):
        if missing == "always" or numpy.isnan(panel.known[:, column]).any():
            found.append(name)
    lagged = (*panel.layout.target, *(name for name in panel.layout.known if known_lags and name in found))
    return (*found, *(f"{name}[-{lag}]" for lag in lags for name in lagged))


def _lacks(panel: Panel, column: Numbers) -> bool:
    missing = numpy.isnan(column)
    if not missing.any():
        return False
    spans = zip(panel.starts[:-1].tolist(), panel.ends.tolist(), strict=True)
    return any(bool(missing[begin:end].any()) for begin, end in spans)


def median_step(panel: Panel, ends: Rows) -> float:
    """The median distance of the observed steps of irregular series; 1 where there is none."""
    if panel.frequency is not None:
        return 1.0
    spans = zip(panel.starts[:-1].tolist(), ends.tolist(), strict=True)
    steps: Times = numpy.concatenate([numpy.diff(panel.time[begin:end]) for begin, end in spans])
    return float(numpy.median(steps)) if steps.size else 1.0
