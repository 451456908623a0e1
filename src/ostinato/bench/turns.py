"""Timing two callables in turns, one call at a time, so that a drift of the machine hits both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

FEWEST, MOST = 5, 101
# Calls as long as this need no call before them to wake up, or are timed three times at the least.
AWAKE, LONG = 0.1, 1.0
MANY_TIMES = 5


@dataclass(frozen=True)
class Pace:
    """How much time a point may take, and how long the machine comes to rest between two turns, in seconds."""

    seconds: float
    # libgomp's threads spin for 6 ms after a call, as long as nobody tells them not to.
    rest: float = 0.008


def rounds_for(each: float, pace: Pace) -> int:
    """How many rounds fit, when both calls together take so many seconds; an odd number.

    >>> [rounds_for(each, Pace(2.0)) for each in (1e-4, 0.1, 0.4, 3.0)]
    [101, 9, 5, 3]
    """
    fewest = 3 if each > LONG else FEWEST
    # A short call is made twice in its turn, the first time without the clock.
    turn = each * (1 if each > AWAKE else 2) + 2 * pace.rest
    count = max(fewest, min(MOST, int(pace.seconds / turn)))
    return count + 1 - count % 2


def in_turns(
    ours: Callable[[bool], float], peer: Callable[[bool], float], pace: Pace, times: int = 1
) -> dict[str, Any]:
    """Seconds of both, and of each round the ratio peer / ours; the order changes from round to round.

    Each callable makes one timed call and returns its seconds; with True it makes one more before that. ``times`` asks
    for so many times the rounds.
    """
    each = ours(False) + peer(False)
    if each <= LONG:
        # Only what disturbs a call makes it longer.
        each = min(each, ours(True) + peer(True))
    count, warm = rounds_for(each, pace) * times, each <= AWAKE
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    for number in range(count):
        both = [("ours", ours), ("peer", peer)]
        for name, call in both if number % 2 == 0 else reversed(both):
            # Threads of a library may go on spinning for a while after its call.
            time.sleep(pace.rest)
            seconds[name].append(call(warm))
    ratios = sorted(b / a for a, b in zip(seconds["ours"], seconds["peer"], strict=True))
    return {
        "ours_seconds": statistics.median(seconds["ours"]),
        "peer_seconds": statistics.median(seconds["peer"]),
        "ratio": statistics.median(ratios),
        "spread": [quantile(ratios, 0.25), quantile(ratios, 0.75)],
        "rounds": count,
    }


def quantile(ordered: list[float], share: float) -> float:
    """The value below which a share of ordered numbers lies, between neighbours by their distance.

    >>> quantile([1.0, 2.0, 4.0], 0.25), quantile([1.0, 2.0, 4.0], 0.75)
    (1.5, 3.0)
    """
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
