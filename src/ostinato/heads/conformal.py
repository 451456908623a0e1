"""Quantiles that are put right by what happened: adaptive conformal forecasts, with numpy alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.heads.distribution_functions import Floats
from ostinato.heads.scores import check_levels


class _Pending(NamedTuple):
    """A forecast whose truth is not known yet: its first step, what it said, what was answered [S, H, L], scale [S]."""

    origin: int
    said: Floats
    answered: Floats
    scale: Floats


class Conformal:
    """Moves the quantiles of each step ahead by what such quantiles missed by, and learns how far to move.

    answer_p = q_p + scale * (the quantile at level a_p of the last misses (y - q_p) / scale)
    after each truth:  a_p <- a_p + rate * (p - [y <= answer_p]),  from a_p = p

    Every step ahead and every level has misses and an a_p of its own, so the two ends of an interval move by
    themselves. A point forecast is one whose quantiles are all the same. The answers never cross. Whatever the data do,
    the share of truths below each answer tends to its level; how fast, and how much it then wavers, is ``rate``.

    >>> fan = Conformal(levels=[0.1, 0.9], horizon=1, rate=0.05)
    >>> fan.start(truth=[[-2.0], [0.0], [2.0]], quantiles=np.zeros((3, 1, 2)))
    >>> fan.adjust(origin=7, quantiles=[[5.0, 5.0]]).tolist()
    [[3.0, 7.0]]
    >>> fan.observe(step=7, value=9.0)
    >>> fan.adjust(origin=8, quantiles=[[5.0, 5.0]]).tolist()
    [[3.0, 9.0]]

    ``origin`` is the first step that a forecast tells of, so a forecast of H steps tells of origin ... origin + H - 1.
    ``window`` is how many of the last misses count, for each step ahead. Several series share misses and levels, and
    those of one step count at the least: then arrays have an axis S in front, and ``scale`` [S] gives the size of each.
    A truth of NaN is missing and changes nothing. Where a_p leaves the numbers from 0 to 1, the answer lies beyond all
    misses seen, by their own range in proportion, where the theory says infinity.

    Gibbs & Candes, 2021 (arXiv:2106.00170); misses of quantiles: Romano et al., 2019 (arXiv:1905.03222).
    """

    def __init__(
        self, levels: Sequence[float], horizon: int, *, rate: float = 0.02, window: int = 200, series: int = 1
    ) -> None:
        self.levels = check_levels(levels)
        for name, number in (("horizon", horizon), ("window", window), ("series", series)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise OptionError(f"{name} wanted a whole number of at least 1, got {number!r}")
        if not 0 <= rate < 1:
            raise OptionError(f"rate wanted a number of at least 0 and below 1, got {rate!r}")
        self.horizon, self.rate, self.window, self.series = horizon, float(rate), window, series
        self.kept = max(window, series)
        self.aims: Floats = np.tile(self.levels, (horizon, 1))
        self.misses: list[Floats] = [np.empty((0, len(self.levels))) for _ in range(horizon)]
        self.pending: list[_Pending] = []
        self.seen = -1

    def start(self, truth: npt.ArrayLike, quantiles: npt.ArrayLike, scale: npt.ArrayLike | None = None) -> None:
        """Take the misses of forecasts that were not trained on: truth [n, H], quantiles [n, H, L], scale [n]."""
        y, q = np.asarray(truth, np.float64), np.asarray(quantiles, np.float64)
        if y.ndim != 2 or y.shape[1] != self.horizon or q.shape != (*y.shape, len(self.levels)):
            raise ShapeError(
                f"a start wanted truth [n, {self.horizon}] and quantiles [n, {self.horizon}, {len(self.levels)}], "
                f"got {list(y.shape)} and {list(q.shape)}"
            )
        size = self._scale(scale, len(y))
        for ahead in range(self.horizon):
            self._add(ahead, (y[:, ahead, None] - q[:, ahead]) / size[:, None])

    def adjust(self, origin: int, quantiles: npt.ArrayLike, scale: npt.ArrayLike | None = None) -> Floats:
        """The quantiles [H, L] or [S, H, L] of a forecast from ``origin``, moved.

        It is remembered until its truth comes. A forecast from a step that was observed already would know its own
        truth, and is refused.
        """
        # What is kept until its truth comes must not change with the caller's arrays.
        given = np.array(quantiles, np.float64)
        wanted = (self.series, self.horizon, len(self.levels))
        if given.shape not in (wanted, wanted[1:]) or (given.ndim == 2 and self.series > 1):
            raise ShapeError(
                f"quantiles wanted {list(wanted if self.series > 1 else wanted[1:])}, got {list(given.shape)}"
            )
        if not np.isfinite(given).all():
            raise DataError(f"quantiles of the forecast from step {origin} are NaN or infinite")
        if origin <= self.seen:
            raise DataError(
                f"a forecast from step {origin} came after step {self.seen} was observed: it is no forecast"
            )
        said = given.reshape(wanted)
        size = self._scale(scale, self.series)
        moves = np.stack([self._moves(ahead) for ahead in range(self.horizon)])
        answered = np.sort(said + size[:, None, None] * moves, axis=-1)
        self.pending.append(_Pending(int(origin), said, answered, size))
        moved: Floats = answered.reshape(given.shape).copy()
        return moved

    def observe(self, step: int, value: npt.ArrayLike) -> None:
        """Learn the truth of one step, a number or [S]; steps come in order, and may leave some out."""
        truth = np.asarray(value, np.float64).reshape(-1)
        if truth.shape != (self.series,):
            raise ShapeError(f"value wanted one number for each of {self.series} series, got {list(np.shape(value))}")
        if np.isinf(truth).any():
            raise DataError(f"the value of step {step} is infinite; a missing one is NaN")
        if step <= self.seen:
            raise DataError(f"steps wanted to be observed in order, got {step} after {self.seen}")
        self.seen = int(step)
        known = ~np.isnan(truth)
        for one in self.pending:
            ahead = step - one.origin
            if 0 <= ahead < self.horizon and known.any():
                below = truth[known, None] <= one.answered[known, ahead]
                self._add(ahead, (truth[known, None] - one.said[known, ahead]) / one.scale[known, None])
                moved = self.aims[ahead] + self.rate * (self.levels - below.mean(0))
                # How long a long drift has gone on must not decide how long it takes to come back from it.
                self.aims[ahead] = np.clip(moved, -1.0, 2.0)
        self.pending = [one for one in self.pending if one.origin + self.horizon - 1 > step]

    def run(
        self, truth: npt.ArrayLike, origins: Sequence[int], quantiles: npt.ArrayLike, scale: npt.ArrayLike | None = None
    ) -> Floats:
        """Adjust forecasts [N, H, L] from rising origins [N], each knowing nothing but the truth before it.

        ``truth`` is [T] or [T, S], of steps 0 to T - 1; with several series quantiles are [N, S, H, L].
        """
        y, q = np.asarray(truth, np.float64), np.asarray(quantiles, np.float64)
        if len(q) != len(origins):
            raise ShapeError(f"quantiles wanted one forecast for each of {len(origins)} origins, got {len(q)}")
        answers = np.empty_like(q)
        for number, origin in enumerate(origins):
            for step in range(max(self.seen + 1, 0), min(origin, len(y))):
                self.observe(step, y[step])
            answers[number] = self.adjust(origin, q[number], scale)
        return answers

    def _scale(self, scale: npt.ArrayLike | None, rows: int) -> Floats:
        size = np.ones(rows) if scale is None else np.array(scale, np.float64).reshape(-1)
        if size.shape != (rows,) or not np.isfinite(size).all() or not (size > 0).all():
            raise ShapeError(f"scale wanted {rows} finite numbers above 0, got {np.asarray(scale).tolist()}")
        return size

    def _add(self, ahead: int, misses: Floats) -> None:
        known = misses[np.isfinite(misses).all(-1)]
        self.misses[ahead] = np.concatenate([self.misses[ahead], known])[-self.kept :]

    def _moves(self, ahead: int) -> Floats:
        """How far each level [L] moves, in units of the scale."""
        misses, aims = np.sort(self.misses[ahead], axis=0), self.aims[ahead]
        n = len(misses)
        if not n:
            return np.zeros(len(aims))
        # Ends move outwards to the next miss, as a finite number of them demands.
        place = (n + 1) * aims - 1
        place = np.where(self.levels < 0.5, np.floor(place), np.where(self.levels > 0.5, np.ceil(place), place))
        place = np.clip(place, 0, n - 1)
        low, column = np.floor(place).astype(np.intp), np.arange(len(aims))
        high = np.minimum(low + 1, n - 1)
        found = misses[low, column] + (place - low) * (misses[high, column] - misses[low, column])
        span = misses[-1] - misses[0]
        further = np.maximum(aims - 1, 0) / (1 - self.levels) + np.minimum(aims, 0) / self.levels
        return np.asarray(found + span * further, np.float64)

    def to_dict(self) -> dict[str, Any]:
        """All that it knows, as plain data."""
        return {
            "levels": self.levels.tolist(),
            "horizon": self.horizon,
            "rate": self.rate,
            "window": self.window,
            "series": self.series,
            "aims": self.aims.tolist(),
            "misses": [part.tolist() for part in self.misses],
            "pending": [[one.origin, *(part.tolist() for part in one[1:])] for one in self.pending],
            "seen": self.seen,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Conformal:
        """The same one again, from what ``to_dict`` gave."""
        try:
            names = ("rate", "window", "series")
            made = cls(data["levels"], data["horizon"], **{name: data[name] for name in names})
            made._restore(data)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is no state of conformal forecasts: {error}") from error
        return made

    def _restore(self, data: Mapping[str, Any]) -> None:
        levels = len(self.levels)
        fan = (self.series, self.horizon, levels)
        self.aims = _array(data["aims"], (self.horizon, levels))
        self.misses = [_array(part, (len(part), levels)) for part in data["misses"]]
        if len(self.misses) != self.horizon or any(len(part) > self.kept for part in self.misses):
            raise ValueError(f"misses wanted {self.horizon} lists of at most {self.kept}")
        self.pending = list(_pendings(data["pending"], fan))
        self.seen = int(data["seen"])


def _array(values: Any, shape: tuple[int, ...]) -> Floats:
    found = np.asarray(values, np.float64).reshape(shape)
    if not np.isfinite(found).all():
        raise ValueError("wanted finite numbers")
    return found


def _pendings(rows: Any, fan: tuple[int, ...]) -> Iterator[_Pending]:
    for origin, said, answered, scale in rows:
        yield _Pending(int(origin), _array(said, fan), _array(answered, fan), _array(scale, fan[:1]))
