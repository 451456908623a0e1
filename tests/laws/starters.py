"""The tasks that begin from a language model: one list, so that a new member gets every law by standing here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import ostinato as ost
from tests.tasks import numbers, requests, tagged

# Weights move by less than they can show.
STANDING: dict[str, Any] = {"lr": 1e-30, "epochs": 1, "average": 0.0, "weight_decay": 0.0, "holdout": 0.0}
LEARNING: dict[str, Any] = {"lr": 0.02, "epochs": 2, "batch": 4, "holdout": 0.0}
# Not all of these texts' words and characters are those of the tasks, nor the other way round.
TEXTS = [*tagged.texts_with_spans()[0][::2], "stop the heater", "day 3 of 8", "who reads this"] * 2


@cache
def general(kind: str) -> ost.LanguageModel:
    """A small language model, which nobody may change."""
    counts = {"vocabulary": 280} if kind == "bpe" else {}
    model = ost.LanguageModel(
        tokens=kind, hidden=6, layers=2, embedding=5, epochs=1, batch=4, truncate=8, holdout=0, device="cpu", **counts
    )
    return model.fit(TEXTS, progress=False)


@dataclass(frozen=True)
class Starter:
    """A task, the kind of tokens that it goes on from, what it learns from, and its answers to texts."""

    make: Callable[..., Any]
    kind: str
    options: dict[str, Any]
    data: Callable[[], tuple[Any, ...]]
    ask: Callable[[Any], Any]
    encoder: str = "body"

    def begun(self, path: Any, **given: Any) -> Any:
        """The task, trained from the language model of a file."""
        made = self.make(init_from=str(path), device="cpu", **self.options | given)
        return made.fit(*self.data(), progress=False)

    def strings(self, model: Any) -> dict[Any, Any]:
        """The vector of each token that is read, by what the language model calls it; None is what is unknown."""
        if hasattr(model, "vocabulary_"):
            table = model.model_.embed.words.weight.detach()
            return dict(zip([None, *model.vocabulary_.words], table, strict=True))
        tokens = model.sides_.source if hasattr(model, "sides_") else model.tokens_
        reads = model.model_.reads if hasattr(model, "sides_") else model.model_.embed.table
        return dict(zip(names(tokens), reads.weight.detach(), strict=True))

    def layers(self, model: Any) -> dict[str, Any]:
        """The weights of the layers by name."""
        return dict(getattr(model.model_, self.encoder).state_dict())


def names(tokens: Any) -> list[Any]:
    """What stands for each number of tokens, apart from which number it is."""
    rest = tokens.pieces or range(tokens.size - tokens.first)
    return [*(f"special {name}" for name in tokens.specials), *([None] if tokens.unknown is not None else []), *rest]


def _intents() -> tuple[Any, ...]:
    texts, spans = tagged.texts_with_spans()
    return texts, ["on" if "turn on" in text else "off" for text in texts], spans


ASKED = ["turn on the lamp", "day 7"]
CLASSIFY = {"bag": 0.5, "buckets": 30}
STARTERS = {
    "classifier": Starter(
        ost.TextClassifier, "words", CLASSIFY, requests.requests, lambda model: model.predict_proba(ASKED).tolist()
    ),
    "tagger": Starter(
        ost.Tagger, "words", {"buckets": 30}, tagged.texts_with_spans, lambda model: model.predict(ASKED)
    ),
    "parser": Starter(ost.IntentParser, "words", CLASSIFY, _intents, lambda model: model.predict_proba(ASKED).tolist()),
    "writer of characters": Starter(
        ost.Seq2Seq, "characters", {}, numbers.pairs, lambda model: model.predict(ASKED), "encoder"
    ),
    "writer of words, one table": Starter(
        ost.Seq2Seq, "words", {"shared": True}, numbers.pairs, lambda model: model.predict(ASKED), "encoder"
    ),
    "translator": Starter(
        ost.Translator, "bpe", {"beam": 2}, numbers.pairs, lambda model: model.predict(ASKED), "encoder"
    ),
    **{
        f"language model of {kind}": Starter(
            ost.LanguageModel,
            kind,
            {"truncate": 8, "batch": 3},
            lambda: (requests.requests()[0],),
            lambda model: [model.score(text) for text in ASKED],
        )
        for kind in ("words", "characters", "bytes", "bpe")
    },
}
