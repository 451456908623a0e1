import numpy as np
import pytest

from ostinato.errors import PlanError, ShapeError
from ostinato.plan.program import Draft, Ids


def test_equal_values_are_one_and_unneeded_ones_are_left_out():
    draft = Draft()
    x = draft.number("x", 3)
    first, again = draft.apply("tanh", x), draft.apply("tanh", x)
    draft.apply("exp", x)
    program = draft.program({}, {"y": draft.apply("add", first, again)})
    assert [value.kind for value in program.values] == ["number", "tanh", "add"]


def test_what_hangs_on_weights_alone_is_computed_when_the_program_is_made():
    draft = Draft()
    x, nu = draft.number("x", 2), draft.weight([0.0, 1.0], "nu")
    decay = draft.apply("exp", draft.apply("negate", draft.apply("exp", nu)))
    program = draft.program({}, {"y": draft.apply("multiply", decay, x)})
    assert [value.kind for value in program.values] == ["number", "weight", "multiply"]
    (kept,) = program.weights.values()
    np.testing.assert_allclose(kept, np.exp(-np.exp([0.0, 1.0])), rtol=1e-7)


def test_lookups_sum_rows_and_no_ids_give_zeros():
    table = np.arange(8.0).reshape(4, 2)
    draft = Draft({"t": table})
    of = Ids(4, many=True)
    total, mean, count = draft.lookup("t", "i", of), draft.lookup("t", "i", of, mean=True), draft.count("i", of)
    program = draft.program({}, {"total": total, "mean": mean, "count": count})
    shown, _ = program.run({}, {"i": [1, 3, 3]}, {})
    assert shown["total"].tolist() == [14.0, 17.0]
    np.testing.assert_allclose(shown["mean"], [14 / 3, 17 / 3])
    assert shown["count"] == [3.0]
    empty, _ = program.run({}, {"i": []}, {})
    assert empty["total"].tolist() == empty["mean"].tolist() == [0.0, 0.0]
    with pytest.raises(ShapeError, match="from 0 to 3"):
        program.run({}, {"i": [4]}, {})


def test_zero_and_minus_zero_stay_apart():
    draft = Draft()
    x = draft.number("x", 1)
    one, other = (draft.apply("multiply", x, draft.constant(zero)) for zero in (0.0, -0.0))
    program = draft.program({}, {"one": one, "other": other})
    shown, _ = program.run({"x": [1.0]}, {}, {})
    assert np.signbit(shown["other"])
    assert not np.signbit(shown["one"])


REFUSED = {
    "vectors of two widths": lambda d: d.apply("add", d.number("x", 2), d.number("z", 3)),
    "an operation that is unknown": lambda d: d.apply("tan", d.number("x", 2)),
    "a slice past the end": lambda d: d.slice(d.number("x", 2), 1, 2),
    "a matrix of another width": lambda d: d.product(d.number("x", 2), "M"),
    "one input of two widths": lambda d: [d.number("x", 2), d.number("x", 3)],
    "a part of the state twice": lambda d: [d.state("h", 2), d.state("h", 2)],
    "a state without a new value": lambda d: [d.state("h", 2), d.program({}, {})],
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_draft_refuses_what_cannot_be(what):
    with pytest.raises(PlanError):
        REFUSED[what](Draft({"M": np.zeros((3, 3))}))


def test_a_new_state_of_another_width_is_refused():
    draft = Draft()
    draft.state("h", 2)
    with pytest.raises(PlanError, match="2 wide"):
        draft.program({"h": draft.number("x", 3)}, {})


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("room", [0, 100])
def test_a_product_of_a_tables_row_becomes_the_row_of_a_table_where_there_is_room(room, bias, many):
    rng = np.random.default_rng(0)
    table, M, b = rng.standard_normal((9, 2)), rng.standard_normal((2, 3)), rng.standard_normal(3)
    draft = Draft({"E": table, "M": M}, room=room)
    row = draft.lookup("E", "words", Ids(9, many=many))
    y = draft.product(row, "M", draft.weight(b, "b") if bias else None)
    program = draft.program({}, {"y": y})
    products = [value for value in program.values if value.kind == "product"]
    assert bool(products) == (many or room == 0)
    assert set(program.weights) == ({"E", "M", *(["b"] if bias else [])} if products else {"M_of_E"})
    shown, _ = program.run({}, {"words": [4]}, {})
    np.testing.assert_allclose(shown["y"], table[4] @ M + (b if bias else 0), atol=1e-6)


def test_a_table_of_products_that_is_no_larger_than_the_matrix_is_always_made():
    draft = Draft({"E": np.ones((2, 5)), "M": np.ones((5, 3))})
    y = draft.product(draft.lookup("E", "words", Ids(2)), "M")
    assert [value.kind for value in draft.program({}, {"y": y}).values] == ["lookup_sum"]
    # What begins with a state hangs on more than an id.
    draft = Draft({"E": np.ones((2, 5)), "M": np.ones((5, 3))})
    h = draft.state("h", 3)
    y = draft.product(draft.lookup("E", "words", Ids(2)), "M", h)
    assert "product" in {value.kind for value in draft.program({"h": y}, {"y": y}).values}
