"""How unlikely each error of a forecast is, beside the errors before it; with numpy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

# The share of steps that belongs to the tail whose form is learned.
_TAIL = 0.02
TAIL_SURPRISE = math.log(1 / _TAIL)
# How many deviations an error moves its own scale by at most: one anomaly must not make the next one look usual.
_CLIP = 5.0
# So many errors are looked at together before any is judged.
_FIRST = 32
# A Gaussian's deviation is its mean absolute error times this.
_TO_DEVIATION = math.sqrt(math.pi / 2)
# Beyond these an error is out of all proportion, and its square must stay a number.
_FAR, _FARTHEST = 1e9, 1e150
# No edge is nearer, and no tail narrower, in units of the scale.
_NARROW = 1e-3


class Surprise:
    """Says of each error of one channel how unlikely it is, as minus the logarithm of a chance, and learns from it.

    z = (e - middle) / scale;  of each span w the size is |mean of the last w of z|
    beyond an edge that a fiftieth of the sizes passes, the score is log 50 + (size - edge) / fall; within, less

    Middle and scale follow the errors over about ``memory`` steps, the edge and the mean excess over it (``fall``) over
    about ``reach`` steps. No error moves them by more than one of 5 scales would. The first 32 errors are not judged.

    >>> one = Surprise(memory=100, reach=1000, spans=(1,))
    >>> usual = [one.score(0.1 * (-1) ** step) for step in range(100)]
    >>> one.score(5.0) > 10 * max(usual)
    True

    An edge that adapts and a tail beyond it: Siffer et al., 2017 (doi:10.1145/3097983.3098144); exponential here.
    """

    def __init__(self, memory: int, reach: int, spans: tuple[int, ...]) -> None:
        self.memory, self.reach, self.spans = memory, reach, spans
        self.known = 0
        self.middle, self.scale = 0.0, 1.0
        self.means = [0.0] * len(spans)
        self.edges, self.falls = [2.0] * len(spans), [0.7] * len(spans)
        self.first: list[float] = []

    def _begin(self, error: float) -> None:
        self.first.append(error)
        if len(self.first) == _FIRST:
            self.middle = float(np.median(self.first))
            self.scale = _TO_DEVIATION * float(np.mean(np.abs(np.asarray(self.first) - self.middle)))
            self._floor()
            self.first = []

    def _floor(self) -> None:
        # Errors that never vary still have a scale, so that the first one that does is seen.
        self.scale = max(self.scale, 1e-9 * (1.0 + abs(self.middle)))

    def score(self, error: float) -> float:
        """How unlikely a finite error is, in nats: minus the logarithm of the share of steps at least as bad."""
        self.known += 1
        error = max(-_FARTHEST, min(_FARTHEST, error))
        if self.known <= _FIRST:
            self._begin(error)
            return 0.0
        z = max(-_FAR, min(_FAR, (error - self.middle) / self.scale))
        size = abs(z)
        clipped = max(-_CLIP, min(_CLIP, z))
        # An exponential tail of a fiftieth has a density of a fiftieth of 1 / fall: so the edge forgets over the reach.
        pace = min(max(1 / self.reach, 1 / self.known) / _TAIL, 0.5)
        worst = 0.0
        for place, span in enumerate(self.spans):
            if span > 1:
                # The mean of the last errors, in units of what it would be if they were independent.
                self.means[place] += (clipped - self.means[place]) / span
                size = abs(self.means[place]) * math.sqrt(2 * span - 1)
            edge, fall = self.edges[place], self.falls[place]
            over = size - edge
            if over > 0:
                worst = max(worst, TAIL_SURPRISE + over / fall)
                self.falls[place] = max(
                    fall + max(1 / (self.reach * _TAIL), _TAIL) * (min(over, _CLIP * fall) - fall), 1e-3
                )
                self.edges[place] = edge + pace * (1 - _TAIL) * fall
            else:
                worst = max(worst, TAIL_SURPRISE * size / edge)
                self.edges[place] = max(edge - pace * _TAIL * fall, _NARROW)
        pace = max(1 / self.memory, 1 / self.known)
        self.middle += 0.5 * pace * clipped * self.scale
        self.scale += pace * (_TO_DEVIATION * abs(clipped) - 1) * self.scale
        self._floor()
        return worst

    def limits(self, score: float) -> tuple[float, float]:
        """The errors below and above which a single one scores more than this, in the units of the data.

        Without a span of 1 no single error is judged, and the limits are infinite. ``score`` is at least log 50.
        """
        far = math.inf
        if 1 in self.spans:
            place = self.spans.index(1)
            far = self.edges[place] + self.falls[place] * (score - TAIL_SURPRISE)
        return self.middle - far * self.scale, self.middle + far * self.scale

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        parts = {"means": self.means, "edges": self.edges, "falls": self.falls, "first": self.first}
        numbers = {"known": self.known, "middle": self.middle, "scale": self.scale}
        return {**numbers, **{name: list(values) for name, values in parts.items()}}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take the state that ``to_dict`` gave; what is none is a ValueError, a TypeError or a KeyError."""
        known, middle, scale = int(data["known"]), finite(data["middle"]), finite(data["scale"])
        parts = {name: [finite(value) for value in data[name]] for name in ("means", "edges", "falls", "first")}
        for name in ("means", "edges", "falls"):
            if len(parts[name]) != len(self.spans):
                raise ValueError(f"{name} wanted {len(self.spans)} numbers, got {len(parts[name])}")
        if known < 0 or len(parts["first"]) != (known if known < _FIRST else 0):
            raise ValueError(f"first wanted the errors of {known} steps, got {len(parts['first'])}")
        if scale <= 0 or min(parts["edges"] + parts["falls"]) <= 0:
            raise ValueError("scale, edges and falls wanted numbers above 0")
        self.known, self.middle, self.scale = known, middle, scale
        self.means, self.edges, self.falls, self.first = parts.values()


def finite(value: Any) -> float:
    """A number as a float, or a ValueError if it is NaN or infinite."""
    if not math.isfinite(value):
        raise ValueError(f"wanted a finite number, got {value}")
    return float(value)
