"""Certify a cell: make the runs that are not made yet, keep them, and say what they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.cells import Cell
from ostinato.certificates.learning import Glimpse, Settings
from ostinato.certificates.named import named_cell
from ostinato.certificates.plan import Run, Shelf, planned
from ostinato.certificates.tasks import chosen
from ostinato.certificates.verdict import Verdict, markdown, verdicts
from ostinato.errors import Interrupted, OptionError
from ostinato.train.signals import StopRequest

# What is told while runs are made: the run, how it stands, and its result when it is over.
Watcher = Callable[[Run, "Glimpse | None", "dict[str, Any] | None"], None]


@dataclass(frozen=True)
class Certificate:
    """What a cell was seen to remember: ``results`` are plain data, one record for each run."""

    cell: str
    results: tuple[dict[str, Any], ...]

    def verdicts(self) -> list[Verdict]:
        """One for each task, over all seeds."""
        return verdicts(self.results)

    def table(self) -> str:
        """The verdicts as Markdown."""
        return markdown(self.verdicts())


def certify(
    cell: str | Cell,
    *,
    tasks: Sequence[str] | None = None,
    long: bool = False,
    seeds: int = 2,
    seconds: float = 25.0,
    hidden: int = 64,
    layers: int = 1,
    threads: int = 1,
    folder: str | Path | None = None,
    again: bool = False,
    watch: Watcher | None = None,
) -> Certificate:
    """Train networks of one cell on small tasks that need memory, and tell what it learnt.

    >>> certificate = certify("gru", tasks=["parity"], seeds=1, hidden=32, seconds=4)
    >>> certificate.verdicts()[0].solved
    1

    ``cell`` is a name, ``package.module:cell``, or a cell of your own. Each run ends when its task is solved or after
    ``seconds`` (of the processor with one thread, so that other programs take nothing away; of the clock with more).
    With a ``folder`` each run is kept in a file of its own when it is finished, and made a second time only with
    ``again``. Ctrl-C raises
    :class:`~ostinato.errors.Interrupted`: finished runs stay, the others are made by the next call. ``watch(run,
    glimpse, result)`` is called at every step, and with the result at the end.
    """
    made = cell if isinstance(cell, Cell) else named_cell(_word(cell))
    settings = checked(Settings(seconds=seconds, hidden=hidden, layers=layers, threads=threads))
    runs = tuple(planned([made], chosen(tasks, long=long), whole("seeds", seeds)))
    shelf = Shelf(None if folder is None else Path(folder))
    # A folder of other settings is refused before any work is done.
    kept = {run.name: None if again else shelf.find(run, settings) for run in runs}
    shelf.prepare()
    results: list[dict[str, Any]] = []
    with StopRequest() as stop:
        for run in runs:
            record = kept[run.name]
            if record is None:
                record = run.make(settings, _listener(run, watch, stop, shelf, len(results), len(runs)))
                shelf.keep(run, record)
            if watch:
                watch(run, None, record)
            results.append(record)
    return Certificate(made.name, tuple(results))


def checked(settings: Settings) -> Settings:
    """Refuse settings that no network can be trained with."""
    for name in ("hidden", "layers", "threads"):
        whole(name, getattr(settings, name))
    if isinstance(settings.seconds, bool) or not 0 < settings.seconds < float("inf"):
        raise OptionError(f"seconds wanted a number above 0, got {settings.seconds}")
    return settings


def whole(name: str, number: Any) -> int:
    """A whole number of at least 1."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise OptionError(f"{name} wanted a whole number of at least 1, got {number!r}")
    return number


def _word(cell: Any) -> str:
    if not isinstance(cell, str):
        raise OptionError(f"a cell is a name or made by @cell, got {type(cell).__name__}")
    return cell


def _listener(
    run: Run, watch: Watcher | None, stop: StopRequest, shelf: Shelf, done: int, count: int
) -> Callable[[Glimpse], None]:
    """Passes on how a run stands, and ends it when the user asks for that."""

    def listen(glimpse: Glimpse) -> None:
        if watch:
            watch(run, glimpse, None)
        if stop.requested:
            where = f"kept in {shelf.folder}; the same call goes on" if shelf.folder else "lost, for want of a folder"
            raise Interrupted(f"{done} of {count} runs of {run.cell.name} were finished: they are {where}")

    return listen
