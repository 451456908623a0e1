"""``ostinato train tagger``: from tagged sentences to a model file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from ostinato.cli.flags import accept
from ostinato.cli.program import Verb
from ostinato.cli.resuming import Restart, Resume, command_of
from ostinato.cli.train import Config, Contents, Files, Job, PrintConfig, asked, chosen, train
from ostinato.options import Option
from ostinato.tasks.tag_options import GROUPS, TaggerOptions, check_options

_FILES = "Data and results"


@dataclass(kw_only=True, eq=False, repr=False)
class TaggerRun(TaggerOptions, Files):
    """Every key of a TOML file, and every flag, of ``ostinato train tagger``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)

    data: Annotated[
        str | None,
        Option(
            "Tagged sentences: a word a line (.conll, .conllu, .iob, .bio, .txt), or a table (.csv, .tsv, .jsonl) of "
            "words and tags, or of texts and spans of characters.",
            group=_FILES,
        ),
    ] = None
    word: Annotated[
        str | None,
        Option("Column of words or texts: its name, or its number in a file with a word a line.", group=_FILES),
    ] = None
    tag: Annotated[
        str | None,
        Option("Column of tags or spans: its name, or its number; -1 is the last one.", group=_FILES),
    ] = None


_SHOWN = {
    "init_from": "FILE",
    "data": "DATA",
    "word": "COLUMN",
    "tag": "COLUMN",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
}


@accept(TaggerRun, "data", shown=_SHOWN)
def tagger(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells which tag each word has, or where names and slots are.

    Tags such as B-name, I-name and O are spans: answers keep to their scheme. Ctrl-C saves the work so far, and
    --resume goes on from there, to the same bits as an uninterrupted run.
    """
    run = asked(TaggerRun, given, config, print_config, "tagger", resume, restart)
    if run is not None:
        train(_job(run), run, config, resume, restart, command_of(context))


def _job(run: TaggerRun) -> Job:
    def model() -> Any:
        from ostinato.tasks import Tagger

        return Tagger(**chosen(run, TaggerOptions))

    def read(path: str) -> tuple[Any, Contents]:
        from ostinato.tasks.evaluation import counted
        from ostinato.tasks.examples import DataWarning
        from ostinato.tasks.tag_examples import Reading, read_tagged

        reading = Reading(run.scheme, run.broken, run.cut)
        with warnings.catch_warnings():
            # Training reads the file again, and then tells.
            warnings.simplefilter("ignore", DataWarning)
            examples = read_tagged(path, word=run.word, tag=run.tag, reading=reading)
        words = counted(len(examples.tags), "word")
        return path, Contents(len(examples), f" of {words} with {counted(len({*examples.tags}), 'tag')}")

    def check(model: Any, valid: bool) -> None:
        check_options(model, valid=valid)

    columns = {"word": run.word, "tag": run.tag}
    return Job("tagger", "a .conll, .csv, .tsv or .jsonl file", model, check, read, columns)


def add_to(app: typer.Typer) -> None:
    """Make this task known to ``ostinato train``."""
    app.command("tagger", cls=Verb)(tagger)
