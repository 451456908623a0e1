"""``ostinato train forecaster``: from a file of series to a model of what comes next."""

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
from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.forecast_options import GROUPS, ForecasterOptions, check_options

_FILES = "Data and results"


@dataclass(kw_only=True, eq=False, repr=False)
class ForecasterRun(ForecasterOptions, Files):
    """Every key of a TOML file, and every flag, of ``ostinato train forecaster``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)

    data: Annotated[
        str | None, Option("Series to learn from: a .csv, .tsv, .jsonl, .parquet or .ts file.", group=_FILES)
    ] = None
    valid: Annotated[
        str | None, Option("Other series for early stopping, rather than the last steps of DATA's.", group=_FILES)
    ] = None
    plot: Annotated[
        str | None, Option("Draw forecasts of the steps held out: a .png, .svg or .pdf file.", group=_FILES)
    ] = None
    id: Annotated[str | None, Option("Name of the column that says which series a row is of.", group=_FILES)] = None
    time: Annotated[str | None, Option("Name of the column of times.", group=_FILES)] = None
    target: Annotated[str | None, Option("Names of the columns to forecast, such as y or y,z.", group=_FILES)] = None
    known: Annotated[str | None, Option("Columns that are known ahead, such as heat,workday.", group=_FILES)] = None
    past: Annotated[str | None, Option("Columns that are known up to now only.", group=_FILES)] = None
    static: Annotated[str | None, Option("Columns with one number a series.", group=_FILES)] = None
    categories: Annotated[str | None, Option("Columns with one word a series.", group=_FILES)] = None
    wide: Annotated[bool, Option("Each column but the times is a series.", group=_FILES)] = False
    frequency: Annotated[
        str | None, Option("Distance of the rows, such as 30min, D or M, or none; inferred unless given.", group=_FILES)
    ] = None
    zone: Annotated[str | None, Option("Time zone of times without one, such as Europe/Rome.", group=_FILES)] = None


_SHOWN = {
    "data": "DATA",
    "id": "COLUMN",
    "time": "COLUMN",
    "target": "COLUMNS",
    "known": "COLUMNS",
    "past": "COLUMNS",
    "static": "COLUMNS",
    "categories": "COLUMNS",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
}


@accept(ForecasterRun, "data", shown=_SHOWN)
def forecaster(
    given: dict[str, Any],
    called: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells what comes next in many series, and how sure it is.

    DATA is a long table, with one row for each series and time (columns unique_id, ds and y are found by themselves),
    or a --wide one. Ctrl-C saves the work so far, and --resume goes on from there, to the same bits as an uninterrupted
    run.
    """
    run = asked(ForecasterRun, given, config, print_config, "forecaster", resume, restart)
    if run is not None:
        train(_job(run), run, config, resume, restart, command_of(called))


def _job(run: ForecasterRun) -> Job:
    words: dict[str, Any] = {name: getattr(run, name) for name in ("id", "time", "zone")}
    if run.frequency is not None:
        words["frequency"] = frequency_of(run.frequency)
    words |= {
        name: [word.strip() for word in getattr(run, name).split(",")]
        for name in ("target", "known", "past", "static", "categories")
        if getattr(run, name) is not None
    }
    words = {name: value for name, value in words.items() if value is not None or name == "frequency"}
    if run.wide:
        words["wide"] = True

    def model() -> Any:
        from ostinato.tasks import Forecaster

        return Forecaster(**chosen(run, ForecasterOptions))

    def read(path: str) -> tuple[Any, Contents]:
        from ostinato.data.series import read_series
        from ostinato.tasks.evaluation import counted

        panel = read_series(path, **words)
        return panel, Contents(len(panel), f" of {counted(panel.rows, 'row')}")

    def check(model: Any, valid: bool) -> None:
        check_options(model)

    def draw(model: Any, run: Any) -> None:
        if model.validation_ is None:
            raise OptionError("--plot draws forecasts of steps held out, and none were; leave it out, or set --holdout")
        model.validation_.plot(run.plot, title=Path(run.output).stem + ": validation data")

    columns: dict[str, Any] = {name: words[name] for name in ("id", "time") if name in words}
    files = "a .csv, .tsv, .jsonl, .parquet or .ts file"
    return Job("forecaster", files, model, check, read, columns, draw)


def add_to(app: typer.Typer) -> None:
    """Make this task known to ``ostinato train``."""
    app.command("forecaster", cls=Verb)(forecaster)
