"""A network as a list of typed steps: what each reads, what it writes, and the weights it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ostinato.lowering.blueprint import Blueprint
from ostinato.plan.program import Ids

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Step:
    """One step: the names of what it reads, and the name of what it makes of that."""

    reads: tuple[str, ...]
    writes: str
    width: int


@dataclass(frozen=True, eq=False)
class Lookup(Step):
    """The row of a table for an id, or the mean of the rows of several; no ids give zeros."""

    table: Array
    ids: Ids


@dataclass(frozen=True, eq=False)
class Recur(Step):
    """One cell in one direction; its state is what streams keep.

    ``cell`` is at rest, without noise. ``weights`` lie as :meth:`ostinato.cells.Cell.shapes` says: W [G H, D], b, R,
    br, parameters and matrices by name. ``state`` maps the parts of the cell's state to names that are the network's
    own, ``given`` what else comes in at each step to names of inputs. ``width`` is P, that of the shown part.
    """

    cell: Blueprint
    weights: Mapping[str, Array]
    inputs: int
    hidden: int
    reverse: bool
    state: Mapping[str, str]
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def widths(self) -> dict[str, int]:
        """The width of each part of the cell's state."""
        return {part: self.width if part == self.cell.output else self.hidden for part in self.cell.state}


@dataclass(frozen=True, eq=False)
class Affine(Step):
    """V x + a, with V [outputs, inputs]; ``bias`` may be None."""

    weight: Array
    bias: Array | None


@dataclass(frozen=True, eq=False)
class Norm(Step):
    """gain (x - mean) / sqrt(variance + epsilon) + shift over the units of a row."""

    gain: Array
    shift: Array
    epsilon: float


@dataclass(frozen=True, eq=False)
class Sum(Step):
    """The sum of what it reads."""


@dataclass(frozen=True, eq=False)
class Mean(Step):
    """The mean of what it reads."""


@dataclass(frozen=True, eq=False)
class Join(Step):
    """What it reads, side by side."""


@dataclass(frozen=True, eq=False)
class Pool(Step):
    """One summary of all steps so far: ``last``, ``mean``, ``max``, or ``attention`` with the weights of its score.

    The score is v . tanh(A y + a): ``weights`` hold A [D, D] as "A", a as "a" and v [1, D] as "v".
    """

    kind: str
    weights: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class Softmax(Step):
    """Probabilities from scores."""


@dataclass(frozen=True, eq=False)
class LogSoftmax(Step):
    """Logarithms of probabilities from scores."""


@dataclass(frozen=True, eq=False)
class Adaptive(Step):
    """Logarithms of probabilities of many tokens, the rare ones in groups.

    ``first`` [F + K, D] scores the F frequent tokens and the K groups of the others; the tokens of the group k have the
    scores U_k V_k y among themselves, with (V_k, U_k) in ``groups``.
    """

    first: Array
    groups: tuple[tuple[Array, Array], ...]


@dataclass(frozen=True, eq=False)
class Bag(Step):
    """Scores of which features a text holds so far: a + 25 / sqrt(n) times the sum of the features' rows.

    It reads the ids of this step: "words", perhaps "pieces" (many), and perhaps "pairs" and "edges", the pair that ends
    in this word, and the pair of this word and the text's end. ``tables`` has a row for each id, by the input's name;
    ``bias`` is a.
    """

    tables: Mapping[str, Array]
    bias: Array
    reach: float


@dataclass(frozen=True, eq=False)
class Mix(Step):
    """(1 - share) times the first probabilities plus share times the second ones."""

    share: float
