"""Pictures of forecasts: fans against truth, windows of a backtest, and whether intervals hold what they promise."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.diagnosis.pictures import check_format
from ostinato.errors import OptionError, nearest, needs
from ostinato.output import replace_file

# Okabe and Ito's blue and vermilion: told apart with any colour vision, and by line and marker in black and white.
_FAN, _TRUTH, _INK, _GRID = "#0072B2", "#222222", "#222222", "#DDDDDD"
_MISS = "#D55E00"
# A picture shows so many series, and so many steps before the first forecast, unless told.
_MOST_SERIES, _BEFORE = 4, 4


def draw_forecast(
    path: str | Path, told: Any, panel: Any, later: Any = None, *, series: Sequence[str] | None = None
) -> None:
    """Draw the forecast of each series as a fan after its history, with what came later where it is known.

    ``told`` are forecasts, one a series, of ``panel``; ``later`` is a panel of the same series that goes further on.
    At most four series are drawn unless ``series`` names them.
    """
    chosen = _chosen(told.ids, series, np.unique(told.series).tolist())
    figure, axes = _figure(len(chosen))
    for place, number in zip(axes, chosen, strict=True):
        [row] = np.flatnonzero(told.series == number)[:1].tolist()
        start, end = int(panel.starts[number]), int(panel.ends[number])
        reach = max(end - _BEFORE * told.time.shape[1], start)
        observed = (panel.stamps(panel.time[reach:end]), panel.target[reach:end, 0])
        place.plot(*observed, color=_TRUTH, linewidth=1.2, label="observed")
        _fan(place, told.time[row], told.quantiles[row, :, 0], told.levels, told.middle[row, :, 0])
        if later is not None and told.ids[number] in later.ids:
            other = later.index(told.ids[number])
            rows = np.arange(int(later.starts[other]), int(later.ends[other]))
            stamps = later.stamps(later.time[rows])
            inside = (stamps >= told.time[row, 0]) & (stamps <= told.time[row, -1])
            _truth(place, stamps[inside], later.target[rows[inside], 0], "what came")
        _dress(place, str(told.ids[number]), told.targets[0])
    _save(figure, axes, path, "")


def draw_backtest(path: str | Path, report: Any, *, series: Sequence[str] | None = None, title: str = "") -> None:
    """Draw the forecasts of a backtest against truth, and the share of truths below each quantile against its level.

    At most four series are drawn unless ``series`` names them: those with the largest errors first.
    """
    told = report.foretold
    each = {name: scores.get("mase", scores["mae"]) for name, scores in report.per_series().items()}
    hardest = [told.ids.index(name) for name in sorted(each, key=lambda name: -each[name])]
    chosen = _chosen(told.ids, series, hardest)
    figure, axes = _figure(len(chosen), beside=bool(told.levels))
    for place, number in zip(axes, chosen, strict=False):
        rows = np.flatnonzero(told.series == number)
        rows = rows[np.argsort(told.origin[rows], kind="stable")]
        # Where windows lap over each other, the newest forecast of a step is shown; a picture holds so many windows.
        rows = _apart(told.origin[rows], told.time.shape[1], rows)[-14:]
        for order, row in enumerate(rows.tolist()):
            _fan(
                *(place, told.time[row], told.quantiles[row, :, 0], told.levels, told.middle[row, :, 0]),
                named=order == 0,
            )
            _truth(place, told.time[row], told.truth[row, :, 0], "truth" if order == 0 else None)
            place.axvline(told.time[row, 0], color=_GRID, linewidth=0.8, zorder=0)
        _dress(place, str(told.ids[number]), told.targets[0])
    if told.levels:
        draw_calibration(axes[-1], report.calibration())
    _save(figure, axes, path, title)


def draw_calibration(axes: Any, pairs: Sequence[tuple[float, float]]) -> None:
    """The share of truths at or below each quantile, over its level; on the line, intervals hold what they promise."""
    levels, shares = zip(*pairs, strict=True)
    axes.plot([0, 1], [0, 1], color=_INK, linestyle=":", linewidth=1.2, label="as promised")
    axes.plot(levels, shares, color=_MISS, marker="s", markersize=4, linewidth=1.4, label="found")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("level", color=_INK)
    axes.set_ylabel("share of truths below", color=_INK)
    axes.set_title("Calibration", fontsize=10.5, color=_INK, loc="left")
    axes.grid(color=_GRID, linewidth=0.6)
    axes.legend(frameon=False, fontsize=8.5, labelcolor=_INK, loc="upper left")


def _fan(
    axes: Any,
    time: NDArray[Any],
    quantiles: NDArray[np.float64],
    levels: Sequence[float],
    middle: NDArray[np.float64],
    *,
    named: bool = True,
) -> None:
    """Bands between pairs of levels, the darker the nearer to the middle; lines at the outermost ends."""
    pairs = [(k, len(levels) - 1 - k) for k in range(len(levels) // 2)]
    for order, (low, high) in enumerate(pairs):
        share = 100 * (levels[high] - levels[low])
        name = f"{share:.0f} %" if named and order in (0, len(pairs) - 1) else None
        shade = 0.16 + 0.5 * order / max(len(pairs), 1)
        band = (quantiles[:, low], quantiles[:, high])
        axes.fill_between(time, *band, color=_FAN, alpha=min(shade, 0.4), linewidth=0, label=name)
    if pairs:
        for edge in (0, len(levels) - 1):
            axes.plot(time, quantiles[:, edge], color=_FAN, linewidth=0.7, alpha=0.9)
    axes.plot(time, middle, color="#004166", linestyle="--", linewidth=1.4, label="forecast" if named else None)


def _truth(axes: Any, time: NDArray[Any], values: NDArray[np.float64], name: str | None) -> None:
    mark = {"marker": "o", "markersize": 2.2} if len(time) <= 60 else {}
    axes.plot(time, values, color=_TRUTH, linewidth=1.1, label=name, **mark)


def _apart(origins: NDArray[np.int64], horizon: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows whose windows do not lap over each other, the last one among them."""
    kept: list[int] = []
    last: int | None = None
    for origin, row in zip(origins[::-1].tolist(), rows[::-1].tolist(), strict=True):
        if last is None or origin + horizon <= last:
            kept.append(row)
            last = origin
    return np.array(kept[::-1], np.int64)


