"""Lines of ``ostinato stream`` for a detector of anomalies: a time and its values in, a score out."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Any

from ostinato.errors import DataError, OptionError, StreamError

_ZONED = re.compile(r".*\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)")
_TIMES = ("ds", "time", "timestamp", "date", "datetime")


class WatchReader:
    """Turns lines into steps for a watch, and what it says into fields to write."""

    def __init__(self, watch: Any, columns: str | None) -> None:
        self.session, self.samples = watch, 0
        self.names = None if columns is None else [name.strip() for name in columns.split(",")]
        self.places: list[int] | None = None
        self.first = True
        if self.names is not None and len(self.names) != 1 + len(watch.channels):
            raise OptionError(
                f"--columns wanted the column of times and then one for each of {', '.join(watch.channels)}, got "
                f"{len(self.names)} names"
            )

    def answer(self, line: str, **_: Any) -> dict[str, Any] | None:
        """What the watch says after one line; None for a line that holds no step."""
        if not line.strip():
            return None
        step = self._from_json(line) if line.lstrip()[0] in "[{" else self._from_cells(line)
        if step is None:
            return None
        time, values = step
        try:
            seen = self.session.push(self._time(time), values)
        except StreamError as error:
            raise DataError(str(error)) from None
        self.samples += 1
        score = None if math.isnan(seen.score) else round(seen.score, 4)
        told = {"time": time, "score": score, "threshold": round(seen.threshold, 4), "channel": seen.channel}
        return {**told, "alarm": seen.alarm, "above": seen.above}

    def _from_cells(self, line: str) -> tuple[Any, list[Any]] | None:
        cells = [cell.strip() for cell in line.rstrip("\r\n").split(",")]
        if self.first:
            self.first = False
            if self._is_header(cells):
                self._header(cells)
                return None
        picked = range(1 + len(self.session.channels)) if self.places is None else self.places
        if len(cells) <= max(picked) or (self.places is None and len(cells) != len(picked)):
            raise DataError(f"wanted a time and {len(self.session.channels)} numbers, got {len(cells)} columns")
        time, *values = (cells[place] for place in picked)
        return time, [_number(cell, place) for cell, place in zip(values, picked[1:], strict=True)]

    def _is_header(self, cells: list[str]) -> bool:
        """Whether no cell begins as a time or a number does."""
        return not any(re.match(r"[-+.]?\d", cell) for cell in cells) and any(cells)

    def _header(self, cells: list[str]) -> None:
        """Where the time and the channels stand."""
        channels = list(self.session.channels)
        if self.names is None:
            word = next((cell for cell in cells if cell.lower() in _TIMES and cell not in channels), None)
            word = word or next((cell for cell in cells if cell not in channels), cells[0])
            self.names = [word, *channels]
        for name in self.names:
            if name not in cells:
                raise OptionError(f"the detector wants a column '{name}', and the header has {', '.join(cells)}")
        self.places = [cells.index(name) for name in self.names]

    def _from_json(self, line: str) -> tuple[Any, list[Any]] | None:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"no JSON: {error}") from None
        channels = self.session.channels
        if isinstance(value, list):
            if len(value) != 1 + len(channels):
                raise DataError(f"wanted a list of a time and {len(channels)} numbers, got {len(value)} entries")
            return value[0], value[1:]
        if value.get("reset") is True and len(value) == 1:
            self.session.reset()
            return None
        names = self.names or [next((word for word in value if word.lower() in _TIMES), "time"), *channels]
        missing = [name for name in names if name not in value]
        if missing:
            raise DataError(f"the object has no '{missing[0]}'; null says that there is no value")
        return value[names[0]], [value[name] for name in names[1:]]

    def _time(self, time: Any) -> Any:
        if self.session.features.layout.clock == "number":
            try:
                return int(time)
            except (TypeError, ValueError):
                raise DataError(f"the time wanted a whole number, got {time!r:.40}") from None
        if isinstance(time, str) and _ZONED.fullmatch(time.strip()):
            try:
                return datetime.fromisoformat(time.strip().replace("Z", "+00:00"))
            except ValueError:
                raise DataError(f"the time wanted a timestamp such as 2024-01-31T12:00, got {time!r:.40}") from None
        return time


def _number(cell: str, place: int) -> float:
    if not cell or cell.lower() in ("nan", "na", "null", "none"):
        return math.nan
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"column {place + 1} wanted a number, got {cell!r:.40}") from None
