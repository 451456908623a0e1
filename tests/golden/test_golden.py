"""Each built-in cell still answers what it always answered, to the numbers kept here."""

from __future__ import annotations

import json

import pytest
import torch

from ostinato import ops
from ostinato.cells import BUILT_IN
from tests.golden.make import FOLDER, golden, wave, weights


@pytest.mark.parametrize("engine", [e.name for e in ops.ENGINES])
@pytest.mark.parametrize("name", BUILT_IN)
def test_the_numbers_have_not_moved(name: str, engine: str) -> None:
    kept = json.loads((FOLDER / f"{name}.json").read_text())
    y, state = ops.recur(name, wave(2, 4, 3, phase=0.4), weights(name, 3, 2), engine=engine)
    torch.testing.assert_close(y, torch.tensor(kept["y"], dtype=torch.float64), rtol=1e-12, atol=1e-14)
    for part, value in kept["state"].items():
        wanted = torch.tensor(value, dtype=torch.float64)
        torch.testing.assert_close(state[part], wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_numbers_are_those_of_torch(name: str) -> None:
    kept = json.loads((FOLDER / f"{name}.json").read_text())
    torch.testing.assert_close(torch.tensor(golden(name)["y"]), torch.tensor(kept["y"]), rtol=1e-12, atol=1e-14)
