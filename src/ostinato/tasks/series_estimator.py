"""What models of series share: the series they read, the file they are kept in, scikit-learn's conventions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from ostinato.artifact import Artifact
from ostinato.data.series import Features, Layout
from ostinato.errors import DataError
from ostinato.tasks.examples import hold_out
from ostinato.tasks.series_examples import Columns, SeriesExamples, read_series_examples
from ostinato.tasks.series_options import check_options
from ostinato.tasks.series_training import answered, features_from
from ostinato.tasks.task_model import TaskModel

if TYPE_CHECKING:
    from ostinato.members import Members
    from ostinato.model import Model

Self = TypeVar("Self", bound="SeriesEstimator")

# From so many series on, a tenth is kept for validation unless told.
_MANY, _TENTH = 1000, 0.1


class SeriesEstimator(TaskModel):
    """A model that has one answer for a whole series.

    After fitting: ``model_`` (the network), ``features_`` (what it reads at each step), ``columns_`` (what the columns
    of a table were called), ``validation_``, ``history_`` and ``training_``.
    """

    # What an answer is.
    answer: ClassVar[str]
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"features", "columns"})
    reads: ClassVar[str] = "series"

    model_: Model | Members
    features_: Features
    columns_: Columns

    def _own(self) -> dict[str, Any]:
        columns = self.columns_
        return {
            "features": self.features_.to_dict(),
            "columns": [columns.id, columns.time, columns.answer],
        }

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        features, model = features_from(stored.manifest["features"]), network()
        if model.embed.width != len(features.columns):
            raise DataError(f"the network reads {model.embed.width} numbers a step, not {len(features.columns)}")
        id, time, answer = stored.manifest["columns"]
        self._adopt(model, features, Columns(id, time, features.layout.target, answer))

    def _adopt(self, model: Model | Members, features: Features, columns: Columns) -> None:
        self.model_, self.features_, self.columns_ = model, features, columns

    def _examples(self, X: Any, y: Any, wanted: str, answer: str | None = None) -> SeriesExamples:
        """Series as those of training were read, with answers as wanted."""
        self._check_fitted()
        columns = Columns(self.columns_.id, self.columns_.time, None, answer or self.columns_.answer)
        if not _is_table(X):
            columns = Columns(answer=answer)
        elif wanted == "nothing":
            columns = Columns(columns.id, columns.time)
        examples = read_series_examples(X, y, wanted=wanted, columns=columns, like=self._read_like())
        self._check_channels(examples)
        return examples

    def _read_like(self) -> Layout:
        """How the series of training were read."""
        return self.features_.layout

    def _check_channels(self, examples: SeriesExamples) -> None:
        wanted, came = self.features_.layout, examples.panel.layout
        if len(wanted.target) != len(came.target):
            raise DataError(
                f"these series have {len(came.target)} channels ({', '.join(came.target)}); the model was trained on "
                f"{len(wanted.target)} ({', '.join(wanted.target)})"
            )

    def _answered(self, examples: SeriesExamples) -> NDArray[np.float64]:
        """The network's answer for each series: [S, N]."""
        return answered(self.model_, self.features_, examples.panel)


def _is_table(source: Any) -> bool:
    """Whether a source names its columns."""
    from ostinato.data.series import Panel

    if isinstance(source, str | Path):
        return Path(source).suffix.lower() != ".ts"
    return not (isinstance(source, list | tuple | np.ndarray | Panel) or type(source).__name__ == "Tensor")


def read_both(
    X: Any, y: Any, valid: Any, *, wanted: str, columns: Columns
) -> tuple[SeriesExamples, SeriesExamples | None]:
    """The examples to learn from, and those for validation where some are given."""
    examples = read_series_examples(X, y, wanted=wanted, columns=columns)
    if valid is None:
        return examples, None
    held = valid if isinstance(valid, tuple) else (valid,)
    named = columns if _is_table(held[0]) else Columns()
    like = examples.panel.layout
    return examples, read_series_examples(*held, wanted=wanted, columns=named, like=like)


def parted(examples: SeriesExamples, share: float | None, seed: int) -> tuple[SeriesExamples, SeriesExamples | None]:
    """The examples to learn from, and a share of every label kept for validation."""
    if share is None:
        share = _TENTH if len(examples) >= _MANY else 0.0
    if not share:
        return examples, None
    kept, held = hold_out(examples.labels or [""] * len(examples), share, seed)
    if not len(held):
        raise DataError(f"holdout={share:g} of {len(examples)} series is none; raise it, or set it to 0")
    return examples.pick(kept), examples.pick(held)


def fingerprint(examples: SeriesExamples, valid: SeriesExamples | None) -> str:
    """What a checkpoint remembers of the data as they were given, before any are kept for validation."""
    parts = [examples.digest(), valid.digest() if valid is not None else ""]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


Watch = bool | Callable[[Any], None]
