from __future__ import annotations

import pytest

from ostinato.cells import BUILT_IN, cell, sigmoid, tanh
from ostinato.certificates.algebra import MIXES, ONE_SIGN, SIGNED, TURNS, memory_of
from ostinato.state import State


@cell(state="h", gates="z n", recurrent="none")
def blended(x, s):
    z = sigmoid(x.z)
    return State(h=(1 - z) * s.h + z * x.n)


@cell(state="h", gates="z n", recurrent="none")
def turned_over(x, s):
    return State(h=tanh(x.z) * s.h + x.n)


@cell(state="h", gates="n", recurrent="diagonal")
def weighed(x, u, s):
    return State(h=tanh(x.n + u.n))


@cell(state="a b", gates="n", recurrent="none")
def rotated(x, s):
    return State(a=s.b + x.n, b=0 - s.a)


@cell(state="h before", gates="n", recurrent="none")
def remembers_its_input(x, s):
    # What came in before acts with a negative sign, and yet no state is ever turned.
    return State(h=0.5 * s.h - s.before, before=x.n)


@pytest.mark.parametrize(
    ("which", "kind"),
    [
        (blended, ONE_SIGN),
        (turned_over, SIGNED),
        (weighed, SIGNED),
        (rotated, TURNS),
        (remembers_its_input, ONE_SIGN),
        (BUILT_IN["lstm"], MIXES),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_a_step_may_do_with_the_state_is_seen(which, kind):
    assert memory_of(which) == kind


@pytest.mark.parametrize("which", BUILT_IN.values(), ids=lambda one: one.name)
def test_every_cell_has_its_kind_and_always_the_same(which):
    assert memory_of(which) == memory_of(which)
