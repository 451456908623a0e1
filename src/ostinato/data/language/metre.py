"""Metre: are the bars of a tune as long as its meter says?

>>> tune = "X:1\\nM:6/8\\nL:1/8\\nK:G\\nD | G2A BAB | c2B AG | BAG FGA | G3 G2 ||\\n"
>>> [bar.kind for bar in judge_bars(tune)]
['pickup', 'full', 'full', 'full', 'completing']
>>> count = count_bars([tune])
>>> count.full, count.right, round(count.share, 3)
(3, 2, 0.667)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

from ostinato.data.language.bars import Bar, BarReader


@dataclass(frozen=True)
class JudgedBar:
    """A bar and what it is: ``full``, ``pickup``, ``completing`` (it makes a bar with a pickup) or ``free`` (no meter).

    ``right``: a full bar is as long as the meter; the others have nothing to be wrong about.
    """

    length: Fraction
    meter: Fraction | None
    kind: str

    @property
    def right(self) -> bool:
        """Whether the length is what the meter says, as far as it says something."""
        return self.kind != "full" or self.length == self.meter


@dataclass(frozen=True)
class BarCount:
    """How many bars of each kind some tunes have, and how many of the full ones are right."""

    full: int
    right: int
    pickup: int
    completing: int
    free: int

    @property
    def share(self) -> float:
        """The share of full bars whose length is right (NaN where there is no full bar)."""
        return self.right / self.full if self.full else float("nan")


def judge_bars(tune: str) -> list[JudgedBar]:
    """Every bar of one tune in ABC notation, in order.

    A bar that starts the tune, or follows a double bar or a repeat, and is shorter than the meter says, is a pickup. A
    short bar before such a sign completes one if it makes a whole bar with the pickup of its own section, or with the
    one that follows. All others are full bars.
    """
    reader = BarReader()
    reader.read(tune)
    reader.finish()
    pickup = Fraction(0)
    judged = []
    for bar, following in zip_longest(reader.closed, reader.closed[1:]):
        if bar.first:
            pickup = bar.length if _short(bar) else Fraction(0)
        judged.append(JudgedBar(bar.length, bar.meter, _kind(bar, pickup, following)))
    return judged


def count_bars(tunes: Iterable[str]) -> BarCount:
    """Count the bars of tunes, each a text in ABC notation."""
    bars = [bar for tune in tunes for bar in judge_bars(tune)]
    kinds = [bar.kind for bar in bars]
    return BarCount(
        full=kinds.count("full"),
        right=sum(bar.right for bar in bars if bar.kind == "full"),
        pickup=kinds.count("pickup"),
        completing=kinds.count("completing"),
        free=kinds.count("free"),
    )


def _short(bar: Bar) -> bool:
    return bar.meter is not None and bar.length < bar.meter


def _kind(bar: Bar, pickup: Fraction, following: Bar | None) -> str:
    if bar.meter is None:
        return "free"
    if not _short(bar):
        return "full"
    if bar.first:
        return "pickup"
    lacking = bar.meter - bar.length
    if bar.last and (lacking == pickup or (following is not None and following.first and lacking == following.length)):
        return "completing"
    return "full"
