"""The runs that a certificate is made of, and the files that keep them."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.cells import Cell
from ostinato.certificates.learning import Glimpse, Settings, learn
from ostinato.certificates.task import Task
from ostinato.errors import DataError, LoweringError, OptionError, OutputError
from ostinato.lowering import Blueprint
from ostinato.output import replace_file

_NEEDED = {"cell": str, "task": str, "seed": int, "start": str, "settings": dict, "accuracy": dict, "solved": bool}


@dataclass(frozen=True)
class Run:
    """One network on one task from one seed; ``chrono``: its gates start for a memory as long as the task.

    >>> from ostinato.cells import lstm
    >>> from ostinato.certificates.tasks import TASKS
    >>> Run(lstm, TASKS["recall"], 1, chrono=True).name
    'lstm-recall-chrono-1'
    """

    cell: Cell
    task: Task
    seed: int
    chrono: bool = False

    @property
    def start(self) -> str:
        """How its weights begin, in one word."""
        return "chrono" if self.chrono else "plain"

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.cell.name}-{self.task.name}{'-chrono' * self.chrono}-{self.seed}"

    def make(self, settings: Settings, watch: Callable[[Glimpse], None] = lambda glimpse: None) -> dict[str, Any]:
        """Train and judge; the result as plain data."""
        timescale = self.task.timescale if self.chrono else None
        found = learn(self.cell, self.task, self.seed, settings, timescale=timescale, watch=watch)
        return {**self.identity(settings), **found, "made": _made()}

    def identity(self, settings: Settings) -> dict[str, Any]:
        """What decides the result; a kept result is this run's if all of it agrees."""
        return {
            "cell": self.cell.name,
            "definition": definition(self.cell),
            "task": self.task.name,
            "seed": self.seed,
            "start": self.start,
            "settings": settings.kept(self.task),
        }


def planned(cells: Iterable[Cell], tasks: Sequence[Task], seeds: int) -> Iterator[Run]:
    """All runs: every cell and task from the first seed, then from the second.

    A task whose point is a long memory is also tried with the gates set for it (Tallec & Ollivier, 2018,
    arXiv:1804.11188), where the cell declares which gates keep.
    """
    each = tuple(cells)
    for seed in range(1, seeds + 1):
        for cell in each:
            for task in tasks:
                yield Run(cell, task, seed)
                if cell.chrono and task.timescale:
                    yield Run(cell, task, seed, chrono=True)


def definition(cell: Cell) -> str:
    """A digest of what a cell computes and how it starts: results of an older form are not its own."""
    try:
        body: Any = Blueprint.of(cell).to_data()
    except LoweringError:
        # What cannot be drawn as a graph is told by its code.
        code = cell.function.__code__
        body = [code.co_code.hex(), repr(code.co_names), repr(code.co_consts)]
    starts = [sorted((name, repr(rule)) for name, rule in part.items()) for part in (cell.initial, cell.parameters)]
    text = json.dumps([body, starts, sorted(cell.chrono.items())], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Shelf:
    """A folder with one file for each finished run; without a folder nothing is kept."""

    folder: Path | None

    def path(self, run: Run) -> Path:
        """Where a run's result lies."""
        assert self.folder is not None
        return self.folder / f"{run.name}.json"

    def prepare(self) -> None:
        """Make the folder, before hours of work depend on it."""
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {self.folder}: {error.strerror or error}") from None

    def find(self, run: Run, settings: Settings) -> dict[str, Any] | None:
        """The result of a run that was finished before, or None.

        Raises :class:`~ostinato.errors.OptionError` where the file holds a run with other settings.
        """
        if self.folder is None or not self.path(run).exists():
            return None
        path, wanted = self.path(run), run.identity(settings)
        record = read_result(path)
        for name, value in wanted.items():
            if record.get(name) != value:
                raise OptionError(
                    f"{path} holds a run with {_difference(name, record.get(name), value)}; "
                    "choose another folder (-o), or begin anew (--restart)"
                )
        return record

    def keep(self, run: Run, record: dict[str, Any]) -> None:
        """Write a result whole or not at all."""
        if self.folder is not None:
            replace_file(self.path(run), (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())


def read_result(path: Path) -> dict[str, Any]:
    """A kept result; what is no result of ours is a DataError that names the file."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON ({error}); delete it to make the run again") from None
    wrong = not isinstance(record, dict) or [k for k, kind in _NEEDED.items() if not isinstance(record.get(k), kind)]
    if wrong:
        lacking = "a JSON object" if wrong is True else f"'{wrong[0]}'"
        raise DataError(f"{path} is no result of a certificate: it lacks {lacking}; delete it to make the run again")
    checked: dict[str, Any] = record
    return checked


def _difference(name: str, kept: Any, wanted: Any) -> str:
    if name == "settings" and isinstance(kept, dict):
        changed = next((key for key in wanted if kept.get(key) != wanted[key]), name)
        return f"{changed} {kept.get(changed)}, and {wanted.get(changed)} is asked for"
    if name == "definition":
        return "another definition of this cell"
    return f"{name} {kept}, and {wanted} is asked for"


def _made() -> dict[str, Any]:
    import torch

    return {"torch": str(torch.__version__), "python": platform.python_version(), "machine": platform.machine()}
