"""From forecast errors to alarms, one step at a time, with a threshold that adapts; with numpy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ostinato.errors import DataError, OptionError, ShapeError, StreamError
from ostinato.heads.surprise import TAIL_SURPRISE, Surprise, finite

# How much an alarm raises the threshold, and how far that may go either way.
_GAIN, _LEAST, _MOST = 0.5, -3.0, 10.0


class Reading(NamedTuple):
    """One step: its score and the threshold, in nats of surprise; the channel that caused the score; whether it alarms.

    ``alarm`` is True at the first step of a range, ``above`` at every step over the threshold. ``ended`` is the range
    that this step ended, if it ended one. A step without any known error has a score of NaN and the channel -1.
    """

    score: float
    threshold: float
    channel: int
    alarm: bool
    above: bool
    ended: Detection | None


class Detection(NamedTuple):
    """A range of steps, the end not included: its highest score, the step and the channel of that."""

    start: int
    end: int
    peak: float
    step: int
    channel: int


class Alarms(NamedTuple):
    """What a run found: scores, thresholds and channels [T], the steps that alarm, the ranges; the last may be open."""

    scores: npt.NDArray[np.float64]
    thresholds: npt.NDArray[np.float64]
    channels: npt.NDArray[np.int64]
    alarms: list[int]
    ranges: list[Detection]


class Alarm:
    """Watches the errors of forecasts, one step at a time, and says which are worth an alarm.

    z = (e - middle) / scale,  score = max over channels and spans of - log (share of steps with at least this |mean z|)
    alarm where score > threshold,  threshold = log(1000 C S / budget) + r

    Middle and scale follow each channel's errors, robustly, over about ``memory`` steps. Beside the error itself, the
    mean over each of the ``spans`` (S of them) is judged, since a failing machine often errs a little for long. Of each
    the largest fiftieth is taken as an exponential tail, whose begin and mean excess follow over about ``reach`` steps;
    so a score is the logarithm of a chance, comparable between channels. r follows the alarms: each raises it, each
    quiet step lowers it a little, so that in the long run about ``budget`` alarms come in 1,000 steps.

    An alarm begins a range, which lasts until the score has stayed below the threshold for ``cooldown`` steps; there
    is no second alarm inside it. In the first ``warmup`` steps nothing alarms. An error of NaN is missing and its
    channel stays as it is.

    >>> watch = Alarm(cooldown=5, warmup=50)
    >>> noise = [0.1 * (-1) ** step for step in range(100)]
    >>> found = watch.run(noise + [3.0, 3.0] + noise)
    >>> found.alarms, found.ranges[0].start, found.ranges[0].channel
    ([100], 100, 0)

    A tail beyond an edge that adapts: Siffer et al., 2017 (doi:10.1145/3097983.3098144), here with an exponential tail
    and steps that forget. Means of surprise beside surprise: Lavin & Ahmad, 2015 (arXiv:1510.03336).
    """

    def __init__(
        self,
        channels: int = 1,
        *,
        budget: float = 1.0,
        cooldown: int = 48,
        warmup: int = 200,
        memory: int = 200,
        reach: int = 2000,
        spans: Sequence[int] = (1, 12),
    ) -> None:
        least = {"channels": (channels, 1), "cooldown": (cooldown, 0), "warmup": (warmup, 0)}
        least |= {"memory": (memory, 2), "reach": (reach, 50)}
        for name, (number, bound) in least.items():
            if isinstance(number, bool) or not isinstance(number, int) or number < bound:
                raise OptionError(f"{name} wanted a whole number of at least {bound}, got {number!r}")
        if not 0 < budget <= 1000:
            raise OptionError(f"budget wanted alarms in 1,000 steps, above 0 and at most 1000, got {budget!r}")
        if not len(spans) or any(isinstance(s, bool) or not isinstance(s, int) or s < 1 for s in spans):
            raise OptionError(f"spans wanted whole numbers of steps of at least 1, got {list(spans)}")
        self.options: dict[str, Any] = {
            "channels": channels,
            "budget": float(budget),
            "cooldown": cooldown,
            "warmup": warmup,
            "memory": memory,
            "reach": reach,
            "spans": list(spans),
        }
        self.budget, self.cooldown, self.warmup = float(budget), cooldown, warmup
        self.channels = [Surprise(memory, reach, tuple(spans)) for _ in range(channels)]
        self.usual = math.log(1000 * channels * len(spans) / self.budget)
        self.steps, self.raised = 0, 0.0
        self.open: Detection | None = None

    @property
    def threshold(self) -> float:
        """The score above which the next step alarms."""
        return max(self.usual + self.raised, TAIL_SURPRISE)

    def limits(self) -> list[tuple[float, float]]:
        """For each channel the errors below and above which the next step alarms by itself, in the units of the data.

        Without a span of 1 no single error is judged, and the limits are infinite.
        """
        return [channel.limits(self.threshold) for channel in self.channels]

    def step(self, errors: npt.ArrayLike) -> Reading:
        """Judge the errors of one step: a number, or one for each channel [C]; NaN where there is none."""
        values = self._checked(errors)
        place, self.steps = self.steps, self.steps + 1
        score, cause = math.nan, -1
        for number, value in enumerate(values):
            if value == value:
                surprise = self.channels[number].score(value)
                if cause < 0 or surprise > score:
                    score, cause = surprise, number
        ended = None
        if self.open is not None and place - self.open.end >= self.cooldown:
            ended, self.open = self.open, None
        threshold = self.threshold
        if cause < 0:
            return Reading(score, threshold, cause, False, False, ended)
        above = score > threshold and place >= self.warmup
        alarm = above and self.open is None
        if above:
            self._extend(place, score, cause)
        if place >= self.warmup:
            self.raised += _GAIN * (float(alarm) - self.budget / 1000)
            self.raised = max(_LEAST, min(_MOST, self.raised))
        return Reading(score, threshold, cause, alarm, above, ended)

    def _extend(self, place: int, score: float, cause: int) -> None:
        if self.open is None:
            self.open = Detection(place, place + 1, score, place, cause)
        elif score > self.open.peak:
            self.open = Detection(self.open.start, place + 1, score, place, cause)
        else:
            self.open = self.open._replace(end=place + 1)

    def run(self, errors: npt.ArrayLike) -> Alarms:
        """Judge the errors [T] or [T, C] of many steps, one after another, as ``step`` does; then go on from there."""
        rows = np.asarray(errors, np.float64)
        if rows.ndim not in (1, 2) or (rows.ndim == 2 and rows.shape[1] != len(self.channels)):
            raise ShapeError(f"errors wanted [T, {len(self.channels)}], got {list(rows.shape)}")
        if np.isinf(rows).any():
            raise StreamError(
                f"row {int(np.argwhere(np.isinf(rows))[0, 0])} of the errors is infinite; missing ones are NaN"
            )
        begin = self.steps
        readings = [self.step(row) for row in rows]
        ranges = [reading.ended for reading in readings if reading.ended is not None]
        return Alarms(
            np.array([reading.score for reading in readings], np.float64),
            np.array([reading.threshold for reading in readings], np.float64),
            np.array([reading.channel for reading in readings], np.int64),
            [begin + number for number, reading in enumerate(readings) if reading.alarm],
            ranges if self.open is None else [*ranges, self.open],
        )

    def _checked(self, errors: npt.ArrayLike) -> list[float]:
        values: list[float] = (
            [float(errors)] if isinstance(errors, float) else np.asarray(errors, np.float64).reshape(-1).tolist()
        )
        if len(values) != len(self.channels):
            raise ShapeError(f"a step wanted errors of {len(self.channels)} channels, got {len(values)}")
        for number, value in enumerate(values):
            if math.isinf(value):
                raise StreamError(f"step {self.steps}: the error of channel {number} is infinite; a missing one is NaN")
        return values

    def to_dict(self) -> dict[str, Any]:
        """Options and state as plain data."""
        parts = [channel.to_dict() for channel in self.channels]
        opened = None if self.open is None else list(self.open)
        return {"options": self.options, "steps": self.steps, "raised": self.raised, "open": opened, "channels": parts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Alarm:
        """The same watch again, at the same step, from what ``to_dict`` gave."""
        try:
            made = cls(**data["options"])
            made.steps, made.raised = int(data["steps"]), finite(data["raised"])
            if data["open"] is not None:
                start, end, peak, step, cause = data["open"]
                made.open = Detection(int(start), int(end), finite(peak), int(step), int(cause))
            for channel, part in zip(made.channels, data["channels"], strict=True):
                channel.restore(part)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"this is no state of an alarm: {error}") from error
        return made
