"""Two ways to do the same, timed in turns in one process, so that a drift of the machine hits both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def in_turns(ours: Callable[[], Any], peer: Callable[[], Any], *, rounds: int, warm_up: int = 2) -> dict[str, Any]:
    """Seconds of both, and the ratio ours / peer of each round; the order changes from round to round."""
    for _ in range(warm_up):
        ours()
        peer()
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    for number in range(rounds):
        both = [("ours", ours), ("peer", peer)]
        for name, work in both if number % 2 == 0 else reversed(both):
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    ratios = sorted(a / b for a, b in zip(seconds["ours"], seconds["peer"], strict=True))
    return {
        "ours_seconds": statistics.median(seconds["ours"]),
        "peer_seconds": statistics.median(seconds["peer"]),
        "ratio": statistics.median(ratios),
        "ratio_spread": [ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]],
        "rounds": rounds,
    }
