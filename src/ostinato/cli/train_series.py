"""``ostinato train`` for tasks on whole series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from ostinato.cli.flags import accept
from ostinato.cli.program import Verb
from ostinato.cli.resuming import Restart, Resume, command_of
from ostinato.cli.train import Config, Contents, Files, Job, PrintConfig, asked, chosen, train
from ostinato.options import Option
from ostinato.tasks.series_options import (
    GROUPS,
    RemainingLifeOptions,
    SeriesClassifierOptions,
    SeriesOptions,
    SeriesRegressorOptions,
    check_options,
)

_FILES = "Data and results"
_READ = "a .ts, .csv, .tsv, .jsonl or .parquet file"


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesFiles(Files):
    """What every training run on series reads and writes."""

    data: Annotated[
        str | None,
        Option(
            "Series to learn from: a .ts file, or a table (.csv, .tsv, .jsonl, .parquet) with a row for each step.",
            group=_FILES,
        ),
    ] = None
    plot: Annotated[str | None, Option("Draw the learning curve: a .png, .svg or .pdf file.", group=_FILES)] = None
    id: Annotated[str | None, Option("Name of the column that says which series a row is of.", group=_FILES)] = None
    time: Annotated[str | None, Option("Name of the column of times or step numbers.", group=_FILES)] = None
    channels: Annotated[
        str | None, Option("Names of the columns of values, with commas between them.", group=_FILES)
    ] = None
    frequency: Annotated[
        str, Option("How far rows are apart, as 1h or D; 'infer' finds out, 'none' is irregular.", group=_FILES)
    ] = "infer"


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesClassifierRun(SeriesClassifierOptions, SeriesFiles):
    """Every key of a TOML file, and every flag, of ``ostinato train series-classifier``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)

    label: Annotated[str | None, Option("Name of the column of labels of a table.", group=_FILES)] = None


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesRegressorRun(SeriesRegressorOptions, SeriesFiles):
    """Every key of a TOML file, and every flag, of ``ostinato train series-regressor``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)

    target: Annotated[str | None, Option("Name of the column of numbers to learn of a table.", group=_FILES)] = None


@dataclass(kw_only=True, eq=False, repr=False)
class RemainingLifeRun(RemainingLifeOptions, SeriesFiles):
    """Every key of a TOML file, and every flag, of ``ostinato train remaining-life``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)


_SHOWN = {
    "data": "DATA",
    "id": "COLUMN",
    "time": "COLUMN",
    "channels": "COLUMNS",
    "label": "COLUMN",
    "target": "COLUMN",
    "frequency": "STEP",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
}


@accept(SeriesClassifierRun, "data", shown=_SHOWN)
def series_classifier(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells which label a series has.

    DATA is a .ts file with labels, or a table with a row for each step and a column of labels that is the same in all
    rows of a series. Ctrl-C saves the work so far, and --resume goes on from there, to the same bits as an
    uninterrupted run.
    """
    run = asked(SeriesClassifierRun, given, config, print_config, "series-classifier", resume, restart)
    if run is not None:
        job = _job(run, "series-classifier", "SeriesClassifier", SeriesClassifierOptions, "label", run.label)
        train(job, run, config, resume, restart, command_of(context))


@accept(SeriesRegressorRun, "data", shown=_SHOWN)
def series_regressor(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells a number for a series.

    DATA is a .ts file with targets, or a table with a row for each step and a column of numbers that is the same in all
    rows of a series. Ctrl-C saves the work so far, and --resume goes on from there, to the same bits as an
    uninterrupted run.
    """
    run = asked(SeriesRegressorRun, given, config, print_config, "series-regressor", resume, restart)
    if run is not None:
        job = _job(run, "series-regressor", "SeriesRegressor", SeriesRegressorOptions, "target", run.target)
        train(job, run, config, resume, restart, command_of(context))


@accept(RemainingLifeRun, "data", shown=_SHOWN)
def remaining_life(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells how many steps a unit has left.

    DATA holds units that ran to failure: a table with a row for each step of each unit, or a .ts file. What was left at
    each step follows from where the unit ends. Ctrl-C saves the work so far, and --resume goes on from there, to the
    same bits as an uninterrupted run.
    """
    run = asked(RemainingLifeRun, given, config, print_config, "remaining-life", resume, restart)
    if run is not None:
        job = _job(run, "remaining-life", "RemainingLife", RemainingLifeOptions, None, None)
        train(job, run, config, resume, restart, command_of(context))


_WANTED = {"label": "label", "target": "number", None: "nothing"}


def _job(run: Any, task: str, name: str, options: type[SeriesOptions], answer: str | None, column: str | None) -> Job:
    """A task on series: ``answer`` is the word of ``fit`` that names the ``column`` of labels or numbers."""
    channels = None if run.channels is None else [word.strip() for word in run.channels.split(",")]
    given: dict[str, Any] = {"id": run.id, "time": run.time, "channels": channels, answer or "": column}
    named = {name: value for name, value in given.items() if value is not None}
    frequency = frequency_of(run.frequency)
    if frequency != "infer":
        named["frequency"] = frequency

    def model() -> Any:
        import ostinato.tasks

        made = getattr(ostinato.tasks, name)
        return made(**chosen(run, options))

    def read(path: str) -> tuple[Any, Contents]:
        from ostinato.tasks.evaluation import counted
        from ostinato.tasks.series_examples import Columns, read_series_examples

        examples = read_series_examples(
            path,
            wanted=_WANTED[answer],
            columns=Columns.named(run.id, run.time, channels, column, frequency),
        )
        if examples.labels is not None:
            return path, Contents.of(examples.labels)
        return path, Contents(len(examples), f" of {counted(examples.panel.rows, 'step')}")

    def check(model: Any, valid: bool) -> None:
        check_options(model, valid=valid)

    return Job(task, _READ, model, check, read, named)


def frequency_of(word: str) -> Any:
    """The distance of rows that a word means.

    >>> frequency_of("none"), frequency_of("1h"), frequency_of("2")
    (None, '1h', 2)
    """
    if word == "none":
        return None
    return int(word) if word.isdigit() else word


def add_to(app: typer.Typer) -> None:
    """Make these tasks known to ``ostinato train``."""
    for task, command in (
        ("series-classifier", series_classifier),
        ("series-regressor", series_regressor),
        ("remaining-life", remaining_life),
    ):
        app.command(task, cls=Verb)(command)
