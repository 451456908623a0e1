"""What models of series share: the series they read, the file they are kept in, scikit-learn's conventions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from ostinato import artifact
from ostinato.cells import Cell
from ostinato.data.series import Features, Layout
from ostinato.errors import ArtifactError, DataError, NotFittedError, OstinatoError, needs
from ostinato.options import validate
from ostinato.tasks.conventions import Estimator
from ostinato.tasks.examples import hold_out
from ostinato.tasks.series_examples import Columns, SeriesExamples, read_series_examples
from ostinato.tasks.series_options import SeriesOptions, check_options
from ostinato.tasks.series_training import answered, features_data, features_from

if TYPE_CHECKING:
    from ostinato.members import Members
    from ostinato.model import Model

Self = TypeVar("Self", bound="SeriesEstimator")

# From so many series on, a tenth is kept for validation unless told.
_MANY, _TENTH = 1000, 0.1
_FIELDS = {"kind", "task", "options", "architecture", "features", "columns", "history", "training"}


class SeriesEstimator(Estimator):
    """A model that has one answer for a whole series.

    After fitting: ``model_`` (the network), ``features_`` (what it reads at each step), ``columns_`` (what the columns
    of a table were called), ``validation_``, ``history_`` and ``training_``.
    """

    # The task's name, what an answer is, its options, and what else stands in its manifest.
    task: ClassVar[str]
    answer: ClassVar[str]
    options: ClassVar[type[SeriesOptions]]
    also: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[str] = "series"

    model_: Model | Members
    features_: Features
    columns_: Columns
    history_: tuple[dict[str, Any], ...]
    training_: dict[str, Any]
    validation_: Any

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def save(self, path: str | Path) -> None:
        """Write one file that holds all of the model; :func:`ostinato.load` reads it, here or elsewhere."""
        manifest, tensors = self.description()
        artifact.write(path, tensors, manifest)

    def description(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The model as data for a file, a stream or an export: a manifest and the weights by name."""
        manifest = self.manifest()
        return manifest, {name: tensor.numpy() for name, tensor in self.model_.state_dict().items()}

    def manifest(self) -> dict[str, Any]:
        """What the model file says about the model."""
        self._check_fitted()
        from ostinato.model import stored

        architecture = dict(self.model_.architecture)
        # Weights of the loss belong to training; the network is the same without them.
        architecture["head"] = {k: v for k, v in architecture["head"].items() if k != "class_weights"}
        options = self.get_params()
        if isinstance(options["cell"], Cell):
            # The architecture says what it computes.
            options["cell"] = options["cell"].name
        columns = self.columns_
        return {
            "kind": "model",
            "task": self.task,
            "options": options,
            "architecture": stored(architecture),
            "features": features_data(self.features_),
            "columns": [columns.id, columns.time, columns.answer],
            "history": list(self.history_),
            "training": self.training_,
        }

    @classmethod
    def load(cls: type[Self], path: str | Path, *, trust_cell: bool = False) -> Self:
        """The model of a file; :func:`ostinato.load` does the same for models of every task."""
        stored = artifact.read(path, kind="model")
        if stored.manifest.get("task") != cls.task:
            raise ArtifactError(
                f"{path} is a model of the task {stored.manifest.get('task')!r:.40}, wanted a {cls.task}"
            )
        return cls.from_artifact(stored, str(path), trust_cell=trust_cell)

    @classmethod
    def from_artifact(cls: type[Self], stored: artifact.Artifact, source: str, *, trust_cell: bool = False) -> Self:
        """The model of a verified file; :func:`ostinato.load` calls it."""
        needs("torch", "train")
        from ostinato.tasks.members import kept

        manifest = stored.manifest
        if set(manifest) != _FIELDS | cls.also:
            raise ArtifactError(f"{source}: the manifest of a {cls.task} has other fields: {sorted(manifest)}")
        try:
            options = dict(manifest["options"])
            made = isinstance(manifest["architecture"]["body"]["cell"], Mapping)
            if made:
                # A cell of one's own: the word is its name, and no option knows it.
                options["cell"] = cls.options.cell
            model = cls(**validate(cls.options, options))
            features = features_from(manifest["features"])
            members = model.members  # type: ignore[attr-defined]
            network = kept(manifest["architecture"], members, stored.tensors, trust_cell)
            if network.embed.width != len(features.columns):
                raise DataError(f"the network reads {network.embed.width} numbers a step, not {len(features.columns)}")
            if made:
                model.cell = network.body.cell  # type: ignore[attr-defined]
            id, time, answer = manifest["columns"]
            model._adopt(network, features, Columns(id, time, features.layout.target, answer))
            model._restore(manifest)
            model.validation_ = None
            model.history_, model.training_ = tuple(manifest["history"]), dict(manifest["training"])
        except (OstinatoError, TypeError, ValueError, KeyError, IndexError, RuntimeError, AttributeError) as error:
            raise ArtifactError(f"{source} cannot be used as a {cls.task}: {error}") from error
        return model

    def _restore(self, manifest: Mapping[str, Any]) -> None:
        """Take what else stands in the manifest, and refuse what does not belong together."""

    def _adopt(self, model: Model | Members, features: Features, columns: Columns) -> None:
        self.model_, self.features_, self.columns_ = model, features, columns

    def _checked(self, *, valid: bool) -> Any:
        """The options, all of them valid and able to act; nothing is changed on self, as scikit-learn wants it."""
        options = self.options(**validate(self.options, self.get_params()))
        check_options(options, valid=valid)
        return options

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                f"this {type(self).__name__} is not trained yet; call fit, or load a model by ostinato.load"
            )

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
