from __future__ import annotations

import numpy as np
import pytest

from ostinato.cells import BUILT_IN, Gates, cell, sigmoid, tanh
from ostinato.exporting.onnx_operators import FORMS, form_of, packed
from ostinato.lowering.blueprint import Blueprint
from ostinato.lowering.variants import clip, resting, zoneout
from ostinato.plan import plan_of
from ostinato.state import State
from tests.exporting.models import layer


def test_a_cell_is_known_by_what_it_computes_and_not_by_its_name():
    @cell(state="h", gates="r z n", recurrent_bias=True)
    def mine(x: Gates, u: Gates, s: State) -> State:
        """A GRU that was written again."""
        r, z = sigmoid(x.r + u.r), sigmoid(x.z + u.z)
        n = tanh(x.n + r * u.n)
        return State(h=(1 - z) * n + z * s.h)

    @cell(state="h", gates="r z n", recurrent_bias=True)
    def gru(x: Gates, u: Gates, s: State) -> State:
        """Called like the GRU, and another cell: the gate blends the other way round."""
        r, z = sigmoid(x.r + u.r), sigmoid(x.z + u.z)
        n = tanh(x.n + r * u.n)
        return State(h=z * n + (1 - z) * s.h)

    assert form_of(Blueprint.of(mine)) is FORMS["gru"]
    assert form_of(Blueprint.of(gru)) is None


def test_the_cells_with_an_operator_are_these():
    found = {name for name, member in BUILT_IN.items() if form_of(Blueprint.of(member))}
    assert (
        found
        == set(FORMS)
        == {
            *("elman", "elman_relu", "lstm", "lstm_peephole", "lstm_coupled", "gru", "gru_reset_before"),
        }
    )


@pytest.mark.parametrize(
    "variant", [lambda c: clip(c, 0.5), lambda c: resting(zoneout(c, 0.1))], ids=["clip", "zoneout"]
)
def test_a_cell_with_a_change_inside_has_no_operator(variant):
    assert form_of(Blueprint.of(variant(BUILT_IN["gru"]))) is None


@pytest.mark.parametrize("name", FORMS)
def test_weights_are_packed_in_the_order_of_the_standard(name):
    (step,) = plan_of(layer(name, 3, 4)).steps
    form = FORMS[name]
    made, gates = packed(step, form), len(form.gates)
    assert made["W"].shape == (1, 4 * gates, 3)
    assert made["R"].shape == (1, 4 * gates, 4)
    assert made["B"].shape == (1, 8 * gates)
    assert ("P" in made) == bool(form.peepholes)
    for place, gate in enumerate(form.gates):
        ours = step.cell.gates.index(gate.strip("-")) * 4
        sign = -1 if gate.startswith("-") else 1
        rows = slice(4 * place, 4 * place + 4)
        np.testing.assert_array_equal(made["W"][0, rows], sign * step.weights["W"][ours : ours + 4])
        np.testing.assert_array_equal(made["B"][0, rows], sign * step.weights["b"][ours : ours + 4])
    halves = made["B"][0, 4 * gates :]
    assert halves.any() == step.cell.recurrent_bias
