"""A cell by its name, or by the place where a user declared it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from ostinato.cells import BUILT_IN, Cell, find
from ostinato.errors import OptionError, nearest


def named_cell(name: str) -> Cell:
    """A built-in cell, or ``package.module:cell`` for one of your own.

    >>> named_cell("gru").name, named_cell("ostinato.cells.gated:gru").name
    ('gru', 'gru')
    >>> named_cell("lsmt")
    Traceback (most recent call last):
    ostinato.errors.OptionError: unknown cell 'lsmt'; did you mean 'lstm'? known: 'elman', ...; your own cell is ...

    The module is imported, and so runs; modules of the working folder are found.
    """
    place, colon, attribute = name.partition(":")
    if not colon:
        if name not in BUILT_IN:
            raise OptionError(f"unknown cell '{name}'; {nearest(name, BUILT_IN)}; your own cell is package.module:cell")
        return find(name)
    if not attribute.isidentifier() or not all(part.isidentifier() for part in place.split(".")):
        raise OptionError(f"a cell of one's own is written package.module:cell, got {name!r}")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = import_module(place)
    except Exception as error:
        raise OptionError(f"{name}: importing {place} failed: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(here)
    cells = {key: value for key, value in vars(module).items() if isinstance(value, Cell)}
    if attribute not in cells:
        what = "is no cell" if hasattr(module, attribute) else "is not there"
        raise OptionError(f"{name}: '{attribute}' {what}; {nearest(attribute, cells)}")
    return cells[attribute]
