import numpy as np
import pytest

from ostinato.cells import BUILT_IN
from ostinato.errors import ExportError
from ostinato.exporting.proof import SEQUENCE, STEP, trials
from ostinato.layers import Recurrent
from ostinato.plan import plan_of
from ostinato.plan.program import Draft
from tests.exporting.c99_machines import all_kinds


def test_the_same_trials_are_made_every_time():
    one, other = trials(all_kinds(), steps=4), trials(all_kinds(), steps=4)
    assert [trial.kind for trial in one] == [trial.kind for trial in other]
    for first, second in zip(one, other, strict=True):
        assert all(np.array_equal(first.outputs[name], second.outputs[name]) for name in first.outputs)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_what_a_float32_run_gives_is_within_what_is_allowed(cell):
    program = plan_of(Recurrent(cell, 3, 4)).program
    for trial in trials(program, steps=20):
        state = {name: value.astype(np.float32) for name, value in trial.state.items()}
        outputs, states = [], []
        for t in range(trial.steps):
            numbers = {name: series[t] for name, series in trial.numbers.items()}
            shown, state = program.run(numbers, {}, state, np.float32)
            outputs.append(shown)
            states.append(state)
        off = trial.check(
            {name: np.stack([at[name] for at in outputs]) for name in program.outputs},
            {name: np.stack([at[name] for at in states]) for name in program.state},
        )
        assert trial.steps > 1 or off <= STEP


def test_a_step_from_a_random_state_is_held_to_its_tolerance_and_no_more():
    for trial in trials(all_kinds(), steps=3):
        if trial.steps == 1:
            for name, wanted in trial.outputs.items():
                assert trial.allowed[f"output {name}"] == STEP * max(1.0, np.abs(wanted).max())
        assert all((limit >= STEP).all() for limit in trial.allowed.values())


def test_a_network_that_magnifies_every_rounding_may_be_off_by_as_much():
    draft = Draft()
    h = draft.state("h", 1)
    grown = draft.apply("sin", draft.apply("multiply", draft.constant(9.0), h))
    new = draft.apply("add", grown, draft.apply("multiply", draft.constant(1e-3), draft.number("x", 1)))
    *_, long = trials(draft.program({"h": new}, {"y": new}), steps=60)
    assert long.allowed["output y"][0] == SEQUENCE
    assert long.allowed["output y"][-1] > 100 * SEQUENCE


def test_what_differs_is_refused_with_its_place():
    *_, long = trials(all_kinds(), steps=6)
    outputs = {name: value.copy() for name, value in long.outputs.items()}
    long.check(outputs, long.states)
    outputs["y"][4, 2] += 1.0
    with pytest.raises(
        ExportError, match=r"a sequence of 6 steps, step 4, output 'y', number 2: wanted .*, got .*, and"
    ):
        long.check(outputs)


def test_not_a_number_is_refused():
    first, *_ = trials(all_kinds(), steps=2)
    states = {name: value.copy() for name, value in first.states.items()}
    states["h.0"][0, 1] = np.nan
    with pytest.raises(ExportError, match=r"state 'h\.0', number 1: .* got nan"):
        first.check(first.outputs, states)
