"""``ostinato train seq2seq`` and ``ostinato train translator``: from pairs of texts to a model that writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from ostinato.cli.flags import accept
from ostinato.cli.program import Verb
from ostinato.cli.resuming import Restart, Resume, command_of
from ostinato.cli.train import Config, Contents, Files, Job, PrintConfig, asked, chosen, train
from ostinato.errors import OptionError, needs
from ostinato.options import Option
from ostinato.tasks.seq2seq_options import GROUPS, Seq2SeqOptions, TranslatorOptions, check_options

_FILES = "Data and results"

_NO_COLUMNS = "--source and --target name columns of a table, and parallel files have none; leave them out"


@dataclass(kw_only=True, eq=False, repr=False)
class PairFiles(Files):
    """What every training run on pairs of texts reads."""

    data: Annotated[
        str | None,
        Option("Pairs to learn from: a .csv, .tsv or .jsonl file, or with --parallel one text a line.", group=_FILES),
    ] = None
    plot: Annotated[str | None, Option("Draw the learning curve: a .png, .svg or .pdf file.", group=_FILES)] = None
    source: Annotated[str, Option("Name of the column of texts to read.", group=_FILES)] = "source"
    target: Annotated[str, Option("Name of the column of texts to write.", group=_FILES)] = "target"
    parallel: Annotated[str | None, Option("The texts to write, line by line beside those of DATA.", group=_FILES)] = (
        None
    )
    valid_parallel: Annotated[
        str | None, Option("The texts to write, line by line beside those of --valid.", group=_FILES)
    ] = None


@dataclass(kw_only=True, eq=False, repr=False)
class Seq2SeqRun(Seq2SeqOptions, PairFiles):
    """Every key of a TOML file, and every flag, of ``ostinato train seq2seq``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)


@dataclass(kw_only=True, eq=False, repr=False)
class TranslatorRun(TranslatorOptions, PairFiles):
    """Every key of a TOML file, and every flag, of ``ostinato train translator``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)


_SHOWN = {
    "init_from": "FILE",
    "data": "DATA",
    "source": "COLUMN",
    "target": "COLUMN",
    "parallel": "FILE",
    "valid_parallel": "FILE",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
}


@accept(Seq2SeqRun, "data", shown=_SHOWN)
def seq2seq(
    given: dict[str, Any],
    called: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that reads one text and writes another: summaries, dates in one form, answers.

    DATA names a column of texts to read and one of texts to write, or is one of two parallel files, as in: ostinato
    train seq2seq long.txt --parallel short.txt. Ctrl-C saves the work so far, and --resume goes on from there, to the
    same bits as an uninterrupted run.
    """
    run = asked(Seq2SeqRun, given, config, print_config, "seq2seq", resume, restart)
    if run is not None:
        train(_job(run, "seq2seq", "Seq2Seq"), run, config, resume, restart, command_of(called))


@accept(TranslatorRun, "data", shown=_SHOWN)
def translator(
    given: dict[str, Any],
    called: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that translates sentences.

    DATA names a column of sentences and one of translations, or is one of two parallel files, as in: ostinato train
    translator train.de --parallel train.en. Ctrl-C saves the work so far, and --resume goes on from there, to the same
    bits as an uninterrupted run.
    """
    run = asked(TranslatorRun, given, config, print_config, "translator", resume, restart)
    if run is not None:
        train(_job(run, "translator", "Translator"), run, config, resume, restart, command_of(called))


def _job(run: Any, task: str, name: str) -> Job:
    beside = {run.data: run.parallel} | ({run.valid: run.valid_parallel} if run.valid is not None else {})

    def model() -> Any:
        from ostinato import tasks

        made: Any = getattr(tasks, name)
        return made(**chosen(run, made))

    def read(path: str) -> tuple[Any, Contents]:
        columns: tuple[str | None, str | None] = (run.source, run.target) if beside[path] is None else (None, None)
        pairs = pairs_of(path, beside[path], columns, run.empty)
        left = f", {len(pairs.dropped)} left out for an empty side" if pairs.dropped else ""
        return pairs, Contents(len(pairs), left)

    def check(model: Any, valid: bool) -> None:
        if run.source == run.target:
            raise OptionError(f"--source and --target both name the column '{run.source}'; they are two columns")
        if run.valid is None and run.valid_parallel is not None:
            raise OptionError("--valid-parallel stands beside --valid, which is not given; give both")
        if all(beside.values()) and (run.source, run.target) != (PairFiles.source, PairFiles.target):
            raise OptionError(_NO_COLUMNS)
        check_options(model, valid=valid)
        if task == "translator":
            # Training ends with BLEU: better to miss it now.
            needs("sacrebleu.metrics", "translate")

    def draw(model: Any, run: Any) -> None:
        from ostinato.diagnosis.pictures import draw_training

        draw_training(run.plot, history=model.history_, title=Path(run.output).stem)

    files = "a .csv, .tsv or .jsonl file, or two parallel files (--parallel)"
    return Job(task, files, model, check, read, {"source": run.source, "target": run.target}, draw)


def pairs_of(path: str, parallel: str | None, columns: tuple[str | None, str | None], empty: str) -> Any:
    """The pairs of two columns of a table, or of two parallel files, which have none."""
    from ostinato.data.language.pairs import TABLES, read_pairs

    if parallel is not None:
        if columns != (None, None):
            raise OptionError(_NO_COLUMNS)
        return read_pairs(source=path, target=parallel, empty=empty)
    if Path(path).suffix.lower() not in TABLES:
        raise OptionError(
            f"{path} is no .csv, .tsv or .jsonl file; if it has a text on each line, name the file of the others by "
            "--parallel"
        )
    return read_pairs(path, source=columns[0], target=columns[1], empty=empty)


def add_to(app: typer.Typer) -> None:
    """Make these tasks known to ``ostinato train``."""
    app.command("seq2seq", cls=Verb)(seq2seq)
    app.command("translator", cls=Verb)(translator)
