"""The options of a text classifier, described once for Python, the command line and TOML files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.word_options import (
    DATA,
    GROUPS,
    LAYER_NORMS,
    NETWORK,
    RULES,
    WordOptions,
    body_of,
    check_cell,
    check_words,
    embed_of,
)

__all__ = ["GROUPS", "LAYER_NORMS", "POOLINGS", "TextClassifierOptions", "check_cell", "check_options", "network"]

# Buckets that pairs of neighbouring words share in the bag, and the share of its features hidden in training.
_PAIRS, _BAG_DROPOUT = 1 << 14, 0.5

POOLINGS = ("last", "mean", "max", "attention", "mean+max", "last+mean+max", "attention+max", "attention+mean+max")


@dataclass(kw_only=True, eq=False, repr=False)
class TextClassifierOptions(WordOptions):
    """How a text classifier reads, what network it is, and how that is trained.

    >>> TextClassifierOptions(hidden=64).hidden
    64
    """

    pooling: Annotated[str, Option("How the steps of a text become one vector.", words=POOLINGS, group=NETWORK)] = (
        "mean+max"
    )
    bag: Annotated[
        float,
        Option(
            "Share of the answer that a linear model of words, neighbours and pieces has beside the network; 0 leaves "
            "it out.",
            at_least=0,
            below=1,
            group=NETWORK,
        ),
    ] = 0.5
    label_smoothing: Annotated[
        float, Option("Probability spread over all labels in training.", at_least=0, below=1, group=RULES)
    ] = 0.1
    class_weight: Annotated[
        str,
        Option("'balanced' lets rare labels count as much as frequent ones.", words=("none", "balanced"), group=DATA),
    ] = "none"
    out_of_scope: Annotated[
        str | None, Option("The label of examples that belong to no other, such as 'oos'.", group=DATA)
    ] = None
    refuse: Annotated[
        float,
        Option(
            "Share of the validation rows whose right answer may be refused so that what is out of scope is too.",
            at_least=0,
            below=1,
            group=DATA,
        ),
    ] = 0.0075


def check_options(options: TextClassifierOptions, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether data for validation are given.

    >>> check_options(TextClassifierOptions(norm=True), valid=False)
    Traceback (most recent call last):
    ostinato.errors.OptionError: norm acts between layers and there is only one; leave it out or set layers=2
    """
    check_words(options, valid=valid)
    if options.out_of_scope is not None and not valid and not options.holdout:
        raise OptionError(
            "out_of_scope needs validation rows, on which the threshold is chosen; set holdout, or give data for "
            "validation"
        )


def network(
    options: Any, *, words: int, pieces: int, classes: int, class_weights: list[float] | None = None
) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> network(TextClassifierOptions(layers=2), words=100, pieces=50, classes=3)["head"]
    {'kind': 'classify', 'classes': 3, 'dropout': 0.5, 'smoothing': 0.1}

    ``dropout`` acts on what each layer hands on: to the next layer, and from the last one to the head.
    """
    head: dict[str, Any] = {
        "kind": "classify",
        "classes": classes,
        "dropout": options.dropout,
        "smoothing": options.label_smoothing,
    }
    if class_weights is not None:
        head["class_weights"] = class_weights
    parts = {
        "embed": embed_of(options, words=words, pieces=pieces),
        "body": body_of(options),
        "pool": options.pooling.split("+"),
        "head": head,
    }
    if options.bag:
        sizes = {"words": words, "pieces": pieces, "pairs": _PAIRS}
        parts["beside"] = {**sizes, "dropout": _BAG_DROPOUT, "share": float(options.bag)}
    return parts
