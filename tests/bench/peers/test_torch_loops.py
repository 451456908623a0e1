from __future__ import annotations

import pytest

from ostinato.bench.agreement import beyond, errors
from ostinato.bench.peers import torch_loops
from ostinato.bench.user_cells import USER_CELLS
from tests.bench.inside import outcome, small


@pytest.mark.parametrize("style", ["loop", "indexing"])
@pytest.mark.parametrize("cell", USER_CELLS)
def test_the_loops_compute_what_the_cells_say(cell, style):
    job = small(cell)
    assert not beyond(errors(outcome("torch", small(cell, style=style)), outcome("ours", job)))


def test_every_cell_of_a_user_has_its_loop():
    assert set(torch_loops.STEPS) == set(USER_CELLS)
    assert torch_loops.about()["torch"]
