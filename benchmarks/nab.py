"""NAB's series with known causes: a detector that never saw a label, beside a rolling z-score and an isolation forest.

Every method learns from the first 15 % of a series, where nothing is scored, and alarms with the same cool-down. The
detector's threshold adapts to a budget, step by step. The others are given the threshold, in hindsight, that spends as
many alarms as the detector did on the same series; of each of them the best of three settings counts, in hindsight too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.registry import data_folder

SENTENCE = "NAB, known causes: window F1 and delay at equal alarm budgets, beside a z-score and an isolation forest"
LEARN = 0.15
SEEDS = (1, 2, 3)
# Alarms in 1,000 steps; the middle one is the default of the command.
BUDGETS = (0.5, 1.0, 2.0)
COOLDOWN = 48
Z_WINDOWS = (50, 200, 1000)
FOREST_WINDOWS = (1, 12, 48)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each series."""
    folder = data_folder("nab-known-cause")
    if folder is None:
        return {}
    names = sorted(path.stem for path in folder.glob("*.csv"))
    return {name: lambda name=name: measure(folder, name) for name in names}


def measure(folder: Path, name: str) -> dict[str, Any]:
    """Train on the beginning of a series, judge all of it, and count by its labelled windows."""
    import ostinato as ost
    from ostinato.tasks.anomaly_report import windows_of

    panel = read(folder / f"{name}.csv")
    windows = [tuple(pair) for pair in json.loads((folder / "windows.json").read_text())[f"{name}.csv"]]
    spans = windows_of(panel, windows)[0]
    skip = int(LEARN * panel.rows)
    own: dict[str, Any] = {}
    seconds = []
    for seed in SEEDS:
        began = time.monotonic()
        detector = ost.AnomalyDetector(learn=LEARN, cooldown=COOLDOWN, seed=seed, device="cpu")
        detector.fit(panel, progress=False)
        seconds.append(round(time.monotonic() - began, 1))
        for budget in BUDGETS:
            found = detector.set_params(budget=budget).detect(panel, unscored=skip)
            own[f"{budget}/{seed}"] = _numbers(found.alarms[0].alarms, spans, skip)
    values = panel.target[:, 0].astype(np.float64)
    rivals = {
        **{f"z-score {window}": z_scores(values, window) for window in Z_WINDOWS},
        **{f"isolation forest {window}": forest_scores(values, window, skip) for window in FOREST_WINDOWS},
    }
    counts = {key: told["alarms"] for key, told in own.items()}
    others: dict[str, Any] = {key: {} for key in own}
    for rival, scores in rivals.items():
        spent = against(scores, counts.values(), skip)
        for key, count in counts.items():
            others[key][rival] = _numbers(spent[count], spans, skip)
    return {
        "series": name,
        "rows": panel.rows,
        "windows": len(spans),
        "scored_from": skip,
        "detector": own,
        "rivals": others,
        "same_alarms_from_rolling_mean": {
            str(budget): _numbers(rolling_mean(values, budget, skip), spans, skip) for budget in BUDGETS
        },
        "training_seconds": seconds,
    }


def read(path: Path) -> Any:
    """The series: on its grid, or as irregular where it has none, or no value at more than a third of it."""
    from ostinato.data.series import read_series
    from ostinato.errors import DataError

    try:
        panel = read_series(str(path), duplicates="mean")
    except DataError:
        return read_series(str(path), duplicates="mean", frequency=None)
    if np.isnan(panel.target).mean() > 1 / 3:
        panel = read_series(str(path), duplicates="mean", frequency=None)
    return panel


def z_scores(values: Any, window: int) -> Any:
    """How many deviations of the last values known each value is from their mean; NaN where there is none."""
    scores = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    line = values[known]
    for place in range(8, len(line)):
        before = line[max(0, place - window) : place]
        scores[known[place]] = abs(line[place] - before.mean()) / (before.std() + 1e-9)
    return scores


