"""Pictures of a trained classifier: how it learned, and what it takes for what."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import OptionError, nearest, needs
from ostinato.output import replace_file

FORMATS = (".png", ".svg", ".pdf")

# A confusion matrix of more classes than this shows only the most confused ones: names must stay readable.
MOST_CLASSES = 48

# Blue and vermilion of Okabe and Ito, which people with any colour vision tell apart; line styles differ as well.
_TRAIN, _VALID, _BEST = "#0072B2", "#D55E00", "#444444"
_INK, _GRID = "#222222", "#DDDDDD"
_BLUES = ("#F3F4F5", "#9CC3DE", "#0072B2", "#004166")
_ORANGES = ("#F3F4F5", "#F2B48C", "#D55E00", "#7A3600")


def draw_training(
    path: str | Path,
    *,
    history: Sequence[Mapping[str, Any]],
    confusion: NDArray[np.int64] | None = None,
    labels: Sequence[str] = (),
    title: str = "",
) -> None:
    """Draw the learning curve and, where given, the confusion matrix into a .png, .svg or .pdf file.

    ``history`` holds the log entries of training: those with the event "epoch" count. ``confusion[i, j]`` counts the
    examples of ``labels[i]`` that were taken for ``labels[j]``; colours show shares of a row. Raises
    :class:`~ostinato.errors.OutputError` if the file cannot be written.
    """
    path = Path(path)
    check_format(path)
    needs("matplotlib", "train")
    from matplotlib.figure import Figure

    epochs = [entry for entry in history if entry.get("event") == "epoch"]
    if confusion is not None and confusion.any():
        shown, names, remark = most_confused(confusion, labels)
        side = float(np.clip(0.19 * len(names) + 2.6, 4.6, 12.0))
        figure = Figure(figsize=(5.2 + side + 0.8, side + 0.5), layout="constrained")
        panels: Any = figure.subfigures(1, 2, width_ratios=[5.2, side + 0.8], wspace=0.03)
        draw_curves(panels[0], epochs)
        draw_confusion(panels[1].subplots(), shown, names, remark)
    else:
        figure = Figure(figsize=(6.4, 5.0), layout="constrained")
        draw_curves(figure, epochs)
    if title:
        figure.suptitle(title, fontsize=12, color=_INK, fontweight="bold")
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=160, facecolor="white")
    replace_file(path, picture.getvalue())


def check_format(path: str | Path) -> None:
    """Refuse a picture's file whose name ends in no known format.

    >>> check_format("curve.pgn")
    Traceback (most recent call last):
    ostinato.errors.OptionError: a picture's file ends in .png, .svg or .pdf, got 'curve.pgn'; did you mean '.png'? ...
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise OptionError(
            f"a picture's file ends in .png, .svg or .pdf, got '{Path(path).name}'; {nearest(suffix, FORMATS)}"
        )


def draw_curves(figure: Any, epochs: Sequence[Mapping[str, Any]]) -> None:
    """The loss above, the accuracy or the mean miss below, over epochs; the epoch whose weights were kept is marked."""
    above, below = figure.subplots(2, 1, sharex=True)
    misses = any("error" in entry.get("train", {}) for entry in epochs)
    measures = ((above, "loss", 1.0), (below, "error", 1.0) if misses else (below, "accuracy", 100.0))
    numbers = [int(entry["epoch"]) + 1 for entry in epochs]
    better = [number for number, entry in zip(numbers, epochs, strict=True) if entry.get("better")]
    for axes, measure, scale in measures:
        for part, colour, style, marker in (("train", _TRAIN, "--", "o"), ("valid", _VALID, "-", "s")):
            points = [
                (number, scale * entry[part][measure])
                for number, entry in zip(numbers, epochs, strict=True)
                if measure in entry.get(part, {})
            ]
            if points:
                x, y = zip(*points, strict=True)
                name = {"train": "training", "valid": "validation"}[part]
                axes.plot(x, y, color=colour, linestyle=style, marker=marker, markersize=3.5, linewidth=1.6, label=name)
        if better:
            axes.axvline(better[-1], color=_BEST, linestyle=":", linewidth=1.2, zorder=0)
        _dress(axes)
    above.set_ylabel("loss")
    below.set_ylabel("mean miss" if misses else "accuracy, %")
    below.set_xlabel("epoch")
    below.xaxis.get_major_locator().set_params(integer=True)
    if numbers:
        above.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
        above.legend(frameon=False, fontsize=9, labelcolor=_INK)
    if better:
        late = 2 * better[-1] > numbers[0] + numbers[-1]
        below.annotate(
            f"kept: epoch {better[-1]}",
            (better[-1], 0.92 if misses else 0.04),
            xycoords=("data", "axes fraction"),
            xytext=(-5 if late else 5, 0),
            textcoords="offset points",
            ha="right" if late else "left",
            fontsize=8.5,
            color=_BEST,
        )
    above.set_title("How it learned", fontsize=10.5, color=_INK, loc="left")


