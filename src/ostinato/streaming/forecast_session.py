"""A live session of a forecaster: what happened goes in step by step, what comes next comes out, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import LiveSeries, Panel, read_series
from ostinato.data.series.arrays import is_arrays
from ostinato.errors import DataError, OptionError, PlanError
from ostinato.heads.conformal import Conformal
from ostinato.heads.forecast_numbers import UNMOVED, decode, parameters_of
from ostinato.heads.scores import check_levels
from ostinato.plan import Plan
from ostinato.streaming.known_scales import scale_of
from ostinato.streaming.live_session import LiveSession
from ostinato.streaming.rows import Rows

Floats = NDArray[np.float64]


class Foreseen(NamedTuple):
    """What comes next: times [h] as numpy has them, means [h, K], and quantiles [h, K, L] at ``levels`` [L]."""

    time: NDArray[Any]
    mean: Floats
    levels: tuple[float, ...]
    quantiles: Floats


class ForecastSession(LiveSession):
    """A series as it comes, and at any moment the forecast that ``predict`` would make of it.

    ``push`` takes what happened, :meth:`answer` says what comes next. It begins with nothing, or after a ``history``
    (what ``predict`` takes; of several series ``id`` says which); a series that was not there in training has a scale
    by its history only. Conformal intervals learn from each answer that was given, as a backtest's do.
    """

    remembered = ("_rows", "_conformal")

    def __init__(self, plan: Plan, id: str | None = None, *, history: Any = None) -> None:
        super().__init__(plan)
        if self.reading.forecast is None or self.reading.window is None:
            raise OptionError(
                "a session of forecasts wanted a model of the task 'forecaster'; ost.stream() serves others"
            )
        told = self._told = dict(self.reading.forecast)
        if told["decoding"] != "direct":
            raise PlanError(
                "this forecaster draws sample paths, each step of which waits for the one before: it does not stream; "
                "train it with decoding='direct'"
            )
        self.horizon, self.levels = int(told["horizon"]), tuple(check_levels(told["levels"]).tolist())
        self._same = np.zeros(0, np.float32)
        self._categories: dict[str, int] = {}
        layout = self.features.layout
        read = len(self.features.columns) + 1 + len(layout.static)
        self._networks = int(told["members"])
        self.check_parts(read, self._networks * len(layout.target) * parameters_of(told["head"]))
        if history is None:
            self._from_nothing(id)
        else:
            self._after(history, id)

    def _from_nothing(self, id: str | None) -> None:
        features = self.features
        if features.layout.static or features.layout.categories:
            raise OptionError("this model is told what a series is; begin with a history of it: history=")
        if id is not None and id not in features.scales and features.scope != "panel" and features.scaling != "none":
            raise DataError(
                f"series '{id}' was not there in training, and its own past is its scale; begin with it: history="
            )
        offset, scale = scale_of(features, id)
        self.begin(LiveSeries(features, id or "", offset=offset, scale=scale))

    def _after(self, history: Any, id: str | None) -> None:
        """Begin after the observed rows of a series."""
        features, panel = self.features, self._read(history)
        series = 0
        if id is not None or len(panel) != 1:
            if id not in panel.ids:
                raise OptionError(
                    f"the history has the series {', '.join(panel.ids[:5])}; say by id= which one goes on, got {id!r}"
                )
            series = panel.ids.index(id)
        panel = panel.pick([series])
        scales = features.scale(panel, panel.ends, refit=is_arrays(history))
        live = LiveSeries.after(features, panel, 0, scales)
        self.begin(live)
        end = int(panel.ends[0])
        rows = np.arange(max(0, end - self._rows.count), end)
        for row in features.inputs(panel, rows, scales, np.zeros(len(rows), np.int64)):
            self._rows.add(row)
        self._same = features.statics(panel)[0]
        self._categories = {f"category{k}": int(number) for k, number in enumerate(panel.categories[0])}

    def _read(self, history: Any) -> Panel:
        if isinstance(history, Panel):
            self.features.check(history)
            return history
        words = {} if is_arrays(history) else dict(self._told["columns"])
        return read_series(history, like=self.features.layout, **words)

    def begin(self, live: LiveSeries) -> None:
        """Take a series."""
        assert self.reading.window is not None
        self.live = live
        self._rows = Rows(self.reading.window, len(self.features.columns))
        parts = self._told["conformal"]
        self._conformal = None if parts is None else [Conformal.from_dict(part) for part in parts]
        for one in self._conformal or ():
            if one.levels.tolist() != list(self.levels) or one.horizon != self.horizon:
                raise DataError("the conformal intervals of the file are of another forecast")
            one.seen = live.steps - 1

    def push(self, time: Any, values: Any, past: Any = (), known: Any = ()) -> None:
        """Take what a step brought: targets [K], covariates known up to now [P] and ahead [F], in their own units.

        None or NaN stands where there is no value. Steps of a regular series that were left out are missing ones. What
        is refused (:class:`~ostinato.errors.StreamError`) leaves the session as it was.
        """
        live = self.live
        at = live.order.moment(time)
        y, seen, ahead = live.scaled(values), live.covariates(past), live.known(known)
        left_out = live.order.between(at)
        if left_out:
            gone = live.scaled(None), live.covariates(None), live.known(None)
        live.check_lags(at)
        for between in left_out:
            self._take(between, None, *gone)
        self._take(at, values, y, seen, ahead)

    def _take(self, at: int, values: Any, y: Any, seen: Any, ahead: Any) -> None:
        live = self.live
        for one, truth in zip(self._conformal or (), self._truth(values), strict=False):
            one.observe(live.steps, truth)
        live.look_ahead(at, ahead)
        live.observe(at, y, seen)
        self._rows.add(live.x)

    def _truth(self, values: Any) -> list[float]:
        count = len(self.channels)
        if values is None:
            return [np.nan] * count
        truth: list[float] = np.asarray(values, np.float64).reshape(count).astype(np.float32).tolist()
        return truth

    def answer(self, known: Any = (), *, levels: Sequence[float] | None = None) -> Foreseen:
        """The next steps, as many as the model was trained to foretell: their means and quantiles.

        ``known`` [h, F] are the covariates known ahead of these steps, where the model reads such. ``levels`` are those
        of the model unless given.
        """
        live, h = self.live, self.horizon
        chosen = self.levels if levels is None else tuple(check_levels(levels).tolist())
        if self._conformal is not None and not set(chosen) <= set(self.levels):
            raise OptionError(
                f"conformal intervals were learnt for the levels {list(self.levels)}; ask for some of these"
            )
        x = self._joined(live.ahead(h, known))
        self._session.reset()
        raw = self._session.push(x, **self._categories)[-h:]
        own = chosen if self._conformal is None else self.levels
        mean, quantiles = self._decoded(raw.reshape(h, self._networks, len(self.channels), -1), own)
        if self._conformal is not None:
            for target, one in enumerate(self._conformal):
                # Who asks twice has one answer to learn from.
                one.pending = [told for told in one.pending if told.origin != self.steps]
                quantiles[:, target] = one.adjust(self.steps, quantiles[:, target].copy(), [live.scale[target]])
            quantiles = quantiles[..., [own.index(level) for level in chosen]]
        return Foreseen(self._stamps(live.order.ahead(h)), mean, chosen, quantiles)

    def _joined(self, ahead: Any) -> NDArray[np.float32]:
        """The steps that the network reads, each before what it foretells: [n - 1 + h, W]."""
        rows, seen = self._rows.last(), len(self.features.observed)
        n, columns = rows.shape
        x = np.zeros((n - 1 + self.horizon, columns + 1 + len(self._same)), np.float32)
        x[:n, :seen] = rows[:, :seen]
        x[: n - 1, seen:columns] = rows[1:, seen:]
        x[n - 1 :, seen:columns] = ahead
        # Nothing is observed of these any more.
        x[n:, columns] = 1
        x[:, columns + 1 :] = self._same
        return x

    def _decoded(self, raw: Any, levels: tuple[float, ...]) -> tuple[Floats, Floats]:
        head, point = self._told["head"], self._told["head"]["kind"] == "point"
        shift = None if head["kind"] in UNMOVED else self.live.offset
        mean, quantiles = decode(head, raw, () if point else levels, scale=self.live.scale, shift=shift)
        if point:
            # All of its quantiles are the point itself, until conformal intervals move them.
            quantiles = np.repeat(mean[..., None], len(levels), -1)
        # Networks that answer as one answer by the mean of their quantiles.
        return np.asarray(mean, np.float64).mean(1), np.maximum.accumulate(quantiles.mean(1), -1)

    def _stamps(self, times: NDArray[np.int64]) -> NDArray[Any]:
        """Times as the series' own clock shows them."""
        if self.features.layout.clock == "number":
            return times
        local: NDArray[Any] = self.live.order.zone.local(times).astype("datetime64[ns]")
        return local

    def told(self) -> dict[str, Any]:
        """What else is remembered, as plain data."""
        conformal = None if self._conformal is None else [one.to_dict() for one in self._conformal]
        same = {"same": self._same.tolist(), "categories": self._categories}
        return {"rows": self._rows.last().tolist(), "conformal": conformal, **same}

    def heard(self, kept: dict[str, Any]) -> dict[str, Any]:
        """The inverse of :meth:`told`."""
        layout = self.features.layout
        rows = Rows.of(kept["rows"], self._rows.count, len(self.features.columns))
        parts = kept["conformal"]
        if (parts is None) != (self._conformal is None) or (parts is not None and len(parts) != len(layout.target)):
            raise ValueError("the conformal intervals are those of another model")
        conformal = None if parts is None else [Conformal.from_dict(part) for part in parts]
        same = np.array(kept["same"], np.float32).reshape(len(layout.static))
        categories = {str(name): int(number) for name, number in dict(kept["categories"]).items()}
        if set(categories) != {f"category{k}" for k in range(len(layout.categories))} or not np.isfinite(same).all():
            raise ValueError("what a series is stands in another form")
        return {"_rows": rows, "_conformal": conformal, "_same": same, "_categories": categories}
