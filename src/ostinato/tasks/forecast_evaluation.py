"""What was foretold beside what came: scores, coverage, a frame of all of it, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Panel
from ostinato.errors import DataError, OstinatoError
from ostinato.heads.scores import DECILES, coverage, crps, mae, naive_error, pinball, rmse, smape, width
from ostinato.tasks.evaluation import counted, percent

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Foretold:
    """W forecasts of h steps of K targets, each from an origin of a series.

    ``series`` int64 [W] are numbers of ``ids``, ``origin`` int64 [W] counts the rows of the series before the first
    step foretold, ``time`` [W, h] are the times of the steps, as the data show them. ``truth`` and ``mean`` are
    [W, h, K], ``quantiles`` [W, h, K, L] at ``levels``, in the units of the data; a truth of NaN is not known (yet).
    """

    ids: tuple[str, ...]
    targets: tuple[str, ...]
    levels: tuple[float, ...]
    series: NDArray[np.int64]
    origin: NDArray[np.int64]
    time: NDArray[Any]
    truth: Floats
    mean: Floats
    quantiles: Floats

    def __len__(self) -> int:
        return len(self.series)

    @property
    def middle(self) -> Floats:
        """The median where it is among the quantiles, the mean elsewhere: [W, h, K]."""
        return self.quantiles[..., self.levels.index(0.5)] if 0.5 in self.levels else self.mean

    def columns(self, *, truth: bool = False, origins: bool = False) -> dict[str, NDArray[Any]]:
        """One row for each forecast, step and target: id, time, mean and quantiles, by the names of columns.

        With more targets than one a column ``target`` names them. ``truth`` adds what came, ``origins`` the time of the
        first step of the forecast that a row belongs to.
        """
        many = len(self.targets) > 1
        shape = self.truth.shape
        ids = np.array(self.ids, dtype=object)[self.series]
        found: dict[str, Any] = {"id": np.broadcast_to(ids[:, None, None], shape)}
        if origins:
            found["origin"] = np.broadcast_to(self.time[:, :1, None], shape)
        found["time"] = np.broadcast_to(self.time[..., None], shape)
        if many:
            found["target"] = np.broadcast_to(np.array(self.targets, dtype=object), shape)
        if truth:
            found["truth"] = self.truth
        found["mean"] = self.mean
        found |= {f"q{level:g}": self.quantiles[..., place] for place, level in enumerate(self.levels)}
        return {name: values.ravel() for name, values in found.items()}


@dataclass(frozen=True, eq=False)
class ForecastEvaluation:
    """How good forecasts were, over all series and for each.

    ``season`` is the number of steps whose repetition ``mase`` compares with, within ``history``: what was known before
    the first origin of each series. Scores are in the units of the data unless they say otherwise; ``crps`` is the mean
    pinball loss at the deciles, where the levels hold these.
    """

    foretold: Foretold
    season: int
    naive: Floats
    source: str = ""

    @classmethod
    def of(
        cls, foretold: Foretold, panel: Panel, season: int, source: str = "", before: Any = None
    ) -> ForecastEvaluation:
        """Of forecasts of a panel; ``before`` int64 [S] are rows before which lies what MASE compares with."""
        naive = np.full((len(panel), len(panel.layout.target)), np.nan)
        first = np.full(len(panel), np.iinfo(np.int64).max)
        np.minimum.at(first, foretold.series, foretold.origin)
        for number, start in enumerate(panel.starts[:-1].tolist()):
            end = start + int(first[number]) if before is None else int(before[number])
            for target in range(naive.shape[1]):
                history = panel.target[start : min(end, int(panel.ends[number])), target]
                try:
                    naive[number, target] = naive_error(history, season)
                except OstinatoError:
                    # Too short or constant: such a series has no number of its own to compare with.
                    continue
        return cls(foretold, season, naive, source)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where the truth is known: [W, h, K]."""
        return ~np.isnan(self.foretold.truth)

    def scores(self, series: int | None = None) -> dict[str, float]:
        """All scores by name, of one series or of all."""
        told = self.foretold
        chosen = np.ones(len(told), np.bool_) if series is None else told.series == series
        truth, middle = told.truth[chosen], told.middle[chosen]
        if not (~np.isnan(truth)).any():
            raise DataError("an evaluation wanted at least one step whose truth is known, got none")
        found = {"mae": mae(truth, middle), "rmse": rmse(truth, told.mean[chosen]), "smape": smape(truth, middle)}
        scaled = np.abs(truth - middle) / self.naive[told.series[chosen]][:, None]
        if np.isfinite(scaled).any():
            found["mase"] = float(scaled[np.isfinite(scaled)].mean())
        if told.levels:
            quantiles = told.quantiles[chosen]
            deciles = [told.levels.index(level) for level in DECILES if level in told.levels]
            if len(deciles) == len(DECILES):
                found["crps"] = crps(truth, quantiles[..., deciles])
            found["pinball"] = pinball(truth, quantiles, told.levels)
            for low, high in self._intervals():
                name = f"{100 * (told.levels[high] - told.levels[low]):g} %"
                ends = quantiles[..., low], quantiles[..., high]
                found[f"coverage of {name}"] = coverage(truth, *ends)
                found[f"width of {name}"] = width(truth, *ends)
        return found

    def _intervals(self) -> list[tuple[int, int]]:
        """Pairs of levels that lie evenly about one half, widest first."""
        levels = self.foretold.levels
        ends = [(low, len(levels) - 1 - low) for low in range(len(levels) // 2)]
        return [(a, b) for a, b in ends if abs(levels[a] + levels[b] - 1) < 1e-9]

    def calibration(self) -> list[tuple[float, float]]:
        """For each level, the share of truths that lay at or below its quantile."""
        told, known = self.foretold, self.known
        below = told.truth[..., None] <= told.quantiles
        return [(level, float(below[..., place][known].mean())) for place, level in enumerate(told.levels)]

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name: what a terminal shows first."""
        found = self.scores()
        numbers = [(name.upper(), f"{found[name]:.4g}") for name in ("mase", "mae", "rmse", "crps") if name in found]
        shares = [name for name in found if name.startswith("coverage")]
        return numbers + [(name, percent(found[name])) for name in shares[:1]]

    def notes(self) -> list[str]:
        """Remarks that keep the numbers from being misread."""
        silent = np.isnan(self.naive).all(1)
        if not silent.any():
            return []
        name = self.foretold.ids[int(np.flatnonzero(silent)[0])]
        return [
            f"{counted(int(silent.sum()), 'series')} without a MASE, '{name}' first: constant, or shorter than a season"
        ]

    def per_series(self) -> dict[str, dict[str, float]]:
        """The scores of every series of which a truth is known, by its id."""
        numbers = np.unique(self.foretold.series[self.known.any((1, 2))])
        return {self.foretold.ids[number]: self.scores(number) for number in numbers.tolist()}

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and words, ready for JSON."""
        return {
            "source": self.source,
            "forecasts": len(self.foretold),
            "steps": int(self.foretold.truth.shape[1]),
            "season": self.season,
            **self.scores(),
            "calibration": [list(pair) for pair in self.calibration()],
            "series": self.per_series(),
        }

    def table(self, most: int | None = 20) -> str:
        """The report as plain text; ``most=None`` shows every series."""
        told = self.foretold
        size = f"{counted(len(told), 'forecast')} of {counted(told.truth.shape[1], 'step')}"
        lines = [
            f"{self.source or 'evaluation'}: {size}, {len(np.unique(told.series))} series",
            "  " + "   ".join(f"{name} {number}" for name, number in self.headline()),
        ]
        lines += [f"  {note}" for note in self.notes()]
        each = self.per_series()
        if len(each) > 1:
            shown = sorted(each.items(), key=lambda pair: -pair[1].get("mase", -1.0))[:most]
            wide = max(len("series"), *(len(name) for name, _ in shown))
            title = "series" if len(shown) == len(each) else f"the {len(shown)} hardest of {len(each)} series"
            lines += ["", title, f"  {'series':<{wide}}      MASE         MAE"]
            lines += [f"  {name:<{wide}}  {s.get('mase', np.nan):8.3f}  {s['mae']:10.4g}" for name, s in shown]
        return "\n".join(lines)

    def frame(self) -> Any:
        """Every step of every forecast, with its truth, as a data frame (a dict of lists without pandas)."""
        return as_frame(self.foretold.columns(truth=True, origins=True))

    def plot(self, path: str | Path, *, series: Sequence[str] | None = None, title: str = "") -> None:
        """Draw forecasts against truth, and coverage against what was promised, into a .png, .svg or .pdf file."""
        from ostinato.diagnosis.forecasts import draw_backtest

        draw_backtest(path, self, series=series, title=title or self.source)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {number}" for name, number in self.headline())
        return f"<ForecastEvaluation of {counted(len(self.foretold), 'forecast')}: {numbers}>"


def as_frame(columns: dict[str, NDArray[Any]], like: Any = None) -> Any:
    """Columns as a data frame of the kind of ``like``, else of pandas, else as they are.

    >>> as_frame({"a": np.array([1.5])}, like={"b": [2]})
    {'a': [1.5]}
    """
    # Python has no times as fine as numpy's, so these stay what they are.
    lists = {name: list(each) if each.dtype.kind == "M" else each.tolist() for name, each in columns.items()}
    if isinstance(like, dict):
        return lists
    try:
        if hasattr(like, "shape") and hasattr(like, "columns"):
            narwhals = import_module("narwhals")
            given = {name: lists[name] if each.dtype == object else each for name, each in columns.items()}
            return narwhals.from_dict(given, backend=narwhals.get_native_namespace(like)).to_native()
        return import_module("pandas").DataFrame(columns)
    except ImportError:
        return lists
