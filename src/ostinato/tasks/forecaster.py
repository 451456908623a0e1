"""Series to what comes next: fit, predict, backtest, save."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.artifact import Artifact
from ostinato.data.series import Features, Panel
from ostinato.data.series.arrays import is_arrays
from ostinato.data.series.extending import extend
from ostinato.errors import DataError, OptionError, needs
from ostinato.heads.conformal import Conformal
from ostinato.tasks.fitted import watcher
from ostinato.tasks.forecast_evaluation import ForecastEvaluation, Foretold, as_frame
from ostinato.tasks.forecast_options import ForecasterOptions, check_options, levels_of
from ostinato.tasks.forecast_reading import check_reading, read_history
from ostinato.tasks.forecast_rolling import adjusted, calibrated, foretell, rolling_origins
from ostinato.tasks.forecast_training import TrainedForecaster, train_forecaster
from ostinato.tasks.task_model import TaskModel

if TYPE_CHECKING:
    from ostinato.members import Members
    from ostinato.model import Model


@dataclass(kw_only=True, eq=False, repr=False)
class Forecaster(TaskModel, ForecasterOptions):
    """Learns from many series, as one model, what comes next in each of them.

    >>> model = Forecaster(horizon=2, context=4, hidden=4, epochs=1, holdout=0, levels=[0.1, 0.5, 0.9], device="cpu")
    >>> series = {"time": list(range(30)), "y": [float(t % 5) for t in range(30)]}
    >>> list(model.fit(series, progress=False).predict(series, levels=[0.5]))
    ['id', 'time', 'mean', 'q0.5']

    ``fit`` takes what :func:`~ostinato.data.series.read_series` reads, with the same words for columns: data frames,
    dicts of lists and files, long or wide, or arrays. Later data are read in the same way. The options are those of the
    command ``ostinato train forecaster``.

    After fitting: ``model_`` (the network, or those that answer as one), ``features_`` (what it reads, and scales),
    ``conformal_`` (what moves the quantiles of each target; None without ``conformal``), ``validation_`` (a
    :class:`ForecastEvaluation` of the steps held out, None without any), ``history_`` (the log entries of training),
    ``training_`` (how it came about).
    """

    # What it reads, for verbs that serve models of all tasks.
    reads: ClassVar[str] = "history"
    task: ClassVar[str] = "forecaster"
    options: ClassVar[type] = ForecasterOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"features", "conformal", "columns"})
    # scikit-learn knows no forecasters.
    _estimator_type = "forecaster"

    def fit(
        self,
        data: Any,
        *,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
        **reading: Any,
    ) -> Forecaster:
        """Train on series; ``reading`` are words of :func:`~ostinato.data.series.read_series`, such as ``known=``.

        Early stopping looks at the last steps of every series (``holdout``), or at ``valid``: other series. A
        ``checkpoint`` path makes the run safe against interruption, and ``resume=True`` goes on from there.
        ``progress`` shows a live bar; a function is called with every report instead.
        """
        needs("torch", "train")
        options = self._checked(valid=valid is not None)
        panel = read_history(data, check_reading(reading))
        held = None if valid is None else read_history(valid, reading, panel.layout)
        with watcher(progress) as watch:
            trained = train_forecaster(options, panel, held, checkpoint=checkpoint, resume=resume, watch=watch)
        self._adopt(trained.model, trained.features, {k: reading[k] for k in ("id", "time") if k in reading})
        self._judge(options, panel if held is None else held, trained, None, own=held is None)
        return self

    def predict(
        self, history: Any, horizon: int | None = None, levels: Sequence[float] | None = None, **reading: Any
    ) -> Any:
        """What comes after each series: a frame of id, time, mean and one column for each quantile, such as "q0.9".

        Covariates that are known ahead stand in ``history`` as rows after the last one observed. The frame is of the
        kind of ``history``, of pandas for other sources, or a dict of lists without it. Series that were not there in
        training are scaled by their own history. Raises :class:`~ostinato.errors.DataError` that names series and row.
        """
        return as_frame(self.foretell(history, horizon, levels, **reading).columns(), history)

    def foretell(
        self, history: Any, horizon: int | None = None, levels: Sequence[float] | None = None, **reading: Any
    ) -> Foretold:
        """What :meth:`predict` says, as arrays instead of a frame."""
        panel = self._read(history, reading)
        steps = self._horizon(horizon)
        panel = extend(panel, steps)
        return self._foretell(panel, panel.ends, steps, levels, alone=is_arrays(history))

    def sample(self, history: Any, paths: int, horizon: int | None = None, **reading: Any) -> NDArray[np.float32]:
        """Draws of what may come after each series: [S, paths, h, K], in the units of the data.

        With autoregressive decoding a draw is a path, each step of which goes on from the one before; a direct forecast
        tells each step by itself, and so are its draws.
        """
        if isinstance(paths, bool) or not isinstance(paths, int) or paths < 1:
            raise OptionError(f"paths wanted a whole number from 1 on, got {paths!r}")
        panel = self._read(history, reading)
        steps = self._horizon(horizon)
        from ostinato.tasks.forecast_rolling import drawn

        panel = extend(panel, steps)
        return drawn(self, panel, panel.ends, steps, paths, self._scales(panel, panel.ends, is_arrays(history)))

    def backtest(
        self,
        data: Any,
        *,
        steps: int | None = None,
        stride: int | None = None,
        horizon: int | None = None,
        levels: Sequence[float] | None = None,
        refit: bool = False,
        season: int | None = None,
        before: Any = None,
        progress: bool | Callable[[Any], None] = False,
        **reading: Any,
    ) -> ForecastEvaluation:
        """Forecast again and again from origins that roll on, each knowing nothing but what was before it.

        The last ``steps`` of every series are foretold (ten horizons unless given, at most half of the series), from
        origins ``stride`` apart (a horizon unless given). ``refit`` trains a new model at each origin, on all before
        it. Conformal intervals learn, at each origin, from what is known there. ``season`` is what MASE compares with
        (the frequency's own unless given), within what was known ``before``: a number of rows, of which all before the
        first origin is the most.
        """
        panel = self._read(data, reading)
        size = self._horizon(horizon)
        origins = rolling_origins(panel, size, steps, stride or size)
        alone = is_arrays(data)
        if refit:
            told = self._refitted(panel, origins, size, levels, progress)
        else:
            told = self._foretell(panel, origins, size, levels, alone=alone)
        usual = panel.frequency.season if panel.frequency is not None else 1
        name = str(data) if isinstance(data, str | Path) else ""
        rows = None if before is None else panel.starts[:-1] + int(before)
        return ForecastEvaluation.of(told, panel, season or usual, name, rows)

    def evaluate(self, data: Any, **reading: Any) -> ForecastEvaluation:
        """How good forecasts of the last part of each series are: :meth:`backtest` as it is unless told."""
        return self.backtest(data, **reading)

    def plot(
        self, history: Any, path: str | Path, *, truth: Any = None, series: Sequence[str] | None = None, **reading: Any
    ) -> None:
        """Draw what comes after each series as a fan, and ``truth`` (the same series, further on) where it is given."""
        from ostinato.diagnosis.forecasts import draw_forecast

        panel = self._read(history, reading)
        panel = extend(panel, self.horizon)
        told = self._foretell(panel, panel.ends, self.horizon, None, alone=is_arrays(history))
        later = None if truth is None else self._read(truth, reading)
        draw_forecast(path, told, panel, later, series=series)

    def __sklearn_tags__(self) -> Any:
        """scikit-learn has no word for what forecasts, and nothing to clone or check it by."""
        raise AttributeError("a Forecaster is no estimator of scikit-learn")

    def _own(self) -> dict[str, Any]:
        return {
            "features": self.features_.to_dict(),
            "conformal": None if self.conformal_ is None else [part.to_dict() for part in self.conformal_],
            "columns": dict(self.columns_),
        }

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        manifest = stored.manifest
        features = Features.from_dict(manifest["features"])
        _check_parts(manifest["architecture"], features)
        parts = manifest["conformal"]
        if parts is not None and len(parts) != len(features.layout.target):
            raise DataError(f"{len(parts)} parts of conformal intervals cannot serve {features.layout.target}")
        conformal = None if parts is None else [Conformal.from_dict(part) for part in parts]
        columns = {str(k): str(v) for k, v in dict(manifest["columns"]).items()}
        self._adopt(network(), features, columns, conformal)

    def _adopt(
        self,
        model: Model | Members,
        features: Features,
        columns: Mapping[str, str],
        conformal: list[Conformal] | None = None,
    ) -> None:
        """Take over what training or a file gave."""
        self.model_, self.features_, self.columns_, self.conformal_ = model, features, dict(columns), conformal

    def _judge(
        self, options: ForecasterOptions, panel: Panel, trained: TrainedForecaster, until: Any, *, own: bool
    ) -> None:
        """Forecast the steps held out, and learn from these what moves the quantiles."""
        self.history_, self.training_ = trained.history, trained.summary
        ends = panel.ends if until is None else until
        begin = trained.cut if own else panel.starts[:-1] + 1
        origins = rolling_origins(panel, options.horizon, None, options.horizon, begin, ends)
        self.validation_: ForecastEvaluation | None = None
        if len(origins):
            told = self._foretell(panel, origins, options.horizon, None, raw=True)
            if options.conformal:
                self.conformal_ = calibrated(told, self._scales(panel, origins, False))
            usual = panel.frequency.season if panel.frequency is not None else 1
            self.validation_ = ForecastEvaluation.of(told, panel, usual, "validation")
        elif options.conformal:
            raise DataError(
                "conformal intervals learn from steps held out, and no series is long enough to hold any out"
            )

    def _read(self, history: Any, reading: Mapping[str, Any]) -> Panel:
        self._check_fitted()
        return read_history(history, {**self.columns_, **check_reading(reading)}, self.features_.layout)

    def _horizon(self, horizon: int | None) -> int:
        """So many steps, if this model can look so far ahead."""
        if horizon is None:
            return self.horizon
        if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
            raise OptionError(f"horizon wanted a whole number from 1 on, got {horizon!r}")
        if horizon > self.horizon and (self.decoding == "direct" or self.conformal):
            how = "answers them at once" if self.decoding == "direct" else "learnt its intervals for these"
            raise OptionError(
                f"horizon={horizon} is further than the {self.horizon} steps that this model was trained for, which "
                f"{how}; train with horizon={horizon}, or with decoding='autoregressive' and conformal=False"
            )
        return horizon

    def _scales(self, panel: Panel, origins: NDArray[np.int64], alone: bool) -> Any:
        """The scales of a panel as they were known at the first origin of each series."""
        first = panel.ends.copy()
        np.minimum.at(first, panel.series_of(origins - 1), origins)
        # The numbers that arrays have for names are not those of the series in training.
        return self.features_.scale(panel, first, refit=alone)

    def _foretell(
        self,
        panel: Panel,
        origins: NDArray[np.int64],
        horizon: int,
        levels: Sequence[float] | None,
        *,
        alone: bool = False,
        raw: bool = False,
    ) -> Foretold:
        """Forecasts from some rows of a panel, moved by what is known of earlier ones unless ``raw``."""
        chosen = levels_of(self.levels if levels is None else levels)
        own = levels_of(self.levels)
        if self.conformal and not set(chosen) <= set(own):
            raise OptionError(f"conformal intervals were learnt for the levels {list(own)}; ask for some of these")
        scales = self._scales(panel, origins, alone)
        told = foretell(self, panel, origins, horizon, own if self.conformal else chosen, scales)
        if self.conformal and self.conformal_ is not None and not raw:
            told = adjusted(told, panel, self.conformal_, scales)
        if told.levels == chosen:
            return told
        kept = [told.levels.index(level) for level in chosen]
        return dataclasses.replace(told, levels=chosen, quantiles=told.quantiles[..., kept])

    def _refitted(
        self,
        panel: Panel,
        origins: NDArray[np.int64],
        horizon: int,
        levels: Sequence[float] | None,
        progress: bool | Callable[[Any], None],
    ) -> Foretold:
        """Forecasts from each origin by a model that was trained on all before it."""
        from ostinato.tasks.forecast_rolling import joined

        options = self._checked(valid=False)
        parts = []
        for moment in np.unique(panel.time[origins]):
            rows = origins[panel.time[origins] == moment]
            spans = zip(panel.starts[:-1].tolist(), panel.ends.tolist(), strict=True)
            until = np.array([a + int(np.searchsorted(panel.time[a:b], moment)) for a, b in spans], np.int64)
            fresh = type(self)(**self.get_params())
            with watcher(progress) as watch:
                trained = train_forecaster(options, panel, until=until, watch=watch)
            fresh._adopt(trained.model, trained.features, self.columns_)
            fresh._judge(options, panel, trained, until, own=True)
            parts.append(fresh._foretell(panel, rows, horizon, levels))
        return joined(parts)


def _check_parts(architecture: Any, features: Features) -> None:
    """Refuse parts of a file that do not belong together."""
    embed, head, layout = architecture["embed"], architecture["head"], features.layout
    for name, ours in (
        ("observed", len(features.observed)),
        ("ahead", len(features.ahead)),
        ("static", len(layout.static)),
        ("categories", [len(words) for words in layout.words]),
    ):
        if embed[name] != ours:
            raise DataError(f"the network reads {embed[name]} {name} columns and the file tells of {ours}")
    if head["outputs"] != len(layout.target):
        raise DataError(f"the network answers {head['outputs']} targets and the file tells of {len(layout.target)}")
