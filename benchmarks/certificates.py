"""What every cell can remember: the tasks of ``ostinato certify``, for all built-in cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ostinato.cells import BUILT_IN
from ostinato.certificates.learning import Settings
from ostinato.certificates.plan import planned
from ostinato.certificates.tasks import SIX
from ostinato.certificates.verdict import Verdict, verdicts

SENTENCE = "what every cell can remember: six small tasks, two seeds, each trained until it is solved or time is over"
# Seconds of the processor, with one thread; the same for all.
SETTINGS = Settings(seconds=12.0)
SEEDS = 2


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each cell, task and seed; all cells from the first seed before any from the second."""
    return {run.name: partial(run.make, SETTINGS) for run in planned(BUILT_IN.values(), SIX, SEEDS)}


def found(results: Mapping[str, dict[str, Any]]) -> list[Verdict]:
    """The verdicts in the order of the list of cells; of a cell that is no longer there nothing is said."""
    ordered = {run.name: results.get(run.name) for run in planned(BUILT_IN.values(), SIX, SEEDS)}
    return verdicts(result for result in ordered.values() if result is not None)


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """For each cell the longest length that it follows in each task, or its accuracy."""
    shown: dict[str, Any] = {}
    for verdict in found(results):
        name = verdict.task + (" (chrono)" if verdict.start == "chrono" else "")
        shown.setdefault(verdict.cell, {})[name] = verdict.text
    return shown
