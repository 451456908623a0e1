"""``ostinato bench``: our speed beside that of the libraries that people have, measured on this machine."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.cli.program import end, note, warn
from ostinato.cli.resuming import Restart, Resume, check_choice, command_of
from ostinato.errors import Interrupted, OptionError

HOME = "benchmarks/history"
SHOWN = "What is shown"
Flag = typer.Option

Quick = Annotated[bool, Flag("--quick", help="A part of all points, in under 8 minutes; this is the default.")]
Full = Annotated[bool, Flag("--full", help="All points, in under an hour.")]
Only = Annotated[str, Flag("--only", metavar="PATTERN", help="Only points whose name has this, or is like *gru*-B1-*.")]
Python = Annotated[list[str], Flag("--peer-python", metavar="PEER=PYTHON", help="The interpreter that has a peer.")]
Threads = Annotated[str, Flag("--threads", metavar="INT", help="Threads of everybody.", show_default="2")]
Home = Annotated[str, Flag("--output", "-o", metavar="FOLDER", help="Where results go.", show_default=HOME)]
Listed = Annotated[bool, Flag("--list", help="List the points and measure nothing.", rich_help_panel=SHOWN)]
Show = Annotated[str, Flag("--show", metavar="FILE", help="Show earlier results.", rich_help_panel=SHOWN)]
Chart = Annotated[str, Flag("--chart", metavar="FILE", help="Draw the results as PNG.", rich_help_panel=SHOWN)]


def bench(
    context: typer.Context,
    quick: Quick = False,
    full: Full = False,
    only: Only = "",
    peer_python: Python = [],  # noqa: B006
    threads: Threads = "2",
    output: Home = HOME,
    listed: Listed = False,
    show: Show = "",
    chart: Chart = "",
    resume: Resume = False,
    restart: Restart = False,
) -> None:
    """Compare our speed with torch, jax, keras and ONNX Runtime.

    Each runs in a process of its own and they take turns, one timed call at a time, after they were seen to compute the
    same. A peer that is not installed is skipped by name. Ctrl-C keeps the finished points.
    """
    if quick and full:
        raise OptionError("--quick measures a part and --full everything; give one of them")
    check_choice(resume, restart)
    if show:
        _alone(context, {"--quick": quick, "--full": full, "--only": only, "--list": listed, "--resume": resume})
        return _show(Path(show), chart)
    # A pattern is looked for among all points, unless the short run is asked for.
    kind = "full" if full or (only and not quick) else "quick"
    from ostinato.bench.registry import chosen

    points = chosen(kind, only or None)
    if listed:
        for point in points:
            typer.echo(point.name)
        return None
    if chart:
        from ostinato.artifact import probe_output

        probe_output(chart)
    _measure(context, points, kind, only, peer_python, _whole(threads), Path(output), chart, resume, restart)
    return None


def _measure(
    context: Any,
    points: list[Any],
    kind: str,
    only: str,
    pythons: list[str],
    threads: int,
    home: Path,
    chart: str,
    resume: bool,
    restart: bool,
) -> None:
    from ostinato.bench.crew import Crew, interpreters
    from ostinato.bench.history import Unfinished
    from ostinato.bench.run import run

    # A part of a run must never be taken for the whole.
    kept = Unfinished(home, "part" if only else kind)
    try:
        with Crew(interpreters(pythons), threads) as crew:
            path, failed = run(points, kind, crew, kept, note, resume=resume, restart=restart)
    except Interrupted as stop:
        again = [word for word in command_of(context) if word not in ("--resume", "--restart")]
        end(f"{stop}\ngo on with:  {shlex.join([*again, '--resume'])}")
    _show(path, chart)
    typer.echo(f"\nkept  {path}")
    if failed:
        warn(f"{len(failed)} of {len(points)} points failed and were not timed:")
        for reason in failed.values():
            note(f"  {reason}")
        raise typer.Exit(1)


def _show(path: Path, chart: str) -> None:
    """The table and what is remarkable; and the picture, if it is asked for."""
    from ostinato.bench import history, table

    results = history.read(path)
    typer.echo(table.markdown(results))
    for line in table.remarks(results):
        typer.echo(line)
    if chart:
        from ostinato.bench.chart import draw

        draw(results, Path(chart))
        typer.echo(f"drew  {chart}")


def _alone(context: Any, others: dict[str, Any]) -> None:
    for name, given in others.items():
        if given:
            raise OptionError(f"--show shows what was measured before; leave out {name}")


def _whole(threads: str) -> int:
    if not threads.isdecimal() or not 1 <= int(threads) <= 1024:
        raise OptionError(f"--threads wanted a whole number at least 1, got {threads!r}")
    return int(threads)
