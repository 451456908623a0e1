from __future__ import annotations

import pytest

from ostinato.bench.agreement import beyond, errors
from ostinato.bench.inputs import draw
from ostinato.bench.peers import ours
from ostinato.bench.user_cells import USER_CELLS
from tests.bench.inside import outcome, small


def test_the_engine_is_told_and_can_be_asked_for():
    job = small(engine="reference", precision="float64")
    work = ours.prepare(job, draw(job))
    assert work.engine == "reference"
    assert work.results(work.call())["grad.weight.br"].dtype == "float64"
    assert "torch" in ours.about()


@pytest.mark.parametrize("cell", ["gru", "lstm", *USER_CELLS])
def test_the_engine_that_is_chosen_agrees_with_the_loop(cell):
    assert not beyond(errors(outcome("ours", small(cell)), outcome("ours", small(cell, engine="reference"))))
