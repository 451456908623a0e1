"""How a forecaster is trained: choose what is read, part what is learnt from what is validated on, build, train."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, Panel
from ostinato.errors import DataError, OptionError
from ostinato.tasks.evaluation import counted
from ostinato.tasks.forecast_options import (
    ForecasterOptions,
    calendar_words,
    context_of,
    lags_of,
    network,
    scaling_of,
)
from ostinato.tasks.text_training import enough_epochs, enough_patience, own_options, versions

if TYPE_CHECKING:
    from ostinato.data.batch import Batch
    from ostinato.data.series import SeriesBatches
    from ostinato.members import Members
    from ostinato.model import Model

Rows = NDArray[np.int64]
# An epoch has at most so many windows unless told: those of long series have nearly all steps in common.
MOST_WINDOWS = 10_000


@dataclass(frozen=True)
class TrainedForecaster:
    """What training gave: the network, what it reads, where validation began, and how it went."""

    model: Model | Members
    features: Features
    cut: Rows
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]


def train_forecaster(
    options: ForecasterOptions,
    panel: Panel,
    valid: Panel | None = None,
    *,
    until: Rows | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Any], None] = lambda report: None,
) -> TrainedForecaster:
    """Train on the windows of a panel, validate on what follows them, and tell every report to ``watch``.

    ``until`` int64 [S] keeps the rows from there on from training altogether. Without a panel ``valid`` the last steps
    before it are held out (see :func:`cut_of`).
    """
    from ostinato.train import Finished, train

    began = time.monotonic()
    ends = panel.ends if until is None else np.minimum(until, panel.ends)
    cut = ends if valid is not None else cut_of(options, panel, ends)
    features = fit_features(options, panel, cut)
    batches = windows(options, panel, features, until=cut)
    if valid is None:
        held = validation(options, panel, features, cut, ends)
    else:
        held = validation(options, valid, features, valid.starts[:-1] + 1, valid.ends)
    model = new_network(options, features)
    epochs = enough_epochs(len(batches)) if options.epochs is None else options.epochs
    patience = enough_patience(epochs) if options.patience is None else options.patience
    options = dataclasses.replace(options, epochs=epochs, patience=patience)
    reports = train(
        model,
        batches,
        held,
        options=options,
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint(panel, ends, valid),
        facts=own_options(options),
    )
    history: tuple[dict[str, Any], ...] = ()
    for report in reports:
        if isinstance(report, Finished):
            history = tuple(dict(entry) for entry in report.history)
        watch(report)
    model.to("cpu").eval()
    summary = summarise(options, batches, held, history, time.monotonic() - began)
    return TrainedForecaster(model, features, cut, history, summary)


def cut_of(options: ForecasterOptions, panel: Panel, ends: Rows) -> Rows:
    """The row of each series from which on it is held out for validation: int64 [S].

    A series too short to be parted is learnt from as a whole.
    """
    lengths = ends - panel.starts[:-1]
    if options.holdout is None:
        kept = np.maximum(lengths // 10, options.horizon)
    else:
        if 0 < options.holdout < options.horizon:
            raise OptionError(
                f"holdout={options.holdout} is less than a horizon of {options.horizon}: no forecast could be "
                "validated; hold out more steps, or 0"
            )
        kept = np.full(len(lengths), options.holdout)
    parted = lengths - kept >= options.horizon + 1
    if options.holdout and not parted.any():
        raise DataError(
            f"holdout={options.holdout} leaves no series with more than a horizon of {options.horizon} to learn from; "
            f"the longest, '{panel.ids[int(lengths.argmax())]}', has {counted(int(lengths.max()), 'row')}"
        )
    return np.where(parted, ends - kept, ends)


def fit_features(options: ForecasterOptions, panel: Panel, before: Rows) -> Features:
    """What is read at each step, its scales fitted on the rows before ``before``."""
    words = calendar_words(options.calendar)
    direct = options.decoding == "direct"
    if not direct and (panel.layout.past or panel.frequency is None):
        what = f"the covariate '{panel.layout.past[0]}'" if panel.layout.past else "the time between irregular steps"
        raise OptionError(
            f"decoding='autoregressive' goes on from what it drew, and {what} is known up to now only; give it as "
            "known ahead, leave it out, or choose decoding='direct'"
        )
    given = lags_of(options.lags)
    return Features.fit(
        panel,
        horizon=options.horizon if direct else 1,
        before=before,
        scaling=scaling_of(options),
        calendar="auto" if words is None else words,
        lags=usual_lags(options, panel, before) if given is None else given,
        known_lags=options.known_lags,
    )


def usual_lags(options: ForecasterOptions, panel: Panel, before: Rows) -> tuple[int, ...]:
    """The lags that suit a panel: a season, and a week of days, as far as most series reach back.

    A direct forecast cannot look at what lies within its own horizon, so there a lag is as many seasons as are needed.
    """
    frequency = panel.frequency
    if frequency is None:
        return ()
    season = frequency.season
    seasons = [season, 7 * season] if frequency.kind == "ns" else [season]
    least = options.horizon if options.decoding == "direct" else 1
    lags = {-(-least // m) * m for m in seasons if m > 1}
    reach = float(np.median(before - panel.starts[:-1])) / 2
    return tuple(sorted(lag for lag in lags if lag <= reach))


def windows(options: ForecasterOptions, panel: Panel, features: Features, *, until: Rows) -> SeriesBatches:
    """The windows to learn from, whose last step lies before ``until``."""
    from ostinato.data.series import SeriesBatches

    context, horizon = context_of(options), options.horizon
    if options.decoding == "autoregressive":
        # Each step of such a window foretells the next.
        context, horizon = context + horizon, 0
    return SeriesBatches(
        panel,
        features,
        context=context,
        horizon=horizon,
        size=options.batch,
        stride=options.stride or 1,
        until=until,
        short=options.short,
        per_epoch=MOST_WINDOWS if options.stride is None else None,
        seed=options.seed,
    )


def validation(options: ForecasterOptions, panel: Panel, features: Features, since: Rows, until: Rows) -> Any:
    """Batches whose forecasts begin at ``since``, a horizon apart; None where no series has room for one."""
    from ostinato.data.series import SeriesBatches

    direct = options.decoding == "direct"
    context = context_of(options)
    spans = zip(since.tolist(), until.tolist(), strict=True)
    found = [np.arange(a, b - options.horizon + 1, options.horizon) for a, b in spans]
    origins = np.concatenate([*found, np.zeros(0, np.int64)]).astype(np.int64)
    if not origins.size:
        return None
    size = max(1, min(256, (1 << 22) // ((context + options.horizon) * max(len(features.columns), 1))))
    if direct:
        return SeriesBatches(
            panel, features, context=context, horizon=options.horizon, size=size, origins=origins, shuffle=False
        )
    # Of a window that ends a horizon later, what lies before the forecast was learnt already.
    batches = SeriesBatches(
        *(panel, features),
        context=context + options.horizon,
        horizon=0,
        size=size,
        origins=origins + options.horizon,
        shuffle=False,
    )
    return _Ends(batches, options.horizon)


class _Ends:
    """Batches of windows of which only the last steps count."""

    continuous = False

    def __init__(self, batches: SeriesBatches, steps: int) -> None:
        self.batches, self.steps, self.windows = batches, steps, batches.windows

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches, the targets of their first steps masked."""
        import torch

        for batch in self.batches.epoch(number, start):
            assert batch.mask is not None
            time = batch.mask.shape[1]
            ends = torch.full((len(batch),), time) if batch.lengths is None else batch.lengths
            late = torch.arange(time) >= ends[:, None] - self.steps
            yield dataclasses.replace(batch, mask=batch.mask & late[..., None])


