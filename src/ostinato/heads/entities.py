"""How good found spans are: right only where both ends and the name are; with the standard library alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ostinato.errors import ShapeError


@dataclass(frozen=True)
class EntityScore:
    """How many spans of one name there are, were found, and were found rightly.

    >>> EntityScore("area", support=4, found=2, right=1).f1
    0.3333333333333333

    A precision without findings, a recall without spans and their F1 are 0.
    """

    name: str
    support: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """The share of findings that are right."""
        return _share(self.right, self.found)

    @property
    def recall(self) -> float:
        """The share of spans that are found."""
        return _share(self.right, self.support)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _share(2 * self.right, self.support + self.found)

    def to_dict(self) -> dict[str, Any]:
        """Counts and shares as plain data."""
        shares = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {"name": self.name, **shares, "support": self.support, "found": self.found, "right": self.right}


def score_entities(
    truth: Sequence[Iterable[tuple[Hashable, Hashable, str]]], found: Sequence[Iterable[tuple[Hashable, Hashable, str]]]
) -> list[EntityScore]:
    """The scores of all spans together, called "", and then of each name in the order of the alphabet.

    >>> truth = [[(0, 2, "area"), (3, 4, "name")], []]
    >>> [score.right for score in score_entities(truth, [[(0, 2, "area"), (3, 5, "name")], [(0, 1, "area")]])]
    [1, 1, 0]

    ``truth`` and ``found`` hold for each sentence its spans ``(start, end, name)``. Strict, as in CoNLL-2003: Tjong Kim
    Sang & De Meulder, 2003 (aclanthology.org/W03-0419).
    """
    if len(truth) != len(found):
        raise ShapeError(f"as many sentences found as true are wanted, got {len(found)} and {len(truth)}")
    counts = [Counter[str]() for _ in range(3)]
    for wanted, got in zip(truth, found, strict=True):
        true, mine = {tuple(span) for span in wanted}, {tuple(span) for span in got}
        for count, spans in zip(counts, (true, mine, true & mine), strict=True):
            count.update(str(span[2]) for span in spans)
    names = sorted({*counts[0], *counts[1]})
    each = [EntityScore(name, *(count[name] for count in counts)) for name in names]
    return [EntityScore("", *(count.total() for count in counts)), *each]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
