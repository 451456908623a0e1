"""Showing results: with colours and tables in a terminal, as plain text in a pipe."""

from __future__ import annotations

import sys
from typing import Any

from ostinato.errors import needs
from ostinato.tasks.evaluation import SHOWN, Evaluation, counted


def console(*, stderr: bool = False) -> Any:
    """A rich console for one of the two outputs; what users name is never taken for markup."""
    return needs("rich.console", "train").Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True)


def styled(*parts: str | tuple[str, str]) -> Any:
    """A line of words, some of them paired with a style."""
    return needs("rich.text", "train").Text.assemble(*parts)


def show_evaluation(report: Evaluation, classes: int | None = SHOWN) -> None:
    """The numbers of the whole, the worst confusions, and a table of the classes."""
    if not sys.stdout.isatty():
        print(report.table(classes))
        return
    screen = console()
    screen.print(styled((report.source or "evaluation", "bold"), "  ", counted(report.count, "example")))
    show_headline(screen, report)
    show_confusions(screen, report)
    title, scores = report.shown_classes(classes)
    table = needs("rich.table", "train").Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("class", no_wrap=True)
    for name in ("precision", "recall", "F1"):
        table.add_column(name, justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("examples", justify="right", style="dim")
    for score in scores:
        numbers = (f"{100 * value:.1f}" for value in (score.precision, score.recall, score.f1))
        shown = (styled((score.label, "cyan")), *numbers, styled((bar(score.f1), "blue")), f"{score.support:,}")
        table.add_row(*shown)
    screen.print()
    screen.print(table)


def show_headline(screen: Any, report: Evaluation) -> None:
    """The numbers of the whole, and what one must know to read them."""
    parts: list[str | tuple[str, str]] = []
    for name, number in report.headline():
        parts += [f"{'  ' if parts else ''}{name} ", (number, "bold green")]
    screen.print(styled(*parts))
    for remark in report.notes():
        screen.print(remark, style="yellow")


def show_confusions(screen: Any, report: Evaluation, count: int = 5) -> None:
    """What is most often taken for what."""
    pairs = report.worst_confusions(count)
    if not pairs:
        return
    screen.print(styled(("\nworst confusions", "bold")))
    table = needs("rich.table", "train").Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(justify="right")
    for pair in pairs:
        truth, taken = styled((pair.truth, "cyan")), styled((pair.taken_for, "dark_orange"))
        table.add_row(styled((str(pair.count), "bold"), " x"), truth, "taken for", taken)
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
