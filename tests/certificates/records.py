"""Results of runs, made up."""

from __future__ import annotations

from ostinato.certificates.tasks import TASKS


def record(cell, task, accuracies, *, seed=1, start="plain", solved=None, **more):
    """A result with these accuracies, at the lengths of the task."""
    lengths = TASKS[task].lengths
    done = accuracies[0] >= 0.999 if solved is None else solved
    return {
        "cell": cell,
        "task": task,
        "seed": seed,
        "start": start,
        "settings": {},
        "solved": done,
        "solved_seconds": 1.5 if done else None,
        "accuracy": {str(length): share for length, share in zip(lengths, accuracies, strict=True)},
        **more,
    }
