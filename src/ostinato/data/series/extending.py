"""Rows of the future for a panel: the steps that a forecast is about."""

from __future__ import annotations

import dataclasses

import numpy

from ostinato.data.series.panel import Numbers, Panel, Rows, place
from ostinato.errors import DataError, OptionError


def extend(panel: Panel, steps: int) -> Panel:
    """The panel with at least so many rows of the future for each series; what is known ahead must be there.

    >>> from ostinato.data.series import read_series
    >>> longer = extend(read_series({"time": ["2024-01-31", "2024-02-29", "2024-03-31"], "y": [1.0, 2.0, 3.0]}), 2)
    >>> longer.stamps().astype("datetime64[D]").tolist()[-1].isoformat(), longer.rows, longer.ends.tolist()
    ('2024-05-31', 5, [3])

    A panel that has them already is returned as it is. Where there are covariates known ahead, their values for each
    step to come are the caller's to give, as rows after the last observed one: a step that lacks them is refused with
    its series and time, and so is the future of an irregular series.
    """
    if steps < 0:
        raise OptionError(f"steps wanted a whole number from 0 on, got {steps}")
    have = panel.starts[1:] - panel.ends
    lacking = numpy.flatnonzero(have < steps)
    if not lacking.size:
        return panel
    if panel.layout.known:
        _refuse(panel, int(lacking[0]), steps)
    sizes = panel.lengths + numpy.maximum(have, steps)
    starts = numpy.concatenate([[0], numpy.cumsum(sizes)]).astype(numpy.int64)
    old = numpy.diff(panel.starts)
    where = numpy.repeat(starts[:-1] - panel.starts[:-1], old) + numpy.arange(panel.rows)
    time = numpy.zeros(starts[-1], numpy.int64)
    time[where] = panel.time
    for series in lacking.tolist():
        end = int(starts[series] + panel.lengths[series])
        time[end : end + steps] = panel.future(series, steps)

    def spread(values: Numbers) -> Numbers:
        out = numpy.full((int(starts[-1]), values.shape[1]), numpy.nan, numpy.float32)
        out[where] = values
        return out

    ends: Rows = starts[:-1] + panel.lengths
    return dataclasses.replace(
        panel,
        starts=starts,
        ends=ends,
        time=time,
        target=spread(panel.target),
        past=spread(panel.past),
        known=spread(panel.known),
    )


def _refuse(panel: Panel, series: int, steps: int) -> None:
    have = int(panel.starts[series + 1] - panel.ends[series])
    at = int(panel.lengths[series]) + have
    where = f"series '{panel.ids[series]}', row {at + 1}"
    if panel.frequency is not None:
        where = place(panel.ids[series], at, int(panel.future(series, have + 1)[-1]), panel.layout)
    names = ", ".join(f"'{name}'" for name in panel.layout.known)
    raise DataError(
        f"{where}: {names} must be known for {steps} steps after the last observed one, and {have} are there; "
        "add a row for each step to come, with its time and these covariates and without a target"
    )