def _chosen(ids: Sequence[str], series: Sequence[str] | None, usual: Sequence[int]) -> list[int]:
    if series is None:
        return list(usual[:_MOST_SERIES])
    for name in series:
        if name not in ids:
            raise OptionError(f"there is no series '{name}' to draw; {nearest(str(name), ids)}")
    return [list(ids).index(name) for name in series]


def _figure(count: int, *, beside: bool = False) -> tuple[Any, list[Any]]:
    """A row for each series, and a square beside them where it is wanted."""
    needs("matplotlib", "train")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6 + 3.6 * beside, 0.9 + 2.7 * max(count, 1 + 0.25 * beside)), layout="constrained")
    ratios: Mapping[str, Any] = {"width_ratios": [2.6, 1.0]} if beside else {}
    grid = figure.add_gridspec(max(count, 1), 1 + beside, **ratios)
    axes = [figure.add_subplot(grid[row, 0]) for row in range(count)]
    return figure, axes + ([figure.add_subplot(grid[:, 1])] if beside else [])


def _dress(axes: Any, title: str, unit: str) -> None:
    axes.set_title(title, fontsize=10.5, color=_INK, loc="left")
    axes.set_ylabel(unit, color=_INK)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8.5, colors=_INK)
    if axes.xaxis.get_converter() is not None:
        dates = needs("matplotlib.dates", "train")
        locator = axes.xaxis.get_major_locator()
        if isinstance(locator, dates.AutoDateLocator):
            axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def _save(figure: Any, axes: Sequence[Any], path: str | Path, title: str) -> None:
    path = Path(path)
    check_format(path)
    if axes:
        axes[0].legend(frameon=False, fontsize=8.5, labelcolor=_INK, ncols=5, loc="lower right", bbox_to_anchor=(1, 1))
    if title:
        figure.suptitle(title, fontsize=12, color=_INK, fontweight="bold")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=160, facecolor="white")
    replace_file(path, picture.getvalue())
