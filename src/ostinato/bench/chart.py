"""A bar for each row of speed: how many times as fast as the peer, in a picture that needs no colour."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ostinato.bench.registry import GRIDS, ROWS
from ostinato.bench.summary import Summary, geometric, summaries
from ostinato.errors import DataError, needs
from ostinato.output import replace_file

# Dark, middle and light: told apart in grey, and each with strokes of its own.
GROUPS = {
    "training": ("#2f4b7c", ""),
    "forward": ("#8fa9cf", "///"),
    "cells of one's own": ("#f2c14e", "..."),
}


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Write the picture as PNG."""
    figures = needs("matplotlib.figure", "train")
    bars = list(reversed(list(_bars(results))))
    if not bars:
        raise DataError("these results have no row of speed to draw")
    figure = figures.Figure(figsize=(8, 0.34 * len(bars) + 1.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    for place, (_, values, group) in enumerate(bars):
        colour, strokes = GROUPS[group]
        mean = geometric(values)
        axes.barh(place, mean - 1, left=1, color=colour, hatch=strokes, edgecolor="black", linewidth=0.6, height=0.72)
        # A white edge keeps the line apart from dark bars.
        for colour, width, mark in (("white", 3.5, 9), ("black", 1.2, 7)):
            line = {"color": colour, "linewidth": width, "marker": "|", "markersize": mark, "markeredgewidth": width}
            axes.plot([min(values), max(values)], [place, place], **line)
        axes.annotate(
            f"{mean:.2f}x" if mean < 9.95 else f"{mean:.1f}x",
            (max(max(values), mean), place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )
    _dress(axes, bars, results)
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    replace_file(path, written.getvalue())


def _bars(results: Mapping[str, Any]) -> Iterator[tuple[str, list[float], str]]:
    """A name, the values of its points, and its group; the rows of the grid have a bar for each size of batch."""
    for name, summary in summaries(results["points"]).items():
        if summary.row.kind != "speed":
            continue
        records = [record for record in results["points"].values() if record["row"] == name]
        if name in GRIDS:
            for rows in summary.by_batch:
                values = [float(r["value"]) for r in records if r["job"]["rows"] == rows]
                yield f"{ROWS[name].title}, B = {rows}", values, "training"
        else:
            yield _title(summary), [float(r["value"]) for r in records], _group(name)


def _title(summary: Summary) -> str:
    if summary.row.points[0].against.worker not in ("ours", "torch"):
        return f"forward, against {summary.row.against}"
    return summary.row.title.partition(",")[0]


def _group(name: str) -> str:
    if name.startswith("user"):
        return "cells of one's own"
    return "forward" if name.endswith("forward") else "training"


def _dress(axes: Any, bars: list[tuple[str, list[float], str]], results: Mapping[str, Any]) -> None:
    patches = needs("matplotlib.patches", "train")
    axes.set_xscale("log")
    highest = max(max(values) for _, values, _ in bars)
    lowest = min(min(values) for _, values, _ in bars)
    axes.set_xlim(min(0.8, lowest / 1.1), highest * 1.6)
    ticks = [
        tick for tick in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256) if axes.get_xlim()[0] <= tick <= highest * 1.6
    ]
    axes.set_xticks(ticks, [f"{tick:g}x" for tick in ticks])
    axes.minorticks_off()
    axes.axvline(1, color="black", linewidth=1.2)
    axes.grid(axis="x", color="0.85", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_yticks(range(len(bars)), [name for name, _, _ in bars])
    axes.set_ylim(-0.6, len(bars) - 0.4)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(
        f"times as fast, {results['threads']} threads, float32\nbar: geometric mean; line: from worst to best point"
    )
    used = [group for group in GROUPS if any(bar[2] == group for bar in bars)]
    keys = [patches.Patch(facecolor=GROUPS[g][0], hatch=GROUPS[g][1], edgecolor="black", label=g) for g in used]
    axes.legend(handles=keys, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=len(used), frameon=False)
