"""Columns that a predictor of life reads beside the channels: how old a unit is, and how far from how it began."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import DataError
from ostinato.tasks.series_examples import SeriesExamples

# What the columns are called.
AGE, SINCE = "steps run", " since the start"


def worn(examples: SeriesExamples, *, age: bool, baseline: int) -> SeriesExamples:
    """Units with columns beside their channels: their steps from 1 on, and how far each channel is from its beginning.

    >>> from ostinato.data.series import read_series
    >>> units = SeriesExamples(read_series([[5.0, 7.0, 9.0], [7.0]]))
    >>> worn(units, age=True, baseline=2).panel.past.tolist()
    [[1.0, 0.0], [2.0, 1.0], [3.0, 3.0], [1.0, 0.0]]

    With a ``baseline`` the beginning is the mean of what a channel showed in the unit's first so many steps, as far as
    they have come; 0 leaves it out. Where a channel shows nothing, or has not yet, it is not away from anything: 0.
    """
    panel = examples.panel
    if panel.layout.past or panel.layout.known:
        raise DataError("units are told by their channels; give all columns as channels, not as covariates")
    if age:
        steps = np.arange(panel.rows) - np.repeat(panel.starts[:-1], np.diff(panel.starts)) + 1
        examples = _beside(examples, (AGE,), steps[:, None])
    if baseline:
        spans = zip(panel.starts[:-1].tolist(), panel.ends.tolist(), strict=True)
        away = np.zeros(panel.target.shape)
        for begin, end in spans:
            away[begin:end] = since_start(panel.target[begin:end].astype(np.float64), baseline)
        examples = _beside(examples, tuple(name + SINCE for name in panel.layout.target), away)
    return examples


def since_start(values: NDArray[np.float64], first: int) -> NDArray[np.float64]:
    """How far values [T, C] are at each step from the mean of the first steps up to there, ``first`` at most.

    >>> since_start(np.array([[np.nan], [2.0], [4.0], [9.0]]), 3).ravel().tolist()
    [0.0, 0.0, 1.0, 6.0]
    """
    seen = ~np.isnan(values)
    # From the first value seen: what never changes is then exactly 0 away.
    origin = np.take_along_axis(values, seen.argmax(0)[None], 0)
    moved = np.where(seen, values - origin, 0.0)
    counts = np.maximum(seen[:first].cumsum(0), 1)
    means = moved[:first].cumsum(0) / counts
    at = np.minimum(np.arange(len(values)), len(means) - 1)
    away: NDArray[np.float64] = np.where(seen, moved - means[at], 0.0)
    return away


def _beside(examples: SeriesExamples, names: tuple[str, ...], values: NDArray[np.generic]) -> SeriesExamples:
    panel = examples.panel
    layout = dataclasses.replace(panel.layout, past=(*panel.layout.past, *names))
    past = np.concatenate([panel.past, values.astype(np.float32)], axis=1)
    return dataclasses.replace(examples, panel=dataclasses.replace(panel, past=past, layout=layout))
