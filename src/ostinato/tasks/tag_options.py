"""The options of a tagger, described once for Python, the command line and TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from ostinato.options import Option
from ostinato.tasks.word_options import (
    DATA,
    GROUPS,
    NETWORK,
    Buckets,
    Locked,
    Ngrams,
    WordOptions,
    WordShare,
    body_of,
    check_words,
    embed_of,
)

__all__ = ["GROUPS", "TaggerOptions", "check_options", "network"]

# How tags, and spans that were given, are told to a model.
SCHEMES = ("auto", "bio", "bioes", "io", "none")


@dataclass(kw_only=True, eq=False, repr=False)
class TaggerOptions(WordOptions):
    """How a tagger reads, what network it is, and how that is trained.

    >>> TaggerOptions(field="crf").usual["hidden"]
    256
    """

    # Capitals and endings tell what a word is.
    usual: ClassVar[Mapping[str, Any]] = {**WordOptions.usual, "hidden": 256, "lowercase": False}

    field: Annotated[
        str,
        Option(
            "Tags each by itself, or as one sequence whose moves are learned.", words=("softmax", "crf"), group=NETWORK
        ),
    ] = "crf"
    scheme: Annotated[
        str,
        Option(
            "The signs before names of spans; 'auto' keeps those of the data, 'none' knows no spans.",
            words=SCHEMES,
            group=DATA,
        ),
    ] = "auto"
    broken: Annotated[
        str,
        Option("What is done with tags that break their scheme.", words=("refuse", "repair"), group=DATA),
    ] = "refuse"
    cut: Annotated[
        str,
        Option("What is done with a span that cuts a word; 'snap' lets it grow.", words=("refuse", "snap"), group=DATA),
    ] = "refuse"
    ngrams: Ngrams = (2, 5)
    buckets: Buckets = 30_000
    word_dropout: WordShare = 0.05
    locked: Locked = True


def check_options(options: TaggerOptions, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether data for validation are given.

    >>> check_options(TaggerOptions(residual=True), valid=False)
    Traceback (most recent call last):
    ostinato.errors.OptionError: residual acts between layers and there is only one; leave it out or set layers=2
    """
    check_words(options, valid=valid, last=True)


def network(
    options: TaggerOptions, *, words: int, pieces: int, tags: int, allowed: list[str] | None = None
) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> network(TaggerOptions(), words=100, pieces=50, tags=3)["head"]
    {'kind': 'tag', 'classes': 3, 'field': 'crf', 'allowed': None, 'dropout': 0.5, 'locked': True}
    """
    head = {
        "kind": "tag",
        "classes": tags,
        "field": options.field,
        "allowed": allowed,
        "dropout": options.dropout,
        "locked": options.locked,
    }
    return {"embed": embed_of(options, words=words, pieces=pieces), "body": body_of(options), "head": head}
