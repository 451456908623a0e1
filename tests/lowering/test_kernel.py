"""What kernels are written from: names in order, facts, and refusals that say why."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from ostinato.cells import BUILT_IN, Cell, Constant, Gates, Orthogonal, cell, gru, less, lstm, product, row_max, select
from ostinato.cells import tanh as squash
from ostinato.cells.operations import ROWWISE
from ostinato.errors import LoweringError
from ostinato.lowering import Blueprint, Lowered, lowered
from ostinato.state import State
from tests.laws.zoo import TEST_CELLS
from tests.lowering.steps import too_many_products


def named(name: str) -> Cell:
    return next(member for member in TEST_CELLS if member.name == name)


def test_the_facts_of_the_classics() -> None:
    step = lowered(lstm)
    assert (step.gates, step.state, step.output_index) == (("i", "f", "g", "o"), ("h", "c"), 0)
    assert step.dense
    assert step.parameters == ()
    assert step.operations == {"infer": 13, "forward": 13, "backward": 26}
    assert lowered(gru).recurrent_bias
    assert lowered(gru) is lowered(gru)


def test_a_diagonal_recurrence_is_more_vectors_before_the_own_ones() -> None:
    step = lowered(named("leaky_diagonal"))
    assert step.parameters == ("R.g", "br.g")
    assert not step.dense
    assert step.output_index == 1
    assert {"dp.R.g", "dp.br.g"} <= set(step.derivation.backward.outputs)
    assert not [name for name in step.derivation.backward.outputs if name.startswith("du.")]

    @cell(state="h", gates="a b", recurrent="diagonal", parameters={"slope": Constant(1.0)})
    def steep(x: Gates, u: Gates, s: State, p: Gates) -> State:
        return State(h=squash(p.slope * (x.a + u.a)) + x.b * u.b)

    assert lowered(steep).parameters == ("R.a", "R.b", "slope")


@pytest.mark.parametrize("member", BUILT_IN.values(), ids=lambda c: c.name)
def test_a_step_is_found_again_from_its_data(member: Cell) -> None:
    step = lowered(member)
    again = Lowered.from_data(step.to_data())
    assert again.digest == step.digest == Blueprint.of(member).digest
    assert again.derivation.backward.to_data() == step.derivation.backward.to_data()


@pytest.mark.parametrize("name", ["two_products", "normalised", "every_operation"])
def test_what_is_no_straight_line_is_lowered_in_stages(name: str) -> None:
    step = lowered(named(name))
    assert step.staged
    assert not step.dense
    assert step.same
    assert step.matrices == (*(f"R.{gate}" for gate in step.gates), *named(name).matrices)
    assert not [name for name in step.derivation.backward.outputs if name.startswith("du.")]


def test_every_operation_along_a_row_makes_stages() -> None:
    for kind in ROWWISE:
        data = Blueprint.of(lstm).to_data()
        data["graph"]["nodes"].append([kind, data["graph"]["outputs"]["c"]])
        data["graph"]["outputs"]["c"] = len(data["graph"]["nodes"]) - 1
        assert Lowered.from_data(data).staged


def test_a_value_is_multiplied_by_a_dozen_matrices_at_most() -> None:
    words = "it multiplies one value by 13 matrices, a kernel takes at most 12 at once"
    with pytest.raises(LoweringError, match=words):
        lowered(too_many_products())


@pytest.mark.parametrize(
    "function",
    [
        lambda x, u, s, p: State(h=squash(product(x.a + u.a, p.P)), c=s.c),
        lambda x, u, s, p: State(h=product(x.a + u.a, p.P), c=s.c + s.h),
        lambda x, u, s, p: (lambda shown: State(h=shown, c=shown * s.c))(product(x.a + u.a, p.P)),
        lambda x, u, s, p: (lambda v: State(h=product(v, p.P), c=product(v, p.Q)))(x.a + u.a),
    ],
    ids=["not a product", "the old one is read", "the new one is read", "what it multiplies is multiplied again"],
)
def test_a_projection_is_seen_through_r_alone(function: Any) -> None:
    matrices = {"P": Orthogonal(), "Q": Orthogonal()}
    made = cell(state="h c", gates="a", matrices=matrices, projected="P")(function)
    with pytest.raises(LoweringError, match=r"the shown part 'h' has a width of its own; it is product\(value, p.P\)"):
        lowered(made)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, u, s: State(h=x.a + less(u.a, s.h)), "`.*`: add mixes numbers and comparisons"),
        (lambda x, u, s: State(h=select(x.a, u.a, s.h)), "select mixes numbers and comparisons"),
        (lambda x, u, s: State(h=select(less(x.a, u.a), less(x.a, s.h), s.h)), "select mixes"),
        (lambda x, u, s: State(h=less(x.a, u.a)), "the part 'h' of its state is a comparison"),
    ],
)
def test_a_comparison_is_no_number(function: Any, words: str) -> None:
    made = cell(state="h", gates="a")(function)
    with pytest.raises(LoweringError, match=words):
        lowered(made)


def test_a_matrix_is_no_vector() -> None:
    @cell(state="h", gates="a", matrices={"V": Orthogonal()})
    def mixed(x: Gates, u: Gates, s: State, p: Gates) -> State:
        return State(h=x.a + u.a * p.V)

    with pytest.raises(
        LoweringError, match=r"`.*`: multiply mixes values and matrices; .* product\(value, matrix\) only"
    ):
        lowered(mixed)


def test_a_refused_cell_from_data_names_no_line_of_ours() -> None:
    data = Blueprint.of(named("two_products")).to_data()
    nodes = data["graph"]["nodes"]
    matrix = nodes.index(["matrix", "V"])
    nodes.append(["tanh", matrix])
    data["graph"]["outputs"]["h"] = len(nodes) - 1
    again = Blueprint.from_data(data).cell("again")
    with pytest.raises(LoweringError, match="cell 'again' cannot be lowered: tanh mixes values and matrices"):
        lowered(again)


def test_a_cell_that_nobody_uses_is_forgotten() -> None:
    made = cell(state="h", gates="a")(lambda x, u, s: State(h=x.a + u.a))
    assert lowered(made) is lowered(made)
    watched = weakref.ref(made)
    del made
    gc.collect()
    assert watched() is None


def test_a_cell_beyond_all_bounds_is_refused() -> None:
    @cell(state="h", gates="a", recurrent="none")
    def endless(x: Gates, s: State) -> State:
        value = x.a
        for _ in range(1100):
            value = value * s.h
        return State(h=value)

    with pytest.raises(LoweringError, match="it has 1100 operations, a kernel takes at most 1024"):
        lowered(endless)


def test_a_matrix_or_a_row_that_nobody_uses_does_not_matter() -> None:
    @cell(state="h", gates="a", matrices={"V": Orthogonal()})
    def idle(x: Gates, u: Gates, s: State, p: Gates) -> State:
        return State(h=x.a + u.a)

    assert lowered(idle).keep == 0

    @cell(state="h", gates="a", matrices={"V": Orthogonal()})
    def wasteful(x: Gates, u: Gates, s: State, p: Gates) -> State:
        row_max(product(x.a, p.V))
        return State(h=x.a + u.a)

    assert lowered(wasteful).keep == 0
