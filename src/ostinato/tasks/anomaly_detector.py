"""Series to alarms: fit on the past, detect, watch live, evaluate, save."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.artifact import Artifact
from ostinato.data.series import Features, Panel, read_series
from ostinato.data.series.arrays import is_arrays
from ostinato.errors import DataError, OptionError, needs
from ostinato.plan import plan_of
from ostinato.streaming.watch import Watch
from ostinato.tasks.anomaly_options import AnomalyOptions, alarm_options, check_options
from ostinato.tasks.anomaly_report import AnomalyEvaluation, Found, evaluate
from ostinato.tasks.anomaly_training import train_detector
from ostinato.tasks.fitted import watcher
from ostinato.tasks.task_model import TaskModel

if TYPE_CHECKING:
    from ostinato.model import Model


@dataclass(kw_only=True, eq=False, repr=False)
class AnomalyDetector(TaskModel, AnomalyOptions):
    """Learns from the past of series, without labels, what is usual, and alarms where they do something else.

    >>> detector = AnomalyDetector(hidden=4, epochs=2, context=8, unscored=40, device="cpu")
    >>> series = {"time": list(range(90)), "y": [float(t % 2) for t in range(90)]}
    >>> series["y"][70] = 9.0
    >>> detector.fit({k: v[:60] for k, v in series.items()}, progress=False).detect(series).ranges()["start"]
    [70]

    A network foretells every channel one step ahead; how unusual its error is beside the errors before decides
    (:class:`~ostinato.heads.alarm.Alarm`), by a threshold that adapts. ``fit`` takes what
    :func:`~ostinato.data.series.read_series` reads, with the same words for columns; later data are read in the same
    way. The options are those of the command ``ostinato train anomaly-detector``.

    :meth:`detect` and :meth:`stream` judge by the same runtime, to the same bits. After fitting: ``model_`` (the
    network), ``features_`` (what it reads, and the scales of the series), ``history_`` (the log entries of training),
    ``training_`` (how it came about).
    """

    # What it reads, for verbs that serve models of all tasks.
    reads: ClassVar[str] = "channels"
    task: ClassVar[str] = "anomaly-detector"
    called: ClassVar[str] = "a detector of anomalies"
    options: ClassVar[type] = AnomalyOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"features", "alarm", "columns"})
    # scikit-learn's own word for them.
    _estimator_type = "outlier_detector"

    def fit(
        self,
        data: Any,
        *,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
        **reading: Any,
    ) -> AnomalyDetector:
        """Learn from series what is usual; ``reading`` are words of ``read_series``, such as ``target=``.

        Of each series the first ``learn`` is learned from; the end of that decides when to stop (``holdout``), or
        ``valid``: other series, of which no more is known than that they are usual. A
        ``checkpoint`` path makes the run safe against interruption, and ``resume=True`` goes on from there.
        ``progress`` shows a live bar; a function is called with every report instead.
        """
        needs("torch", "train")
        options = self._checked(valid=valid is not None)
        panel = read_series(data, **check_reading(reading))
        held = None if valid is None else read_series(valid, like=panel.layout, **reading)
        with watcher(progress) as watch:
            trained = train_detector(options, panel, held, checkpoint=checkpoint, resume=resume, watch=watch)
        self._adopt(trained.model, trained.features, {k: reading[k] for k in ("id", "time") if k in reading})
        self.history_, self.training_, self.validation_ = trained.history, trained.summary, None
        return self

    def detect(self, data: Any, *, unscored: float | int | None = None, **reading: Any) -> Found:
        """Judge every step of series: scores, thresholds, alarms, the channels that caused them, and ranges.

        ``unscored`` is how much of the beginning of each series is not scored, a share below 1 or a number of steps,
        rather than what the option says. Raises :class:`~ostinato.errors.DataError` that names the series and the row
        of what cannot be judged.
        """
        panel = self._read(data, reading)
        plan = plan_of(self)
        found = []
        for series, name in enumerate(panel.ids):
            if not panel.lengths[series]:
                raise DataError(f"series '{name}' has no observed row")
            watch = Watch(plan, name, unscored=self._unscored(unscored, int(panel.lengths[series])))
            found.append(watch.run(panel, series))
        return Found.of(panel, found, [self._unscored(unscored, int(n)) for n in panel.lengths])

    def predict(self, data: Any, **reading: Any) -> Any:
        """Every step of series as a frame: id, time, score, threshold, alarm, channel; see :meth:`detect`."""
        return self.detect(data, **reading).frame(like=data)

    def stream(self, id: str | None = None, *, unscored: int | None = None) -> Watch:
        """A live watch over one series: ``push(time, values)``; the same as ``ostinato.stream(model)``.

        ``id`` says which of the series of training goes on, where each has a scale of its own; ``unscored`` in how many
        steps nothing alarms, rather than what the option says.
        """
        self._check_fitted()
        return Watch(plan_of(self), id, unscored=None if unscored is None else self._unscored(unscored, 0))

    def evaluate(
        self, data: Any, windows: Any, *, unscored: float | int | None = None, **reading: Any
    ) -> AnomalyEvaluation:
        """Compare what :meth:`detect` finds with labelled windows.

        ``windows`` has for each series' id a list of pairs (first time, last time), both included, on the series' own
        clock; for one series the list alone will do.
        """
        panel = self._read(data, reading)
        return evaluate(
            self.detect(panel, unscored=unscored), windows, str(data) if isinstance(data, str | Path) else ""
        )

    def plot(
        self,
        data: Any,
        path: str | Path,
        *,
        windows: Any = None,
        unscored: float | int | None = None,
        title: str = "",
        **reading: Any,
    ) -> None:
        """Draw series with what was expected, the ranges found shaded, and scores with their threshold.

        ``windows`` are labelled ones, as :meth:`evaluate` takes them, drawn as bars where they are given.
        """
        self.detect(data, unscored=unscored, **reading).plot(path, windows=windows, title=title)

    def _own(self) -> dict[str, Any]:
        return {
            "features": self.features_.to_dict(),
            "alarm": alarm_options(self),
            "columns": dict(self.columns_),
        }

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        manifest = stored.manifest
        features = Features.from_dict(manifest["features"])
        if not features.scales:
            raise DataError("the file has no scale of any series")
        if manifest["alarm"] != alarm_options(self):
            raise DataError("the file alarms in another way than its options say")
        self._adopt(network(), features, {str(k): str(v) for k, v in dict(manifest["columns"]).items()})
        Watch(plan_of(stored), next(iter(features.scales)))

    def _adopt(self, model: Model, features: Features, columns: Mapping[str, str]) -> None:
        """Take over what training or a file gave."""
        self.model_, self.features_, self.columns_ = model, features, dict(columns)

    def _unscored(self, unscored: float | int | None, steps: int) -> int:
        """In how many steps at the beginning of a series nothing alarms."""
        if unscored is None:
            return self.unscored
        if isinstance(unscored, bool) or not isinstance(unscored, int | float) or not unscored >= 0:
            raise OptionError(f"unscored wanted a share below 1 or a whole number of steps, got {unscored!r}")
        if isinstance(unscored, int):
            return unscored
        if unscored >= 1 or not steps:
            raise OptionError(f"unscored wanted a share below 1 or a whole number of steps, got {unscored!r}")
        return int(unscored * steps + 1e-9)

    def _read(self, data: Any, reading: Mapping[str, Any]) -> Panel:
        """Series, read as those of training were."""
        self._check_fitted()
        if isinstance(data, Panel):
            return data
        words = {**({} if is_arrays(data) else self.columns_), **check_reading(reading)}
        layout = self.features_.layout
        panel = read_series(data, like=layout, **words)
        if len(panel.layout.target) != len(layout.target):
            raise DataError(
                f"these series have {len(panel.layout.target)} channels ({', '.join(panel.layout.target)}); the "
                f"detector was trained on {len(layout.target)} ({', '.join(layout.target)})"
            )
        if not len(panel) or not panel.rows:
            raise DataError("a detector wanted at least one series with an observed row, got none")
        return panel


_REFUSED = ("past", "known", "static", "categories", "unknown", "like", "source")


def check_reading(reading: Mapping[str, Any]) -> dict[str, Any]:
    """Words of :func:`~ostinato.data.series.read_series` that a detector has a use for.

    >>> check_reading({"past": "load"})
    Traceback (most recent call last):
    ostinato.errors.OptionError: a detector watches every column that it reads; past= does not apply: name it in target=
    """
    import inspect

    from ostinato.errors import nearest

    known = [name for name in inspect.signature(read_series).parameters if name not in _REFUSED]
    for name in reading:
        if name in _REFUSED[:4]:
            raise OptionError(
                f"a detector watches every column that it reads; {name}= does not apply: name it in target="
            )
        if name not in known:
            raise OptionError(f"unknown option '{name}'; {nearest(name, known)}")
    return dict(reading)
