"""Options: one description for Python, flags and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from ostinato.errors import OptionError
from ostinato.options import Option, describe, validate


@dataclass(kw_only=True)
class Oven:
    heat: Annotated[int, Option("Temperature.", at_least=30, at_most=300)] = 180
    fan: Annotated[bool, Option("Blow.")] = False
    mode: Annotated[str, Option("Way to heat.", words=("top", "bottom"))] = "top"
    rows: Annotated[tuple[int, int], Option("From and to.")] = (1, 5)
    minutes: Annotated[float | None, Option("Time.", above=0, below=600)] = None


def test_the_description_is_in_order_with_flags() -> None:
    assert [(f.name, f.flag, f.default) for f in describe(Oven)] == [
        ("heat", "--heat", 180),
        ("fan", "--fan", False),
        ("mode", "--mode", "top"),
        ("rows", "--rows", (1, 5)),
        ("minutes", "--minutes", None),
    ]


@dataclass
class Whisk:
    """Looks like what pydantic would take apart."""

    speed: Callable[[], int]


@dataclass(kw_only=True)
class Mixer:
    tool: Annotated[str | Whisk | None, Option("What turns.", words=("hook", "blade"))] = "hook"


def test_an_option_of_words_may_take_an_object_as_it_is() -> None:
    whisk = Whisk(lambda: 3)
    assert validate(Mixer, {"tool": whisk})["tool"] is whisk
    assert [validate(Mixer, {"tool": tool})["tool"] for tool in ("blade", None)] == ["blade", None]
    for wrong in (3, Whisk):
        with pytest.raises(OptionError, match="tool wanted one of 'hook', 'blade', or a Whisk, got "):
            validate(Mixer, {"tool": wrong})
    with pytest.raises(OptionError, match="tool wanted one of 'hook', 'blade', got 'wisk'"):
        validate(Mixer, {"tool": "wisk"})


def test_defaults_are_filled_in() -> None:
    assert validate(Oven, {"mode": "bottom"}) == {
        "heat": 180,
        "fan": False,
        "mode": "bottom",
        "rows": (1, 5),
        "minutes": None,
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"haet": 3}, "unknown option 'haet'; did you mean 'heat'"),
        ({"heat": 10}, "heat wanted a whole number at least 30 and at most 300, got 10"),
        ({"heat": "warm"}, "heat wanted a whole number .*, got 'warm'"),
        ({"heat": 30.5}, "heat wanted a whole number"),
        ({"mode": "side"}, "mode wanted one of 'top', 'bottom', got 'side'"),
        ({"fan": "perhaps"}, "fan wanted true or false"),
        ({"minutes": 0}, "minutes wanted a number above 0 and below 600, got 0"),
        ({"minutes": float("nan")}, "minutes wanted a number"),
        ({"minutes": float("inf")}, "minutes wanted a number"),
        ({"heat": True}, "heat wanted a whole number .*, got True"),
        ({"rows": [3]}, r"rows wanted 2 whole numbers, such as \[1, 5\], got "),
    ],
)
def test_a_wrong_value_is_named_with_what_it_takes(values: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        validate(Oven, values)


def test_the_source_is_put_before_the_message() -> None:
    with pytest.raises(OptionError, match=r"^oven\.toml: heat wanted"):
        validate(Oven, {"heat": 1}, source="oven.toml")