def forest_scores(values: Any, window: int, skip: int) -> Any:
    """How isolated the last values are, by a forest grown on the beginning of the series."""
    from sklearn.ensemble import IsolationForest

    known = np.flatnonzero(~np.isnan(values))
    line = values[known]
    rows = np.lib.stride_tricks.sliding_window_view(line, window)
    at = known[window - 1 :]
    forest = IsolationForest(n_estimators=200, random_state=1).fit(rows[at < skip])
    scores = np.full(len(values), np.nan)
    scores[at] = -forest.score_samples(rows)
    return scores


def alarms_of(scores: Any, threshold: float, skip: int) -> list[int]:
    """The first steps of ranges over a threshold; a range ends after a cool-down below it, as the detector's do."""
    above = np.flatnonzero(np.nan_to_num(scores, nan=-np.inf) > threshold)
    above = above[above >= skip]
    if not len(above):
        return []
    return above[np.concatenate([[True], np.diff(above) > COOLDOWN])].tolist()


def against(scores: Any, counts: Iterable[int], skip: int) -> dict[int, list[int]]:
    """The alarms of a rival for each count: with the lowest threshold that gives no more, coming down from the top."""
    wanted = sorted(set(counts))
    out: dict[int, list[int]] = {}
    best: list[int] = []
    for level in np.unique(scores[skip:][~np.isnan(scores[skip:])])[::-1]:
        # Just below a score, so that it counts as above.
        found = alarms_of(scores, np.nextafter(level, -np.inf), skip)
        while wanted and len(found) > wanted[0]:
            out[wanted.pop(0)] = best
        if not wanted:
            return out
        best = found
    return out | dict.fromkeys(wanted, best)


def rolling_mean(values: Any, budget: float, skip: int) -> list[int]:
    """The detector's own alarms, on the errors of a rolling mean rather than of a network."""
    from ostinato.heads.alarm import Alarm

    errors = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    line = values[known]
    for place in range(1, len(line)):
        errors[known[place]] = line[place] - line[max(0, place - 200) : place].mean()
    return Alarm(budget=budget, cooldown=COOLDOWN, warmup=skip).run(errors).alarms


def _numbers(alarms: list[int], spans: list[Any], skip: int) -> dict[str, Any]:
    from ostinato.heads.detection_scores import window_score

    score = window_score(alarms, spans, scored_from=skip)
    return {"alarms": len(alarms), **score._asdict(), "f1": score.f1}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Pooled over series for each budget, means over seeds; then each series at the default budget."""
    if not results:
        return {}
    out: dict[str, Any] = {}
    for budget in BUDGETS:
        rows = {"detector": [pooled(r["detector"][f"{budget}/{seed}"] for r in results.values()) for seed in SEEDS]}
        for rival in next(iter(results.values()))["rivals"][f"{budget}/1"]:
            rows[rival] = [pooled(r["rivals"][f"{budget}/{seed}"][rival] for r in results.values()) for seed in SEEDS]
        rows["same alarms, rolling mean"] = [
            pooled(r["same_alarms_from_rolling_mean"][str(budget)] for r in results.values())
        ]
        out[f"budget {budget}"] = {name: _mean(scores) for name, scores in rows.items()}
    out["series"] = {
        name: {
            "detector": _mean([pooled([r["detector"][f"1.0/{seed}"]]) for seed in SEEDS]),
            **{rival: _mean([pooled([found])]) for rival, found in r["rivals"]["1.0/1"].items()},
        }
        for name, r in results.items()
    }
    return out


def pooled(found: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Several series together."""
    parts = list(found)
    caught, missed, false = (sum(part[key] for part in parts) for key in ("caught", "missed", "false"))
    delays = [delay for part in parts for delay in part["delays"]]
    waits = [wait for part in parts for wait in part["waits"]]
    return {
        "f1": 2 * caught / (2 * caught + missed + false),
        "caught": caught,
        "missed": missed,
        "false": false,
        "alarms": sum(part["alarms"] for part in parts),
        "delay": sum(delays) / len(delays) if delays else float("nan"),
        "wait": sum(waits) / len(waits),
    }


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(float(np.mean([score[key] for score in scores])), 3) for key in scores[0]}
