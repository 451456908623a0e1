"""The two ways of writing know the same operations."""

from __future__ import annotations

import pytest

from ostinato.cells.operations import BINARY, ROWWISE, UNARY
from ostinato.lowering.notation import LATEX, ONE, SUM, TEXT, Notation


@pytest.mark.parametrize("notation", [LATEX, TEXT], ids=["latex", "text"])
def test_every_operation_can_be_written(notation: Notation) -> None:
    own = {"sqrt", "absolute", "less"}
    assert set(notation.functions) == {*UNARY, *BINARY, *ROWWISE} - own


def test_what_is_divided_is_bracketed_where_it_must_be() -> None:
    assert TEXT.quotient(("a + b", SUM), ("c + d", SUM))[0] == "(a + b) / (c + d)"
    assert TEXT.quotient(("a", ONE), ("b", ONE))[0] == "a / b"
    assert LATEX.quotient(("a + b", SUM), ("c", ONE))[0] == r"\frac{a + b}{c}"


def test_brackets_in_latex_grow_around_what_is_tall() -> None:
    assert LATEX.enclosed(r"\frac{a}{b}") == r"\left(\frac{a}{b}\right)"
    assert LATEX.enclosed("a") == "(a)"


def test_an_index_below_an_index_is_bracketed() -> None:
    assert LATEX.now("z_x") == "{z_x}_t"
    assert LATEX.before(LATEX.name("long_name")) == r"{\mathrm{long}_{\mathrm{name}}}_{t-1}"
