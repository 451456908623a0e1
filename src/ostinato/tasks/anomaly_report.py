"""What a detector found in series: every step, the ranges, and how they compare with labelled windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Panel
from ostinato.errors import DataError, OptionError, nearest
from ostinato.heads.alarm import Alarms
from ostinato.heads.detection_scores import RangeScore, WindowScore, range_score, window_score
from ostinato.streaming.watch import Watched
from ostinato.tasks.evaluation import counted, percent


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in each of some series.

    ``alarms`` has for each series the scores, thresholds and channels of its steps, the steps that alarm, and the
    ranges; ``expected`` what the network foretold [n, K], in the units of the data; ``skipped`` how many steps at the
    beginning were not scored.
    """

    panel: Panel
    alarms: tuple[Alarms, ...]
    expected: tuple[NDArray[np.float64], ...]
    skipped: tuple[int, ...]

    @classmethod
    def of(cls, panel: Panel, watched: Sequence[Watched], skipped: Sequence[int]) -> Found:
        """From what watches told, in the order of the panel's series."""
        return cls(panel, tuple(w.found for w in watched), tuple(w.expected for w in watched), tuple(skipped))

    def _times(self, series: int) -> NDArray[Any]:
        return self.panel.stamps(self.panel.time[int(self.panel.starts[series]) : int(self.panel.ends[series])])

    def steps(self) -> dict[str, list[Any]]:
        """Every step: id, time, score, threshold, alarm (at the first step of a range), inside (a range), channel."""
        names = np.array([*self.panel.layout.target, None], dtype=object)
        out: dict[str, list[Any]] = {
            word: [] for word in ("id", "time", "score", "threshold", "alarm", "inside", "channel")
        }
        for series, found in enumerate(self.alarms):
            n = len(found.scores)
            alarm, inside = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
            alarm[found.alarms] = True
            for one in found.ranges:
                inside[one.start : one.end] = True
            out["id"] += [self.panel.ids[series]] * n
            out["time"] += list(self._times(series))
            out["score"] += found.scores.tolist()
            out["threshold"] += found.thresholds.tolist()
            out["alarm"] += alarm.tolist()
            out["inside"] += inside.tolist()
            out["channel"] += names[found.channels].tolist()
        return out

    def ranges(self) -> dict[str, list[Any]]:
        """Every range: id, start and end (times of its first and last step), peak (the highest score), channel."""
        out: dict[str, list[Any]] = {word: [] for word in ("id", "start", "end", "peak", "channel")}
        for series, found in enumerate(self.alarms):
            times = self._times(series)
            for one in found.ranges:
                out["id"].append(self.panel.ids[series])
                out["start"].append(times[one.start].item() if times.dtype.kind != "M" else times[one.start])
                out["end"].append(times[one.end - 1].item() if times.dtype.kind != "M" else times[one.end - 1])
                out["peak"].append(one.peak)
                out["channel"].append(self.panel.layout.target[one.channel])
        return out

    def frame(self, *, like: Any = None) -> Any:
        """Every step as a data frame of the kind of ``like``, of pandas for other sources, or a dict of lists."""
        return as_frame(self.steps(), like)

    def plot(self, path: str | Path, *, windows: Any = None, title: str = "") -> None:
        """Draw series with what was expected, the ranges shaded, and the scores with their threshold."""
        from ostinato.diagnosis.anomalies import draw_anomalies

        labelled = None if windows is None else windows_of(self.panel, windows)
        draw_anomalies(path, self, windows=labelled, title=title)

    def __len__(self) -> int:
        return sum(len(found.ranges) for found in self.alarms)

    def __repr__(self) -> str:
        steps = sum(len(found.scores) for found in self.alarms)
        return f"<{counted(len(self), 'range')} in {counted(steps, 'step')} of {len(self.panel)} series>"


