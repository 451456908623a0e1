"""How long a unit will still run: learned from units that ran to failure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Layout, worn
from ostinato.errors import DataError, OptionError, needs
from ostinato.tasks.conventions import regressor_tags
from ostinato.tasks.fitted import watcher
from ostinato.tasks.number_report import NumberReport
from ostinato.tasks.series_estimator import SeriesEstimator, Watch, fingerprint, parted, read_both
from ostinato.tasks.series_examples import Columns, SeriesExamples
from ostinato.tasks.series_options import RemainingLifeOptions, network
from ostinato.tasks.series_regressor import head_of
from ostinato.tasks.series_training import answered_at, described, features_of, scales_of, train_series

# From so many units on, this share of them is kept for validation unless told.
_ENOUGH, _SHARE = 10, 0.15


@dataclass(kw_only=True, eq=False, repr=False)
class RemainingLife(SeriesEstimator, RemainingLifeOptions):
    """Learns from units that ran to failure how many steps a unit has left.

    >>> model = RemainingLife(hidden=4, window=3, first=2, epochs=1, device="cpu")
    >>> units = [[0.0, 0.1, 0.5, 0.9], [0.0, 0.0, 0.2, 0.4, 0.8]]
    >>> model.fit(units, progress=False).predict([[0.0, 0.1]]).shape
    (1,)

    Units are series of sensors, as :class:`~ostinato.SeriesClassifier` takes them; each is observed to its last step.
    At a moment t of a unit of T steps the truth is min(``cap``, T - t): nobody sees earlier that a unit ages. The
    network reads the last ``window`` steps before the moment, and beside the channels how many steps the unit has run
    (``age``) and how far it is from how it began (``baseline``), since no two units are new alike: units are observed
    from their first step on. Validation is on whole units. The options are those of the command ``ostinato train
    remaining-life``.

    After fitting: ``model_`` (the network), ``features_`` (what it reads at each step), ``validation_`` (the report on
    all moments of the validation units, None without any), ``history_`` and ``training_``.
    """

    _estimator_type = "regressor"

    task: ClassVar[str] = "remaining-life"
    answer: ClassVar[str] = "number"
    options: ClassVar[type] = RemainingLifeOptions
    reads: ClassVar[str] = "units"

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        id: str | None = None,
        time: str | None = None,
        channels: Any = None,
        frequency: Any = "infer",
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: Watch = True,
    ) -> RemainingLife:
        """Train on units that ran to failure; there is no ``y``, since what is left follows from where a unit ends.

        ``id``, ``time`` and ``channels`` name columns of a table. ``valid`` are more such units; without them a share
        ``holdout`` of the units is kept. For the rest see :meth:`ostinato.SeriesClassifier.fit`.
        """
        needs("torch", "train")
        from ostinato.tasks.series_sources import LifeWindows, Varied, moments, remaining

        options = self._checked(valid=valid is not None)
        if y is not None:
            raise OptionError("units that ran to failure say themselves what was left at each step; leave y out")
        columns = Columns.named(id, time, channels, None, frequency)
        examples, held = read_both(X, None, None if valid is None else (valid,), wanted="nothing", columns=columns)
        data = fingerprint(examples, held)
        examples, held = self._worn(examples), None if held is None else self._worn(held)
        if held is None:
            usual = _SHARE if len(examples) >= _ENOUGH else 0.0
            examples, held = parted(examples, usual if options.holdout is None else options.holdout, options.seed)
        features = features_of(options, examples.panel)

        def windows(part: SeriesExamples, size: int, shuffle: bool) -> LifeWindows:
            return LifeWindows(
                part.panel,
                features,
                window=options.window,
                first=options.first,
                cap=options.cap,
                size=size,
                stride=options.stride if shuffle else 1,
                scales=scales_of(features, part.panel),
                seed=options.seed,
                shuffle=shuffle,
            )

        batches = windows(examples, options.batch, True)
        source = Varied(batches, seed=options.seed, jitter=options.jitter, stretch=options.stretch)
        lives = remaining(examples.panel, moments(examples.panel, options.first), options.cap)
        head = head_of(options, lives.astype(np.float64))
        longest = min(options.window, int(examples.panel.lengths.max()))
        with watcher(progress) as watch:
            trained = train_series(
                options,
                network(options, head, columns=len(features.columns), longest=longest),
                source,
                None if held is None else windows(held, 512, False),
                facts={"data": described(examples, held, f", {len(lives):,} moments to learn from")},
                fingerprint=data,
                checkpoint=checkpoint,
                resume=resume,
                watch=watch,
            )
        self._adopt(trained.model, features, columns)
        self.history_, self.training_ = trained.history, trained.summary
        self.validation_ = None if held is None else self._over_life(held)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """How many steps every unit has left after its last observed one, from 0 to ``cap``: [n]."""
        examples = self._examples(X, None, "nothing")
        return self._left(examples, examples.panel.ends)

    def curves(self, X: Any) -> list[NDArray[np.float64]]:
        """How many steps were left, as the model would have told it at each step of each unit: [T] a unit."""
        return self._curves(self._examples(X, None, "nothing"))

    def _curves(self, examples: SeriesExamples) -> list[NDArray[np.float64]]:
        panel = examples.panel
        left = self._left(examples, np.arange(panel.rows) + 1)
        return [left[begin:end] for begin, end in zip(panel.starts[:-1].tolist(), panel.ends.tolist(), strict=True)]

    def answers(self, X: Any) -> list[dict[str, Any]]:
        """For every unit its id and how many steps it has left."""
        examples = self._examples(X, None, "nothing")
        numbers = self._left(examples, examples.panel.ends).tolist()
        return [{"id": name, "left": round(n, 6)} for name, n in zip(examples.panel.ids, numbers, strict=True)]

    def evaluate(self, X: Any, y: Any = None, *, target: str | None = None) -> NumberReport:
        """Compare with what was truly left: RMSE, the mean miss, and NASA's score, with the truth capped and as it is.

        With ``y``, one number a unit (or a column ``target``), units are compared after their last observed step.
        Without, the units ran to failure, and every moment from the step ``first`` on counts.
        """
        if y is None and target is None:
            return self._over_life(self._examples(X, None, "nothing"))
        examples = self._examples(X, y, "number", target)
        assert examples.numbers is not None
        if (examples.numbers < 0).any():
            raise DataError(f"{examples.place(int(np.argmin(examples.numbers)))} has less than nothing left")
        return NumberReport(
            examples.numbers,
            self._left(examples, examples.panel.ends),
            examples.panel.ids,
            cap=self.cap,
            life=True,
            source=examples.source,
        )

    def score(self, X: Any, y: Any = None) -> float:
        """The root of the mean square of the misses, negative, so that higher is better."""
        return -self.evaluate(X, y).rmse

    def plot(
        self,
        path: str | Path,
        X: Any,
        y: Any = None,
        *,
        target: str | None = None,
        units: Any = None,
        title: str = "",
    ) -> None:
        """Draw what was left at each step of some units as the model tells it, against the truth.

        ``y`` (or the column ``target``) is what was left of each unit after its last step; without it the units ran to
        failure. ``units`` are ids; unless given, six that are spread over the lengths of life.
        """
        from ostinato.diagnosis.life_curves import draw_life_curves

        truth = "nothing" if y is None and target is None else "number"
        examples = self._examples(X, y, truth, target)
        ends = np.zeros(len(examples)) if examples.numbers is None else examples.numbers
        curves = self._curves(examples)
        draw_life_curves(path, curves, ends, examples.panel.ids, cap=self.cap, units=units, title=title)

    def __sklearn_tags__(self) -> Any:
        return regressor_tags()

    def _examples(self, X: Any, y: Any, wanted: str, answer: str | None = None) -> SeriesExamples:
        """Units as those of training were read."""
        return self._worn(super()._examples(X, y, wanted, answer))

    def _worn(self, examples: SeriesExamples) -> SeriesExamples:
        return dataclasses.replace(examples, panel=worn(examples.panel, age=self.age, baseline=self.baseline))

    def _read_like(self) -> Layout:
        # A unit comes with its channels alone; the columns beside them are made here.
        return dataclasses.replace(super()._read_like(), past=())

    def _left(self, examples: SeriesExamples, origins: NDArray[np.int64]) -> NDArray[np.float64]:
        """The network's answer at some moments, no less than nothing and no more than is told apart."""
        left = answered_at(self.model_, self.features_, examples.panel, origins, self.window)[:, 0]
        return np.clip(left, 0.0, self.cap)

    def _over_life(self, examples: SeriesExamples) -> NumberReport:
        """The report on all moments of units that ran to failure."""
        from ostinato.tasks.series_sources import moments, remaining

        panel = examples.panel
        origins = moments(panel, self.first)
        truth = remaining(panel, origins, self.cap).astype(np.float64)
        series = panel.series_of(origins - 1)
        steps = origins - panel.starts[series]
        ids = tuple(f"{panel.ids[s]} at {t}" for s, t in zip(series.tolist(), steps.tolist(), strict=True))
        left = self._left(examples, origins)
        return NumberReport(truth, left, ids, life=True, source=examples.source)