def new_network(options: ForecasterOptions, features: Features) -> Model | Members:
    """The untrained network, or networks, for what is read."""
    from ostinato.tasks.members import fresh

    layout = features.layout
    architecture = network(
        options,
        observed=len(features.observed),
        ahead=len(features.ahead),
        targets=len(layout.target),
        static=len(layout.static),
        categories=[len(words) for words in layout.words],
    )
    sizes = f"hidden={options.hidden}, layers={options.layers} and members={options.members}"
    return fresh(architecture, options.members, options.seed, sizes)


def fingerprint(panel: Panel, ends: Rows, valid: Panel | None) -> str:
    """What a checkpoint remembers of the data."""
    digest = hashlib.sha256()
    for part in (panel, valid):
        if part is None:
            continue
        digest.update(repr((part.ids, part.layout.to_dict())).encode())
        for array in (part.starts, part.ends, part.time, part.target, part.past, part.known, part.static):
            digest.update(np.ascontiguousarray(array).data)
        digest.update(np.ascontiguousarray(part.categories).data)
    digest.update(np.ascontiguousarray(ends).data)
    return digest.hexdigest()


def summarise(
    options: ForecasterOptions,
    batches: SeriesBatches,
    held: Any,
    history: tuple[dict[str, Any], ...],
    seconds: float,
) -> dict[str, Any]:
    """How the model came about, for its file."""
    finished = history[-1]
    best = next(e for e in history if e["event"] == "epoch" and e["epoch"] == finished["best_epoch"])
    panel = batches.panel
    valid = "none" if held is None else f"{held.windows:,}"
    lacking = ""
    for names, done in ((batches.short, "read with what they have"), (batches.left_out, "left out")):
        if names:
            lacking += f"; {len(names):,} series shorter than a window {done}, '{names[0]}' first"
    return {
        "data": f"{len(panel)} series, {counted(panel.rows, 'row')}, "
        f"{counted(batches.windows, 'window')} to learn from, {valid} for validation{lacking}",
        "licence": options.data_licence,
        "epochs": finished["epochs"],
        "best_epoch": finished["best_epoch"] + 1,
        "train": dict(best["train"]),
        "valid": dict(best["valid"]),
        "seconds": round(seconds, 1),
        "seed": options.seed,
        "versions": versions(),
    }
