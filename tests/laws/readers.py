"""The tasks that read texts: one list, so that a new member gets every law of texts by standing here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import ostinato as ost
from tests.tasks import languages, numbers, requests, tagged

NETWORK: dict[str, Any] = {"hidden": 6, "embedding": 5, "epochs": 3, "batch": 5, "device": "cpu", "seed": 3}


@dataclass(frozen=True)
class Reader:
    """A task, what it learns from, and its answers to texts as numbers and words: a list for each text."""

    make: Callable[..., Any]
    options: dict[str, Any]
    data: Callable[[], tuple[Any, ...]]
    ask: Callable[[Any, Sequence[str]], list[list[Any]]]

    def fresh(self) -> Any:
        """The task, not trained yet."""
        return self.make(**NETWORK | self.options)


def _intents() -> tuple[list[str], list[str], Any]:
    texts, spans = tagged.texts_with_spans()
    return texts, ["on" if "turn on" in text else "off" for text in texts], spans


def _classes(model: Any, texts: Sequence[str]) -> list[list[Any]]:
    return [list(row) for row in model.predict_proba(texts)]


def _tags(model: Any, texts: Sequence[str]) -> list[list[Any]]:
    answers = zip(model.predict_proba(texts), model.predict(texts), strict=True)
    return [[*np.ravel(shares), *tags] for shares, tags in answers]


def _parses(model: Any, texts: Sequence[str]) -> list[list[Any]]:
    answers = model.answers(texts)
    slots = [[part for slot in each.slots for part in (slot.start, slot.end, slot.name)] for each in answers]
    return [[*shares, *found] for shares, found in zip(_classes(model, texts), slots, strict=True)]


def _written(model: Any, texts: Sequence[str]) -> list[list[Any]]:
    answers = model.answers(texts, beam=3, best=2, empty="drop")
    return [[part for each in best for part in (each.text, each.score)] for best in answers]


def _scores(model: Any, texts: Sequence[str]) -> list[list[Any]]:
    return [[each.log_p, each.tokens] for each in model.answers(texts)]


READERS = {
    "classifier": Reader(ost.TextClassifier, {"holdout": 0.2}, requests.requests, _classes),
    "tagger, field": Reader(
        ost.Tagger, {"field": "crf", "min_count": 1, "holdout": 0.2}, tagged.texts_with_spans, _tags
    ),
    "tagger, softmax": Reader(
        ost.Tagger, {"field": "softmax", "min_count": 1, "holdout": 0.2}, tagged.texts_with_spans, _tags
    ),
    "parser": Reader(ost.IntentParser, {"min_count": 1, "holdout": 0.2}, _intents, _parses),
    "parser, field": Reader(
        ost.IntentParser, {"field": "crf", "scheme": "bioes", "min_count": 1, "holdout": 0.2}, _intents, _parses
    ),
    "writer": Reader(ost.Seq2Seq, {"holdout": 0.2}, numbers.pairs, _written),
    "writer, feeding and copying": Reader(
        ost.Seq2Seq,
        {"holdout": 0.2, "feeding": True, "copying": True, "shared": True, "attention": "dot"},
        numbers.pairs,
        _written,
    ),
    "translator": Reader(ost.Translator, {"holdout": 0.2, "vocabulary": 280}, numbers.pairs, _written),
    "language model": Reader(
        ost.LanguageModel, {"layers": 1, "truncate": 10, "holdout": 0.2}, lambda: (languages.TEXTS,), _scores
    ),
}


@cache
def trained(name: str) -> Any:
    """A member, trained; nobody may change it."""
    reader = READERS[name]
    return reader.fresh().fit(*reader.data(), progress=False)
