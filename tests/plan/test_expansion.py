import numpy as np
import pytest

from ostinato.cells import BUILT_IN
from ostinato.errors import PlanError
from ostinato.layers import Recurrent
from ostinato.lowering.blueprint import Blueprint
from ostinato.plan import Affine, Norm, Softmax, Step, Sum, expand, plan_of, program_of
from ostinato.plan.expansion import joined_gates

JOINED = {"lstm": "i f g o", "gru": "r z", "elman": "h", "gru_dreamer": "r n z", "mgu": "f", "mingru": "", "indrnn": ""}


@pytest.mark.parametrize("cell", JOINED)
def test_gates_that_add_both_shares_and_use_them_nowhere_else_are_made_by_one_product(cell):
    assert joined_gates(Blueprint.of(BUILT_IN[cell])) == tuple(JOINED[cell].split())


@pytest.mark.parametrize("cell", JOINED)
def test_no_product_is_computed_that_nobody_reads(cell):
    program = plan_of(Recurrent(cell, 3, 4)).program
    read = {i for value in program.values for i in value.arguments}
    read.update(program.after.values(), program.outputs.values())
    assert read == set(range(len(program.values)))


def test_steps_without_a_state_are_vectors_of_arithmetic():
    weight = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]])
    steps = [
        Affine(("x",), "a", 3, weight, np.array([1.0, 0.0, 0.0])),
        Sum(("a", "a"), "twice", 3),
        Norm(("twice",), "n", 3, np.ones(3), np.full(3, 0.5), 1e-5),
        Softmax(("n",), "p", 3),
    ]
    shown, _ = program_of(steps, {"x": 2}, {}, {"n": "n", "p": "p"}).run({"x": [1.0, -1.0]}, {}, {})
    twice = 2 * (weight @ [1.0, -1.0] + [1.0, 0.0, 0.0])
    normed = (twice - twice.mean()) / np.sqrt(twice.var() + 1e-5) + 0.5
    np.testing.assert_allclose(shown["n"], normed, atol=1e-6)
    np.testing.assert_allclose(shown["p"], np.exp(normed) / np.exp(normed).sum(), atol=1e-6)


def test_a_step_of_an_unknown_kind_is_refused():
    with pytest.raises(PlanError, match="kind Step"):
        expand(Step((), "x", 1), None)
