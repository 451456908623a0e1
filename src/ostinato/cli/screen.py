"""Showing results: with colours and tables in a terminal, as plain text in a pipe."""

from __future__ import annotations

import sys
from typing import Any

from ostinato.errors import needs
from ostinato.tasks.evaluation import SHOWN, Evaluation, counted


def console(*, stderr: bool = False) -> Any:
    """A rich console for one of the two outputs."""
    return needs("rich.console", "train").Console(stderr=stderr, highlight=False, soft_wrap=True)


def show_evaluation(report: Evaluation, classes: int | None = SHOWN) -> None:
    """The numbers of the whole, the worst confusions, and a table of the classes."""
    if not sys.stdout.isatty():
        print(report.table(classes))
        return
    screen = console()
    screen.print(f"[bold]{report.source or 'evaluation'}[/]  {counted(report.count, 'example')}", markup=True)
    show_headline(screen, report)
    show_confusions(screen, report)
    title, scores = report.shown_classes(classes)
    table = needs("rich.table", "train").Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("class", style="cyan", no_wrap=True)
    for name in ("precision", "recall", "F1"):
        table.add_column(name, justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("examples", justify="right", style="dim")
    for score in scores:
        numbers = (f"{100 * value:.1f}" for value in (score.precision, score.recall, score.f1))
        table.add_row(score.label, *numbers, f"[blue]{bar(score.f1)}[/]", f"{score.support:,}")
    screen.print()
    screen.print(table)


def show_headline(screen: Any, report: Evaluation) -> None:
    """The numbers of the whole, and what one must know to read them."""
    screen.print("  ".join(f"{name} [bold green]{number}[/]" for name, number in report.headline()), markup=True)
    for remark in report.notes():
        screen.print(remark, style="yellow", markup=False)


def show_confusions(screen: Any, report: Evaluation, count: int = 5) -> None:
    """What is most often taken for what."""
    pairs = report.worst_confusions(count)
    if not pairs:
        return
    screen.print("\n[bold]worst confusions[/]", markup=True)
    table = needs("rich.table", "train").Table(box=None, show_header=False, padding=(0, 1))
    for pair in pairs:
        table.add_row(
            f"[bold]{pair.count}[/] x", f"[cyan]{pair.truth}[/]", "taken for", f"[dark_orange]{pair.taken_for}[/]"
        )
    screen.print(table)


def bar(share: float, width: int = 10) -> str:
    """A share as a bar of blocks, in steps of an eighth of one.

    >>> bar(0.5, width=4), bar(1.0, width=4), bar(0.03, width=4)
    ('██  ', '████', '▏   ')
    """
    eighths = round(share * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)
