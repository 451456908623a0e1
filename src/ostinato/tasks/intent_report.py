"""How good an intent parser is: intents as a classifier, slots as spans, and requests that are right as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ostinato.heads.entities import EntityScore, score_entities
from ostinato.tasks.evaluation import SHOWN, Evaluation, counted, percent


@dataclass(frozen=True, eq=False)
class IntentEvaluation(Evaluation):
    """What a parser got right and wrong: an :class:`Evaluation` of its intents, and what it made of the slots.

    ``slots`` are the strict scores of all slots together, called "", and of each name; ``right`` counts the requests
    with the right intent and all the right slots.
    """

    slots: tuple[EntityScore, ...] = ()
    right: int = 0

    @property
    def slot_f1(self) -> float:
        """The strict F1 of all slots together."""
        return self.slots[0].f1 if self.slots else 0.0

    @property
    def request_accuracy(self) -> float:
        """The share of requests with the right intent and all the right slots."""
        return self.right / self.count if self.count else 0.0

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name; those of slots only where the data have any."""
        if not (self.slots and self.slots[0].support):
            return super().headline()
        mine = [("slot F1", percent(self.slot_f1)), ("whole requests", percent(self.request_accuracy))]
        return super().headline() + mine

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and words, ready for JSON."""
        mine = {"slot_f1": self.slot_f1, "request_accuracy": self.request_accuracy}
        return super().to_dict() | mine | {"slots": [score.to_dict() for score in self.slots]}

    def table(self, classes: int | None = SHOWN) -> str:
        """The report as plain text; ``classes=None`` shows every class."""
        width = max([len(score.name) for score in self.slots] + [5])
        lines = [
            "",
            f"{counted(max(len(self.slots) - 1, 0), 'slot')}",
            f"  {'':<{width}}  precision  recall      F1    count",
        ]
        lines += [
            f"  {s.name:<{width}}  {100 * s.precision:9.1f}  {100 * s.recall:6.1f}  {100 * s.f1:6.1f}  {s.support:7,d}"
            for s in self.slots[1:]
        ]
        return super().table(classes) + "\n" + "\n".join(lines)


def with_slots(
    report: Evaluation, right: Sequence[bool], truth: Sequence[Any], found: Sequence[Any]
) -> IntentEvaluation:
    """A report on intents with that on slots; ``right`` says whose intent is, the others hold each request's spans.

    >>> from ostinato.tasks.evaluation import compare
    >>> report = with_slots(compare(["a"], ["a"]), [True], [[(0, 4, "name")]], [[(0, 4, "name")]])
    >>> report.slot_f1, report.request_accuracy
    (1.0, 1.0)
    """
    whole = sum(
        hit and {*map(tuple, true)} == {*map(tuple, mine)} for hit, true, mine in zip(right, truth, found, strict=True)
    )
    fields = {name: getattr(report, name) for name in Evaluation.__dataclass_fields__}
    return IntentEvaluation(**fields, slots=tuple(score_entities(truth, found)), right=whole)
