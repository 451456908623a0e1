"""Each built-in cell still answers what it always answered, to the numbers kept here."""

from __future__ import annotations

import json

import pytest
import torch

from ostinato import ops
from ostinato.cells import BUILT_IN
from tests.golden.make import FOLDER, given, golden, wave, weights, width


def call(name: str) -> tuple[ops.Call, list[str]]:
    """A golden run, and the engines that serve it."""
    made, x = weights(name, 3, width(name)), wave(2, 4, 3, phase=0.4)
    checked = ops.checked_call(BUILT_IN[name], x, made, None, None, None, False, given(name))
    return checked, [engine.name for engine in ops.ENGINES if engine.refusal(checked) is None]


RUNS = [(name, engine) for name in BUILT_IN for engine in call(name)[1]]


@pytest.mark.parametrize(("name", "engine"), RUNS)
def test_the_numbers_have_not_moved(name: str, engine: str) -> None:
    kept, run = json.loads((FOLDER / f"{name}.json").read_text()), call(name)[0]
    y, state = ops.recur(name, run.x, run.weights, inputs=given(name), engine=engine)
    torch.testing.assert_close(y, torch.tensor(kept["y"], dtype=torch.float64), rtol=1e-12, atol=1e-14)
    for part, value in kept["state"].items():
        wanted = torch.tensor(value, dtype=torch.float64)
        torch.testing.assert_close(state[part], wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_numbers_are_those_of_torch_or_of_the_formula(name: str) -> None:
    kept = json.loads((FOLDER / f"{name}.json").read_text())
    torch.testing.assert_close(torch.tensor(golden(name)["y"]), torch.tensor(kept["y"]), rtol=1e-12, atol=1e-14)
