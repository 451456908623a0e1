import re

import numpy as np
import pytest

from ostinato.exporting.c99_draft import Draft, identifier
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


def test_a_declaration_that_is_long_has_a_line_for_each_argument():
    draft = Program()
    wide = [draft.number(f"a_rather_long_name_{k}", 2) for k in range(5)]
    program = draft.program({}, {"y": draft.join(wide)})
    lines = Draft.of(program, "net").declaration(";").splitlines()
    assert len(lines) == 7
    assert max(map(len, lines)) < 80
