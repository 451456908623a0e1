"""Pictures of predicted numbers: life curves of units, and numbers against the truth."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.diagnosis.pictures import check_format
from ostinato.errors import OptionError, nearest, needs
from ostinato.output import replace_file

# Blue and vermilion of Okabe and Ito; the truth is a dashed line as well, for eyes and paper without colours.
_MODEL, _TRUTH, _LATE = "#0072B2", "#D55E00", "#F2D9C7"
_INK, _GRID = "#222222", "#DDDDDD"
_SHOWN = 6


def draw_life_curves(
    path: str | Path,
    curves: Sequence[NDArray[np.float64]],
    ends: NDArray[np.float64],
    ids: Sequence[str],
    *,
    cap: int | None = None,
    units: Any = None,
    title: str = "",
) -> None:
    """Draw what was left at each step of some units, as it was told and as it was, into a .png, .svg or .pdf file.

    ``curves`` has for each unit [T] what was told after each step, ``ends`` [n] what was truly left after the last one.
    ``units`` are ids; unless given, at most six that are spread over what was left and the lengths of life.
    """
    path = Path(path)
    check_format(path)
    needs("matplotlib", "train")
    from matplotlib.figure import Figure

    chosen = _chosen(curves, ends, ids, units)
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = Figure(figsize=(3.3 * columns + 0.6, 2.5 * rows + 1.0), layout="constrained")
    panels: Any = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.ravel()[len(chosen) :]:
        axes.set_visible(False)
    for axes, unit in zip(panels.ravel(), chosen, strict=False):
        _draw_life(axes, curves[unit], float(ends[unit]), cap)
        axes.set_title(f"unit {ids[unit]}", fontsize=9.5, color=_INK, loc="left")
    for axes in panels[:, 0]:
        axes.set_ylabel("steps left", color=_INK)
    for axes in panels[-1]:
        axes.set_xlabel("steps run", color=_INK)
    lines, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=len(names), frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=12, color=_INK, fontweight="bold")
    _save(figure, path)


def draw_numbers(
    path: str | Path, truth: NDArray[np.float64], predicted: NDArray[np.float64], *, title: str = ""
) -> None:
    """Draw predicted numbers [n] against true ones into a .png, .svg or .pdf file."""
    path = Path(path)
    check_format(path)
    needs("matplotlib", "train")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 5.0), layout="constrained")
    axes: Any = figure.subplots()
    low, high = float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))
    margin = 0.03 * (high - low) or 1.0
    ends = (low - margin, high + margin)
    axes.plot(ends, ends, color=_TRUTH, linestyle="--", linewidth=1.4, label="as it was")
    axes.plot(truth, predicted, "o", color=_MODEL, alpha=0.55, markersize=4, markeredgewidth=0, label="as predicted")
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    axes.set_xlabel("truth", color=_INK)
    axes.set_ylabel("prediction", color=_INK)
    axes.legend(frameon=False, fontsize=9, labelcolor=_INK, loc="upper left")
    _dress(axes)
    if title:
        figure.suptitle(title, fontsize=12, color=_INK, fontweight="bold")
    _save(figure, path)


def _draw_life(axes: Any, curve: NDArray[np.float64], end: float, cap: int | None) -> None:
    steps = np.arange(1, len(curve) + 1)
    truth = end + len(curve) - steps
    known = truth if cap is None else np.minimum(truth, cap)
    axes.fill_between(
        steps, known, curve, where=curve > known, color=_LATE, linewidth=0, interpolate=True, label="told too much"
    )
    axes.plot(steps, known, color=_TRUTH, linestyle="--", linewidth=1.5, label="truly left")
    axes.plot(steps, curve, color=_MODEL, linewidth=1.6, label="as the model tells it")
    axes.plot(steps[-1:], curve[-1:], "o", color=_MODEL, markersize=5)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, len(curve) * 1.03)
    _dress(axes)


def _chosen(
    curves: Sequence[NDArray[np.float64]], ends: NDArray[np.float64], ids: Sequence[str], units: Any
) -> list[int]:
    """The numbers of the units to draw."""
    if units is None:
        # By what was left, then by length: neighbours in this order are alike, so that equal distances show all kinds.
        order = sorted(range(len(ids)), key=lambda k: (ends[k], len(curves[k])))
        places = np.unique(np.linspace(0, len(order) - 1, min(_SHOWN, len(order))).round().astype(int))
        return [order[k] for k in places.tolist()]
    wanted = [str(units)] if isinstance(units, str | int) else [str(unit) for unit in units]
    if not wanted:
        raise OptionError("units wanted at least one id, got none")
    for name in wanted:
        if name not in ids:
            raise OptionError(f"there is no unit '{name}'; {nearest(name, list(ids))}")
    return [list(ids).index(name) for name in wanted]


def _dress(axes: Any) -> None:
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=9, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_GRID)


def _save(figure: Any, path: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=160, facecolor="white")
    replace_file(path, picture.getvalue())
