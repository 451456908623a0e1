"""Series to labels: fit, predict, evaluate, save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.artifact import Artifact
from ostinato.data.labels import Labels
from ostinato.errors import DataError, needs
from ostinato.tasks.evaluation import Evaluation, compare, counted
from ostinato.tasks.fitted import Classes, labels_from, mean_loss, watcher
from ostinato.tasks.series_estimator import SeriesEstimator, Watch, fingerprint, parted, read_both
from ostinato.tasks.series_examples import Columns, SeriesExamples
from ostinato.tasks.series_options import SeriesClassifierOptions, network
from ostinato.tasks.series_training import check_series, described, features_of, scales_of, train_series
from ostinato.tasks.text_training import class_weights


@dataclass(kw_only=True, eq=False, repr=False)
class SeriesClassifier(Classes, SeriesEstimator, SeriesClassifierOptions):
    """Learns from labelled series which label a series has: last state, pooled states, or convolutions beside them.

    >>> model = SeriesClassifier(hidden=4, convolution=4, epochs=2, device="cpu")
    >>> series = [[0.0, 1.0, 2.0], [2.0, 1.0, 0.0, -1.0], [0.0, 2.0], [1.0, 0.0, -1.0]]
    >>> model.fit(series, ["up", "down", "up", "down"], progress=False).classes_.tolist()
    ['down', 'up']
    >>> model.predict_proba([[1.0, 2.0, 3.0]]).shape
    (1, 2)

    Series are arrays [T] or [T, C] of different lengths, an array [n, T] or [n, T, C], a
    :class:`~ostinato.data.series.Panel`, a .ts file, or a long table. The options are those of the command
    ``ostinato train series-classifier``, the conventions those of scikit-learn.

    After fitting: ``classes_`` (the labels, of the type they came in), ``model_`` (the network), ``features_`` (what it
    reads at each step), ``labels_``, ``validation_`` (the report on the validation data, None without any),
    ``history_`` (the log entries of training), ``training_`` (how it came about).
    """

    task: ClassVar[str] = "series-classifier"
    answer: ClassVar[str] = "label"
    options: ClassVar[type] = SeriesClassifierOptions
    also: ClassVar[frozenset[str]] = SeriesEstimator.also | {"labels"}

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        label: str | None = None,
        id: str | None = None,
        time: str | None = None,
        channels: Any = None,
        frequency: Any = "infer",
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: Watch = True,
    ) -> SeriesClassifier:
        """Train on series and labels ``y``, on a .ts file, or on a long table with a column of labels.

        ``label``, ``id``, ``time`` and ``channels`` name columns of the table, and ``frequency`` says how far its rows
        are apart (:func:`~ostinato.data.series.read_series`). ``valid`` is what early stopping is chosen on: like X, or
        a pair of series and labels; without it a share ``holdout`` of every label's series is kept for that. For
        ``checkpoint``, ``resume`` and ``progress`` see :meth:`ostinato.TextClassifier.fit`.
        """
        needs("torch", "train")
        from ostinato.data.series import WholeSeries
        from ostinato.tasks.series_sources import Varied

        options = self._checked(valid=valid is not None)
        columns = Columns.named(id, time, channels, label, frequency)
        examples, held = read_both(X, y, valid, wanted="label", columns=columns)
        data = fingerprint(examples, held)
        if held is None:
            examples, held = parted(examples, options.holdout, options.seed)
        check_series(examples)
        labels = labels_of(examples)
        features = features_of(options, examples.panel)

        def batches(part: SeriesExamples, size: int, shuffle: bool) -> Any:
            target = labels.encode(part.labels or [], part.place)
            scales = scales_of(features, part.panel)
            return WholeSeries(
                part.panel,
                features,
                target,
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
        head: dict[str, Any] = {"kind": "classify", "classes": len(labels), "smoothing": options.label_smoothing}
        if options.class_weight == "balanced":
            head["class_weights"] = class_weights(labels)
        with watcher(progress) as watch:
            trained = train_series(
                options,
                network(options, head, columns=len(features.columns), longest=int(examples.panel.lengths.max())),
                source,
                None if held is None else batches(held, 64, False),
                facts={"data": described(examples, held, f", {counted(len(labels), 'label')}")},
                fingerprint=data,
                checkpoint=checkpoint,
                resume=resume,
                watch=watch,
            )
        self._adopt(trained.model, features, columns)
        self._name(labels, examples.kind)
        self.history_, self.training_ = trained.history, trained.summary
        self.validation_ = None if held is None else self._compare(held)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of every class for every series, [n, N], in the order of ``classes_``."""
        shares: NDArray[np.float64] = self._shares(self._examples(X, None, "nothing"))[:, self._order]
        return shares

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of every series, [n], of the type that labels had in training."""
        shares = self._shares(self._examples(X, None, "nothing"))
        return self._as_given(self.labels_.decode(shares.argmax(axis=1).tolist()))

    def answers(self, X: Any) -> list[dict[str, Any]]:
        """For every series its id, its label as a word, and how sure the model is of it."""
        examples = self._examples(X, None, "nothing")
        shares = self._shares(examples)
        return [
            {"id": name, "label": self.labels_.names[int(row.argmax())], "confidence": round(float(row.max()), 6)}
            for name, row in zip(examples.panel.ids, shares, strict=True)
        ]

    def plot(self, path: str | Path, X: Any, y: Any = None, *, label: str | None = None, title: str = "") -> None:
        """Draw how the model learned, and which labels of some series it takes for which: a .png, .svg or .pdf file."""
        from ostinato.diagnosis.pictures import draw_training

        report = self.evaluate(X, y, label=label)
        draw_training(
            path,
            history=self.history_,
            confusion=report.confusion,
            labels=report.labels,
            title=title or report.source,
        )

    def evaluate(self, X: Any, y: Any = None, *, label: str | None = None) -> Evaluation:
        """Compare the model's answers with true labels; columns are called as in training unless named.

        A label that training never saw counts as wrong, and the report says so; if no label was seen, that is an error.
        """
        examples = self._examples(X, y, "label", label)
        if not {*(examples.labels or ())} & {*self.labels_.names}:
            self.labels_.encode(examples.labels or [], examples.place)
        return self._compare(examples)

    def score(self, X: Any, y: Any = None) -> float:
        """The accuracy, as scikit-learn's cross-validation asks for it."""
        return self.evaluate(X, y).accuracy

    def _own(self) -> dict[str, Any]:
        return {**super()._own(), "labels": self._named()}

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        super()._restore(stored, network)
        labels, kind = labels_from(stored.manifest["labels"])
        if self.model_.architecture["head"]["classes"] != len(labels):
            raise DataError(f"the network has other classes than the {len(labels)} labels of the file")
        self._name(labels, kind)

    def _shares(self, examples: SeriesExamples) -> NDArray[np.float64]:
        """The probabilities [S, N] in the order of ``labels_``."""
        shares = self._answered(examples)
        # Softmax in single precision: its sums are 1 to seven digits, and some users of probabilities want more.
        total: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
        return total

    def _compare(self, examples: SeriesExamples) -> Evaluation:
        """The report on examples with labels."""
        shares, truth = self._shares(examples), examples.labels or []
        return compare(
            truth,
            self.labels_.decode(shares.argmax(axis=1).tolist()),
            labels=self.labels_.names,
            loss=mean_loss(shares, truth, self.labels_),
            source=examples.source,
        )


def labels_of(examples: SeriesExamples) -> Labels:
    """The classes of some examples; a single one is refused.

    >>> from ostinato.data.series import read_series
    >>> labels_of(SeriesExamples(read_series([[1.0], [2.0]]), labels=["up", "up"]))
    Traceback (most recent call last):
    ostinato.errors.DataError: all 2 series have the label 'up'; a classifier needs at least two labels
    """
    counts = Counter(examples.labels or ())
    where = f"{examples.source}: " if examples.source else ""
    if len(counts) == 1:
        raise DataError(
            f"{where}all {len(examples):,} series have the label '{next(iter(counts))}'; a classifier needs at least "
            "two labels"
        )
    return Labels.learn(examples.labels or [])
