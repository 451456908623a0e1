"""How a forecaster reads series: as read_series does, and later data as the first."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ostinato.data.series import Layout, Panel, read_series
from ostinato.data.series.arrays import is_arrays
from ostinato.errors import DataError, OptionError, nearest

# What the layout of a trained model says already.
_LAID_OUT = ("target", "past", "known", "static", "categories", "frequency", "zone")


def check_reading(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Words of :func:`~ostinato.data.series.read_series`, or an error that names the nearest.

    >>> check_reading({"nown": "heat"})
    Traceback (most recent call last):
    ostinato.errors.OptionError: unknown option 'nown'; did you mean 'known'? ...
    """
    known = [name for name in inspect.signature(read_series).parameters if name not in ("source", "like")]
    for name in reading:
        if name not in known:
            raise OptionError(f"unknown option '{name}'; {nearest(name, known)}")
    return dict(reading)


def read_history(source: Any, reading: Mapping[str, Any], like: Layout | None = None) -> Panel:
    """The panel of a source; with ``like``, read as another was."""
    words = dict(reading)
    if is_arrays(source):
        # Arrays have no columns to be named.
        words = {name: value for name, value in words.items() if name not in ("id", "time") or like is None}
    panel = read_series(source, **words) if like is None else read_series(source, like=like, **words)
    if not len(panel) or not panel.rows:
        raise DataError("a forecaster wanted at least one series with an observed row, got none")
    return panel
