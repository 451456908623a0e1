"""How good a classifier is on labelled examples: a report that prints itself and exports a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A table of more classes than this shows only the hardest of them unless asked for all.
SHOWN = 20


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, and how many examples it has."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Confusion:
    """How many examples of one class were taken for another."""

    truth: str
    taken_for: str
    count: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a classifier got right and wrong.

    >>> report = compare(["yes", "yes", "no", "no"], ["yes", "no", "no", "no"])
    >>> report.accuracy, round(report.macro_f1, 3)
    (0.75, 0.733)
    >>> report.worst_confusions(1)
    [Confusion(truth='yes', taken_for='no', count=1)]

    ``confusion[i, j]`` counts the examples of class i that were taken for class j. ``unseen`` counts labels of the
    data that the model never saw: it cannot answer them, and every such example counts as wrong. Shares lie between 0
    and 1; a precision without predictions, a recall without examples and their F1 are 0, as in scikit-learn.
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    loss: float | None = None
    out_of_scope: str | None = None
    threshold: float | None = None
    unseen: Mapping[str, int] = field(default_factory=dict)
    source: str = ""

    @property
    def count(self) -> int:
        """The number of examples."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of examples that got their own label; a refusal is right only for what is out of scope."""
        return _share(np.trace(self.confusion), self.count)

    @property
    def macro_f1(self) -> float:
        """The mean F1 of all classes that occur among the examples or the answers."""
        scores = [s.f1 for s, used in zip(self.per_class, self._used(), strict=True) if used]
        return float(np.mean(scores)) if scores else 0.0

    @property
    def per_class(self) -> list[ClassScore]:
        """The scores of every class, in the order of ``labels``."""
        right = np.diag(self.confusion)
        support, answers = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        return [
            ClassScore(label, _share(r, a), _share(r, s), _share(2 * r, a + s), int(s))
            for label, r, a, s in zip(self.labels, right, answers, support, strict=True)
        ]

    @property
    def in_scope_accuracy(self) -> float | None:
        """The accuracy on what belongs to some class, where a refusal is wrong; None without an out-of-scope label."""
        if self.out_of_scope not in self.labels:
            return None
        inside = np.array([label != self.out_of_scope for label in self.labels])
        return _share(np.diag(self.confusion)[inside].sum(), self.confusion[inside].sum())

    @property
    def out_of_scope_recall(self) -> float | None:
        """The share of out-of-scope examples that were refused; None if there are none."""
        if self.out_of_scope not in self.labels:
            return None
        row = self.labels.index(self.out_of_scope)
        support = self.confusion[row].sum()
        return _share(self.confusion[row, row], support) if support else None

    def worst_confusions(self, count: int = 5) -> list[Confusion]:
        """The most frequent mistakes, in falling order; equal ones in the order of the labels."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-wrong, axis=None, kind="stable")[:count]
        rows, columns = np.unravel_index(order, wrong.shape)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)
        return [Confusion(self.labels[i], self.labels[j], int(wrong[i, j])) for i, j in pairs if wrong[i, j]]

    def hardest(self, count: int | None = None) -> list[ClassScore]:
        """The classes that have examples, lowest F1 first; all of them unless a count is given."""
        scores = sorted((s for s in self.per_class if s.support), key=lambda s: (s.f1, s.label))
        return scores[:count]

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and words, ready for JSON."""
        return {
            "source": self.source,
            "count": self.count,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "loss": self.loss,
            "out_of_scope": self.out_of_scope,
            "threshold": self.threshold,
            "in_scope_accuracy": self.in_scope_accuracy,
            "out_of_scope_recall": self.out_of_scope_recall,
            "unseen": dict(self.unseen),
            "classes": [asdict(score) for score in self.per_class],
            "worst_confusions": [asdict(pair) for pair in self.worst_confusions(20)],
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
        }

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name: what a terminal shows first."""
        numbers = [("accuracy", percent(self.accuracy)), ("macro-F1", percent(self.macro_f1))]
        if self.loss is not None:
            numbers.append(("loss", f"{self.loss:.3f}"))
        if self.in_scope_accuracy is not None:
            numbers.append(("in-scope accuracy", percent(self.in_scope_accuracy)))
        if self.out_of_scope_recall is not None:
            numbers.append(("out of scope refused", percent(self.out_of_scope_recall)))
        return numbers

    def shown_classes(self, classes: int | None = SHOWN) -> tuple[str, list[ClassScore]]:
        """A title and the classes to show: all in their order, or the hardest of many."""
        present = [score for score in self.per_class if score.support]
        if classes is None or len(present) <= classes:
            return f"{len(present)} classes", present
        return f"the {classes} hardest of {len(present)} classes", self.hardest(classes)

    def table(self, classes: int | None = SHOWN) -> str:
        """The report as plain text; ``classes=None`` shows every class."""
        title, scores = self.shown_classes(classes)
        lines = [f"{self.source or 'evaluation'}: {counted(self.count, 'example')}, {title.split()[-2]} classes"]
        lines += ["  " + "   ".join(f"{name} {number}" for name, number in self.headline())]
        lines += [f"  {note}" for note in self.notes()]
        pairs = self.worst_confusions()
        if pairs:
            lines += ["", "worst confusions"]
            width = max(len(str(pair.count)) for pair in pairs)
            lines += [f"  {p.count:>{width}} x  '{p.truth}' taken for '{p.taken_for}'" for p in pairs]
        width = max([len(s.label) for s in scores] + [len("class")])
        lines += ["", title, f"  {'class':<{width}}  precision  recall      F1  examples"]
        lines += [
            f"  {s.label:<{width}}  {100 * s.precision:9.1f}  {100 * s.recall:6.1f}  {100 * s.f1:6.1f}  {s.support:8,d}"
            for s in scores
        ]
        return "\n".join(lines)

    def notes(self) -> list[str]:
        """Remarks that keep the numbers from being misread."""
        notes = []
        if self.unseen:
            listed = ", ".join(f"'{label}' ({count})" for label, count in list(self.unseen.items())[:5])
            more = f" and {len(self.unseen) - 5} more" if len(self.unseen) > 5 else ""
            notes.append(f"labels unseen in training count as wrong: {listed}{more}")
        if self.threshold is not None and self.out_of_scope is not None:
            notes.append(
                f"answers below a confidence of {percent(self.threshold)} are refused as '{self.out_of_scope}'"
            )
        return notes

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {number}" for name, number in self.headline())
        return f"<Evaluation of {counted(self.count, 'example')}: {numbers}>"

    def _used(self) -> NDArray[np.bool_]:
        used: NDArray[np.bool_] = (self.confusion.sum(axis=0) + self.confusion.sum(axis=1)) > 0
        return used


def compare(
    truth: Sequence[str],
    answers: Sequence[str],
    *,
    labels: Sequence[str] = (),
    loss: float | None = None,
    out_of_scope: str | None = None,
    threshold: float | None = None,
    source: str = "",
) -> Evaluation:
    """Count right and wrong answers; ``labels`` are those that the model knows."""
    if len(truth) != len(answers):
        raise ValueError(f"as many answers as true labels are wanted, got {len(answers)} and {len(truth)}")
    known = tuple(labels) or tuple(sorted({*truth, *answers}))
    members, unseen = set(known), dict[str, int]()
    for label in truth:
        if label not in members:
            unseen[label] = unseen.get(label, 0) + 1
    names = known + tuple(sorted(unseen))
    index = {name: i for i, name in enumerate(names)}
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, ([index[t] for t in truth], [index[a] for a in answers]), 1)
    return Evaluation(names, confusion, loss, out_of_scope, threshold, dict(sorted(unseen.items())), source)


def percent(share: float) -> str:
    """A share as people read it.

    >>> percent(0.9337)
    '93.4 %'
    """
    return f"{100 * share:.1f} %"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(1500, "row")
    ('1 row', '1,500 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else 0.0
