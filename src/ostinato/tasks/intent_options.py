"""The options of an intent parser, described once for Python, the command line and TOML files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks import text_options
from ostinato.tasks.text_options import TextClassifierOptions
from ostinato.tasks.word_options import DATA, GROUPS, NETWORK

__all__ = ["GROUPS", "IntentParserOptions", "check_options", "network"]


@dataclass(kw_only=True, eq=False, repr=False)
class IntentParserOptions(TextClassifierOptions):
    """How an intent parser reads, what network it is, and how that is trained: as a text classifier, with slots.

    >>> IntentParserOptions(slot_weight=0.5).slot_weight
    0.5
    """

    field: Annotated[
        str,
        Option("Tags of slots each by itself, or as one sequence.", words=("softmax", "crf"), group=NETWORK),
    ] = "softmax"
    slot_weight: Annotated[
        float, Option("What the loss of slots weighs beside that of intents.", above=0, group=DATA)
    ] = 1.0
    scheme: Annotated[str, Option("The signs before names of slots.", words=("bio", "bioes"), group=DATA)] = "bio"
    cut: Annotated[
        str,
        Option("What is done with a slot that cuts a word; 'snap' lets it grow.", words=("refuse", "snap"), group=DATA),
    ] = "refuse"


def check_options(options: IntentParserOptions, *, valid: bool) -> None:
    """Refuse options that cannot act beside the others; ``valid`` says whether data for validation are given."""
    text_options.check_options(options, valid=valid)
    if options.out_of_scope is None and options.refuse != IntentParserOptions.refuse:
        raise OptionError("refuse acts beside out_of_scope, the label of what belongs to no intent; give both")


def network(
    options: IntentParserOptions,
    *,
    words: int,
    pieces: int,
    classes: int,
    tags: int,
    allowed: list[str],
    class_weights: list[float] | None = None,
) -> dict[str, Any]:
    """The architecture that the options mean, as :func:`ostinato.model.build` takes it.

    >>> made = network(IntentParserOptions(), words=9, pieces=9, classes=3, tags=5, allowed=[])
    >>> made["head"]["kind"], made["head"]["pool"], "pool" in made
    ('joint', ['mean', 'max'], False)
    """
    parts = text_options.network(options, words=words, pieces=pieces, classes=classes, class_weights=class_weights)
    joint = {
        "kind": "joint",
        "tags": tags,
        "pool": parts.pop("pool"),
        "weight": options.slot_weight,
        "field": options.field,
        "allowed": allowed,
        "locked": options.locked,
    }
    parts["head"] = {**parts["head"], **joint}
    return parts
