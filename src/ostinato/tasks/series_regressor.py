"""Series to numbers: fit, predict, evaluate, save."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import OptionError, needs
from ostinato.tasks.conventions import regressor_tags
from ostinato.tasks.fitted import watcher
from ostinato.tasks.number_report import NumberReport
from ostinato.tasks.series_estimator import SeriesEstimator, Watch, fingerprint, parted, read_both
from ostinato.tasks.series_examples import Columns, SeriesExamples
from ostinato.tasks.series_options import SeriesRegressorOptions, network
from ostinato.tasks.series_training import check_series, described, features_of, scales_of, train_series


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesRegressor(SeriesEstimator, SeriesRegressorOptions):
    """Learns from series with a number each which number a series has.

    >>> model = SeriesRegressor(hidden=4, convolution=4, epochs=2, device="cpu")
    >>> series = [[0.0, 1.0, 2.0], [2.0, 1.0, 0.0, -1.0], [0.0, 2.0], [1.0, 0.0, -1.0]]
    >>> model.fit(series, [1.0, -1.0, 2.0, -1.0], progress=False).predict([[1.0, 2.0, 3.0]]).shape
    (1,)

    Series come as :class:`~ostinato.SeriesClassifier` takes them. The options are those of the command
    ``ostinato train series-regressor``, the conventions those of scikit-learn.

    After fitting: ``model_`` (the network), ``features_`` (what it reads at each step), ``validation_`` (the report on
    the validation data, None without any), ``history_`` (the log entries of training), ``training_`` (how it came
    about).
    """

    _estimator_type = "regressor"

    task: ClassVar[str] = "series-regressor"
    answer: ClassVar[str] = "number"
    options: ClassVar[type] = SeriesRegressorOptions

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        target: str | None = None,
        id: str | None = None,
        time: str | None = None,
        channels: Any = None,
        frequency: Any = "infer",
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: Watch = True,
    ) -> SeriesRegressor:
        """Train on series and numbers ``y``, on a .ts file, or on a long table with a column of numbers.

        ``target`` names that column; all else is as in :meth:`ostinato.SeriesClassifier.fit`.
        """
        needs("torch", "train")
        from ostinato.data.series import WholeSeries
        from ostinato.tasks.series_sources import Varied

        options = self._checked(valid=valid is not None)
        columns = Columns.named(id, time, channels, target, frequency)
        examples, held = read_both(X, y, valid, wanted="number", columns=columns)
        data = fingerprint(examples, held)
        if held is None:
            examples, held = parted(examples, options.holdout, options.seed)
        check_series(examples)
        features = features_of(options, examples.panel)

        def batches(part: SeriesExamples, size: int, shuffle: bool) -> Any:
            assert part.numbers is not None
            scales = scales_of(features, part.panel)
            return WholeSeries(
                part.panel,
                features,
                part.numbers[:, None],
                size=size,
                scales=scales,
                seed=options.seed,
                shuffle=shuffle,
                alike=not options.convolution,
            )

        source = Varied(
            batches(examples, options.batch, True),
            seed=options.seed,
            jitter=options.jitter,
            stretch=options.stretch,
            warp=options.warp,
        )
        assert examples.numbers is not None
        head = head_of(options, examples.numbers)
        with watcher(progress) as watch:
            trained = train_series(
                options,
                network(options, head, columns=len(features.columns), longest=int(examples.panel.lengths.max())),
                source,
                None if held is None else batches(held, 64, False),
                facts={"data": described(examples, held, "")},
                fingerprint=data,
                checkpoint=checkpoint,
                resume=resume,
                watch=watch,
            )
        self._adopt(trained.model, features, columns)
        self.history_, self.training_ = trained.history, trained.summary
        self.validation_ = None if held is None else self._compare(held)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The number of every series: [n]."""
        numbers: NDArray[np.float64] = self._answered(self._examples(X, None, "nothing"))[:, 0]
        return numbers

    def answers(self, X: Any) -> list[dict[str, Any]]:
        """For every series its id and the number that the model tells."""
        examples = self._examples(X, None, "nothing")
        numbers = self._answered(examples)[:, 0].tolist()
        return [{"id": name, "number": round(n, 6)} for name, n in zip(examples.panel.ids, numbers, strict=True)]

    def evaluate(self, X: Any, y: Any = None, *, target: str | None = None) -> NumberReport:
        """Compare the model's answers with true numbers; columns are called as in training unless named."""
        return self._compare(self._examples(X, y, "number", target))

    def score(self, X: Any, y: Any = None) -> float:
        """R2, the share of the variance that is foretold, as scikit-learn's cross-validation asks for it."""
        share = self.evaluate(X, y).r2
        if share is None:
            raise OptionError("R2 wanted true numbers that differ; all of these are equal")
        return share

    def plot(self, path: str | Path, X: Any, y: Any = None, *, target: str | None = None, title: str = "") -> None:
        """Draw predicted numbers against true ones into a .png, .svg or .pdf file."""
        from ostinato.diagnosis.life_curves import draw_numbers

        report = self.evaluate(X, y, target=target)
        draw_numbers(path, report.truth, report.predicted, title=title or report.source)

    def __sklearn_tags__(self) -> Any:
        return regressor_tags()

    def _compare(self, examples: SeriesExamples) -> NumberReport:
        assert examples.numbers is not None
        predicted = self._answered(examples)[:, 0]
        return NumberReport(examples.numbers, predicted, examples.panel.ids, source=examples.source)


def head_of(options: Any, numbers: NDArray[np.float64]) -> dict[str, Any]:
    """The head that learns some numbers, in units of their spread where that is asked for.

    >>> head_of(SeriesRegressorOptions(), np.array([1.0, 3.0]))["shift"]
    [2.0]
    """
    shift, scale = 0.0, 1.0
    if options.target_scaling == "standard":
        shift, spread = float(numbers.mean()), float(numbers.std())
        scale = spread if spread > 1e-7 * max(1.0, abs(shift)) else 1.0
    return {"kind": "regress", "shift": [shift], "scale": [scale], "loss": options.loss}
