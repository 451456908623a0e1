"""What trained models of all tasks share: labels in the type they came in, who listens, weights from a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.labels import Labels
from ostinato.errors import DataError

if TYPE_CHECKING:
    from ostinato.data import Vocabulary
    from ostinato.model import Model

# How labels get the type back that they came in.
KINDS: Mapping[str, Callable[[str], Any]] = {"str": str, "int": int, "bool": "True".__eq__, "float": float}


class Classes:
    """The classes of a model that answers with labels, in the type that these came in."""

    labels_: Labels
    kind_: str
    classes_: NDArray[Any]

    def _name(self, labels: Labels, kind: str) -> None:
        """Take over labels; ``classes_`` are sorted, as scikit-learn has them."""
        restore = KINDS[kind]
        names = np.array([restore(name) for name in labels.names])
        self.labels_, self.kind_ = labels, kind
        self._order = np.argsort(names, kind="stable")
        self.classes_ = names[self._order]

    def _as_given(self, names: list[str]) -> NDArray[Any]:
        """Labels in the type that they came in."""
        restore = KINDS[self.kind_]
        return np.array([restore(name) for name in names], dtype=self.classes_.dtype)

    def _named(self) -> dict[str, Any]:
        """The labels as plain data for the manifest of a model file."""
        return {**self.labels_.to_dict(), "kind": self.kind_}


def labels_from(data: Any) -> tuple[Labels, str]:
    """Labels and their type, from the manifest of a model file.

    >>> labels_from({**Labels(("a", "b"), (1, 1)).to_dict(), "kind": "str"})
    (Labels(names=('a', 'b'), counts=(1, 1)), 'str')
    """
    fields = dict(data)
    kind = fields.pop("kind")
    return Labels.from_dict(fields), kind


def watcher(progress: bool | Callable[[Any], None]) -> Any:
    """Who listens to the reports, as a block."""
    from ostinato.train import Progress

    if callable(progress):
        return nullcontext(progress)
    return Progress() if progress else nullcontext(lambda report: None)


def mean_loss(shares: NDArray[np.float64], truth: list[str], labels: Labels) -> float:
    """The mean of - log p over the examples whose label the model knows.

    >>> round(mean_loss(np.array([[0.5, 0.5], [0.1, 0.9]]), ["a", "unknown"], Labels(("a", "b"), (1, 1))), 3)
    0.693
    """
    index = {name: place for place, name in enumerate(labels.names)}
    known = [row for row, name in enumerate(truth) if name in index]
    chances = shares[known, [index[truth[row]] for row in known]]
    return float(-np.log(np.maximum(chances, np.finfo(np.float64).tiny)).mean())


def check_parts(architecture: Any, labels: Labels, vocabulary: Vocabulary) -> None:
    """Refuse parts of a file that do not belong together."""
    if architecture["head"]["classes"] != len(labels):
        raise DataError(f"the network has {architecture['head']['classes']} classes and the file {len(labels)} labels")
    for part in (architecture["embed"], architecture.get("beside", architecture["embed"])):
        for name, ours in (("words", vocabulary.size), ("pieces", vocabulary.buckets)):
            if part[name] != ours:
                raise DataError(f"the network reads {part[name]} {name} and the vocabulary has {ours}")


def network_of(architecture: Any, tensors: Mapping[str, NDArray[Any]], trust_cell: bool) -> Model:
    """The network of a file, its weights in place; nothing is made as large as the file merely claims."""
    import torch

    from ostinato.model import build

    layers = architecture["body"].get("layers")
    if isinstance(layers, int) and layers > len(tensors):
        raise DataError(f"{layers} layers cannot come from {len(tensors)} tensors")
    with torch.device("meta"):
        model = build(architecture, trust_cell=trust_cell)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()}, assign=True)
    return model.eval()
