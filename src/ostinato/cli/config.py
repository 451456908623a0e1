"""Options in TOML files: every flag is a key."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ostinato.cli.flags import grouped
from ostinato.errors import OptionError, needs
from ostinato.options import Field, validate


def read_config(options: type, path: str) -> dict[str, Any]:
    """The options that a TOML file sets, checked; an unknown key names the nearest, and an error names the file."""
    try:
        written = Path(path).read_bytes()
    except FileNotFoundError:
        raise OptionError(f"there is no file {path}") from None
    except OSError as error:
        raise OptionError(f"{path} cannot be read: {error.strerror}") from None
    try:
        values = _toml().loads(written.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start) + 1
        raise OptionError(f"{path}, line {line}: byte {error.start} is not UTF-8") from None
    except ValueError as error:
        raise OptionError(f"{path} is not TOML: {error}") from None
    checked = validate(options, values, source=path)
    return {name: checked[name] for name in values}


def render_config(options: type, values: Mapping[str, Any], command: str) -> str:
    """The complete TOML file of some values, the meaning of each key above it.

    An option that is not set stands as a comment, since TOML has no word for nothing.
    """
    lines = [f"# {command} --config FILE", "# Every key is also a flag; a flag goes before the key."]
    group = ""
    for field in grouped(options):
        if field.option.group != group:
            group = field.option.group
            lines += ["", "", f"# {group.upper()}"]
        value = values.get(field.name, None if field.default is ... else field.default)
        lines += ["", *textwrap.wrap(_meaning(field), 100, initial_indent="# ", subsequent_indent="# ")]
        lines.append(
            f"{field.name} = {_literal(value)}" if value is not None else f"# {field.name} = {_example(field)}"
        )
    return "\n".join(lines) + "\n"


def _meaning(field: Field) -> str:
    o = field.option
    limits = [
        f"{name} {bound:g}"
        for name, bound in (("at least", o.at_least), ("at most", o.at_most), ("above", o.above), ("below", o.below))
        if bound is not None
    ]
    words = " One of: " + ", ".join(o.words) + "." if o.words else ""
    return o.help + words + (" " + " and ".join(limits).capitalize() + "." if limits else "")


def _literal(value: Any) -> str:
    """A value as TOML writes it.

    >>> [_literal(v) for v in (True, 0.002, (3, 5), 'say "hi"')]
    ['true', '0.002', '[3, 5]', '"say \\\\"hi\\\\""']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, str):
        # TOML's strings are JSON's, but for this one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _example(field: Field) -> str:
    kinds = str(field.type)
    return '""' if "str" in kinds else "false" if "bool" in kinds else "0"


def _toml() -> ModuleType:
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib
    return needs("tomli", "train")
