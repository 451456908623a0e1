"""Series from .ts files, the text format of the UCR and UEA archives: ragged, multivariate, labelled."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

import numpy
from numpy.typing import NDArray

from ostinato.data.files import read_text
from ostinato.data.series.arrays import panel_of_arrays
from ostinato.data.series.panel import Panel
from ostinato.errors import DataError

_FLAGS = ("timestamps", "missing", "univariate", "equallength", "classlabel", "targetlabel")
_TAGS = {*_FLAGS, "problemname", "dimensions", "dimension", "serieslength", "data"}


class TsFile(NamedTuple):
    """What a .ts file holds: its series, and a label (a word) or a target (a number) for each, or neither.

    ``classes`` are the labels that the header names, in its order.
    """

    panel: Panel
    labels: tuple[str, ...] | None
    targets: NDArray[numpy.float64] | None
    classes: tuple[str, ...]
    name: str


def read_ts(path: str | os.PathLike[str]) -> TsFile:
    """Read a .ts file.

    A header of lines that begin with ``@`` is followed by ``@data`` and one series a line: dimensions part by colons,
    values by commas, ``?`` or NaN is a missing value, and what stands after the last colon is the label or the target,
    if the header says that there is one. Lines that begin with ``#`` or ``%`` are comments. Dimensions of a series are
    equally long, series need not be. Time stamps are not read. Anything else is refused with its line.
    """
    source = os.fsdecode(path)
    header: dict[str, list[str]] = {}
    series: list[NDArray[numpy.float32]] = []
    ends: list[str] = []
    data = False
    for number, line in enumerate(read_text(path, (".ts",)).split("\n"), 1):
        line = line.strip()
        place = f"{source}, line {number}"
        if not line or line[0] in "#%":
            continue
        if not data:
            data = _header(line, header, place)
            if data:
                _check_header(header, place)
            continue
        values, end = _series(line, header, place)
        if series and values.shape[1] != series[0].shape[1]:
            raise DataError(
                f"{place}: this series has {values.shape[1]} dimensions and those before {series[0].shape[1]}; "
                "all have equally many"
            )
        series.append(values)
        ends.append(end)
    if not data:
        raise DataError(f"{source} has no line @data; is this a .ts file, and is it complete?")
    if not series:
        raise DataError(f"{source} has a header but no series")
    panel = panel_of_arrays(series)
    classes = tuple(header.get("classlabel", ["false"])[1:])
    labelled, targeted = _flag(header, "classlabel"), _flag(header, "targetlabel")
    return TsFile(
        panel=panel,
        labels=tuple(ends) if labelled else None,
        targets=numpy.array([float(end) for end in ends]) if targeted else None,
        classes=classes,
        name=" ".join(header.get("problemname", [])),
    )


def _header(line: str, header: dict[str, list[str]], place: str) -> bool:
    if line[0] != "@":
        raise DataError(f"{place}: wanted a line of the header (@name value) or @data, got {line!r:.60}")
    tag, *words = line[1:].split()
    tag = tag.lower() if line[1:].split() else ""
    if tag not in _TAGS:
        # Archives add remarks of their own; only what changes how lines are read matters.
        return False
    if tag in _FLAGS and (not words or words[0].lower() not in ("true", "false")):
        raise DataError(f"{place}: @{tag} wanted true or false, got {line!r:.60}")
    header[tag] = words
    return tag == "data"


def _flag(header: dict[str, list[str]], name: str) -> bool:
    return header.get(name, ["false"])[0].lower() == "true"


def _check_header(header: dict[str, list[str]], place: str) -> None:
    if _flag(header, "timestamps"):
        raise DataError(f"{place}: series with time stamps (@timeStamps true) are not read; write values alone")
    if _flag(header, "classlabel") and _flag(header, "targetlabel"):
        raise DataError(f"{place}: the header says that there are labels and targets; a file has one of them")
    if _flag(header, "classlabel") and len(header["classlabel"]) < 2:
        raise DataError(f"{place}: @classLabel true wanted the names of the classes after it")


def _series(line: str, header: dict[str, list[str]], place: str) -> tuple[NDArray[numpy.float32], str]:
    end = ""
    parts = line.split(":")
    if _flag(header, "classlabel") or _flag(header, "targetlabel"):
        end = parts.pop().strip()
        if not parts:
            raise DataError(f"{place}: wanted values, a colon and a label or target, got {line!r:.60}")
        _check_end(end, header, place)
    if _flag(header, "univariate") and len(parts) != 1:
        raise DataError(f"{place}: the header says @univariate true, and this line has {len(parts)} dimensions")
    rows = [_values(part, place) for part in parts]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise DataError(f"{place}: the dimensions of a series are equally long, got {sorted(lengths)} values")
    return numpy.stack(rows, axis=1), end


def _check_end(end: str, header: dict[str, list[str]], place: str) -> None:
    if _flag(header, "classlabel"):
        if end not in header["classlabel"][1:]:
            known = ", ".join(header["classlabel"][1:20])
            raise DataError(f"{place}: the label {end!r:.40} is none of those in the header: {known}")
        return
    try:
        finite = bool(numpy.isfinite(float(end)))
    except ValueError:
        finite = False
    if not finite:
        raise DataError(f"{place}: wanted a number as target after the last colon, got {end!r:.40}")


def _values(part: str, place: str) -> NDArray[numpy.float32]:
    text = re.sub(r"\?", "nan", part)
    try:
        values = numpy.array(text.split(","), numpy.float64)
    except ValueError:
        wrong: Any = next((word for word in text.split(",") if not _is_number(word)), part)
        raise DataError(f"{place}: wanted numbers parted by commas, got {wrong!r:.40}") from None
    with numpy.errstate(invalid="ignore"):
        beyond = numpy.abs(values) > float(numpy.finfo(numpy.float32).max)
    if beyond.any():
        raise DataError(f"{place}: wanted finite numbers below 3e38, got {values[beyond][0]}")
    return values.astype(numpy.float32)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
