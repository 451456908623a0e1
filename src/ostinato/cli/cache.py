"""``ostinato cache``: the compiled cells that are kept for later processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostinato.cli.program import Program, Verb

if TYPE_CHECKING:
    from ostinato.compiling.cache import Entry

app = typer.Typer(
    cls=Program,
    help="Show or remove the compiled cells that are kept.",
    add_help_option=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
# What a description may lack, where it is damaged.
_FACTS = ("cell", "dtype", "target")


@app.command("info", cls=Verb)
def info(as_json: _Json = False) -> None:
    """Tell where compiled cells are kept, which there are, and how large they are."""
    from ostinato.compiling.cache import open_cache

    cache = open_cache(make=False)
    entries = cache.entries()
    if as_json:
        _print_json(str(cache.folder), entries)
        return
    typer.echo(typer.style(str(cache.folder), bold=True))
    if entries:
        rows = [("cell", "type", "target", "size", "compiled"), *map(_row, entries)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            typer.echo("  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())
    typer.echo(_counted(entries))


@app.command("clear", cls=Verb)
def clear(as_json: _Json = False) -> None:
    """Remove all compiled cells; they are compiled again when they are next used."""
    from ostinato.compiling.cache import open_cache

    cache = open_cache(make=False)
    gone = cache.clear()
    if as_json:
        _print_json(str(cache.folder), gone)
    else:
        typer.echo(f"removed {_counted(gone)} from {cache.folder}" if gone else f"{cache.folder} holds no kernels")


def _print_json(path: str, entries: Sequence[Entry]) -> None:
    listed: list[dict[str, Any]] = [
        {
            "key": entry.key,
            **{name: entry.facts.get(name) for name in _FACTS},
            "bytes": entry.size,
            "date": datetime.fromtimestamp(entry.date, timezone.utc).isoformat(timespec="seconds"),
        }
        for entry in entries
    ]
    told = {"path": path, "kernels": listed, "bytes": sum(entry.size for entry in entries)}
    typer.echo(json.dumps(told, ensure_ascii=False, indent=1))


def _row(entry: Entry) -> tuple[str, ...]:
    words = [str(entry.facts.get(name, "damaged"))[:64] for name in _FACTS]
    date = datetime.fromtimestamp(entry.date).strftime("%Y-%m-%d %H:%M")
    return (*words, f"{entry.size / 1e3:.0f} kB", date)


def _counted(entries: Sequence[Entry]) -> str:
    count = f"{len(entries)} kernel{'' if len(entries) == 1 else 's'}"
    return f"{count}, {sum(entry.size for entry in entries) / 1e3:.0f} kB" if entries else "no kernels"
