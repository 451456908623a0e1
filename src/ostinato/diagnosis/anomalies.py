"""Pictures of anomalies: series with what was expected, ranges shaded, scores beside the threshold that adapts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.diagnosis.pictures import check_format
from ostinato.errors import OptionError, nearest, needs
from ostinato.output import replace_file

# Okabe and Ito's colours: told apart with any colour vision, and by line, hatching and marker in black and white.
_INK, _GRID, _SEEN, _EXPECTED, _RANGE, _LABEL, _LIMIT = (
    *("#222222", "#DDDDDD", "#222222", "#0072B2"),
    *("#E69F00", "#009E73", "#B0402A"),
)
# A picture shows so many series unless told; a score so many times the threshold stands at the upper edge.
_MOST_SERIES, _REACH = 4, 3.0


def draw_anomalies(
    path: str | Path,
    found: Any,
    *,
    windows: Sequence[Sequence[tuple[int, int]]] | None = None,
    series: Sequence[str] | None = None,
    title: str = "",
) -> None:
    """Draw what a detector found: for each series its values above its scores.

    ``found`` is what :meth:`ostinato.AnomalyDetector.detect` gives; ``windows`` are labelled ones, as steps of each
    series. Ranges are shaded and hatched, alarms are triangles, labelled windows bars above. At most four series are
    drawn unless ``series`` names them; of several channels each has its own line, moved apart.
    """
    needs("matplotlib", "train")
    from matplotlib.figure import Figure

    check_format(Path(path))
    chosen = _chosen(found.panel.ids, series)
    figure = Figure(figsize=(9.6, 0.7 + 3.4 * len(chosen)), layout="constrained")
    grid = figure.add_gridspec(2 * len(chosen), 1, height_ratios=[2.0, 1.0] * len(chosen))
    for place, number in enumerate(chosen):
        above = figure.add_subplot(grid[2 * place, 0])
        below = figure.add_subplot(grid[2 * place + 1, 0], sharex=above)
        _draw_values(above, found, number, () if windows is None else windows[number])
        _draw_scores(below, found, number)
        _dress(above, below, found.panel.ids[number])
    handles, names = figure.axes[0].get_legend_handles_labels()
    more, others = figure.axes[1].get_legend_handles_labels()
    figure.legend(handles + more, names + others, frameon=False, fontsize=8.5, ncols=4, loc="outside lower center")
    if title:
        figure.suptitle(title, fontsize=12, color=_INK, fontweight="bold")
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(path).suffix[1:].lower(), dpi=160, facecolor="white")
    replace_file(path, picture.getvalue())


def _chosen(ids: Sequence[str], series: Sequence[str] | None) -> list[int]:
    if series is None:
        return list(range(min(len(ids), _MOST_SERIES)))
    for name in series:
        if name not in ids:
            raise OptionError(f"there is no series '{name}' to draw; {nearest(str(name), ids)}")
    return [list(ids).index(name) for name in series]


def _stamps(found: Any, number: int) -> Any:
    panel = found.panel
    return panel.stamps(panel.time[int(panel.starts[number]) : int(panel.ends[number])])


def _draw_values(axes: Any, found: Any, number: int, windows: Sequence[tuple[int, int]]) -> None:
    """The values, what was expected of them, and the ranges."""
    panel, alarms, expected = found.panel, found.alarms[number], found.expected[number]
    time = _stamps(found, number)
    values = panel.target[int(panel.starts[number]) : int(panel.ends[number])].astype(np.float64)
    many = values.shape[1] > 1
    for channel in range(values.shape[1]):
        line, guess = values[:, channel], expected[:, channel]
        if many:
            # Channels of different sizes one above the other, each in units of its own spread.
            middle, spread = np.nanmean(line), np.nanstd(line) or 1.0
            line, guess = ((part - middle) / spread / 6 - channel for part in (line, guess))
            axes.text(time[0], -channel, f"{panel.layout.target[channel]} ", ha="right", va="center", fontsize=8.5)
        name = {"label": "expected"} if not channel else {}
        axes.plot(time, guess, color=_EXPECTED, linestyle="--", linewidth=0.7, alpha=0.8, **name)
        axes.plot(time, line, color=_SEEN, linewidth=0.9, **({"label": "observed"} if not channel else {}))
    if many:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    low, high = axes.get_ylim()
    for turn, one in enumerate(alarms.ranges):
        name = {"label": "range found"} if not turn else {}
        last = time[one.end] if one.end < len(time) else time[-1]
        axes.axvspan(
            time[one.start], last, facecolor=_RANGE, alpha=0.4, hatch="///", edgecolor=_INK, linewidth=0, **name
        )
    high += 0.12 * (high - low)
    bar = high - 0.035 * (high - low)
    for turn, (begin, end) in enumerate(windows):
        name = {"label": "labelled window"} if not turn else {}
        axes.plot(time[[begin, end - 1]], [bar, bar], color=_LABEL, linewidth=5, solid_capstyle="butt", **name)
    if alarms.alarms:
        at = np.array(alarms.alarms)
        mark = high - 0.1 * (high - low)
        axes.plot(time[at], np.full(len(at), mark), "v", color=_LIMIT, markersize=6.5, label="alarm")
    axes.set_ylim(low, high)
    axes.set_ylabel("" if many else panel.layout.target[0], color=_INK)


def _draw_scores(axes: Any, found: Any, number: int) -> None:
    """The scores, the threshold, and the steps that were not scored."""
    alarms, time, skipped = found.alarms[number], _stamps(found, number), found.skipped[number]
    top = _REACH * float(np.max(alarms.thresholds, initial=1.0))
    axes.fill_between(
        time, 0, np.minimum(np.nan_to_num(alarms.scores), top), color="#777777", linewidth=0.6, label="score"
    )
    axes.plot(time, alarms.thresholds, color=_LIMIT, linewidth=1.4, linestyle="-.", label="threshold")
    if skipped:
        end = time[min(skipped, len(time) - 1)]
        axes.axvspan(
            time[0],
            end,
            facecolor="white",
            alpha=0.75,
            hatch="...",
            edgecolor="#AAAAAA",
            linewidth=0,
            label="not scored",
        )
    axes.set_ylim(0, top)
    axes.set_ylabel("surprise", color=_INK)


def _dress(above: Any, below: Any, title: str) -> None:
    above.set_title(title, fontsize=10.5, color=_INK, loc="left")
    above.tick_params(labelbottom=False)
    for axes in (above, below):
        axes.grid(axis="y", color=_GRID, linewidth=0.6)
        axes.margins(x=0.01)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.tick_params(labelsize=8.5, colors=_INK)
    from matplotlib import dates

    concise: Any = dates.ConciseDateFormatter

    locator = below.xaxis.get_major_locator()
    if isinstance(locator, dates.AutoDateLocator):
        below.xaxis.set_major_formatter(concise(locator))
    else:
        below.set_xlabel("step", color=_INK)
