from __future__ import annotations

import dataclasses

import pytest

from ostinato.errors import OptionError
from ostinato.tasks.language_options import LanguageModelOptions
from ostinato.tasks.language_recipes import RECIPES, by_recipe, resolved


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_leaves_nothing_open(recipe):
    chosen = resolved(LanguageModelOptions(recipe=recipe))
    for name, value in RECIPES[recipe].items():
        assert getattr(chosen, name) == value


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", RECIPES["adam"])
def test_an_option_beside_a_recipe_replaces_the_recipes_own(recipe, name):
    other = next(r for r in RECIPES if r != recipe)
    value = RECIPES[other][name]
    more = {"lr": 1.0} if name == "optimizer" else {}
    assert getattr(resolved(LanguageModelOptions(recipe=recipe, **{name: value}, **more)), name) == value


def test_all_recipes_say_the_same_options():
    assert len({tuple(values) for values in RECIPES.values()}) == 1
    assert {*RECIPES["adam"]} <= {field.name for field in dataclasses.fields(LanguageModelOptions)}


def test_one_way_to_average_takes_the_place_of_the_other():
    assert resolved(LanguageModelOptions(recipe="awd", average=0.9)).average_trigger == 0
    assert resolved(LanguageModelOptions(recipe="adam", average_trigger=3)).average == 0.0


def test_descent_has_no_momentum_unless_given():
    assert resolved(LanguageModelOptions(recipe="awd")).momentum == 0.0
    assert resolved(LanguageModelOptions(recipe="awd", momentum=0.5)).momentum == 0.5
    assert resolved(LanguageModelOptions()).momentum is None


def test_another_rule_wants_a_rate_of_its_own():
    with pytest.raises(OptionError, match="has a learning rate for sgd, which is none for adam; give lr too"):
        resolved(LanguageModelOptions(recipe="awd", optimizer="adam"))
    assert resolved(LanguageModelOptions(recipe="awd", optimizer="adam", lr=0.001)).lr == 0.001


def test_width_and_tying_follow_from_the_tokens():
    words = resolved(LanguageModelOptions(tokens="words"))
    assert (words.embedding, words.tied) == (400, True)
    assert resolved(LanguageModelOptions(tokens="words", cutoffs="100")).tied is False
    letters = resolved(LanguageModelOptions())
    assert (letters.embedding, letters.tied) == (128, False)


@pytest.mark.parametrize(
    ("cell", "given", "expected"), [("lstm", None, 2), ("lstm", 50, 50), ("gru", None, None), ("elman", None, None)]
)
def test_gates_that_would_begin_open_begin_half_open_unless_told_otherwise(cell, given, expected):
    assert resolved(LanguageModelOptions(cell=cell, timescale=given)).timescale == expected


def test_the_help_tells_both_values():
    assert "0.003 with adam and 30 with awd unless given" in by_recipe("lr", "Rate", "x").help
    assert by_recipe("dropout", "Share", "x").help == "Share; 0.4 unless given."
