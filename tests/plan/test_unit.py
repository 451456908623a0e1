import pytest

from ostinato.cells import BUILT_IN
from ostinato.layers import Recurrent
from ostinato.lowering.blueprint import Blueprint
from ostinato.plan import plan_of
from ostinato.plan.unit import joined_gates

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
