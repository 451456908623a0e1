"""The tasks of a certificate: six, and two that take longer."""

from __future__ import annotations

from collections.abc import Sequence

from ostinato.certificates import memory, tracking
from ostinato.certificates.task import Task
from ostinato.errors import OptionError, nearest

SIX: tuple[Task, ...] = (
    memory.four_symbols,
    tracking.parity,
    tracking.modulo5,
    tracking.s3,
    tracking.a5,
    memory.four_pairs,
)
LONG: tuple[Task, ...] = (memory.adding200, memory.copying)
TASKS: dict[str, Task] = {task.name: task for task in (*SIX, *LONG)}


def chosen(names: Sequence[str] | None = None, *, long: bool = False) -> tuple[Task, ...]:
    """The tasks of these names, or the usual ones.

    >>> [task.name for task in chosen()]
    ['recall', 'parity', 'modulo5', 's3', 'a5', 'associative']
    >>> chosen(["partiy"])
    Traceback (most recent call last):
    ostinato.errors.OptionError: unknown task 'partiy'; did you mean 'parity'? known: 'recall', 'parity', ...
    """
    if names is None:
        return (*SIX, *LONG) if long else SIX
    if long:
        raise OptionError("long adds tasks to the usual ones, and tasks names them all; give one of the two")
    if isinstance(names, str) or not names:
        raise OptionError(f"tasks wanted a list of names such as ['parity'], got {names!r}")
    for name in names:
        if name not in TASKS:
            raise OptionError(f"unknown task '{name}'; {nearest(str(name), TASKS)}")
    return tuple(TASKS[name] for name in dict.fromkeys(names))
