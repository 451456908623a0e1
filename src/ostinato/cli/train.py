"""``ostinato train``: from a file of examples to a model file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from ostinato.cli.config import read_config, render_config
from ostinato.cli.files import check_columns, keep_apart
from ostinato.cli.flags import accept, check_flags
from ostinato.cli.program import Program, Verb, note, told_warnings
from ostinato.cli.resuming import (
    THIS_CALL,
    Restart,
    Resume,
    check_choice,
    check_unfinished,
    checkpoint_of,
    command_of,
    stopped,
)
from ostinato.errors import Interrupted, OptionError
from ostinato.options import Option, validate
from ostinato.tasks.text_options import GROUPS, TextClassifierOptions, check_options

app = typer.Typer(
    cls=Program, help="Train a model.", add_help_option=False, rich_markup_mode=None, pretty_exceptions_enable=False
)

_FILES = "Data and results"


@dataclass(kw_only=True, eq=False, repr=False)
class Files:
    """What a training run reads and writes."""

    data: Annotated[str | None, Option("Examples to learn from: a .csv, .tsv or .jsonl file.", group=_FILES)] = None
    text: Annotated[str, Option("Name of the column of texts.", group=_FILES)] = "text"
    label: Annotated[str, Option("Name of the column of labels.", group=_FILES)] = "label"
    valid: Annotated[
        str | None, Option("Examples for early stopping; without it some of DATA are kept for that.", group=_FILES)
    ] = None
    output: Annotated[str, Option("The model file to write.", group=_FILES)] = "model.safetensors"
    log: Annotated[str | None, Option("Write one JSON object an epoch to this file.", group=_FILES)] = None
    plot: Annotated[
        str | None, Option("Draw learning curve and confusion matrix: a .png, .svg or .pdf file.", group=_FILES)
    ] = None


@dataclass(kw_only=True, eq=False, repr=False)
class TextClassifierRun(TextClassifierOptions, Files):
    """Every key of a TOML file, and every flag, of ``ostinato train text-classifier``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *GROUPS)


_SHOWN = {
    "data": "DATA",
    "text": "COLUMN",
    "label": "COLUMN",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
    "out_of_scope": "LABEL",
}


@app.command("text-classifier", cls=Verb)
@accept(TextClassifierRun, "data", shown=_SHOWN)
def text_classifier(
    given: dict[str, Any],
    context: typer.Context,
    config: Annotated[
        str | None, typer.Option(help="Read options from a TOML file.", metavar="FILE", rich_help_panel=THIS_CALL)
    ] = None,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", help="Print all options as a TOML file, and end.", rich_help_panel=THIS_CALL),
    ] = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells which label a text has.

    DATA names a column of texts and one of labels in its header line (or keys, in .jsonl). Ctrl-C saves the work so
    far, and --resume goes on from there, to the same bits as an uninterrupted run.
    """
    values = read_config(TextClassifierRun, config) if config else {}
    values |= check_flags(TextClassifierRun, given)
    if print_config:
        typer.echo(render_config(TextClassifierRun, values, "ostinato train text-classifier"), nl=False)
        return
    check_choice(resume, restart)
    run = TextClassifierRun(**validate(TextClassifierRun, values))
    with told_warnings():
        _train(run, config, resume, restart, command_of(context))


def _train(run: TextClassifierRun, config: str | None, resume: bool, restart: bool, command: list[str]) -> None:
    """Find out what could go wrong, train, save."""
    from ostinato.artifact import probe_output
    from ostinato.data import read_table
    from ostinato.diagnosis.pictures import check_format
    from ostinato.tasks import TextClassifier
    from ostinato.tasks.evaluation import counted
    from ostinato.tasks.examples import read_examples
    from ostinato.train import remove_checkpoint

    if run.data is None:
        raise OptionError("which examples? give a .csv, .tsv or .jsonl file: ostinato train text-classifier train.csv")
    checkpoint = checkpoint_of(run.output)
    keep_apart(
        {"DATA": run.data, "--valid": run.valid, "--config": config},
        {"--output": run.output, "its checkpoint": checkpoint, "--log": run.log, "--plot": run.plot},
    )
    check_columns(run.text, run.label)
    probe_output(run.output)
    check_unfinished(checkpoint, resume, restart)
    for path in (checkpoint, run.log, run.plot):
        if path is not None:
            probe_output(path)
    if run.plot is not None:
        check_format(run.plot)
    model = TextClassifier(**{field.name: getattr(run, field.name) for field in fields(TextClassifierOptions)})
    check_options(model, valid=run.valid is not None)
    table = read_table(run.data)
    valid = read_table(run.valid) if run.valid is not None else None
    for source in (table, valid) if valid is not None else (table,):
        read_examples(source, text=run.text, label=run.label)
    if restart:
        # Only now: a mistake in the call must not cost the work that it saved.
        remove_checkpoint(checkpoint)
    labels = len(set(table.labels(run.label)))
    validation = f", {counted(len(valid), 'example')} in {run.valid} for validation" if valid is not None else ""
    note(f"{counted(len(table), 'example')} of {counted(labels, 'label')} in {run.data}{validation}")
    try:
        with _watchers(run.log) as watch:
            model.fit(
                table,
                text=run.text,
                label=run.label,
                valid=valid,
                checkpoint=checkpoint,
                resume=resume,
                progress=watch,
            )
    except Interrupted as stop:
        stopped(stop, checkpoint, command)
    model.save(run.output)
    remove_checkpoint(checkpoint)
    _show_result(model, run)


@contextmanager
def _watchers(log: str | None) -> Iterator[Callable[[Any], None]]:
    """The bar and the log, fed with the same reports."""
    from ostinato.train import JsonLog, Progress

    with ExitStack() as stack:
        listeners: list[Callable[[Any], None]] = [stack.enter_context(Progress())]
        if log is not None:
            listeners.append(stack.enter_context(JsonLog(log)))

        def watch(report: Any) -> None:
            for listener in listeners:
                listener(report)

        yield watch


def _show_result(model: Any, run: TextClassifierRun) -> None:
    """How good it is, and what to do next."""
    from ostinato.cli.screen import console, show_headline

    screen = console(stderr=True)
    report = model.validation_
    if report is not None:
        screen.print("validation  ", end="", style="bold")
        show_headline(screen, report)
    if run.plot is not None:
        from ostinato.diagnosis.pictures import draw_training

        draw_training(
            run.plot,
            history=model.history_,
            confusion=None if report is None else report.confusion,
            labels=() if report is None else report.labels,
            title=Path(run.output).stem + ("" if report is None else ": validation data"),
        )
        screen.print(f"drew   {run.plot}")
    size = Path(run.output).stat().st_size / 1e6
    screen.print(f"saved  {run.output} ({size:.1f} MB)")
    screen.print(f"try    ostinato chat {shlex.quote(run.output)}")
