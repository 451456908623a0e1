"""Forecasts from many origins: where they begin, how they are made, and how earlier ones put later ones right."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Panel, Scales
from ostinato.errors import DataError, OptionError
from ostinato.heads.conformal import Conformal
from ostinato.tasks.forecast_evaluation import Foretold
from ostinato.tasks.forecast_options import context_of
from ostinato.tasks.text_training import few_threads

if TYPE_CHECKING:
    from ostinato.data.series import SeriesBatches

Rows = NDArray[np.int64]
# A batch of windows holds at most this many numbers.
_AT_ONCE = 1 << 22


def rolling_origins(
    panel: Panel, horizon: int, steps: int | None, stride: int, begin: Any = None, until: Any = None
) -> Rows:
    """The rows of a panel from which the last steps of each series are foretold, ``stride`` apart: int64 [W].

    Or those from ``begin`` [S] on and before ``until`` [S]; a series without room for one has none.
    """
    for name, value in (("steps", steps), ("stride", stride)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise OptionError(f"{name} wanted a whole number from 1 on, got {value!r}")
    if steps is not None and steps < horizon:
        raise OptionError(f"steps={steps} is less than a horizon of {horizon}: there is nothing to compare; give more")
    ends = panel.ends if until is None else np.minimum(until, panel.ends)
    if begin is None:
        last = np.minimum(10 * horizon, np.maximum(panel.lengths // 2, horizon)) if steps is None else steps
        begin = np.maximum(ends - last, panel.starts[:-1] + 1)
        if (ends - begin < horizon).all():
            longest = int(panel.lengths.argmax())
            raise DataError(
                f"no series is longer than a horizon of {horizon}; the longest, '{panel.ids[longest]}', has "
                f"{int(panel.lengths[longest])} rows: give a shorter horizon, or more data"
            )
        if steps is not None:
            _check_steps(panel, horizon, steps)
    spans = zip(begin.tolist(), ends.tolist(), strict=True)
    found = [np.arange(a, b - horizon + 1, stride) for a, b in spans]
    return np.concatenate([*found, np.zeros(0, np.int64)]).astype(np.int64)


def _check_steps(panel: Panel, horizon: int, steps: int) -> None:
    """Refuse steps that no series has beside one to begin from; say of which series there are fewer."""
    short = panel.lengths <= steps
    if short.all():
        longest = int(panel.lengths.argmax())
        raise DataError(
            f"steps={steps} leaves nothing to forecast from; the longest series, '{panel.ids[longest]}', has "
            f"{int(panel.lengths[longest])} rows: give fewer steps, or more data"
        )
    if short.any():
        first = int(short.argmax())
        warnings.warn(
            f"{int(short.sum())} of {len(panel)} series have too few rows for steps={steps}: the first, "
            f"'{panel.ids[first]}', has {int(panel.lengths[first])}; of these all is foretold that leaves a row before "
            f"it, and nothing where that is less than a horizon of {horizon}",
            RuntimeWarning,
            stacklevel=4,
        )


def foretell(
    forecaster: Any, panel: Panel, origins: Rows, horizon: int, levels: Sequence[float], scales: Scales
) -> Foretold:
    """The forecasts from some rows of a panel, as the network makes them."""
    series = panel.series_of(origins - 1)
    ahead = origins[:, None] + np.arange(horizon)
    if forecaster.decoding == "autoregressive":
        paths = drawn(forecaster, panel, origins, horizon, forecaster.paths, scales).astype(np.float64)
        mean = paths.mean(1)
        quantiles = np.moveaxis(np.quantile(paths, levels, axis=1), 0, -1)
    else:
        told = []
        point = forecaster.head == "point"
        for batch in _batches(forecaster, panel, origins, horizon, scales).epoch(0):
            with few_threads(batch.inputs.shape[0] * batch.inputs.shape[1]):
                told.append(forecaster.model_.foresee(batch, () if point else levels))
        mean = np.concatenate([part.mean.double().numpy() for part in told])
        quantiles = np.concatenate([part.quantiles.double().numpy() for part in told])
        if point:
            # All of its quantiles are the point itself, until conformal intervals move them.
            quantiles = np.repeat(mean[..., None], len(levels), -1)
    # Single precision of the data's own units may round two quantiles to where they cross.
    return Foretold(
        ids=panel.ids,
        targets=panel.layout.target,
        levels=tuple(levels),
        series=series,
        origin=origins - panel.starts[series],
        time=panel.stamps(panel.time[ahead]),
        truth=np.where(
            (ahead < panel.ends[series][:, None])[..., None], panel.target[np.minimum(ahead, panel.rows - 1)], np.nan
        ).astype(np.float64),
        mean=mean,
        quantiles=np.maximum.accumulate(quantiles, -1),
    )


def drawn(
    forecaster: Any, panel: Panel, origins: Rows, horizon: int, paths: int, scales: Scales
) -> NDArray[np.float32]:
    """Draws from some rows of a panel: [W, paths, h, K]."""
    if forecaster.decoding == "autoregressive":
        from ostinato.tasks.forecast_paths import sample_paths

        batches = _batches(forecaster, panel, origins, 1, scales)
        with few_threads(paths):
            return sample_paths(forecaster.model_, batches, horizon, paths, forecaster.seed)
    import torch

    if forecaster.head == "point":
        raise OptionError("a point forecast has no distribution to draw from; train with another head")
    generator = torch.Generator().manual_seed(forecaster.seed)
    found = []
    for batch in _batches(forecaster, panel, origins, horizon, scales).epoch(0):
        found.append(forecaster.model_.draw(batch, paths, generator).numpy())
    drawn: NDArray[np.float32] = np.concatenate(found)
    return drawn


def _batches(forecaster: Any, panel: Panel, origins: Rows, horizon: int, scales: Scales) -> SeriesBatches:
    from ostinato.data.series import SeriesBatches

    context = context_of(forecaster)
    size = max(1, min(256, _AT_ONCE // ((context + horizon) * len(forecaster.features_.columns))))
    features = forecaster.features_
    return SeriesBatches(
        *(panel, features),
        context=context,
        horizon=horizon,
        size=size,
        origins=origins,
        scales=scales,
        shuffle=False,
    )


def calibrated(told: Foretold, scales: Scales) -> list[Conformal]:
    """What forecasts of steps held out say about how far quantiles miss: one for each target."""
    found = []
    for target in range(len(told.targets)):
        one = Conformal(told.levels, told.truth.shape[1])
        one.start(told.truth[..., target], told.quantiles[:, :, target], scales.scale[told.series, target])
        found.append(one)
    return found


def adjusted(told: Foretold, panel: Panel, conformal: Sequence[Conformal], scales: Scales) -> Foretold:
    """Forecasts whose quantiles were moved, each series by itself, by what was known at their origins."""
    quantiles = told.quantiles.copy()
    horizon = told.truth.shape[1]
    for series in np.unique(told.series).tolist():
        places = np.flatnonzero(told.series == series)
        places = places[np.argsort(told.origin[places], kind="stable")]
        origins = told.origin[places].tolist()
        start, end = int(panel.starts[series]), int(panel.ends[series])
        for target, learnt in enumerate(conformal):
            one = _shortened(learnt, horizon)
            # Nothing is pending, so that steps before the first origin have nothing to teach.
            one.seen = origins[0] - 1
            truth = panel.target[start:end, target]
            size = float(scales.scale[series, target])
            quantiles[places, :, target] = one.run(truth, origins, told.quantiles[places, :, target], size)
    return dataclasses.replace(told, quantiles=quantiles)


def _shortened(learnt: Conformal, horizon: int) -> Conformal:
    """A copy for the first steps of the horizon."""
    one = copy.deepcopy(learnt)
    one.horizon, one.aims, one.misses = horizon, one.aims[:horizon], one.misses[:horizon]
    return one


def joined(parts: Sequence[Foretold]) -> Foretold:
    """Forecasts of one panel one after another, in the order of series and origins."""
    names = ("series", "origin", "time", "truth", "mean", "quantiles")
    whole: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.lexsort((whole["origin"], whole["series"]))
    return dataclasses.replace(parts[0], **{name: values[order] for name, values in whole.items()})
