"""The classes of a task: their names in a fixed order, and the numbers that stand for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.errors import ArtifactError, DataError, nearest


@dataclass(frozen=True)
class Labels:
    """The names of the classes, sorted; the class k is called ``names[k]``.

    >>> labels = Labels.learn(["light", "halt", "light"])
    >>> labels.names, labels.counts
    (('halt', 'light'), (1, 2))
    >>> labels.encode(["light", "halt"])
    array([1, 0])
    >>> labels.decode([1, 0])
    ['light', 'halt']

    ``counts`` says how many examples of each class there were to learn from.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {name: k for k, name in enumerate(self.names)})

    @classmethod
    def learn(cls, values: Iterable[str]) -> Labels:
        """Collect the classes that occur; a list without labels is refused."""
        counted = Counter(values)
        if not counted:
            raise DataError("labels wanted at least one example, got none")
        names = tuple(sorted(counted))
        return cls(names, tuple(counted[name] for name in names))

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, values: Sequence[str], place: Callable[[int], str] | None = None) -> NDArray[numpy.int64]:
        """The class of each label: int64 [n].

        >>> Labels.learn(["light", "halt"]).encode(["lihgt"])
        Traceback (most recent call last):
        ostinato.errors.DataError: row 1: the label 'lihgt' was not seen in training; did you mean 'light'? ...

        ``place`` says where a row (counted from 0) stands, as :meth:`Table.place` does.
        """
        ids: dict[str, int] = self._ids  # type: ignore[attr-defined]
        encoded = [ids.get(value, -1) for value in values]
        if -1 in encoded:
            row = encoded.index(-1)
            where = place(row) if place else f"row {row + 1}"
            raise DataError(
                f"{where}: the label '{values[row]}' was not seen in training; {nearest(values[row], self.names)}"
            )
        return numpy.array(encoded, dtype=numpy.int64)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The names of classes given by their numbers."""
        return [self.names[k] for k in ids]

    def to_dict(self) -> dict[str, Any]:
        """The classes as plain data for the manifest of a model file."""
        return {"names": list(self.names), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Labels:
        """The inverse of :meth:`to_dict`; anything else is an :class:`~ostinato.errors.ArtifactError`."""
        if not isinstance(data, Mapping) or set(data) != {"names", "counts"}:
            raise ArtifactError(f"labels wanted the fields 'names' and 'counts', got {_shown(data)}")
        names, counts = data["names"], data["counts"]
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise ArtifactError("the names of labels are a list of words")
        if names != sorted(set(names)):
            raise ArtifactError("the names of labels are sorted, and no two are equal")
        if not isinstance(counts, list) or len(counts) != len(names):
            raise ArtifactError(f"labels wanted one count for each of {len(names)} names")
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ArtifactError("the counts of labels are whole numbers from 0 on")
        return cls(tuple(names), tuple(counts))


def _shown(data: Any) -> str:
    return ", ".join(f"'{key}'" for key in data) if isinstance(data, Mapping) else type(data).__name__
