import re

import numpy as np
import pytest

from ostinato.errors import ExportError
from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_names import identifier, number_in_c
from ostinato.plan.program import Draft as Program
from ostinato.plan.program import Ids

HOSTILE = [
    "",
    "2nd",
    "my model-2",
    "int",
    "größe",
    "__x",
    "x" * 300,
    '"; } int evil(void) {',
    "a\nb",
    "main",
    "exp_of",
    "*/",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_become_identifiers(name):
    made = identifier(name)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", made)
    assert len(made) < 60
    assert made not in ("int", "main", "exp_of")


def test_names_inside_a_program_are_hostile_too_and_never_meet():
    draft = Program({"a b": np.array([[1.0, 2.0]]), "a-b": np.array([[3.0, 4.0]])})
    x, y = draft.number("state", 1), draft.number("/* a b", 1)
    one, two = draft.product(x, "a b"), draft.product(y, "a-b")
    h = draft.state("while", 2)
    ids = draft.lookup(draft.hold(np.ones((1, 2)), "rows"), "x y", Ids(1, many=True))
    program = draft.program({"while": draft.apply("add", h, ids)}, {"y": one, "y ": two})
    made = Draft.of(program, "net")
    names = [name for _, name in (*made.inputs, *made.outputs)] + list(made.names.weights.values())
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names)
    assert "state" not in names


def test_numbers_are_written_exactly():
    for number in (0.0, 1.0, -2.5, 1e-5, 0.1, 1 / 3, -3.4028235e38, 1e-45, 123456.0, 16777216.0):
        text = number_in_c(number)
        value = float.fromhex(text[:-1]) if "x" in text else float(text[:-1])
        assert value == float(np.float32(number)), text


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_constant_that_is_no_number_is_refused(number):
    with pytest.raises(ExportError, match="no C constant"):
        number_in_c(number)
