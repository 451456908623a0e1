"""``ostinato train``: from a file of examples to a model file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import typer

from ostinato.cli.config import read_config, render_config
from ostinato.cli.files import check_columns, keep_apart
from ostinato.cli.flags import accept, check_flags
from ostinato.cli.program import Program, Verb, note
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
from ostinato.tasks import text_options, tree_options
from ostinato.tasks.text_options import TextClassifierOptions
from ostinato.tasks.tree_options import TreeClassifierOptions

app = typer.Typer(
    cls=Program, help="Train a model.", add_help_option=False, rich_markup_mode=None, pretty_exceptions_enable=False
)

_FILES = "Data and results"


@dataclass(kw_only=True, eq=False, repr=False)
class Files:
    """What every training run reads and writes."""

    data: Annotated[str | None, Option("Examples to learn from: a .csv, .tsv or .jsonl file.", group=_FILES)] = None
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

    groups: ClassVar[tuple[str, ...]] = (_FILES, *text_options.GROUPS)

    text: Annotated[str, Option("Name of the column of texts.", group=_FILES)] = "text"
    label: Annotated[str, Option("Name of the column of labels.", group=_FILES)] = "label"


@dataclass(kw_only=True, eq=False, repr=False)
class TreeClassifierRun(TreeClassifierOptions, Files):
    """Every key of a TOML file, and every flag, of ``ostinato train tree-classifier``."""

    groups: ClassVar[tuple[str, ...]] = (_FILES, *tree_options.GROUPS)

    data: Annotated[
        str | None,
        Option(
            "Trees to learn from: a .csv, .tsv or .jsonl file with a column of them, trees in brackets (.txt, .sexp, "
            ".ptb, .mrg) or sentences in columns (.conll, .conllu).",
            group=_FILES,
        ),
    ] = None
    tree: Annotated[str | None, Option("Name of the column of trees; 'tree' unless given.", group=_FILES)] = None
    label: Annotated[
        str | None,
        Option("Name of the column of labels; 'label' unless given, or the labels of the roots.", group=_FILES),
    ] = None


_SHOWN = {
    "init_from": "FILE",
    "data": "DATA",
    "text": "COLUMN",
    "tree": "COLUMN",
    "label": "COLUMN",
    "valid": "FILE",
    "output": "FILE",
    "log": "FILE",
    "plot": "FILE",
    "out_of_scope": "LABEL",
}


Config = Annotated[
    str | None, typer.Option(help="Read options from a TOML file.", metavar="FILE", rich_help_panel=THIS_CALL)
]
PrintConfig = Annotated[
    bool,
    typer.Option("--print-config", help="Print all options as a TOML file, and end.", rich_help_panel=THIS_CALL),
]


@app.command("text-classifier", cls=Verb)
@accept(TextClassifierRun, "data", shown=_SHOWN)
def text_classifier(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells which label a text has.

    DATA names a column of texts and one of labels in its header line (or keys, in .jsonl). Ctrl-C saves the work so
    far, and --resume goes on from there, to the same bits as an uninterrupted run.
    """
    run = asked(TextClassifierRun, given, config, print_config, "text-classifier", resume, restart)
    if run is not None:
        train(_text_job(run), run, config, resume, restart, command_of(context))


