"""``ostinato certify``: what a cell can remember, found out by training it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.cli.program import end, note
from ostinato.errors import Interrupted, OptionError, needs

HOME = "certificates"
Flag = typer.Option

Cell = Annotated[str, typer.Argument(metavar="CELL", help="A cell's name, or package.module:cell for one of yours.")]
Tasks = Annotated[str, Flag("--tasks", metavar="NAMES", help="Only these tasks, as parity,s3.", show_default="the six")]
Long = Annotated[bool, Flag("--long", help="The tasks adding and copy too.")]
Quick = Annotated[bool, Flag("--quick", help="One seed and 12 seconds, under 3 minutes in all.")]
Seeds = Annotated[str, Flag("--seeds", metavar="INT", help="Networks for each task.", show_default="2")]
Seconds = Annotated[str, Flag("--seconds", metavar="NUMBER", help="Longest training of each.", show_default="25")]
Hidden = Annotated[str, Flag("--hidden", metavar="INT", help="Width of the layer.", show_default="64")]
Layers = Annotated[str, Flag("--layers", metavar="INT", help="Layers of the cell.", show_default="1")]
Threads = Annotated[str, Flag("--threads", metavar="INT", help="Threads of torch.", show_default="1")]
Home = Annotated[str, Flag("--output", "-o", metavar="FOLDER", help="Where results go.", show_default=HOME)]
Restart = Annotated[bool, Flag("--restart", help="Make runs again that are finished.")]


def certify(
    cell: Cell,
    tasks: Tasks = "",
    long: Long = False,
    quick: Quick = False,
    seeds: Seeds = "",
    seconds: Seconds = "",
    hidden: Hidden = "64",
    layers: Layers = "1",
    threads: Threads = "1",
    output: Home = HOME,
    restart: Restart = False,
) -> None:
    """Train a cell on tasks that need memory, and tell which it learns.

    The tasks: recall, parity, modulo5, s3, a5, associative; with --long also adding and copy. Seconds are the
    processor's with one thread, the clock's with more. Finished runs are kept and never made twice; Ctrl-C keeps them.
    """
    names = [name.strip() for name in tasks.split(",")] if tasks else None
    if quick and (seeds or seconds):
        raise OptionError("--quick sets the seeds and the seconds; leave out " + ("--seeds" if seeds else "--seconds"))
    from ostinato.certificates import certify as train_and_judge
    from ostinato.certificates import named_cell

    made = named_cell(cell)
    options: dict[str, Any] = {
        "tasks": names,
        "long": long,
        "seeds": 1 if quick else _whole("--seeds", seeds or "2"),
        "seconds": 12.0 if quick else _number("--seconds", seconds or "25"),
        "hidden": _whole("--hidden", hidden),
        "layers": _whole("--layers", layers),
        "threads": _whole("--threads", threads),
    }
    try:
        with _watched() as watch:
            certificate = train_and_judge(made, **options, folder=Path(output), again=restart, watch=watch)
    except Interrupted as stop:
        end(str(stop))
    _show(certificate)
    note(f"kept in {output}")


@contextmanager
def _watched() -> Iterator[Any]:
    """Tells how runs stand: a moving line in a terminal, and a line for each that is finished."""
    from ostinato.cli.screen import console

    screen = console(stderr=True)
    status = screen.status("") if sys.stderr.isatty() else None

    def watch(run: Any, glimpse: Any, result: dict[str, Any] | None) -> None:
        if result is not None:
            screen.print(_line(run, result))
        elif status is not None and glimpse.steps % 10 == 0:
            where = f"length {glimpse.length}, {100 * glimpse.accuracy:.0f} % right"
            status.update(f"{run.name}  {where}, {glimpse.seconds:.0f} s, step {glimpse.steps}")

    if status is None:
        yield watch
    else:
        with status:
            yield watch


def _line(run: Any, result: dict[str, Any]) -> Any:
    """One finished run: what was asked, and how far it came."""
    from ostinato.cli.screen import styled

    first = result["accuracy"][str(run.task.train)]
    found = ("solved", "bold green") if result["solved"] else (f"{100 * first:.0f} %", "yellow")
    lengths = "  ".join(f"{100 * share:.1f} % at {length}" for length, share in result["accuracy"].items())
    return styled((run.name.ljust(28), "cyan"), found, f"  {result['seconds']:.1f} s  {lengths} {run.task.unit}")


def _show(certificate: Any) -> None:
    """The verdicts as a table; Markdown where the output is no terminal."""
    if not sys.stdout.isatty():
        typer.echo(certificate.table())
        return
    from ostinato.certificates import TASKS
    from ostinato.cli.screen import bar, console, styled

    title = f"what {certificate.cell} was seen to remember"
    table = needs("rich.table", "train").Table(title=title, title_justify="left", title_style="bold", box=None)
    for name, justify in (
        ("task", "left"),
        ("learnt", "left"),
        ("", "left"),
        ("chance", "right"),
        ("solved in", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)
    table.add_column("what is asked", style="dim", no_wrap=True, overflow="ellipsis")
    for verdict in certificate.verdicts():
        task = TASKS[verdict.task]
        name = verdict.task + (" (chrono)" if verdict.start == "chrono" else "")
        shown = (verdict.text, "bold green" if verdict.solved else "yellow")
        took = f"{verdict.seconds:.1f} s" if verdict.seconds is not None else ""
        table.add_row(
            styled((name, "cyan")),
            styled(shown),
            styled((bar(verdict.accuracy), "blue")),
            f"{100 * task.chance:.0f} %",
            took,
            task.sentence,
        )
    screen = console()
    screen.print(table)
    screen.print("'to 256' means: trained on short sequences, at least 99 % right on such long ones", style="dim")


def _whole(flag: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise OptionError(f"{flag} wanted a whole number at least 1, got {text!r}")
    return int(text)


def _number(flag: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise OptionError(f"{flag} wanted a number above 0, got {text!r}")
    return number
