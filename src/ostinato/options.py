"""Options described once: the same words in Python, on the command line and in TOML files.

A class of options is a keyword-only dataclass whose annotations carry an :class:`Option`:

>>> from dataclasses import dataclass
>>> @dataclass(kw_only=True)
... class Oven:
...     heat: typing.Annotated[int, Option("Temperature in degrees.", at_least=30, at_most=300)] = 180
>>> [field.flag for field in describe(Oven)]
['--heat']
>>> validate(Oven, {"heat": 200})
{'heat': 200}
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.errors import OptionError, nearest, needs


@dataclass(frozen=True)
class Option:
    """What an option means and which values it takes; ``words`` lists the allowed strings.

    An option of words may have a class in its type besides ``str``: instances of it are taken in Python.
    """

    help: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    words: tuple[str, ...] | None = None
    group: str = "Options"


@dataclass(frozen=True)
class Field:
    """One option of a class of options: its name, type, default and meaning."""

    name: str
    type: Any
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        """The option as a flag of the command line."""
        return "--" + self.name.replace("_", "-")


@functools.cache
def describe(options: type) -> tuple[Field, ...]:
    """The options of a class, in the order of their declaration."""
    hints = typing.get_type_hints(options, include_extras=True)
    fields = []
    for field in dataclasses.fields(options):
        kind, *extra = typing.get_args(hints[field.name])
        option = next(e for e in extra if isinstance(e, Option))
        default = field.default if field.default is not dataclasses.MISSING else ...
        fields.append(Field(field.name, kind, default, option))
    return tuple(fields)


@functools.cache
def schema(options: type) -> Any:
    """The pydantic model of a class of options; unknown keys are forbidden."""
    pydantic = needs("pydantic", "train")
    fields: dict[str, Any] = {}
    for field in describe(options):
        o = field.option
        limits = {"ge": o.at_least, "le": o.at_most, "gt": o.above, "lt": o.below}
        limits = {name: bound for name, bound in limits.items() if bound is not None}
        kind = field.type
        if o.words is not None:
            others = [_instance(member, pydantic) for member in typing.get_args(kind) if member is not str]
            kind = typing.Union.__getitem__((typing.Literal.__getitem__(o.words), *others))
        if bool not in (kind, *typing.get_args(kind)):
            kind = typing.Annotated[kind, pydantic.BeforeValidator(_no_truth)]
        fields[field.name] = (kind, pydantic.Field(field.default, description=o.help, **limits))
    config = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.create_model(options.__name__, __config__=config, **fields)


def _instance(kind: Any, pydantic: Any) -> Any:
    """A class whose instances are taken as they are; pydantic must not look into them."""
    return None if kind is type(None) else pydantic.InstanceOf[kind]


def _no_truth(value: Any) -> Any:
    """Keep true from being taken for 1."""
    if isinstance(value, bool):
        raise ValueError("no number")
    return value


def validate(options: type, values: Mapping[str, Any], *, source: str = "") -> dict[str, Any]:
    """Check values against a class of options and return all of them, defaults filled in.

    Raises :class:`~ostinato.errors.OptionError` that names the option, what it takes and what came;
    ``source`` (a file's name, say) is put before it.
    """
    pydantic = needs("pydantic", "train")
    known = {field.name: field for field in describe(options)}
    try:
        checked = schema(options).model_validate(dict(values))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        where = f"{source}: " if source else ""
        if first["type"] == "extra_forbidden":
            raise OptionError(f"{where}unknown option '{name}'; {nearest(name, known)}") from None
        field = known[name]
        came = first.get("input")
        raise OptionError(f"{where}{name} wanted {_wanted(field, came)}, got {came!r}") from None
    return {name: getattr(checked, name) for name in known}


def _wanted(field: Field, came: Any) -> str:
    """The values that an option takes, in words."""
    o = field.option
    if o.words is not None:
        # Whoever writes a word, perhaps as a flag, has no use for objects.
        others = [k for k in typing.get_args(field.type) if k not in (str, type(None)) and not isinstance(came, str)]
        made = [k.__name__ for k in others]
        return "one of " + ", ".join(f"'{word}'" for word in o.words) + "".join(f", or a {name}" for name in made)
    kinds = [k for k in typing.get_args(field.type) if k is not type(None)] or [field.type]
    articles = {int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
    if typing.get_origin(field.type) is tuple:
        return f"{len(kinds)} whole numbers, such as {list(field.default)}"
    words = " or ".join(dict.fromkeys(articles.get(k, getattr(k, "__name__", str(k))) for k in kinds))
    bounds = [
        f"{name} {bound if isinstance(bound, int) else format(bound, 'g')}"
        for name, bound in (("at least", o.at_least), ("at most", o.at_most), ("above", o.above), ("below", o.below))
        if bound is not None
    ]
    return words + (" " + " and ".join(bounds) if bounds else "")
