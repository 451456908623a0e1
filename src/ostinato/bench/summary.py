"""The numbers of each row, from the records of its points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ostinato.bench.points import Row
from ostinato.bench.registry import ROWS


@dataclass(frozen=True)
class Summary:
    """One row in numbers: the geometric mean of all points and by rows B of the batch, and the worst point."""

    row: Row
    mean: float
    by_batch: Mapping[int, float]
    worst: float
    worst_point: str
    best: float
    count: int
    handed_over: int
    errors: Mapping[str, float] = field(default_factory=dict)
    beside: float | None = None

    @property
    def missing(self) -> int:
        """How many points of the row were not measured."""
        return len(self.row.points) - self.count

    def shortfalls(self) -> list[str]:
        """What is not as it must be, in words."""
        told = []
        for name, limit in self.row.wanted.items():
            if name not in ("all", "worst") and int(name) not in self.by_batch:
                continue
            number = {"all": self.mean, "worst": self.worst}.get(name)
            number = self.by_batch[int(name)] if number is None else number
            if number < limit if self.row.more_is_better else number > limit:
                where = {"all": "the mean", "worst": self.worst_point}.get(name, f"the mean at B = {name}")
                bound = "at least" if self.row.more_is_better else "at most"
                told.append(f"{self.row.name}: {where} is {number:.3g}, wanted {bound} {limit:g}")
        return told


def summaries(points: Mapping[str, Mapping[str, Any]]) -> dict[str, Summary]:
    """The rows that have been measured, in the order of the registry."""
    found = {}
    for row in ROWS.values():
        records = {name: record for name, record in points.items() if record["row"] == row.name}
        if records:
            found[row.name] = summarise(row, records)
    return found


def summarise(row: Row, records: Mapping[str, Mapping[str, Any]]) -> Summary:
    """One row from the records of its points."""
    values = {name: float(record["value"]) for name, record in records.items()}
    best, worst = (max, min) if row.more_is_better else (min, max)
    name = worst(values, key=values.__getitem__)
    batches = sorted({record["job"]["rows"] for record in records.values()})
    by_batch = {b: geometric(values[n] for n, r in records.items() if r["job"]["rows"] == b) for b in batches}
    errors: dict[str, float] = {}
    for record in records.values():
        for kind, error in record.get("error", {}).get("ours", {}).items():
            errors[kind] = max(errors.get(kind, 0.0), error)
    beside = [record["beside"]["ratio"] for record in records.values() if "beside" in record]
    return Summary(
        row=row,
        mean=geometric(values.values()),
        by_batch=by_batch,
        worst=values[name],
        worst_point=name,
        best=best(values.values()),
        count=len(values),
        handed_over=sum(bool(record.get("handed_over")) for record in records.values()),
        errors=errors,
        beside=geometric(beside) if beside else None,
    )


def geometric(values: Iterable[float]) -> float:
    """The geometric mean.

    >>> geometric([1.0, 4.0])
    2.0
    """
    numbers = list(values)
    return math.exp(math.fsum(map(math.log, numbers)) / len(numbers))