def draw_confusion(axes: Any, confusion: NDArray[np.int64], labels: Sequence[str], remark: str = "") -> None:
    """The matrix of truths (rows) and answers (columns) as shares of each row, with the counts where they fit.

    What is right is blue, what is wrong orange: two colours that nobody confuses, and a mistake never hides in the ramp
    of what went well.
    """
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    shares = 100.0 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    right = np.eye(len(labels), dtype=bool)
    # The square root lets a mistake of few per cent be seen beside a diagonal near 100.
    norm = PowerNorm(0.5, vmin=0, vmax=100)
    for name, ends, place in (("wrong", _ORANGES, ~right), ("right", _BLUES, right)):
        ramp = LinearSegmentedColormap.from_list(name, ends)
        image = axes.imshow(np.ma.masked_where(~place, shares), cmap=ramp, norm=norm, interpolation="nearest")
        bar = axes.figure.colorbar(
            image,
            ax=axes,
            shrink=0.45,
            aspect=18,
            pad=0.015,
            ticks=[0, 1, 5, 10, 25, 50, 100] if name == "wrong" else [],
        )
        bar.ax.set_xlabel(name, fontsize=8, color=_INK, rotation=90)
        bar.ax.tick_params(labelsize=8, length=0, colors=_INK)
        bar.outline.set_visible(False)
        if name == "wrong":
            bar.set_label("% of the truth's examples", color=_INK, fontsize=8)
    size = float(np.clip(230 / max(len(labels), 1), 4.8, 9.0))
    short = [label if len(label) <= 28 else label[:27] + "\u2026" for label in labels]
    axes.set_xticks(range(len(labels)), short, rotation=90, fontsize=size, color=_INK)
    axes.set_yticks(range(len(labels)), short, fontsize=size, color=_INK)
    axes.set_xlabel("taken for", color=_INK)
    axes.set_ylabel("truth", color=_INK)
    axes.set_title("What it takes for what" + (f": {remark}" if remark else ""), fontsize=10.5, color=_INK, loc="left")
    axes.set_xticks(np.arange(len(labels) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(labels) <= 25:
        for i, j in zip(*np.nonzero(confusion), strict=True):
            ink = "white" if shares[i, j] > (30 if i == j else 45) else _INK
            axes.text(j, i, f"{confusion[i, j]}", ha="center", va="center", fontsize=min(size, 8), color=ink)


def most_confused(
    confusion: NDArray[np.int64], labels: Sequence[str], most: int = MOST_CLASSES
) -> tuple[NDArray[np.int64], list[str], str]:
    """The part of a large matrix that a page can hold: the classes with most mistakes, and a remark that says so.

    >>> most_confused(np.array([[5, 1, 0], [0, 6, 0], [2, 0, 4]]), ["a", "b", "c"], most=2)[1:]
    (['a', 'c'], 'the 2 most confused of 3 classes')

    Classes without examples and answers are left out.
    """
    used = np.flatnonzero(confusion.sum(axis=0) + confusion.sum(axis=1))
    remark = ""
    if len(used) > most:
        wrong = confusion - np.diag(np.diag(confusion))
        mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
        remark = f"the {most} most confused of {len(used)} classes"
        used = np.sort(used[np.argsort(-mistakes[used], kind="stable")[:most]])
    return confusion[np.ix_(used, used)], [labels[i] for i in used.tolist()], remark


def _dress(axes: Any) -> None:
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=9, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_GRID)
