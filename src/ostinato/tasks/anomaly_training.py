"""How a detector of anomalies is trained: to foretell, one step ahead, what series did in their own past."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, Panel
from ostinato.data.series.calendar import usual_words
from ostinato.data.series.fitting import median_step
from ostinato.data.series.zones import DAY
from ostinato.errors import DataError
from ostinato.streaming.known_scales import scales_of
from ostinato.tasks.anomaly_options import AnomalyOptions, network, whole_numbers
from ostinato.tasks.evaluation import counted
from ostinato.tasks.text_training import enough_patience, own_options, seeded_network, versions

if TYPE_CHECKING:
    from ostinato.data.batch import Batch
    from ostinato.data.series import SeriesBatches
    from ostinato.model import Model

Rows = NDArray[np.int64]
# An epoch draws windows for so many batches at most, and training takes so many in all unless told.
_PER_EPOCH, _IN_ALL = 50, 1000
# Fewer rows than these say nothing of what is usual.
_LEAST = 16
# The share of these that is held out unless told.
_HELD = 0.15
# How many days a round of the calendar takes, by its word.
_ROUNDS = {
    "hour": 1,
    "hours": 1,
    "weekday": 7,
    "weekdays": 7,
    "weekend": 7,
    "monthday": 31,
    "month": 366,
    "yearday": 366,
}


@dataclass(frozen=True)
class TrainedDetector:
    """What training gave: the network, what it reads, and how it went."""

    model: Model
    features: Features
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]


def train_detector(
    options: AnomalyOptions,
    panel: Panel,
    valid: Panel | None = None,
    *,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Any], None] = lambda report: None,
) -> TrainedDetector:
    """Train on the first ``learn`` of every series, and tell every report to ``watch``.

    Early stopping looks at the end of that, or at ``valid``: other series.
    """
    from ostinato.train import Finished, train

    began = time.monotonic()
    check_panel(panel)
    ends = panel.cut(options.learn)
    check_lengths(panel, ends)
    features = fit_features(options, panel, ends)
    batches, held = windows(options, panel, features, ends, valid)
    architecture = network(
        options, observed=len(features.observed), ahead=len(features.ahead), channels=len(panel.layout.target)
    )
    model = seeded_network(architecture, options.seed, f"hidden={options.hidden} and layers={options.layers}")
    epochs = -(-_IN_ALL // len(batches)) if options.epochs is None else options.epochs
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
        fingerprint=fingerprint(panel, ends) + ("" if valid is None else fingerprint(valid, valid.ends)),
        facts=own_options(options),
    ):
        if isinstance(report, Finished):
            history = tuple(dict(entry) for entry in report.history)
        watch(report)
    learned = int((ends - panel.starts[:-1]).sum())
    data = f"{len(panel)} series, {counted(learned, 'row')} of {counted(panel.rows, 'row')} to learn from"
    summary = {"data": data, **_summary(options, history, time.monotonic() - began)}
    return TrainedDetector(model.to("cpu").eval(), features, history, summary)


def check_panel(panel: Panel) -> None:
    """Refuse columns that are no channels: a detector watches all that it reads."""
    for part in ("past", "known", "static", "categories"):
        names = getattr(panel.layout, part)
        if names:
            raise DataError(
                f"a detector watches every column that it reads; '{names[0]}' was given as {part}=, leave it out"
            )
    if not len(panel) or not panel.rows:
        raise DataError("a detector wanted at least one series with an observed row, got none")


def check_lengths(panel: Panel, ends: Rows) -> None:
    """Refuse a series that is too short to say what is usual, and a channel that has no value at all."""
    for series, (begin, end) in enumerate(zip(panel.starts[:-1].tolist(), ends.tolist(), strict=True)):
        known = ~np.isnan(panel.target[begin:end])
        if end - begin < _LEAST:
            raise DataError(
                f"series '{panel.ids[series]}' has {counted(end - begin, 'row')} to learn from, and at least {_LEAST} "
                "are needed to tell what is usual; give more, or raise learn="
            )
        if not known.any(0).all():
            channel = panel.layout.target[int((~known.any(0)).argmax())]
            raise DataError(
                f"series '{panel.ids[series]}': channel '{channel}' has no value in {end - begin} rows to learn from"
            )


def fit_features(options: AnomalyOptions, panel: Panel, before: Rows) -> Features:
    """What is read at each step, its scales fitted on the rows before ``before``."""
    words = options.calendar.split(",") if isinstance(options.calendar, str) else list(options.calendar)
    words = [word.strip() for word in words]
    if words == ["auto"]:
        words = _rounds_seen(panel, before)
    return Features.fit(
        panel,
        horizon=1,
        before=before,
        scaling=options.scaling,
        scope=options.scope,
        calendar=[] if words == ["none"] else words,
        lags=_lags(options, panel, before),
        missing="always",
    )


def _rounds_seen(panel: Panel, before: Rows) -> list[str]:
    """The words of the calendar whose whole round most series go through twice in what is learned from."""
    if panel.layout.clock == "number":
        return []
    spans = [int(panel.time[e - 1] - panel.time[b]) for b, e in zip(panel.starts[:-1], before, strict=True)]
    days = float(np.median(spans)) / DAY
    usual = usual_words(panel.frequency, panel.layout.clock, int(median_step(panel, before)))
    return [word for word in usual if 2 * _ROUNDS[word] <= days]


def _lags(options: AnomalyOptions, panel: Panel, before: Rows) -> tuple[int, ...]:
    if options.lags == "none":
        return ()
    if options.lags != "auto":
        return whole_numbers(options.lags, "lags")
    frequency = panel.frequency
    if frequency is None:
        return ()
    seasons = [frequency.season, 7 * frequency.season] if frequency.kind == "ns" else [frequency.season]
    reach = float(np.median(before - panel.starts[:-1])) / 2
    return tuple(sorted({season for season in seasons if 1 < season <= reach}))


def windows(
    options: AnomalyOptions, panel: Panel, features: Features, ends: Rows, valid: Panel | None = None
) -> tuple[Any, Any]:
    """Batches of windows to learn from, each step of which foretells the next, and of those to choose by."""
    from ostinato.data.series import SeriesBatches

    share = options.holdout if options.holdout is not None else _HELD if valid is None else 0.0
    lengths = ends - panel.starts[:-1]
    kept = (lengths * share).astype(np.int64)
    kept[lengths - kept < _LEAST] = 0
    cut = ends - kept
    batches = SeriesBatches(
        panel,
        features,
        context=options.context,
        horizon=0,
        size=options.batch,
        until=cut,
        per_epoch=_PER_EPOCH * options.batch,
        seed=options.seed,
    )
    learned = Gappy(batches, options.gaps, options.seed)
    other, begins, stops = (panel, cut, ends) if valid is None else (valid, valid.starts[:-1], valid.ends)
    # Windows side by side; the last one ends where the series ends, and may look at what was learned from.
    spans = [
        np.append(np.arange(begin + options.context, end, options.context), end)
        for begin, end in zip(begins.tolist(), stops.tolist(), strict=True)
        if end > begin
    ]
    if not spans:
        return learned, None
    origins, scales = np.concatenate(spans), scales_of(features, other)
    held = SeriesBatches(
        *(other, features), context=options.context, horizon=0, size=64, origins=origins, scales=scales, shuffle=False
    )
    return learned, held


class Gappy:
    """Batches in which a share of the values read is hidden, each as a missing one; what is foretold stays."""

    continuous = False

    def __init__(self, batches: SeriesBatches, share: float, seed: int) -> None:
        self.batches, self.share, self.seed = batches, share, seed
        columns = batches.features.columns
        pairs = [(columns.index(name), place) for place, name in _twins(columns)]
        self.values, self.marks = (list(part) for part in zip(*pairs, strict=True))

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from the batch ``start`` on; what is hidden follows from the seed."""
        import torch

        for place, batch in enumerate(self.batches.epoch(number, start), start=start):
            if self.share:
                draw = torch.Generator().manual_seed(
                    int(np.random.SeedSequence([self.seed, number, place]).generate_state(1)[0])
                )
                gone = torch.rand(*batch.inputs.shape[:2], len(self.values), generator=draw) < self.share
                batch.inputs[..., self.values] = batch.inputs[..., self.values].masked_fill(gone, 0.0)
                batch.inputs[..., self.marks] = batch.inputs[..., self.marks].masked_fill(gone, 1.0)
            yield batch


def _twins(columns: Sequence[str]) -> list[tuple[int, str]]:
    """The columns that say where a value is missing, and the names of those that have it."""
    known, named = set(columns), "missing "
    return [
        (place, n[len(named) :]) for place, n in enumerate(columns) if n.startswith(named) and n[len(named) :] in known
    ]


def fingerprint(panel: Panel, ends: Rows) -> str:
    """What a checkpoint remembers of the data."""
    digest = hashlib.sha256(repr((panel.ids, panel.layout.to_dict())).encode())
    for array in (panel.starts, ends, panel.time, panel.target):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _summary(options: AnomalyOptions, history: tuple[dict[str, Any], ...], seconds: float) -> dict[str, Any]:
    """How the model came about, for its file."""
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
        "versions": versions(),
    }
