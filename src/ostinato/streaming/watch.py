"""A live watch over a series: one value in, its score and whether it alarms out, without torch."""

from __future__ import annotations

import copy
import json
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, LiveSeries, Panel, Scales
from ostinato.errors import ArtifactError, DataError, OptionError, OstinatoError, StreamError
from ostinato.heads.alarm import Alarm, Alarms, Detection
from ostinato.plan import Plan
from ostinato.streaming.known_scales import scale_of
from ostinato.streaming.session import Session
from ostinato.streaming.snapshot import pack, unpack

Floats = NDArray[np.float32]
_SIZE = struct.Struct("<Q")


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


class Watch:
    """One series under the eyes of a detector; it keeps the network's state and the threshold between steps.

    ``push`` takes the values of a step with its time; :meth:`run` judges a whole series in one go, to the same bits.
    ``unscored`` says in how many steps at the beginning nothing alarms, where the detector's own is not meant.
    :meth:`snapshot` and :meth:`restore` keep all as bytes, :meth:`reset` begins anew, :meth:`fork` begins another watch
    where this one stands. Watches of one model share its weights.
    """

    def __init__(self, plan: Plan, id: str | None = None, *, unscored: int | None = None) -> None:
        if plan.watched is None:
            raise OptionError("a watch wanted a model of the task 'anomaly-detector'; ost.stream() serves others")
        self.plan, self.features = plan, Features.from_dict(plan.watched["features"])
        self._options = dict(plan.watched["alarm"])
        if unscored is not None:
            self._options["warmup"] = unscored
        self._session = Session(plan)
        self._begin(id)
        self._check_parts()

    def _begin(self, id: str | None) -> None:
        offset, scale = scale_of(self.features, id)
        self.name, self.feed = id, LiveSeries(self.features, id or "", offset=offset, scale=scale)
        try:
            self.alarm = Alarm(len(self.channels), **self._options)
        except TypeError as error:
            raise ArtifactError(f"the model does not say how to alarm: {error}") from error
        self._foretold: Any = None

    def _check_parts(self) -> None:
        wanted, width = len(self.features.columns), self._session.inputs.get("x")
        if width != wanted or self._session.width != len(self.channels):
            raise ArtifactError(
                f"the network reads {width} numbers and foretells {self._session.width}; the features are {wanted} of "
                f"{len(self.channels)} channels"
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are watched, in the order in which ``push`` takes them."""
        return self.features.layout.target

    @property
    def steps(self) -> int:
        """How many steps have come, those left out among them."""
        return self.feed.steps

    def push(self, time: Any, values: Any) -> Seen:
        """Judge the values of a step, one for each channel [K]; None or NaN where there is none.

        ``time`` is what the series' times are: a time (text, datetime, datetime64, or nanoseconds since 1970), or a
        whole number. Where steps of a regular series were left out, they are run as missing ones. What is refused
        (:class:`~ostinato.errors.StreamError`) leaves the watch as it was.
        """
        feed = self.feed
        at = feed.order.moment(time)
        y = feed.scaled(values)
        ended = None
        for left_out in feed.order.between(at):
            ended = self._step(left_out, feed.scaled(None)).ended or ended
        seen = self._step(at, y)
        return seen if ended is None else seen._replace(ended=ended)

    def _step(self, at: int, y: Any) -> Seen:
        feed = self.feed
        if feed.order.steps:
            feed.look_ahead(at)
            self._foretold = self._session.push(feed.x)
            errors = (y - self._foretold).tolist()
        else:
            errors = [np.nan] * len(y)
        score, threshold, cause, alarm, above, ended = self.alarm.step(errors[0] if len(errors) == 1 else errors)
        feed.observe(at, y)
        return Seen(at, score, threshold, self.channels[cause] if cause >= 0 else None, alarm, above, ended)

    def expected(self) -> NDArray[np.float64]:
        """The values that were expected at the last step, in the units of the data [K]; NaN at the first one."""
        if self._foretold is None:
            return np.full(len(self.channels), np.nan)
        foretold: NDArray[np.float64] = self._foretold.astype(np.float64)
        return foretold * self.feed.scale + self.feed.offset

    def run(self, panel: Panel, series: int = 0) -> Watched:
        """Judge all observed steps of a series of a panel, as ``push`` does from the beginning of one."""
        if self.feed.steps:
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

    def reset(self) -> None:
        """Begin a new series, under the same id."""
        self._session.reset()
        self._begin(self.name)

    def fork(self) -> Watch:
        """Another watch that stands where this one stands; from now on each goes its own way."""
        other = Watch.__new__(Watch)
        other.__dict__.update(self.__dict__)
        other._session = self._session.fork()
        other.feed, other.alarm = (
            copy.deepcopy(self.feed, {id(self.features): self.features}),
            copy.deepcopy(self.alarm),
        )
        return other

    def snapshot(self) -> bytes:
        """All that this watch remembers, as bytes for :meth:`restore`, bound to the model."""
        text = json.dumps({"series": self.feed.to_dict(), "alarm": self.alarm.to_dict()}, allow_nan=False).encode()
        return pack(self.plan.digest, _SIZE.pack(len(text)) + text + self._session.snapshot())

    def restore(self, data: bytes) -> None:
        """Go on where a snapshot of the same model was taken.

        Raises :class:`~ostinato.errors.StreamError` for bytes of another model, cut off or changed; the watch is then
        as it was.
        """
        content = unpack(data, self.plan.digest)
        try:
            (size,) = _SIZE.unpack_from(content)
            kept = json.loads(content[_SIZE.size : _SIZE.size + size])
            feed, alarm = LiveSeries.from_dict(self.features, kept["series"]), Alarm.from_dict(kept["alarm"])
            if len(alarm.channels) != len(self.channels):
                raise DataError(f"an alarm of {len(alarm.channels)} channels")
            self._session.restore(content[_SIZE.size + size :])
        except StreamError:
            raise
        except (OstinatoError, ValueError, TypeError, KeyError, struct.error) as error:
            raise StreamError(f"this is no state of a watch over series: {error}; take it again") from error
        self.name, self.feed, self.alarm, self._foretold = feed.id or None, feed, alarm, None

    def __repr__(self) -> str:
        return f"<watch over {', '.join(self.channels)}, {self.steps} steps>"


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
