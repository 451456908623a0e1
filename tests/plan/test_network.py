import pytest

from ostinato.layers import Recurrent
from ostinato.plan import Recur, plan_of


def test_a_step_is_found_by_what_it_writes():
    plan = plan_of(Recurrent("lstm", 3, 4, layers=2))
    step = plan.step("layer1")
    assert isinstance(step, Recur)
    assert (step.inputs, step.hidden, step.state) == (4, 4, {"h": "layer1.h", "c": "layer1.c"})
    with pytest.raises(StopIteration):
        plan.step("layer2")


def test_a_program_is_made_once():
    plan = plan_of(Recurrent("gru", 3, 4))
    assert plan.program is plan.program
