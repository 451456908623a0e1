"""A live watch over a series: one value in, its score and whether it alarms out, without torch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, LiveSeries, Panel, Scales
from ostinato.errors import ArtifactError, DataError, OptionError, StreamError
from ostinato.heads.alarm import Alarm, Alarms, Detection
from ostinato.plan import Plan
from ostinato.streaming.known_scales import scale_of
from ostinato.streaming.live_session import LiveSession

Floats = NDArray[np.float32]


class Seen(NamedTuple):
    """What a watch says of one step.

    ``score`` and ``threshold`` are in nats of surprise, ``channel`` is the one that caused the score (None where no
    value was known), ``alarm`` is True at the first step of a range and ``above`` at every step over the threshold.
    ``ended`` is the range that this step ended, if it ended one, counted in steps from the first one.
    """

    time: int
    score: float
    threshold: float
    channel: str | None
    alarm: bool
    above: bool
    ended: Detection | None


class Watched(NamedTuple):
    """What a watch found in a whole series: the alarms, and for each step the values that were expected [n, K]."""

    found: Alarms
    expected: NDArray[np.float64]


class Watch(LiveSession):
    """One series under the eyes of a detector; it keeps the network's state and the threshold between steps.

    ``push`` takes the values of a step with its time; :meth:`run` judges a whole series in one go, to the same bits.
    ``unscored`` says in how many steps at the beginning nothing alarms, where the detector's own is not meant.
    """

    remembered = ("alarm",)

    def __init__(self, plan: Plan, id: str | None = None, *, unscored: int | None = None) -> None:
        super().__init__(plan)
        if self.reading.alarm is None:
            raise OptionError("a watch wanted a model of the task 'anomaly-detector'; ost.stream() serves others")
        self._options = dict(self.reading.alarm)
        if unscored is not None:
            self._options["warmup"] = unscored
        offset, scale = scale_of(self.features, id)
        self.begin(LiveSeries(self.features, id or "", offset=offset, scale=scale))
        self.check_parts(len(self.features.columns), len(self.channels))

    def begin(self, live: LiveSeries) -> None:
        """Take a series, from a beginning."""
        self.live = live
        try:
            self.alarm = Alarm(len(self.channels), **self._options)
        except TypeError as error:
            raise ArtifactError(f"the model does not say how to alarm: {error}") from error
        self._foretold: Any = None

    def push(self, time: Any, values: Any) -> Seen:
        """Judge the values of a step, one for each channel [K]; None or NaN where there is none.

        ``time`` is what the series' times are: a time (text, datetime, datetime64, or nanoseconds since 1970), or a
        whole number. Where steps of a regular series were left out, they are run as missing ones. What is refused
        (:class:`~ostinato.errors.StreamError`) leaves the watch as it was.
        """
        live = self.live
        at = live.order.moment(time)
        y = live.scaled(values)
        ended = None
        for left_out in live.order.between(at):
            ended = self._step(left_out, live.scaled(None)).ended or ended
        seen = self._step(at, y)
        return seen if ended is None else seen._replace(ended=ended)

    def _step(self, at: int, y: Any) -> Seen:
        live = self.live
        if live.order.steps:
            live.look_ahead(at)
            self._foretold = self._session.push(live.x)
            errors = (y - self._foretold).tolist()
        else:
            errors = [np.nan] * len(y)
        score, threshold, cause, alarm, above, ended = self.alarm.step(errors[0] if len(errors) == 1 else errors)
        live.observe(at, y)
        return Seen(at, score, threshold, self.channels[cause] if cause >= 0 else None, alarm, above, ended)

    def expected(self) -> NDArray[np.float64]:
        """The values that were expected at the last step, in the units of the data [K]; NaN at the first one."""
        if self._foretold is None:
            return np.full(len(self.channels), np.nan)
        foretold: NDArray[np.float64] = self._foretold.astype(np.float64)
        return foretold * self.live.scale + self.live.offset

    def run(self, panel: Panel, series: int = 0) -> Watched:
        """Judge all observed steps of a series of a panel, as ``push`` does from the beginning of one."""
        if self.live.steps:
            raise StreamError("a whole series is judged from its beginning; reset the watch first")
        self.features.check(panel)
        offset, scale = scale_of(self.features, panel.ids[series])
        x, y = read_whole(self.features, panel, series, offset, scale)
        foretold = np.full(y.shape, np.nan, np.float32)
        if len(x):
            foretold[1:] = self._session.push(np.ascontiguousarray(x))
        found = self.alarm.run(y - foretold)
        self.reset()
        return Watched(found, foretold.astype(np.float64) * scale + offset)

    def told(self) -> dict[str, Any]:
        """What else is remembered, as plain data."""
        return {"alarm": self.alarm.to_dict()}

    def heard(self, kept: dict[str, Any]) -> dict[str, Any]:
        """The inverse of :meth:`told`."""
        alarm = Alarm.from_dict(kept["alarm"])
        if len(alarm.channels) != len(self.channels):
            raise DataError(f"an alarm of {len(alarm.channels)} channels")
        return {"alarm": alarm, "_foretold": None}


def read_whole(features: Features, panel: Panel, series: int, offset: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """What is read before each step but the first, x [n - 1, D], and the scaled values y [n, K], NaN where missing."""
    shape = (len(panel), len(offset))
    scales = Scales(np.broadcast_to(offset, shape).copy(), np.broadcast_to(scale, shape).copy())
    begin, end = int(panel.starts[series]), int(panel.ends[series])
    rows = np.arange(begin, end)
    with np.errstate(over="ignore"):
        columns = features.inputs(panel, rows, scales, np.full(len(rows), series))
        y: Floats = (panel.target[begin:end] - offset) / scale
    if np.isinf(y).any():
        row, channel = np.argwhere(np.isinf(y))[0].tolist()
        raise DataError(
            f"{panel.place(begin + row)}: '{features.layout.target[channel]}' is infinite or far too large, "
            f"{panel.target[begin + row]!r:.60}; give None where there is no value"
        )
    seen = len(features.observed)
    return np.concatenate([columns[:-1, :seen], columns[1:, seen:]], axis=1), y
