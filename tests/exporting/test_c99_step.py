import pytest

from ostinato.cells import BUILT_IN
from ostinato.exporting.c99_draft import Draft
from ostinato.layers import Recurrent
from ostinato.plan import plan_of
from ostinato.plan.program import Draft as Program


def body_of(cell, *shape):
    return Draft.of(plan_of(Recurrent(cell, *shape)).program, "net").body


def test_a_gru_is_three_products_and_one_loop_that_a_reader_knows():
    body = body_of("gru", 5, 8)
    assert sum("add_product" in line for line in body.lines) == 3
    assert sum(line.startswith("for") for line in body.lines) == 1
    loop = [line.strip() for line in body.lines if "const float" in line]
    assert loop == [
        "const float sigmoid_11 = sigmoid_of(layer0_R_6[i]);",
        "const float tanh_14 = tanh_of((sigmoid_11 * layer0_Rn_10[i]) + layer0_W_3[16 + i]);",
        "const float sigmoid_16 = sigmoid_of(layer0_R_6[8 + i]);",
        "const float add_20 = (tanh_14 * (1.0f - sigmoid_16)) + (sigmoid_16 * state->layer0_h[i]);",
    ]


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_step_keeps_few_numbers_on_the_stack(cell):
    body = body_of(cell, 8, 8)
    assert body.scratch <= 20 * 8


def test_the_state_is_written_after_everything_was_computed_and_checked():
    lines = body_of("lstm", 3, 4).lines
    commits = [k for k, line in enumerate(lines) if line.startswith("commit(")]
    check = next(k for k, line in enumerate(lines) if "all_finite" in line)
    assert len(commits) == 2
    assert check < commits[0]
    assert not [
        line for line in lines[:check] if "state->" in line.partition("=")[0] and "=" in line and "(" not in line
    ]


def test_a_part_that_takes_over_another_part_reads_it_before_it_is_written():
    draft = Program()
    one, two = draft.state("one", 2), draft.state("two", 2)
    program = draft.program({"one": two, "two": one}, {"y": draft.number("x", 2)})
    lines = Draft.of(program, "net").body.lines
    assert [line for line in lines if line.startswith("copy(old")] == [
        "copy(old_one, state->two, 2);",
        "copy(old_two, state->one, 2);",
    ]
