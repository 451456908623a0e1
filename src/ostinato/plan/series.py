"""How a model of series reads them and what its numbers mean, as its file says it, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.errors import PlanError

# Models of these tasks read series.
TASKS = ("anomaly-detector", "forecaster", "series-classifier", "series-regressor", "remaining-life")


@dataclass(frozen=True, eq=False)
class Reading:
    """Series as numbers for a network, and back.

    ``features`` are those of :class:`~ostinato.data.series.Features` as plain data. An answer is made of the last
    ``window`` steps, each time from the state of a beginning; where that is None, of all steps so far. ``alarm`` says
    how a detector judges, ``forecast`` what the numbers of a forecast mean (its "head", "horizon", "levels",
    "decoding", "members", "conformal" and the "columns" of tables), ``bounds`` between which numbers a number lies,
    and ``wear`` which columns ("age", "baseline") a unit has beside its channels.
    """

    features: Mapping[str, Any]
    window: int | None = None
    alarm: Mapping[str, Any] | None = None
    forecast: Mapping[str, Any] | None = None
    bounds: tuple[float, float | None] | None = None
    wear: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for what stands beside an export."""
        said = {"features": dict(self.features), "window": self.window, "alarm": self.alarm, "forecast": self.forecast}
        said["wear"] = self.wear
        return {name: value for name, value in said.items() if value is not None} | (
            {} if self.bounds is None else {"bounds": list(self.bounds)}
        )


def reading_of(manifest: Mapping[str, Any]) -> Reading | None:
    """How the model of a manifest reads series; None for one that reads none.

    >>> reading_of({"task": "remaining-life", "features": {}, "options": {"window": 30, "cap": 125}}).bounds
    (0.0, 125.0)
    """
    task = manifest.get("task")
    if task not in TASKS:
        return None
    features, options = manifest["features"], manifest.get("options", {})
    if task == "anomaly-detector":
        return Reading(features, alarm=manifest["alarm"])
    if task == "remaining-life":
        bounds, wear = (0.0, _cap(options["cap"])), _wear(options.get("age", False), options.get("baseline", 0))
        return Reading(features, window=_window(options["window"]), bounds=bounds, wear=wear)
    if task != "forecaster":
        return Reading(features)
    horizon = _window(options["horizon"])
    head = {name: value for name, value in manifest["architecture"]["head"].items() if name != "skip"}
    forecast = {
        "head": head,
        "horizon": horizon,
        "levels": _levels(options["levels"]),
        "decoding": options["decoding"],
        "members": options.get("members", 1),
        "conformal": manifest["conformal"],
        "columns": manifest["columns"],
    }
    # As many steps as the options mean where they say none.
    return Reading(features, window=_window(options["context"] or max(32, 2 * horizon)), forecast=forecast)


def _levels(levels: Any) -> list[float]:
    return [float(level) for level in (levels.split(",") if isinstance(levels, str) else levels)]


def _cap(number: Any) -> float | None:
    if number is not None and (type(number) is not int or number < 1):
        raise PlanError(f"a cap wanted a whole number from 1 on or none, got {number!r:.40}")
    return None if number is None else float(number)


def _wear(age: Any, baseline: Any) -> dict[str, Any] | None:
    if type(age) is not bool or type(baseline) is not int or not 0 <= baseline <= 1 << 24:
        raise PlanError(
            f"age wanted true or false and baseline a number of steps, got {age!r:.40} and {baseline!r:.40}"
        )
    return {"age": age, "baseline": baseline} if age or baseline else None


def _window(steps: Any) -> int:
    if type(steps) is not int or not 1 <= steps <= 1 << 24:
        raise PlanError(f"a window wanted a whole number of steps from 1 on, got {steps!r:.40}")
    return steps