@app.command("tree-classifier", cls=Verb)
@accept(TreeClassifierRun, "data", shown=_SHOWN)
def tree_classifier(
    given: dict[str, Any],
    context: typer.Context,
    config: Config = None,
    print_config: PrintConfig = False,
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Train a network that tells which label a tree has, and perhaps each of its nodes.

    DATA holds trees in brackets, such as (MAX 2 9 (MIN 4 7)), in a column beside their labels, or with labels of their
    own: (3 (2 It) (4 great)), with --form labels; or sentences in columns with comments "# label = NAME". Ctrl-C saves
    the work so far, and --resume goes on from there, to the same bits as an uninterrupted run.
    """
    run = asked(TreeClassifierRun, given, config, print_config, "tree-classifier", resume, restart)
    if run is not None:
        train(_tree_job(run), run, config, resume, restart, command_of(context))


def asked(
    kind: type, given: dict[str, Any], config: str | None, print_config: bool, task: str, resume: bool, restart: bool
) -> Any:
    """What a run was asked to do; None where it was only asked to print that."""
    values = read_config(kind, config) if config else {}
    values |= check_flags(kind, given)
    if print_config:
        typer.echo(render_config(kind, values, f"ostinato train {task}"), nl=False)
        return None
    check_choice(resume, restart)
    return kind(**validate(kind, values))


class Contents(NamedTuple):
    """How many examples a file holds, and what there is to say of them."""

    examples: int
    told: str = ""
    called: str = "example"

    @property
    def counted(self) -> str:
        """How many there are, as in "2 files"."""
        from ostinato.tasks.evaluation import counted

        return counted(self.examples, self.called)

    @classmethod
    def of(cls, labels: Sequence[str]) -> Contents:
        """What labelled examples are."""
        from ostinato.tasks.evaluation import counted

        return cls(len(labels), f" of {counted(len(set(labels)), 'label')}")


@dataclass(frozen=True)
class Job:
    """What is particular to training for one task.

    ``model`` makes the untrained model, ``check`` its options, told whether data for validation are given; ``read``
    gives what ``fit`` takes for a file, and what is in it: so many examples, of what; ``columns`` are the words of
    ``fit`` that name columns; ``draw`` draws another picture than that of learning.
    """

    task: str
    files: str
    model: Callable[[], Any]
    check: Callable[[Any, bool], None]
    read: Callable[[str], tuple[Any, Contents]]
    columns: Mapping[str, str | None]
    draw: Callable[[Any, Any], None] | None = None


def chosen(run: Any, options: type[Any]) -> dict[str, Any]:
    """The options of a task among everything that a run was told."""
    return {field.name: getattr(run, field.name) for field in fields(options)}


# What to try next with a model, by what it reads.
_NEXT = {
    "text": ("chat", ""),
    "tree": ("chat", ""),
    "words": ("chat", ""),
    "history": ("backtest", " DATA"),
    "channels": ("detect", " DATA"),
    "language": ("generate", " PROMPT"),
}


def _text_job(run: TextClassifierRun) -> Job:
    def model() -> Any:
        from ostinato.tasks import TextClassifier

        return TextClassifier(**chosen(run, TextClassifierOptions))

    def read(path: str) -> tuple[Any, Contents]:
        from ostinato.data import read_table
        from ostinato.tasks.examples import read_examples

        table = read_table(path)
        return table, Contents.of(read_examples(table, text=run.text, label=run.label).labels)

    def check(model: Any, valid: bool) -> None:
        check_columns(run.text, run.label)
        text_options.check_options(model, valid=valid)

    columns = {"text": run.text, "label": run.label}
    return Job("text-classifier", "a .csv, .tsv or .jsonl file", model, check, read, columns)


def _tree_job(run: TreeClassifierRun) -> Job:
    def model() -> Any:
        from ostinato.tasks import TreeClassifier

        return TreeClassifier(**chosen(run, TreeClassifierOptions))

    def read(path: str) -> tuple[Any, Contents]:
        from ostinato.tasks.tree_examples import read_tree_examples

        examples = read_tree_examples(path, tree=run.tree, label=run.label, form=run.form)
        return examples, Contents.of(examples.rows.labels)

    def check(model: Any, valid: bool) -> None:
        check_columns(run.tree or "tree", run.label or "label", kind="tree")
        tree_options.check_options(model, valid=valid)

    columns = {"tree": run.tree, "label": run.label}
    return Job("tree-classifier", "a .csv, .tsv or .jsonl file, or one of trees", model, check, read, columns)


def train(job: Job, run: Any, config: str | None, resume: bool, restart: bool, command: list[str]) -> None:
    """Find out what could go wrong, train, save."""
    from ostinato.artifact import probe_output
    from ostinato.diagnosis.pictures import check_format
    from ostinato.train import remove_checkpoint

    if run.data is None:
        example = "train.csv"
        raise OptionError(f"which examples? give {job.files}: ostinato train {job.task} {example}")
    checkpoint = checkpoint_of(run.output)
    keep_apart(
        {
            "DATA": run.data,
            "--valid": run.valid,
            "--config": config,
            "--init-from": getattr(run, "init_from", None),
        },
        {"--output": run.output, "its checkpoint": checkpoint, "--log": run.log, "--plot": run.plot},
    )
    model = job.model()
    job.check(model, run.valid is not None)
    probe_output(run.output)
    check_unfinished(checkpoint, resume, restart)
    for path in (checkpoint, run.log, run.plot):
        if path is not None:
            probe_output(path)
    if run.plot is not None:
        check_format(run.plot)
    data, contents = job.read(run.data)
    valid, kept = job.read(run.valid) if run.valid is not None else (None, Contents(0))
    if restart:
        # Only now: a mistake in the call must not cost the work that it saved.
        remove_checkpoint(checkpoint)
    validation = f", {kept.counted} in {run.valid} for validation" if valid is not None else ""
    note(f"{contents.counted}{contents.told} in {run.data}{validation}")
    try:
        with _watchers(run.log) as watch:
            model.fit(data, **job.columns, valid=valid, checkpoint=checkpoint, resume=resume, progress=watch)
    except Interrupted as stop:
        stopped(stop, checkpoint, command)
    model.save(run.output)
    remove_checkpoint(checkpoint)
    _show_result(job, model, run)


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


def _show_result(job: Job, model: Any, run: Any) -> None:
    """How good it is, and what to do next."""
    from ostinato.cli.screen import console, show_headline

    screen = console(stderr=True)
    report = model.validation_
    if report is not None:
        screen.print("validation  ", end="", style="bold")
        show_headline(screen, report)
    if run.plot is not None and job.draw is not None:
        job.draw(model, run)
        screen.print(f"drew   {run.plot}")
    elif run.plot is not None:
        from ostinato.diagnosis.pictures import draw_training

        draw_training(
            run.plot,
            history=model.history_,
            confusion=getattr(report, "confusion", None),
            labels=getattr(report, "labels", ()),
            title=Path(run.output).stem + ("" if report is None else ": validation data"),
        )
        screen.print(f"drew   {run.plot}")
    size = Path(run.output).stat().st_size / 1e6
    screen.print(f"saved  {run.output} ({size:.1f} MB)")
    verb, rest = _NEXT.get(model.reads, ("evaluate", " DATA"))
    screen.print(f"try    ostinato {verb} {shlex.quote(run.output)}{rest}")
