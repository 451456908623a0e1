"""How good alarms are: against ranges, and against labelled windows; with numpy alone.

A range is a pair (start, end) of steps, the end not included; a list of ranges is in order and no two overlap.

>>> ranges_of([False, True, True, False, True])
[(1, 3), (4, 5)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ostinato.errors import DataError, OptionError, ShapeError, nearest

Range = tuple[int, int]
# How much each place of a range of n steps weighs, by its number i from 0.
BIASES: dict[str, Callable[[int, int], float]] = {
    "flat": lambda i, n: 1.0,
    "front": lambda i, n: float(n - i),
    "back": lambda i, n: float(i + 1),
    "middle": lambda i, n: float(min(i + 1, n - i)),
}


def ranges_of(flags: npt.ArrayLike) -> list[Range]:
    """The ranges of neighbouring steps that are True in flags [T]."""
    found = np.asarray(flags)
    if found.ndim != 1 or (found.dtype != np.bool_ and found.size):
        raise ShapeError(f"flags wanted booleans [T], got {found.dtype} {list(found.shape)}")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], found.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _checked(name: str, ranges: Iterable[Sequence[int]]) -> list[Range]:
    found: list[Range] = []
    for one in ranges:
        start, end = (int(place) for place in one)
        if start < 0 or end <= start:
            raise DataError(f"{name} wanted ranges (start, end) of at least one step, the end not included, got {one}")
        if found and start < found[-1][1]:
            raise DataError(f"{name} wanted ranges in order that do not overlap, got {found[-1]} before {one}")
        found.append((start, end))
    return found


class RangeScore(NamedTuple):
    """Precision, recall and their harmonic mean, each from 0 to 1."""

    precision: float
    recall: float
    f1: float


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _caught(one: Range, others: Sequence[Range], bias: str) -> float:
    """How much of a range the others cover, weighed by place, divided by how many of them it takes (1 / x)."""
    start, end = one
    parts = [(max(start, s), min(end, e)) for s, e in others if s < end and e > start]
    if not parts:
        return 0.0
    weigh, length = BIASES[bias], end - start
    whole = sum(weigh(i, length) for i in range(length))
    return sum(weigh(i - start, length) for s, e in parts for i in range(s, e)) / whole / len(parts)


def range_score(
    truth: Iterable[Sequence[int]],
    detected: Iterable[Sequence[int]],
    *,
    existence: float = 0.0,
    bias: str = "flat",
) -> RangeScore:
    """How well detected ranges match true ones, by how much of each is covered.

    recall = mean over true ranges R of a [R is touched] + (1 - a) c(R) sum over its detections of the overlap's weight
    precision = mean over detected ranges P of c(P) sum over true ranges of the overlap's weight

    c is 1 divided by the number of ranges that overlap; ``existence`` is a, and ``bias`` (flat, front, back, middle)
    says which places of a true range weigh more. Precision is always flat, as its authors advise.

    >>> range_score([(0, 10)], [(5, 10), (20, 25)])
    RangeScore(precision=0.5, recall=0.5, f1=0.5)

    Without true ranges there is no recall, which is an error; without detections all three are 0. Tatbul et al., 2018
    (arXiv:1803.03639).
    """
    if bias not in BIASES:
        raise OptionError(f"unknown bias '{bias}'; {nearest(bias, BIASES)}")
    if not 0 <= existence <= 1:
        raise OptionError(f"existence wanted a share from 0 to 1, got {existence}")
    wanted, found = _checked("truth", truth), _checked("detected", detected)
    if not wanted:
        raise DataError("a score of ranges wanted at least one true range, got none")
    if not found:
        return RangeScore(0.0, 0.0, 0.0)
    touched = [any(s < end and e > start for s, e in found) for start, end in wanted]
    covered = [_caught(one, found, bias) for one in wanted]
    recall = float(np.mean([existence * t + (1 - existence) * c for t, c in zip(touched, covered, strict=True)]))
    precision = float(np.mean([_caught(one, wanted, "flat") for one in found]))
    return RangeScore(precision, recall, _harmonic(precision, recall))


class WindowScore(NamedTuple):
    """Windows that were caught, missed, alarms outside all of them, and the delays of windows.

    ``delays`` has the steps from its start to its first alarm of each window that was caught; ``waits`` has the same
    of every window, a missed one with its whole length, so that it can be compared where others were caught.

    Scores of several series add up to the pooled score, from ``WindowScore()``:

    >>> one = window_score([12, 40], [(10, 20)], scored_from=5)
    >>> (one + one).counts
    (2, 0, 2)
    >>> round(one.f1, 3), one.delay, one.wait
    (0.667, 2.0, 2.0)
    """

    caught: int = 0
    missed: int = 0
    false: int = 0
    delays: tuple[int, ...] = ()
    waits: tuple[int, ...] = ()

    @property
    def counts(self) -> tuple[int, int, int]:
        """Caught, missed, false."""
        return self.caught, self.missed, self.false

    @property
    def precision(self) -> float:
        """caught / (caught + false); 0 without any alarm."""
        return self.caught / (self.caught + self.false) if self.caught + self.false else 0.0

    @property
    def recall(self) -> float:
        """caught / windows."""
        if not self.caught + self.missed:
            raise DataError("recall wanted at least one labelled window, got none")
        return self.caught / (self.caught + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _harmonic(self.precision, self.recall)

    @property
    def delay(self) -> float:
        """The mean number of steps from a window's start to its first alarm, over windows that were caught."""
        if not self.delays:
            raise DataError("a delay wanted at least one window that was caught, got none")
        return sum(self.delays) / len(self.delays)

    @property
    def wait(self) -> float:
        """The mean number of steps from a window's start to its first alarm, or to its end where it was missed."""
        if not self.waits:
            raise DataError("a wait wanted at least one labelled window, got none")
        return sum(self.waits) / len(self.waits)

    def __add__(self, other: object) -> WindowScore:
        """Both together."""
        if not isinstance(other, WindowScore):
            return NotImplemented
        delays, waits = self.delays + other.delays, self.waits + other.waits
        caught, missed = self.caught + other.caught, self.missed + other.missed
        return WindowScore(caught, missed, self.false + other.false, delays, waits)


def window_score(alarms: Iterable[int], windows: Iterable[Sequence[int]], *, scored_from: int = 0) -> WindowScore:
    """How many labelled windows have an alarm, and how many alarms are in none.

    ``alarms`` are steps; a window with several alarms is caught once, by the first, and its other alarms do not count;
    every alarm outside of all windows is false. Alarms before the step ``scored_from`` do not count, nor do windows
    that end by then; one that begins before is cut. After the windows of the Numenta benchmark: Lavin & Ahmad, 2015
    (arXiv:1510.03336), whose weights by place are left out.
    """
    spans = [(max(start, scored_from), end) for start, end in _checked("windows", windows) if end > scored_from]
    steps = sorted(int(step) for step in alarms)
    if steps and steps[0] < 0:
        raise DataError(f"alarms wanted steps of at least 0, got {steps[0]}")
    steps = [step for step in steps if step >= scored_from]
    first = [next((step for step in steps if start <= step < end), None) for start, end in spans]
    delays = tuple(step - start for step, (start, _) in zip(first, spans, strict=True) if step is not None)
    false = sum(not any(start <= step < end for start, end in spans) for step in steps)
    waits = tuple((end if step is None else step) - start for step, (start, end) in zip(first, spans, strict=True))
    return WindowScore(len(delays), len(spans) - len(delays), false, delays, waits)
