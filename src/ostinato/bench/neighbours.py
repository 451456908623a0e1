"""How much other programs computed while something was timed: a ratio that was measured beside them is doubtful."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PROCESSES = Path("/proc")
# More than this share of all processors is worth telling.
QUIET = 0.1


def watch(
    own: Iterable[int], root: Path = PROCESSES, clock: Callable[[], float] = time.monotonic
) -> Callable[[], float | None]:
    """Begin to watch; the function that comes back gives the share of all processors that others used since.

    ``own`` are the processes that belong to the measurement. Where the system does not tell, the share is None.
    """
    pids = list(own)
    began, before = clock(), foreign(pids, root)

    def share() -> float | None:
        after, seconds = foreign(pids, root), clock() - began
        if before is None or after is None or seconds <= 0:
            return None
        return max(0.0, (after - before) / (seconds * (os.cpu_count() or 1)))

    return share


def foreign(pids: Iterable[int], root: Path = PROCESSES) -> float | None:
    """Seconds of processor time that all programs but these have used since the machine began."""
    try:
        fields = (root / "stat").read_text().split("\n", 1)[0].split()[1:]
        # user, nice, system, idle, iowait, irq, softirq, steal
        all_ticks = sum(int(fields[number]) for number in (0, 1, 2, 5, 6, 7))
        own_ticks = sum(_ticks(root / str(pid) / "stat") for pid in pids)
    except (OSError, ValueError, IndexError):
        return None
    return (all_ticks - own_ticks) / os.sysconf("SC_CLK_TCK")


def _ticks(path: Path) -> int:
    # The name of a program may hold spaces and brackets; the numbers come after the last one.
    fields = path.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
