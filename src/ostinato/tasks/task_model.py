"""What models of all tasks share: options that are checked, and the file that holds all of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from numpy.typing import NDArray

from ostinato import artifact
from ostinato.cells import Cell
from ostinato.errors import ArtifactError, DataError, OstinatoError, needs
from ostinato.options import validate
from ostinato.tasks.conventions import Estimator

Self = TypeVar("Self", bound="TaskModel")

# What stands in the manifest of every task.
_FIELDS = frozenset({"kind", "task", "options", "architecture", "history", "training"})


class TaskModel(Estimator):
    """A model of a task: a class of it says what the task is called and what else stands in its files.

    After fitting: ``model_`` (the network), ``validation_``, ``history_`` (the log entries of training), ``training_``
    (how it came about).
    """

    # The task's name, its options, what refuses some of them beside others, and what else stands in its manifest.
    task: ClassVar[str]
    options: ClassVar[type]
    checks: ClassVar[Any]
    also: ClassVar[frozenset[str]]
    # What errors call it, the task's name unless given, and the part of its network that has the cell.
    called: ClassVar[str] = ""
    recurs: ClassVar[str] = "body"

    model_: Any
    history_: tuple[dict[str, Any], ...]
    training_: dict[str, Any]
    validation_: Any

    def save(self, path: str | Path) -> None:
        """Write one file that holds all of the model; :func:`ostinato.load` reads it, here or elsewhere."""
        manifest, tensors = self.description()
        artifact.write(path, tensors, manifest)

    def description(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The model as data for a file, a stream or an export: a manifest and the weights by name."""
        self._check_fitted()
        architecture, tensors = self._network()
        options = self.get_params()
        if isinstance(options["cell"], Cell):
            # The architecture says what it computes.
            options["cell"] = options["cell"].name
        if "init_from" in options:
            # What it began from is part of it, and where that lay is nobody else's business.
            options["init_from"] = None
        manifest = {
            "kind": "model",
            "task": self.task,
            "options": options,
            "architecture": architecture,
            "history": list(self.history_),
            "training": self.training_,
        }
        return manifest | self._own(), tensors

    def manifest(self) -> dict[str, Any]:
        """What the model file says about the model."""
        return self.description()[0]

    @classmethod
    def load(cls: type[Self], path: str | Path, *, trust_cell: bool = False) -> Self:
        """The model of a file; :func:`ostinato.load` does the same for models of every task."""
        return cls.from_artifact(artifact.read(path, kind="model"), str(path), trust_cell=trust_cell)

    @classmethod
    def from_artifact(cls: type[Self], stored: artifact.Artifact, source: str, *, trust_cell: bool = False) -> Self:
        """The model of a verified file; :func:`ostinato.load` calls it."""
        needs("torch", "train")
        manifest, called = stored.manifest, cls.called or f"a {cls.task}"
        task = manifest.get("task")
        if task != cls.task:
            raise ArtifactError(f"{source} is a model of the task {task!r:.40}, wanted a {cls.task}")
        if set(manifest) != _FIELDS | cls.also:
            raise ArtifactError(f"{source}: the manifest of {called} has other fields: {sorted(manifest)}")
        try:
            options = dict(manifest["options"])
            made = isinstance(manifest["architecture"][cls.recurs]["cell"], Mapping)
            if made:
                # A cell of one's own: the word is its name, and no option knows it.
                options["cell"] = cls.options.cell  # type: ignore[attr-defined]
            model = cls(**validate(cls.options, options))
            model._restore(stored, lambda: model._restored(stored, trust_cell))
            if made:
                model.cell = getattr(model.model_, cls.recurs).cell  # type: ignore[attr-defined]
            history = manifest["history"]
            if not isinstance(history, list) or not all(isinstance(entry, dict) for entry in history):
                raise DataError("the history of training is a list of entries")
            model.history_, model.training_, model.validation_ = tuple(history), dict(manifest["training"]), None
        except (OstinatoError, TypeError, ValueError, KeyError, IndexError, RuntimeError, AttributeError) as error:
            raise ArtifactError(f"{source} cannot be used as {called}: {error}") from error
        return model

    def _network(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The architecture as plain data, and the weights by name."""
        from ostinato.model import stored

        architecture = dict(self.model_.architecture)
        # Weights of the loss belong to training; the network is the same without them.
        architecture["head"] = {k: v for k, v in architecture["head"].items() if k != "class_weights"}
        return stored(architecture), {name: tensor.numpy() for name, tensor in self.model_.state_dict().items()}

    def _restored(self, stored: artifact.Artifact, trust_cell: bool) -> Any:
        """The network of a file, its weights in place."""
        from ostinato.tasks.members import kept

        return kept(stored.manifest["architecture"], getattr(self, "members", 1), stored.tensors, trust_cell)

    def _own(self) -> dict[str, Any]:
        """What stands in the manifest of this task beside what stands in every one: the fields ``also``."""
        raise NotImplementedError

    def _restore(self, stored: artifact.Artifact, network: Callable[[], Any]) -> None:
        """Take what :meth:`_own` gave and the network, and refuse what does not belong together."""
        raise NotImplementedError

    def _checked(self, *, valid: bool) -> Any:
        """The options, all of them valid and able to act; nothing is changed on self, as scikit-learn wants it."""
        options = self.options(**validate(self.options, self.get_params()))
        self.checks(options, valid=valid)
        return options