@dataclass(frozen=True, eq=False)
class AnomalyEvaluation:
    """How alarms and ranges compare with labelled windows, over all series and for each.

    ``windows`` counts by windows: caught, missed, false alarms, delays in steps. ``overlap`` has precision, recall and
    F1 by how much of each range is covered, None where a series has no labelled window.
    """

    ids: tuple[str, ...]
    windows: tuple[WindowScore, ...]
    overlap: tuple[RangeScore | None, ...]
    steps: int
    alarms: int
    source: str = ""

    @property
    def pooled(self) -> WindowScore:
        """All series together."""
        return sum(self.windows, WindowScore())

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and words, ready for JSON."""
        rows = zip(self.ids, self.windows, self.overlap, strict=True)
        each = {name: {**_numbers(w), "overlap": None if o is None else o._asdict()} for name, w, o in rows}
        return {
            "source": self.source,
            "steps": self.steps,
            "alarms": self.alarms,
            **_numbers(self.pooled),
            "series": each,
        }

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name."""
        pooled = self.pooled
        found = [
            ("F1", f"{pooled.f1:.3f}"),
            ("precision", percent(pooled.precision)),
            ("recall", percent(pooled.recall)),
        ]
        return found + ([("delay", f"{pooled.delay:.1f} steps")] if pooled.delays else [])

    def table(self, most: int | None = 20) -> str:
        """The report as plain text; ``most=None`` shows every series."""
        lines = [
            f"{self.source or 'evaluation'}: {counted(self.alarms, 'alarm')} in {counted(self.steps, 'step')}, "
            f"{len(self.ids)} series",
            "  " + "   ".join(f"{name} {number}" for name, number in self.headline()),
            "",
        ]
        wide = max(len("series"), *(len(name) for name in self.ids))
        lines.append(f"  {'series':<{wide}}  caught  missed   false   delay   overlap F1")
        rows = list(zip(self.ids, self.windows, self.overlap, strict=True))
        for name, score, overlap in rows[:most]:
            delay = f"{score.delay:7.1f}" if score.delays else "      -"
            shown = "-" if overlap is None else f"{overlap.f1:.3f}"
            lines.append(
                f"  {name:<{wide}}  {score.caught:6d}  {score.missed:6d}  {score.false:6d} {delay}   {shown:>10}"
            )
        if most is not None and len(rows) > most:
            lines.append(f"  and {len(rows) - most} more series")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"<AnomalyEvaluation: {', '.join(f'{name} {number}' for name, number in self.headline())}>"


def _numbers(score: WindowScore) -> dict[str, Any]:
    labelled = bool(score.waits)
    return {
        "caught": score.caught,
        "missed": score.missed,
        "false": score.false,
        "precision": score.precision,
        "recall": score.recall if labelled else None,
        "f1": score.f1 if labelled else None,
        "delay": score.delay if score.delays else None,
        "wait": score.wait if labelled else None,
    }


def evaluate(found: Found, windows: Any, source: str = "") -> AnomalyEvaluation:
    """Compare what was found with labelled windows; what was not scored does not count."""
    labelled = windows_of(found.panel, windows)
    if not any(labelled):
        raise DataError("an evaluation wanted at least one labelled window, got none")
    scores, overlap = [], []
    for spans, alarms, skipped in zip(labelled, found.alarms, found.skipped, strict=True):
        scores.append(window_score(alarms.alarms, spans, scored_from=skipped))
        inside = [(max(begin, skipped), end) for begin, end in spans if end > skipped]
        overlap.append(range_score(inside, [(one.start, one.end) for one in alarms.ranges]) if inside else None)
    if not any(score.waits for score in scores):
        raise DataError("every labelled window lies in what was not scored; lower unscored=")
    steps = sum(max(len(a.scores) - s, 0) for a, s in zip(found.alarms, found.skipped, strict=True))
    alarms_in_all = sum(len(alarms.alarms) for alarms in found.alarms)
    return AnomalyEvaluation(found.panel.ids, tuple(scores), tuple(overlap), steps, alarms_in_all, source)


def windows_of(panel: Panel, windows: Any) -> list[list[tuple[int, int]]]:
    """Labelled windows as steps of each series, the end not included.

    >>> from ostinato.data.series import read_series
    >>> windows_of(read_series([[1.0, 2.0, 3.0]]), [(1, 2)])
    [[(1, 3)]]
    """
    if not isinstance(windows, Mapping):
        if len(panel) != 1:
            raise OptionError(f"windows wanted a list of pairs for each id of the {len(panel)} series")
        windows = {panel.ids[0]: windows}
    for name in windows:
        if name not in panel.ids:
            raise OptionError(f"windows of the series '{name}', which is not there; {nearest(str(name), panel.ids)}")
    out = []
    for series, name in enumerate(panel.ids):
        begin, end = int(panel.starts[series]), int(panel.ends[series])
        time = panel.time[begin:end]
        spans = []
        for pair in windows.get(name, ()):
            try:
                first, last = (panel.moment(moment) for moment in pair)
            except (TypeError, ValueError) as error:
                raise OptionError(
                    f"series '{name}': a window wanted a first and a last time, got {pair!r:.80}: {error}"
                ) from None
            span = int(np.searchsorted(time, first)), int(np.searchsorted(time, last, side="right"))
            if span[0] >= span[1]:
                raise DataError(f"series '{name}': no step lies in the window {tuple(map(str, pair))}")
            spans.append(span)
        out.append(sorted(spans))
    return out


def as_frame(columns: dict[str, list[Any]], like: Any = None) -> Any:
    """Columns as a data frame of the kind of ``like``, else of pandas, else as they are.

    >>> as_frame({"a": [1]}, like={"b": [2]})
    {'a': [1]}
    """
    if isinstance(like, dict):
        return columns
    try:
        if hasattr(like, "shape") and hasattr(like, "columns"):
            narwhals = import_module("narwhals")
            return narwhals.from_dict(columns, backend=narwhals.get_native_namespace(like)).to_native()
        return import_module("pandas").DataFrame(columns)
    except ImportError:
        return columns
