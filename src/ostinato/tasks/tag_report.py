"""How good a tagger is on tagged sentences: words one by one, unknown ones apart, and spans as wholes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.language.columns import Sentence
from ostinato.data.language.schemes import spans_of
from ostinato.heads.entities import EntityScore, score_entities
from ostinato.tasks.evaluation import SHOWN, ClassScore, Confusion, Evaluation, compare, counted, percent


@dataclass(frozen=True, eq=False)
class TagEvaluation:
    """What a tagger got right and wrong.

    >>> truth = [Sentence(("the", "lamp"), ("O", "B-name"))]
    >>> report = compare_tags(truth, [["O", "O"]], labels=("B-name", "O"), scheme="bio", known={"the"})
    >>> report.accuracy, report.unknown_accuracy, report.f1
    (0.5, 0.0, 0.0)

    ``words`` compares word by word, ``entities`` are the scores of spans: all together, called "", and those of each
    name; empty for tags without spans. ``unknown`` counts the words that the vocabulary has not, and the right ones
    among them. ``sentences`` counts the sentences, and those without a mistake.
    """

    words: Evaluation
    entities: tuple[EntityScore, ...] = ()
    unknown: tuple[int, int] = (0, 0)
    sentences: tuple[int, int] = (0, 0)
    repaired: int = 0
    source: str = field(default="")

    @property
    def count(self) -> int:
        """The number of words."""
        return self.words.count

    @property
    def accuracy(self) -> float:
        """The share of words with the right tag."""
        return self.words.accuracy

    @property
    def unknown_accuracy(self) -> float | None:
        """The share of right tags among words that the vocabulary has not; None if it has all."""
        return self.unknown[1] / self.unknown[0] if self.unknown[0] else None

    @property
    def f1(self) -> float | None:
        """The strict F1 of all spans together; None for tags without spans."""
        return self.entities[0].f1 if self.entities else None

    @property
    def confusion(self) -> NDArray[np.int64]:
        """How often each tag was taken for each, in the order of ``labels``."""
        return self.words.confusion

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of all tags."""
        return self.words.labels

    def worst_confusions(self, count: int = 5) -> list[Confusion]:
        """The most frequent mistakes, word by word."""
        return self.words.worst_confusions(count)

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name."""
        numbers = [("accuracy", percent(self.accuracy))]
        if self.unknown_accuracy is not None:
            numbers.append(("unknown words", percent(self.unknown_accuracy)))
        if self.entities:
            whole = self.entities[0]
            numbers += [("span F1", percent(whole.f1)), ("precision", percent(whole.precision))]
            numbers.append(("recall", percent(whole.recall)))
        if self.sentences[0]:
            numbers.append(("whole sentences", percent(self.sentences[1] / self.sentences[0])))
        return numbers

    def notes(self) -> list[str]:
        """Remarks that keep the numbers from being misread."""
        notes = self.words.notes()
        if self.repaired:
            notes.append(f"{counted(self.repaired, 'tag')} of the data broke the scheme and were repaired")
        return notes

    def shown_classes(self, classes: int | None = SHOWN) -> tuple[str, list[ClassScore]]:
        """A title and what to show: the spans by name, or the tags where there are none."""
        if not self.entities:
            return self.words.shown_classes(classes)
        scores = [ClassScore(s.name, s.precision, s.recall, s.f1, s.support) for s in self.entities[1:]]
        if classes is None or len(scores) <= classes:
            return f"{len(scores)} names", scores
        hardest = sorted(scores, key=lambda s: (s.f1, s.label))[:classes]
        return f"the {classes} hardest of {len(scores)} names", hardest

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and words, ready for JSON."""
        return {
            "source": self.source,
            "words": self.words.to_dict(),
            "accuracy": self.accuracy,
            "unknown_words": self.unknown[0],
            "unknown_accuracy": self.unknown_accuracy,
            "span_f1": self.f1,
            "spans": [score.to_dict() for score in self.entities],
            "sentences": self.sentences[0],
            "right_sentences": self.sentences[1],
            "repaired": self.repaired,
        }

    def table(self, classes: int | None = SHOWN) -> str:
        """The report as plain text; ``classes=None`` shows every name."""
        title, scores = self.shown_classes(classes)
        lines = [
            f"{self.source or 'evaluation'}: {counted(self.sentences[0], 'sentence')}, {counted(self.count, 'word')}"
        ]
        lines += ["  " + "   ".join(f"{name} {number}" for name, number in self.headline())]
        lines += [f"  {note}" for note in self.notes()]
        pairs = self.worst_confusions()
        if pairs:
            lines += ["", "worst confusions"]
            lines += [f"  {p.count} x  '{p.truth}' taken for '{p.taken_for}'" for p in pairs]
        width = max([len(s.label) for s in scores] + [5])
        lines += ["", title, f"  {'':<{width}}  precision  recall      F1    count"]
        lines += [
            f"  {s.label:<{width}}  {100 * s.precision:9.1f}  {100 * s.recall:6.1f}  {100 * s.f1:6.1f}  {s.support:7,d}"
            for s in scores
        ]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {number}" for name, number in self.headline())
        return f"<TagEvaluation of {counted(self.count, 'word')}: {numbers}>"


def compare_tags(
    truth: Sequence[Sentence],
    answers: Sequence[Sequence[str]],
    *,
    labels: Sequence[str],
    scheme: str | None,
    known: Any = None,
    spellings: Sequence[Sequence[str]] | None = None,
    loss: float | None = None,
    repaired: int = 0,
    source: str = "",
) -> TagEvaluation:
    """Count right and wrong tags and spans.

    ``known`` holds the words of the vocabulary (None: all are known), as they are spelt in ``spellings``.
    """
    for sentence, tags in zip(truth, answers, strict=True):
        if len(sentence) != len(tags):
            raise ValueError(f"{sentence.place}: as many tags as words are wanted, got {len(tags)} and {len(sentence)}")
    flat = [
        (true, mine) for s, tags in zip(truth, answers, strict=True) for true, mine in zip(s.tags, tags, strict=True)
    ]
    words = compare([t for t, _ in flat], [a for _, a in flat], labels=labels, loss=loss, source=source)
    unknown = [0, 0]
    if known is not None:
        written = spellings if spellings is not None else [s.words for s in truth]
        right = iter(true == mine for true, mine in flat)
        for word in (word for sentence in written for word in sentence):
            hit = next(right)
            if word not in known:
                unknown[0] += 1
                unknown[1] += hit
    whole = sum(tuple(tags) == sentence.tags for sentence, tags in zip(truth, answers, strict=True))
    entities: tuple[EntityScore, ...] = ()
    if scheme is not None:
        entities = tuple(
            score_entities([spans_of(s.tags, scheme) for s in truth], [spans_of(tags, scheme) for tags in answers])
        )
    return TagEvaluation(words, entities, (unknown[0], unknown[1]), (len(truth), whole), repaired, source)
