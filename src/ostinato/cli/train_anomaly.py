"""``ostinato train anomaly-detector``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from ostinato.cli.flags import accept
from ostinato.cli.program import Verb
from ostinato.cli.resuming import Restart, Resume, command_of
from ostinato.cli.train import Config, Contents, Files, Job, PrintConfig, asked, chosen, train
from ostinato.cli.train_series import frequency_of
from ostinato.options import Option
from ostinato.tasks import anomaly_options
from ostinato.tasks.anomaly_options import AnomalyOptions

_FILES = "Data and results"


@dataclass(kw_only=True, eq=False, repr=False)
class AnomalyDetectorRun(AnomalyOptions, Files):
    """Every key of a TOML file, and every flag, of ``ostinato train anomaly-detector``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *anomaly_options.GROUPS)

    data: Annotated[
        str | None, Option("Series to learn from: a .csv, .tsv, .jsonl, .parquet or .ts file.", group=_FILES)
    ] = None
    valid: Annotated[
        str | None, Option("Other series for early stopping, rather than the last steps of DATA's.", group=_FILES)
    ] = None
    plot: Annotated[str | None, Option("Draw what is found in DATA: a .png, .svg or .pdf file.", group=_FILES)] = None
    id: Annotated[str | None, Option("Name of the column that says which series a row is of.", group=_FILES)] = None
    time: Annotated[str | None, Option("Name of the column of times.", group=_FILES)] = None
    target: Annotated[str | None, Option("Names of the columns to watch, such as heat or heat,load.", group=_FILES)] = (
        None
    )
    wide: Annotated[bool, Option("Each column but the times is a series.", group=_FILES)] = False
    frequency: Annotated[
        str | None,
        Option(
            "Distance of the rows, such as 30min, D or M; inferred unless given, 'none' is irregular.", group=_FILES
        ),
    ] = None
    zone: Annotated[str | None, Option("Time zone of times without one, such as Europe/Rome.", group=_FILES)] = None
    duplicates: Annotated[
        str,
        Option("What is done with two rows at one time.", words=("refuse", "first", "last", "mean"), group=_FILES),
    ] = "refuse"


_SHOWN = dict.fromkeys(("valid", "output", "log", "plot"), "FILE")
_SHOWN |= {"data": "DATA", "id": "COLUMN", "time": "COLUMN", "target": "COLUMNS"}


@accept(AnomalyDetectorRun, "data", shown=_SHOWN)
def anomaly_detector(
    given: dict[str, Any],
    called: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that knows what is usual in series, and alarms at what is not.

    DATA is a long table, with one row for each series and time (columns unique_id, ds and y are found by themselves),
    or a --wide one; it needs no labels. Ctrl-C saves the work so far, and --resume goes on from there, to the same bits
    as an uninterrupted run.
    """
    run = asked(AnomalyDetectorRun, given, config, print_config, "anomaly-detector", resume, restart)
    if run is not None:
        train(_job(run), run, config, resume, restart, command_of(called))


def _job(run: AnomalyDetectorRun) -> Job:
    words: dict[str, Any] = {name: getattr(run, name) for name in ("id", "time", "zone")}
    words["target"] = None if run.target is None else [word.strip() for word in run.target.split(",")]
    words = {name: value for name, value in words.items() if value is not None} | ({"wide": True} if run.wide else {})
    if run.frequency is not None:
        words["frequency"] = frequency_of(run.frequency)
    if run.duplicates != "refuse":
        words["duplicates"] = run.duplicates

    def model() -> Any:
        from ostinato.tasks import AnomalyDetector

        return AnomalyDetector(**chosen(run, AnomalyOptions))

    def read(path: str) -> tuple[Any, Contents]:
        from ostinato.data.series import read_series
        from ostinato.tasks.evaluation import counted

        panel = read_series(path, **words)
        return panel, Contents(len(panel), f" of {counted(panel.rows, 'row')}")

    def check(model: Any, valid: bool) -> None:
        anomaly_options.check_options(model, valid=valid)

    def draw(model: Any, run: Any) -> None:
        model.plot(read(run.data)[0], run.plot, title=f"{Path(run.output).stem}: {run.data}")

    columns: dict[str, Any] = {name: words[name] for name in ("id", "time") if name in words}
    files = "a .csv, .tsv, .jsonl, .parquet or .ts file"
    return Job("anomaly-detector", files, model, check, read, columns, draw)


def add_to(app: typer.Typer) -> None:
    """Make this task known to ``ostinato train``."""
    app.command("anomaly-detector", cls=Verb)(anomaly_detector)
