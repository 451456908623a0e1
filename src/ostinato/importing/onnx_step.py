"""One step of following a graph: what a node reads, and how much may still be made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ostinato.errors import ArtifactError
from ostinato.importing.onnx_file import Node

# Of one graph in all: far more than moves between layers need, and little enough for any machine.
MOST_MOVED = 2**26


@dataclass(frozen=True)
class Value:
    """An array of numbers, or of ``places``; ``whole`` says whether the numbers are whole ones."""

    array: NDArray[Any]
    places: bool = False
    whole: bool = False

    @classmethod
    def known(cls, array: NDArray[Any]) -> Value:
        """Numbers that are known before anything comes in."""
        return cls(array, False, array.dtype.kind in "iub")

    def like(self, array: NDArray[Any]) -> Value:
        """The same kind of value, moved."""
        return Value(array, self.places, self.whole)


class Refused(Exception):
    """What a node does cannot be followed; the message says why."""


@dataclass
class Budget:
    """Counts what a graph makes before it is made."""

    moved: int = 0

    def count(self, size: int) -> None:
        """Refuse more than a graph may make in all."""
        self.moved += size
        if self.moved > MOST_MOVED:
            raise ArtifactError(
                f"the graph moves more than {MOST_MOVED:,} numbers about; wanted recurrent nodes with a little between"
            )


@dataclass(frozen=True)
class Step:
    """One node with what it reads."""

    node: Node
    values: Sequence[Value | None]
    budget: Budget

    @property
    def value(self) -> Value:
        """What is moved."""
        return self.wanted(0)

    def wanted(self, index: int) -> Value:
        """One of the inputs, which has to be there."""
        value = self.values[index] if index < len(self.values) else None
        if value is None:
            raise Refused(f"its input {index} is missing")
        return value

    def numbers(self, index: int) -> NDArray[Any]:
        """An input that has to be known, not to come in."""
        value = self.wanted(index)
        if value.places:
            raise Refused("it computes with what comes in; only RNN, LSTM and GRU may")
        return value.array

    def integers(self, index: int, name: str, default: Any = None) -> list[int] | None:
        """Whole numbers that are an input in later opsets and an attribute in earlier ones."""
        if index < len(self.values) and self.values[index] is not None:
            return [int(number) for number in self.numbers(index).reshape(-1)]
        found = self.node.attributes.get(name, default)
        return None if found is None else list(found)

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute of the node."""
        return self.node.attributes.get(name, default)

    def grows(self, shape: Sequence[int]) -> None:
        """Count what is about to be made."""
        if any(size < 0 for size in shape):
            raise Refused(f"the shape {list(shape)} has a negative size")
        self.budget.count(math.prod(shape))
