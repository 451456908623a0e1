"""Lines of ``ostinato stream`` for models of series: a step in, what the model says of the series out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ostinato.errors import DataError, OptionError, StreamError

_ZONED = re.compile(r".*\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)")
_TIMES = ("ds", "time", "timestamp", "date", "datetime")


class StepReader:
    """Turns lines into steps for a session over series, and what it says into fields to write.

    A step is a time, where the model wants one, the channels, and the covariates known up to now and ahead.
    """

    def __init__(self, session: Any, columns: str | None) -> None:
        self.session, self.samples = session, 0
        layout = session.features.layout
        task = session.plan.task
        self.timed = task in ("anomaly-detector", "forecaster") or layout.frequency is None
        self.fields = [*layout.target, *layout.past, *layout.known]
        self.names = None if columns is None else [name.strip() for name in columns.split(",")]
        self.places: list[int] | None = None
        self.first = True
        if self.names is not None and len(self.names) != self.timed + len(self.fields):
            time = "the column of times and then " if self.timed else ""
            raise OptionError(
                f"--columns wanted {time}one for each of {', '.join(self.fields)}, got {len(self.names)} names"
            )

    def answer(self, line: str, **_: Any) -> dict[str, Any] | None:
        """What the model says after one line; None for a line that holds no step, or after which nothing is asked."""
        if not line.strip():
            return None
        ahead: Any = None
        step = self._from_json(line) if line.lstrip()[0] in "[{" else self._from_cells(line)
        if step is None:
            return None
        time, values, ahead = step
        try:
            said = self._said(time, values, ahead)
        except StreamError as error:
            raise DataError(str(error)) from None
        self.samples += 1
        return said

    def _said(self, time: Any, values: list[Any], ahead: Any) -> dict[str, Any] | None:
        session, task = self.session, self.session.plan.task
        if task == "anomaly-detector":
            seen = session.push(self._time(time), values)
            score = None if math.isnan(seen.score) else round(seen.score, 4)
            told = {"time": time, "score": score, "threshold": round(seen.threshold, 4), "channel": seen.channel}
            return {**told, "alarm": seen.alarm, "above": seen.above}
        if task != "forecaster":
            session.push(values, self._time(time) if self.timed else None)
            said = session.answer()
            return {"number": said} if isinstance(said, float) else dict(said._asdict())
        layout = session.features.layout
        k, past = len(layout.target), len(layout.target) + len(layout.past)
        session.push(self._time(time), values[:k], values[k:past], values[past:])
        if layout.known and ahead is None:
            # Nobody can foretell without what is known ahead.
            return None
        return {"forecast": list(_rows(session.answer(() if ahead is None else ahead), layout.target))}

    def _from_cells(self, line: str) -> tuple[Any, list[Any], Any] | None:
        cells = [cell.strip() for cell in line.rstrip("\r\n").split(",")]
        if self.first:
            self.first = False
            if self._is_header(cells):
                self._header(cells)
                return None
        picked = range(self.timed + len(self.fields)) if self.places is None else self.places
        if len(cells) <= max(picked) or (self.places is None and len(cells) != len(picked)):
            raise DataError(f"wanted {self._wanted()}, got {len(cells)} columns")
        numbers = [_number(cells[place], place) for place in list(picked)[self.timed :]]
        return cells[picked[0]] if self.timed else None, numbers, None

    def _wanted(self) -> str:
        return f"{'a time and ' if self.timed else ''}{len(self.fields)} numbers"

    def _is_header(self, cells: list[str]) -> bool:
        """Whether no cell begins as a time or a number does."""
        return not any(re.match(r"[-+.]?\d", cell) for cell in cells) and any(cells)

    def _header(self, cells: list[str]) -> None:
        """Where the time and the channels stand."""
        if self.names is None:
            self.names = list(self.fields)
            if self.timed:
                word = next((cell for cell in cells if cell.lower() in _TIMES and cell not in self.fields), None)
                self.names.insert(0, word or next((cell for cell in cells if cell not in self.fields), cells[0]))
        for name in self.names:
            if name not in cells:
                raise OptionError(f"the model wants a column '{name}', and the header has {', '.join(cells)}")
        self.places = [cells.index(name) for name in self.names]

    def _from_json(self, line: str) -> tuple[Any, list[Any], Any] | None:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"no JSON: {error}") from None
        if isinstance(value, list):
            if len(value) != self.timed + len(self.fields):
                raise DataError(f"wanted a list of {self._wanted()}, got {len(value)} entries")
            return value[0] if self.timed else None, value[self.timed :], None
        if value.get("reset") is True and len(value) == 1:
            self.session.reset()
            return None
        names = self.names
        if names is None:
            time = [next((word for word in value if word.lower() in _TIMES), "time")] if self.timed else []
            names = [*time, *self.fields]
        missing = [name for name in names if name not in value]
        if missing:
            raise DataError(f"the object has no '{missing[0]}'; null says that there is no value")
        numbers = [value[name] for name in names[self.timed :]]
        return value[names[0]] if self.timed else None, numbers, value.get("ahead")

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


def _rows(told: Any, targets: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """A forecast step by step: its time, its target where there are several, the mean, and each quantile."""
    for step, time in enumerate(told.time):
        for place, target in enumerate(targets):
            row = {"time": time.item() if told.time.dtype.kind == "i" else str(time.astype("datetime64[s]"))}
            row |= {"target": target} if len(targets) > 1 else {}
            row["mean"] = _short(told.mean[step, place])
            quantiles = told.quantiles[step, place]
            yield row | {f"q{level:g}": _short(q) for level, q in zip(told.levels, quantiles, strict=True)}


def _short(number: Any) -> float:
    return float(f"{float(number):.7g}")


def _number(cell: str, place: int) -> float:
    if not cell or cell.lower() in ("nan", "na", "null", "none"):
        return math.nan
    try:
        return float(cell)
    except ValueError:
        raise DataError(f"column {place + 1} wanted a number, got {cell!r:.40}") from None
