"""From the runs of one cell on one task to what is said about them, and to tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ostinato.certificates.tasks import TASKS

# A length counts as followed when so many answers are right.
FOLLOWED = 0.99


@dataclass(frozen=True)
class Verdict:
    """What the runs of a cell on a task show; the best seed speaks, and ``solved`` of ``seeds`` tells how often.

    ``reach`` is the longest judged length up to which at least 99 % are right, 0 if even that of training is not.
    """

    cell: str
    task: str
    start: str
    seeds: int
    solved: int
    accuracy: float
    reach: int
    seconds: float | None

    @property
    def text(self) -> str:
        """The longest length that is followed, or the accuracy at the length of training.

        >>> Verdict("gru", "parity", "plain", 2, 2, 1.0, 256, 0.5).text
        'to 256'
        >>> Verdict("gru", "parity", "plain", 2, 1, 1.0, 40, 0.5).text
        'to 40 (1 of 2)'
        >>> Verdict("mingru", "parity", "plain", 2, 0, 0.507, 0, None).text
        '50 %'
        """
        if not self.solved:
            # Rounded down: what is not learnt is never all of it.
            return f"{math.floor(100 * self.accuracy)} %"
        return f"to {self.reach}" + (f" ({self.solved} of {self.seeds})" if self.solved < self.seeds else "")


def verdicts(results: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """One verdict for each cell, task and start, in the order in which they come."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for result in results:
        groups.setdefault((result["cell"], result["task"], result["start"]), []).append(result)
    return [_verdict(*key, runs) for key, runs in groups.items()]


def _verdict(cell: str, task: str, start: str, runs: Sequence[Mapping[str, Any]]) -> Verdict:
    lengths = [str(length) for length in TASKS[task].lengths]
    solved = [run for run in runs if run["solved"]]
    reach = max((_reach(run["accuracy"], lengths) for run in solved), default=0)
    return Verdict(
        cell=cell,
        task=task,
        start=start,
        seeds=len(runs),
        solved=len(solved),
        accuracy=max(run["accuracy"][lengths[0]] for run in runs),
        reach=reach,
        seconds=min((run["solved_seconds"] for run in solved), default=None),
    )


def _reach(accuracy: Mapping[str, float], lengths: Sequence[str]) -> int:
    """The longest length up to which the answers stay right; a solved run has that of training."""
    reach = int(lengths[0])
    for length in lengths[1:]:
        if accuracy[length] < FOLLOWED:
            break
        reach = int(length)
    return reach


def columns(found: Iterable[Verdict]) -> list[tuple[str, str]]:
    """The tasks and starts that occur, in the order of the tasks."""
    seen = {(verdict.task, verdict.start) for verdict in found}
    return sorted(seen, key=lambda pair: (list(TASKS).index(pair[0]), pair[1] == "chrono"))


def markdown(found: Sequence[Verdict]) -> str:
    """One row for each cell, one column for each task; a dash where a run does not apply or is not made.

    >>> print(markdown([Verdict("gru", "parity", "plain", 2, 2, 1.0, 256, 0.5)]))
    | cell | parity |
    |---|---|
    | gru | **to 256** |
    """
    heads = columns(found)
    titles = [task + (", chrono" if start == "chrono" else "") for task, start in heads]
    rows = ["| cell | " + " | ".join(titles) + " |", "|" + "---|" * (1 + len(heads))]
    for cell in dict.fromkeys(verdict.cell for verdict in found):
        own = {(v.task, v.start): v for v in found if v.cell == cell}
        cells = [_marked(own[head]) if head in own else "–" for head in heads]
        rows.append(f"| {cell} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _marked(verdict: Verdict) -> str:
    return f"**{verdict.text}**" if verdict.solved else verdict.text
