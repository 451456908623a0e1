"""Declaring a cell: what is checked, and how it is said."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from ostinato.cells import Constant, Gates, Orthogonal, Uniform, Xavier, cell, find, gru, lstm
from ostinato.errors import OptionError
from ostinato.state import State


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"state": "h h", "gates": "a"}, "state wanted different names like \"h c\", got 'h h'"),
        ({"state": "", "gates": "a"}, "state wanted different names"),
        ({"state": "h", "gates": "a-b"}, "gates wanted different names"),
        ({"state": "h c", "gates": "a", "output": "cc"}, "did you mean 'c'"),
        ({"state": "h", "gates": "a", "recurrent": "dence"}, "did you mean 'dense'"),
        ({"state": "h", "gates": "a", "constants": {"k": 1.0}}, "k declared, but the function does not take p"),
        ({"state": "h", "gates": "a", "parameters": {"W": Uniform()}}, "names W, R, b and br are taken"),
        ({"state": "h", "gates": "a", "initial": {"b.f": Constant(1)}}, "initial got 'b.f'"),
        ({"state": "h", "gates": "a", "initial": {"V": Constant(1)}}, "initial got 'V'"),
        ({"state": "h", "gates": "keep", "chrono": {"kep": 1}}, "did you mean 'keep'"),
        ({"state": "h", "gates": "a", "recurrent": "none"}, "there is no u"),
        ({"state": "h", "gates": "a", "trained": 1}, "trained wanted True or False, got 1"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(declared: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words.replace("(", r"\(")):
        cell(**declared)(lambda x, u, s: State(h=x.a + u.a))


def test_the_arguments_of_the_function_are_checked() -> None:
    with pytest.raises(OptionError, match="by these names, got 'y'"):
        cell(state="h", gates="a")(lambda x, u, y: y)
    with pytest.raises(OptionError, match='ignores u; declare recurrent="none"'):
        cell(state="h", gates="a")(lambda x, s: State(h=x.a))


def test_a_cell_that_returns_the_wrong_parts_is_told() -> None:
    wrong = cell(state="h c", gates="a")(lambda x, u, s: State(h=x.a + u.a))
    with pytest.raises(OptionError, match=r"wanted State\(h, c\) back, got h"):
        wrong(Gates(a=1.0), Gates(a=1.0), State(h=0.0, c=0.0))
    careless = cell(state="h", gates="a")(lambda x, u, s: x.a + u.a)
    with pytest.raises(OptionError, match=r"wanted State\(h\) back, got float"):
        careless(Gates(a=1.0), Gates(a=1.0), State(h=0.0))


def test_a_gate_that_is_not_declared_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match="no 'forget' is declared here; known: 'i', 'f'"):
        _ = Gates(i=1.0, f=1.0).forget


def test_cells_are_values_and_travel_by_name() -> None:
    assert copy.deepcopy(lstm) is lstm
    assert copy.copy(lstm) is lstm
    assert pickle.loads(pickle.dumps(gru)) is gru
    assert find(lstm) is lstm
    with pytest.raises(OptionError, match="a cell is a name or made by @cell, got int"):
        find(3)  # type: ignore[arg-type]


def test_weights_have_declared_shapes_and_beginnings() -> None:
    assert lstm.shapes(3, 5) == {"W": (20, 3), "b": (20,), "R": (20, 5)}
    assert gru.shapes(3, 5) == {"W": (15, 3), "b": (15,), "R": (15, 5), "br": (15,)}
    assert lstm.initial_of("b.f", 5) == Constant(1.0)
    assert lstm.initial_of("b.i", 5) == Constant(0.0)
    assert lstm.initial_of("R.f", 5) == Orthogonal()
    assert lstm.initial_of("W.f", 5) == Xavier()
    diagonal = cell(state="h", gates="a", recurrent="diagonal")(lambda x, u, s: State(h=x.a + u.a))
    assert diagonal.shapes(3, 4) == {"W": (4, 3), "b": (4,), "R": (4,)}
    assert diagonal.initial_of("R.a", 4) == Uniform(-0.5, 0.5)
