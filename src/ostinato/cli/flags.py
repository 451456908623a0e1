"""Flags of a command from a class of options: the same words, ranges and defaults as in Python and TOML."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from ostinato.errors import OptionError
from ostinato.options import Field, describe, validate

# A permission: a file without a cell of its own needs none.
TrustCell = Annotated[
    bool, typer.Option("--trust-cell", help="Allow to compile the cell of one's own that the model file may hold.")
]

_SHORT = {"output": "-o"}


def accept(
    options: type, *arguments: str, shown: Mapping[str, str] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one flag for each option of a class; options named in ``arguments`` become arguments.

    ``shown`` says what the help shows for the value of an option where its type tells too little: FILE, COLUMN. The
    command's keyword ``given`` receives what the user wrote, as words: :func:`ostinato.options.validate` reads numbers
    and checks ranges, so that a mistake is told in the same words everywhere.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "given"]
        own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        names = {field.name for field in describe(options)}

        def run(**values: Any) -> None:
            given = {name: value for name, value in values.items() if name in names and value is not None}
            command(given=given, **{name: value for name, value in values.items() if name not in names})

        parameters = [_parameter(field, field.name in arguments, shown or {}) for field in grouped(options)] + own
        run.__doc__ = command.__doc__
        run.__name__ = command.__name__
        run.__module__ = command.__module__
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def grouped(options: type) -> list[Field]:
    """The options of a class, group by group: those that its attribute ``groups`` names first."""
    first: tuple[str, ...] = getattr(options, "groups", ())
    return sorted(
        describe(options), key=lambda f: first.index(f.option.group) if f.option.group in first else len(first)
    )


def check_flags(options: type, given: dict[str, Any]) -> dict[str, Any]:
    """The values of the flags that were given, checked; an error names the flag."""
    try:
        checked = validate(options, given)
    except OptionError as error:
        name, _, rest = str(error).partition(" ")
        raise OptionError(f"--{name.replace('_', '-')} {rest}") from None
    return {name: checked[name] for name in given}


def _parameter(field: Field, argument: bool, shown: Mapping[str, str]) -> inspect.Parameter:
    kind, metavar = _kind(field)
    meaning = field.option.help
    if field.option.words is not None:
        meaning = f"{meaning.rstrip('.')}: {', '.join(field.option.words)}."
    common: dict[str, Any] = {"help": meaning, "metavar": shown.get(field.name, metavar)}
    info: Any
    if argument:
        # A file of options may name it instead, so typer must not insist.
        info = typer.Argument(None, **common)
    else:
        declared = [*([_SHORT[field.name]] if field.name in _SHORT else []), field.flag]
        if kind is bool:
            declared = [f"{field.flag}/--no-{field.flag[2:]}"]
        info = typer.Option(None, *declared, rich_help_panel=field.option.group, show_default=_default(field), **common)
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=info, annotation=kind | None)


def _kind(field: Field) -> tuple[Any, str]:
    """The type that typer parses, words for all that is no switch, and what the help shows for it."""
    if bool in (field.type, *typing.get_args(field.type)):
        return bool, ""
    if field.option.words is not None:
        return str, "WORD"
    names = {int: "INT", float: "NUMBER", str: "TEXT"}
    if typing.get_origin(field.type) is tuple:
        members = typing.get_args(field.type)
        return tuple[(str,) * len(members)], " ".join(names[member] for member in members)  # type: ignore[misc]
    kinds = [k for k in typing.get_args(field.type) if k is not type(None)] or [field.type]
    return str, names.get(kinds[0], "TEXT")


def _default(field: Field) -> str | bool:
    if field.default is None or field.default is ...:
        return False
    if field.type is bool:
        return "on" if field.default else "off"
    if isinstance(field.default, tuple):
        return " ".join(map(str, field.default))
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
