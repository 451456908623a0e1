"""Models of series that stream: each with series, what it says of them as a whole, and what it says live."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

import ostinato as ost
from ostinato.data.series import Panel, read_series
from tests.tasks.series import SMALL
from tests.tasks.series_sets import LIFE, QUICK, units, waves

CAUSAL = {**QUICK, "convolution": 0, "bidirectional": False}
# Life that is told by its channels alone.
ALONE = {"age": False, "baseline": 0}
# The same with all that its options say unless told.
USUAL = {name: getattr(ost.RemainingLife, name) for name in ("age", "baseline", "layers", "members", "stride")}
HOUR = np.timedelta64(1, "h")


@dataclasses.dataclass(frozen=True)
class Case:
    """A trained model, the series that it is asked about, and two ways to ask: all numbers of the answers, flat."""

    model: Any
    panel: Panel
    whole: Callable[[Any, Panel], np.ndarray]
    live: Callable[[Any, Panel], np.ndarray]


def holed(series: list[np.ndarray]) -> list[np.ndarray]:
    """The same series without some values."""
    out = [one.copy() for one in series]
    for one in out[::3]:
        one[1, 0] = math.nan
    return out


def irregular() -> Panel:
    """Series whose steps lie one to three units apart."""
    table: dict[str, list] = {"id": [], "time": [], "a": [], "b": []}
    for k, one in enumerate(waves()[0]):
        table["id"] += [f"s{k:02}"] * len(one)
        table["time"] += np.cumsum(np.random.default_rng(k).integers(1, 4, len(one))).tolist()
        table["a"] += one[:, 0].tolist()
        table["b"] += one[:, 1].tolist()
    return read_series(table, target=["a", "b"], frequency=None)


def steps_of(panel: Panel, series: int) -> range:
    return range(int(panel.starts[series]), int(panel.ends[series]))


def push(session: Any, panel: Panel, row: int) -> None:
    """Push one row of a panel to a session of any model of series."""
    if hasattr(session, "horizon"):
        session.push(int(panel.time[row]), panel.target[row], panel.past[row], panel.known[row])
    else:
        session.push(panel.target[row], int(panel.time[row]) if panel.frequency is None else None)


def pushed(model: Any, panel: Panel, series: int) -> Any:
    """A session after all steps of a series."""
    session = ost.stream(model)
    for row in steps_of(panel, series):
        push(session, panel, row)
    return session


def live_labels(model: Any, panel: Panel) -> np.ndarray:
    told = [pushed(model, panel, series).answer() for series in range(len(panel))]
    return np.array([[model.labels_.names.index(one.label), one.confidence] for one in told])


def whole_labels(model: Any, panel: Panel) -> np.ndarray:
    told = model.answers(panel)
    return np.array([[model.labels_.names.index(one["label"]), one["confidence"]] for one in told])


def live_numbers(model: Any, panel: Panel) -> np.ndarray:
    return np.array([pushed(model, panel, series).answer() for series in range(len(panel))])


def classifier(series: Any = None, **options: Any) -> Case:
    given, labels = waves()
    panel = series if isinstance(series, Panel) else read_series(given if series is None else series)
    model = ost.SeriesClassifier(**{**CAUSAL, **options}).fit(panel, labels, progress=False)
    return Case(model, panel, whole_labels, live_labels)


def regressor(**options: Any) -> Case:
    panel = read_series(waves()[0])
    numbers = [100.0 + 20 * float(one[-1, 0]) for one in waves()[0]]
    model = ost.SeriesRegressor(**{**CAUSAL, **options}).fit(panel, numbers, progress=False)
    return Case(model, panel, lambda m, p: m.predict(p), live_numbers)


def life(series: Any = None, **options: Any) -> Case:
    panel = read_series(units() if series is None else series)
    model = ost.RemainingLife(**{**LIFE, **ALONE, **options}).fit(panel, progress=False)

    def live(model: Any, panel: Panel) -> np.ndarray:
        told = []
        for series in range(len(panel)):
            session = ost.stream(model)
            for row in steps_of(panel, series):
                session.push(panel.target[row])
                told.append(session.answer())
        return np.array(told)

    return Case(model, panel, lambda m, p: np.concatenate(m.curves(p)), live)


def demand(rows: int = 80, *, gone: bool = False, **more: Any) -> Panel:
    """Two hourly series with a season of a day, moved by a covariate known ahead and one known up to now."""
    heat = np.random.default_rng(1).normal(size=rows).tolist()
    table: dict[str, list] = {"id": [], "time": [], "y": [], "heat": [], "wind": []}
    for place, name in enumerate("ab"):
        table["id"] += [name] * rows
        table["time"] += [np.datetime64("2024-03-01T00:00") + t * HOUR for t in range(rows)]
        table["y"] += [10.0 * (place + 1) + (t % 24) / 6 + 0.5 * heat[t] for t in range(rows)]
        table["heat"] += heat
        table["wind"] += [math.sin(t + place) for t in range(rows)]
    if gone:
        table["y"][17] = math.nan
    words: dict[str, Any] = {"known": "heat", "past": "wind", **more}
    table = {name: column for name, column in table.items() if name in ("id", "time", "y", *words.values())}
    if "static" in words:
        table["size"] = [1.0] * rows + [3.0] * rows
        table["kind"] = ["shop"] * rows + ["mill"] * rows
    return read_series(table, **{name: word for name, word in words.items() if word is not None})


def cut(panel: Panel, series: int, end: int) -> Panel:
    """The panel as it was before a row of a series."""
    return dataclasses.replace(panel, ends=np.where(np.arange(len(panel)) == series, end, panel.ends))


def forecaster(panel: Panel | None = None, *, history: bool = False, **options: Any) -> Case:
    panel = demand() if panel is None else panel
    model = ost.Forecaster(**{**SMALL, **options}).fit(panel, progress=False)
    steps, stride = 4 * model.horizon, 1

    def whole(model: Any, panel: Panel) -> np.ndarray:
        from ostinato.tasks.forecast_rolling import rolling_origins

        told = model._foretell(panel, rolling_origins(panel, model.horizon, steps, stride), model.horizon, None)
        return np.concatenate([told.mean[..., None], told.quantiles], -1)

    def live(model: Any, panel: Panel) -> np.ndarray:
        found = []
        for series, name in enumerate(panel.ids):
            rows = steps_of(panel, series)
            first = rows[-1] + 1 - steps
            early = cut(panel, series, first)
            session = ost.stream(model, id=name, **({"history": early} if history else {}))
            for row in range(first if history else rows[0], first):
                push(session, panel, row)
            for row in range(first, rows[-1] + 2 - model.horizon):
                ahead = panel.known[row : row + model.horizon]
                told = session.answer(ahead if ahead.size else ())
                found.append(np.concatenate([told.mean[..., None], told.quantiles], -1))
                push(session, panel, row)
        return np.stack(found)

    return Case(model, panel, whole, live)


HEADS = ("gaussian", "student", "quantiles", "mixture")
PLAIN = {"known": None, "past": None}
CASES: dict[str, Callable[[], Case]] = {
    "classifier": classifier,
    **{f"classifier, {pool}": functools.partial(classifier, pooling=pool) for pool in ("mean+max", "attention")},
    "classifier, lstm of two layers": functools.partial(classifier, cell="lstm", layers=2, pooling="last"),
    "classifier, values missing": functools.partial(classifier, holed(waves()[0])),
    "classifier, irregular": functools.partial(classifier, irregular()),
    "classifier, not scaled": functools.partial(classifier, scaling="none"),
    "classifiers that answer as one": functools.partial(classifier, members=3),
    "regressor": regressor,
    "regressors that answer as one": functools.partial(regressor, members=2, pooling="mean"),
    "life": life,
    "life, another window": functools.partial(life, window=40, pooling="mean"),
    "life without a cap": functools.partial(life, cap=None),
    "life by its usual options": functools.partial(life, **USUAL),
    "life by how old a unit is": functools.partial(life, age=True),
    "life by how it began, values missing": functools.partial(life, holed(units()), baseline=3),
    **{f"forecaster, {head}": functools.partial(forecaster, head=head) for head in HEADS},
    **{
        f"forecaster, {head}": lambda head=head: forecaster(demand(**PLAIN), head=head)
        for head in ("log_normal", "negative_binomial")
    },
    "forecaster, lags": functools.partial(forecaster, lags="2,24", head="gaussian"),
    "forecaster, conformal": functools.partial(forecaster, conformal=True, holdout=12),
    "forecaster, point": functools.partial(forecaster, conformal=True, holdout=12, head="point"),
    "forecaster, values missing": lambda: forecaster(demand(gone=True)),
    "forecaster, nothing beside": lambda: forecaster(demand(**PLAIN), skip=False),
    "forecaster, after a history": functools.partial(forecaster, history=True, conformal=True, holdout=12),
    "forecaster, told what a series is": lambda: forecaster(
        demand(static="size", categories="kind"), history=True, lags="24"
    ),
    "forecasters that answer as one": functools.partial(forecaster, members=2, head="quantiles"),
    "forecaster, a long context": functools.partial(forecaster, context=70),
}


@functools.cache
def case(name: str) -> Case:
    """A member of the list, trained once."""
    return CASES[name]()


def begun(name: str, model: Any = None, rows: int = 5) -> Any:
    """A session of a member of the list (or of its file) after the first rows of its first series."""
    one = case(name)
    more = {}
    if isinstance(one.model, ost.Forecaster):
        more = {"id": one.panel.ids[0]} | (
            {"history": cut(one.panel, 0, 2)} if "history" in name or "told" in name else {}
        )
    session = ost.stream(one.model if model is None else model, **more)
    for row in range(session.steps, rows):
        push(session, one.panel, row)
    return session


def asked(name: str, session: Any) -> str:
    """What a session says now, to the last bit."""
    if not hasattr(session, "horizon"):
        return repr(session.answer())
    ahead = case(name).panel.known[session.steps : session.steps + session.horizon]
    told = session.answer(ahead if ahead.size else ())
    return repr((told.mean.tolist(), told.quantiles.tolist(), told.time.tolist()))
