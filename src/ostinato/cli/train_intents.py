"""``ostinato train intent-parser``: from requests with intents and slots to a model file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from ostinato.cli.files import check_columns
from ostinato.cli.flags import accept
from ostinato.cli.program import Verb
from ostinato.cli.resuming import Restart, Resume, command_of
from ostinato.cli.train import Config, Contents, Files, Job, PrintConfig, asked, chosen, train
from ostinato.options import Option
from ostinato.tasks.intent_options import GROUPS, IntentParserOptions, check_options

_FILES = "Data and results"


@dataclass(kw_only=True, eq=False, repr=False)
class IntentParserRun(IntentParserOptions, Files):
    """Every key of a TOML file, and every flag, of ``ostinato train intent-parser``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)

    text: Annotated[str, Option("Name of the column of texts.", group=_FILES)] = "text"
    label: Annotated[str, Option("Name of the column of intents.", group=_FILES)] = "label"
    slot: Annotated[
        str | None,
        Option("Name of the column of slots, spans of characters; 'slots' unless given.", group=_FILES),
    ] = None


_SHOWN = {
    "init_from": "FILE",
    "data": "DATA",
    "text": "COLUMN",
    "label": "COLUMN",
    "slot": "COLUMN",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
    "out_of_scope": "LABEL",
}


@accept(IntentParserRun, "data", shown=_SHOWN)
def intent_parser(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells what a request wants, and with what.

    DATA names a column of texts, one of intents and one of slots: lists such as [[0, 4, "name"]] of spans of
    characters. Ctrl-C saves the work so far, and --resume goes on from there, to the same bits as an uninterrupted run.
    """
    run = asked(IntentParserRun, given, config, print_config, "intent-parser", resume, restart)
    if run is not None:
        train(_job(run), run, config, resume, restart, command_of(context))


def _job(run: IntentParserRun) -> Job:
    columns = {"text": run.text, "label": run.label, "slot": run.slot}

    def model() -> Any:
        from ostinato.tasks import IntentParser

        return IntentParser(**chosen(run, IntentParserOptions))

    def read(path: str) -> tuple[Any, Contents]:
        from ostinato.data.language.schemes import OUTSIDE
        from ostinato.tasks.evaluation import counted
        from ostinato.tasks.intent_examples import read_requests

        requests = read_requests(path, **columns, scheme=run.scheme, cut=run.cut)
        found = Contents.of(requests.rows.labels)
        slots = {tag.partition("-")[2] for tag in requests.tagged.tags if tag != OUTSIDE}
        return requests, found._replace(told=f"{found.told} and {counted(len(slots), 'kind')} of slot")

    def check(model: Any, valid: bool) -> None:
        check_columns(run.text, run.label)
        check_options(model, valid=valid)

    return Job("intent-parser", "a .csv, .tsv or .jsonl file", model, check, read, columns)


def add_to(app: typer.Typer) -> None:
    """Make this task known to ``ostinato train``."""
    app.command("intent-parser", cls=Verb)(intent_parser)
