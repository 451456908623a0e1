"""How networks on series are trained and asked: what classifiers, regressors and predictors of life share."""

from __future__ import annotations

import dataclasses
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, Panel, Scales, fit_scales
from ostinato.errors import ArtifactError, DataError
from ostinato.tasks.evaluation import counted
from ostinato.tasks.series_examples import SeriesExamples
from ostinato.tasks.series_options import SeriesOptions
from ostinato.tasks.text_training import (
    enough_patience,
    few_threads,
    own_options,
    version_of,
)

if TYPE_CHECKING:
    from ostinato.members import Members
    from ostinato.model import Model

# A batch for prediction holds at most so many steps, padding counted.
_STEPS_AT_ONCE, _MOST, _STEPS_ALONE = 1 << 16, 256, 4096
_PACKAGES = ("ostinato", "torch", "numpy")


@dataclass(frozen=True)
class TrainedSeries:
    """What training gave: the network, and how it went."""

    model: Model | Members
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]


def features_of(options: SeriesOptions, panel: Panel) -> Features:
    """What the network reads at each step, fitted on the series of training."""
    features = Features.fit(panel, scaling=options.scaling, scope=options.scope, calendar=(), missing=options.missing)
    return dataclasses.replace(features, scales=_shared(features))


def _shared(features: Features) -> dict[str, Any]:
    """The one scale of all series, under one name; scales of single series say nothing about others."""
    return dict(list(features.scales.items())[:1]) if features.scope == "panel" else {}


def scales_of(features: Features, panel: Panel) -> Scales:
    """The scales of the series of a panel: the one of training, or each series' own."""
    if features.scope == "panel":
        return features.scale(panel)
    features.check(panel)
    return fit_scales(panel, features.scaling, scope="series")


def train_series(
    options: SeriesOptions,
    architecture: dict[str, Any],
    batches: Any,
    held: Any,
    *,
    facts: Mapping[str, Any],
    fingerprint: str,
    checkpoint: str | Path | None,
    resume: bool,
    watch: Callable[[Any], None],
) -> TrainedSeries:
    """Train a network of an architecture on batches, choose by others, and tell every report to ``watch``.

    ``facts`` are what the summary says of the data; ``fingerprint`` names them.
    """
    from ostinato.tasks.members import fresh
    from ostinato.train import Finished, train

    began = time.monotonic()
    sizes = f"hidden={options.hidden}, convolution={options.convolution} and members={options.members}"
    model = fresh(architecture, options.members, options.seed, sizes)
    epochs = enough_epochs(len(batches)) if options.epochs is None else options.epochs
    patience = options.patience
    if patience is None:
        patience = 0 if held is None else enough_patience(epochs)
    history: tuple[dict[str, Any], ...] = ()
    for report in train(
        model,
        batches,
        held,
        options=dataclasses.replace(options, epochs=epochs, patience=patience),
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        facts=own_options(options),
    ):
        if isinstance(report, Finished):
            history = tuple(dict(entry) for entry in report.history)
        watch(report)
    summary = {**facts, **_summary(options, history, time.monotonic() - began)}
    return TrainedSeries(model.to("cpu").eval(), history, summary)


def enough_epochs(batches: int) -> int:
    """How often training goes through the data unless told: twenty times, small data more often.

    >>> enough_epochs(100), enough_epochs(20), enough_epochs(2)
    (20, 60, 500)
    """
    return max(20, min(500, -(-1200 // batches)))


def _summary(options: Any, history: tuple[dict[str, Any], ...], seconds: float) -> dict[str, Any]:
    finished = history[-1]
    best = next(e for e in history if e["event"] == "epoch" and e["epoch"] == finished["best_epoch"])
    return {
        "licence": options.data_licence,
        "epochs": finished["epochs"],
        "best_epoch": finished["best_epoch"] + 1,
        "train": dict(best["train"]),
        "valid": dict(best["valid"]),
        "seconds": round(seconds, 1),
        "seed": options.seed,
        "versions": {"python": platform.python_version(), **{name: version_of(name) for name in _PACKAGES}},
    }


def described(examples: SeriesExamples, valid: SeriesExamples | None, answers: str) -> str:
    """The data in one line."""
    panel = examples.panel
    lengths = panel.lengths
    spread = f"{lengths.min():,}" if lengths.min() == lengths.max() else f"{lengths.min():,} to {lengths.max():,}"
    where = f"{examples.source}: " if examples.source else ""
    validation = f"{len(valid):,} for validation" if valid is not None else "none for validation"
    return (
        f"{where}{len(examples):,} training series, {validation}, of {spread} steps and "
        f"{counted(len(panel.layout.target), 'channel')}{answers}"
    )


def answered(model: Model | Members, features: Features, panel: Panel) -> NDArray[np.float64]:
    """The network's answer for each series as a whole: [S, N], rows in the order of the panel."""
    from ostinato.data.series import WholeSeries

    batches = WholeSeries(panel, features, size=_MOST, scales=scales_of(features, panel), shuffle=False)
    return _asked(model, panel.lengths, lambda rows: batches.batch(rows))


def answered_at(
    model: Model | Members, features: Features, panel: Panel, origins: NDArray[np.int64], window: int
) -> NDArray[np.float64]:
    """The network's answer for the window before each of some rows of a panel: [W, N]."""
    from ostinato.data.series import SeriesBatches

    batches = SeriesBatches(
        panel, features, context=window, horizon=0, size=_MOST, origins=origins, scales=scales_of(features, panel)
    )
    lengths = np.minimum(origins - panel.starts[panel.series_of(origins - 1)], window)
    return _asked(model, lengths, lambda rows: batches.batch(origins[rows]))


def _asked(
    model: Model | Members, lengths: NDArray[np.int64], batch: Callable[[NDArray[np.int64]], Any]
) -> NDArray[np.float64]:
    """Answers in batches that fit into memory, longest first; the order of the rows is kept."""
    order = np.argsort(-lengths, kind="stable")
    parts: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    with few_threads(int(lengths.sum()), _STEPS_ALONE):
        for rows in _parts(order, lengths):
            parts.append((rows, model.decode(dataclasses.replace(batch(rows), mask=None)).double().numpy()))
    out = np.zeros((len(lengths), parts[0][1].shape[1] if parts else 1))
    for rows, answer in parts:
        out[rows] = answer
    return out


def _parts(order: NDArray[np.int64], lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    at = 0
    while at < len(order):
        size = int(np.clip(_STEPS_AT_ONCE // max(int(lengths[order[at]]), 1), 1, _MOST))
        yield order[at : at + size]
        at += size


def features_from(data: Any) -> Features:
    """What a network reads, from the manifest of a model file; a damaged one is refused."""
    features = Features.from_dict(data)
    if len(features.scales) != (features.scope == "panel"):
        raise ArtifactError("scales of a panel are one pair, and those of single series none")
    return features


def check_series(examples: SeriesExamples) -> None:
    """Refuse what nothing can be learned from.

    >>> from ostinato.data.series import read_series
    >>> check_series(SeriesExamples(read_series([[1.0, 1.0]])))
    Traceback (most recent call last):
    ostinato.errors.DataError: there is one series to learn from, and at least two are needed
    """
    if len(examples) < 2:
        raise DataError("there is one series to learn from, and at least two are needed")
