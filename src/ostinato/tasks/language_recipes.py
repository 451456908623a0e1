"""Recipes of language models: what options are unless they are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from ostinato.errors import OptionError
from ostinato.options import Option
from ostinato.tasks.pretrained import filled
from ostinato.tasks.word_options import timescale_of

Options = TypeVar("Options")

# What an option is unless given, by the recipe.
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "adam": {
        "optimizer": "adam",
        "lr": 3e-3,
        "schedule": "cosine",
        "warmup": 0.2,
        "clip": 1.0,
        "weight_decay": 0.0,
        # The last hundred steps: small corpora have runs of a thousand.
        "average": 0.99,
        "average_trigger": 0,
        "batch": 32,
        "truncate": 128,
        "vary": False,
        "epochs": 15,
        "patience": 4,
        "dropout": 0.4,
        "locked": False,
        "input_dropout": 0.0,
        "word_dropout": 0.0,
        "weight_drop": 0.0,
        "activation_penalty": 0.0,
        "temporal_penalty": 0.0,
    },
    "awd": {
        "optimizer": "sgd",
        "lr": 30.0,
        "schedule": "constant",
        "warmup": 0.0,
        "clip": 0.25,
        "weight_decay": 1.2e-6,
        "average": 0.0,
        "average_trigger": 5,
        "batch": 40,
        "truncate": 70,
        "vary": True,
        "epochs": 100,
        "patience": 20,
        "dropout": 0.4,
        "locked": True,
        "input_dropout": 0.4,
        "word_dropout": 0.1,
        "weight_drop": 0.5,
        "activation_penalty": 2.0,
        "temporal_penalty": 1.0,
    },
}


def by_recipe(name: str, told: str, group: str, **bounds: Any) -> Option:
    """An option whose value follows from the recipe unless given."""
    adam, awd = (_word(RECIPES[recipe][name]) for recipe in ("adam", "awd"))
    values = f"{adam} unless given" if adam == awd else f"{adam} with adam and {awd} with awd unless given"
    return Option(f"{told}; {values}.", group=group, **bounds)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:g}"


def resolved(options: Options) -> Options:
    """The options with nothing left to the recipe.

    >>> from ostinato.tasks.language_options import LanguageModelOptions
    >>> chosen = resolved(LanguageModelOptions(recipe="awd", dropout=0.2, average=0.99))
    >>> chosen.dropout, chosen.weight_drop, chosen.average, chosen.average_trigger
    (0.2, 0.5, 0.99, 0)
    """
    given: Any = filled(options)
    recipe = dict(RECIPES[given.recipe])
    if given.optimizer not in (None, recipe["optimizer"]) and given.lr is None:
        raise OptionError(
            f"the recipe '{given.recipe}' has a learning rate for {recipe['optimizer']}, which is none for "
            f"{given.optimizer}; give lr too"
        )
    # One of the two ways to average, where it is given, takes the place of the recipe's other one.
    if given.average:
        recipe["average_trigger"] = 0
    if given.average_trigger:
        recipe["average"] = 0.0
    missing = {name: value for name, value in recipe.items() if getattr(given, name) is None}
    if (given.optimizer or recipe["optimizer"]) in ("sgd", "rmsprop") and given.momentum is None:
        missing["momentum"] = 0.0
    missing["timescale"] = timescale_of(given.timescale, given.cell, half_open=True)
    wordy = given.tokens in ("words", "bpe")
    if given.embedding is None and given.vectors is None:
        missing["embedding"] = 400 if wordy else 128
    if given.tied is None:
        missing["tied"] = wordy and given.cutoffs is None
    made: Options = dataclasses.replace(given, **missing)
    return made
