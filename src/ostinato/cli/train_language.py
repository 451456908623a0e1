"""``ostinato train language-model``: from texts to a model of what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from ostinato.cli.flags import accept
from ostinato.cli.program import Verb
from ostinato.cli.resuming import Restart, Resume, command_of
from ostinato.cli.train import Config, Contents, Files, Job, PrintConfig, asked, chosen, train
from ostinato.options import Option
from ostinato.tasks.language_options import GROUPS, LanguageModelOptions, check_options

_FILES = "Data and results"


@dataclass(kw_only=True, eq=False, repr=False)
class LanguageModelRun(LanguageModelOptions, Files):
    """Every key of a TOML file, and every flag, of ``ostinato train language-model``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)

    data: Annotated[
        str | None,
        Option(
            "Texts to learn from: a file of one text, or of rows (.jsonl, .parquet, .csv, .tsv); several with commas "
            "between them.",
            group=_FILES,
        ),
    ] = None
    valid: Annotated[
        str | None, Option("Texts for early stopping; without them the end of DATA is kept for that.", group=_FILES)
    ] = None
    plot: Annotated[str | None, Option("Draw the learning curve: a .png, .svg or .pdf file.", group=_FILES)] = None
    text: Annotated[str | None, Option("Name of the column of texts of a file of rows.", group=_FILES)] = None


_SHOWN = {
    "init_from": "FILE",
    "data": "DATA",
    "text": "COLUMN",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
    "vectors": "FILE",
    "cutoffs": "NUMBERS",
}


@accept(LanguageModelRun, "data", shown=_SHOWN)
def language_model(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that knows what comes next in a text: characters, words, bytes or pieces of words.

    DATA is read piece by piece, whatever its size; --recipe awd trains as AWD-LSTM, and every option beside a recipe
    replaces the recipe's own. Ctrl-C saves the work so far, and --resume goes on from there, to the same bits as an
    uninterrupted run.
    """
    run = asked(LanguageModelRun, given, config, print_config, "language-model", resume, restart)
    if run is not None:
        train(_job(run), run, config, resume, restart, command_of(context))


def paths_of(data: str) -> list[Path]:
    """The files that DATA names: one, or several with commas between them.

    >>> [path.name for path in paths_of("a.txt,b.txt")]
    ['a.txt', 'b.txt']
    """
    if Path(data).exists() or "," not in data:
        return [Path(data)]
    return [Path(part.strip()) for part in data.split(",") if part.strip()]


def _job(run: LanguageModelRun) -> Job:
    def model() -> Any:
        from ostinato.tasks import LanguageModel

        return LanguageModel(**chosen(run, LanguageModelOptions))

    def read(data: str) -> tuple[Any, Contents]:
        from ostinato.data.files import find_file
        from ostinato.tasks.language_source import source_of

        paths = [find_file(str(path)) for path in paths_of(data)]
        source_of(paths, run.text)
        size = sum(path.stat().st_size for path in paths)
        return paths, Contents(len(paths), f" of text ({size / 1e6:.1f} MB)", "file")

    def check(model: Any, valid: bool) -> None:
        check_options(model, valid=valid)

    columns = {} if run.text is None else {"text": run.text}
    return Job("language-model", "a file of text", model, check, read, columns)


def add_to(app: typer.Typer) -> None:
    """Make this task known to ``ostinato train``."""
    app.command("language-model", cls=Verb)(language_model)
