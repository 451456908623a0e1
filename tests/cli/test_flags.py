from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import pytest
import typer
from typer.testing import CliRunner

from ostinato.cli.flags import accept, check_flags, grouped
from ostinato.cli.program import Program, Verb
from ostinato.errors import OptionError
from ostinato.options import Option


@dataclass(kw_only=True)
class Oven:
    groups: ClassVar[tuple[str, ...]] = ("Heat", "Time")

    minutes: Annotated[int, Option("How long.", at_least=1, group="Time")] = 30
    heat: Annotated[float, Option("How hot.", at_most=300, group="Heat")] = 180.0
    fan: Annotated[bool, Option("Blow.", group="Heat")] = True
    rack: Annotated[str, Option("Which rack.", words=("low", "high"), group="Heat")] = "low"
    dish: Annotated[str | None, Option("What is in it.", group="Heat")] = None
    sides: Annotated[tuple[int, int], Option("Upper and lower.", group="Heat")] = (1, 1)


def bake(*words):
    seen = {}
    app = typer.Typer(cls=Program, rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.command("bake", cls=Verb)
    @accept(Oven, "dish", shown={"heat": "DEGREES"})
    def command(given, loud: bool = False):
        """Bake."""
        seen.update(given=given, loud=loud)

    @app.command("other", cls=Verb)
    def other():
        """Do nothing."""

    result = CliRunner().invoke(app, ["bake", *words])
    return seen, result


def test_only_what_was_given_is_passed_on_as_it_was_written():
    assert bake()[0] == {"given": {}, "loud": False}
    assert bake("--heat", "200", "--loud")[0] == {"given": {"heat": "200"}, "loud": True}


def test_switches_are_turned_on_and_off():
    assert bake("--fan")[0]["given"] == {"fan": True}
    assert bake("--no-fan")[0]["given"] == {"fan": False}


def test_an_option_may_be_an_argument_and_may_take_two_values():
    assert bake("cake", "--sides", "2", "3")[0]["given"] == {"dish": "cake", "sides": ("2", "3")}


def test_the_help_shows_groups_words_and_defaults():
    shown = bake("--help")[1].stdout
    assert shown.index("Heat:") < shown.index("Time:")
    assert "Which rack: low, high. [low]" in shown
    assert "--heat DEGREES" in shown
    assert "[180]" in shown
    assert "Blow. [on]" in shown
    assert "--sides INT INT" in shown


def test_flags_are_checked_and_turned_into_values():
    given = {"heat": "200", "minutes": "5", "sides": ("2", "3"), "fan": False}
    assert check_flags(Oven, given) == {"heat": 200.0, "minutes": 5, "sides": (2, 3), "fan": False}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"minutes": "soon"}, "--minutes wanted a whole number at least 1, got 'soon'"),
        ({"minutes": "0"}, "--minutes wanted a whole number at least 1, got '0'"),
        ({"heat": "400"}, "--heat wanted a number at most 300, got '400'"),
        ({"rack": "hgih"}, "--rack wanted one of 'low', 'high', got 'hgih'"),
    ],
)
def test_a_flag_with_a_wrong_value_is_named(given, words):
    with pytest.raises(OptionError, match=words):
        check_flags(Oven, given)


def test_groups_come_in_the_order_that_the_class_names():
    assert [field.name for field in grouped(Oven)] == ["heat", "fan", "rack", "dish", "sides", "minutes"]
