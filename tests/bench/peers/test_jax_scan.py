from __future__ import annotations

import pytest

from ostinato.bench.agreement import beyond, errors
from ostinato.bench.peers import jax_scan
from ostinato.bench.registry import ROWS
from tests.bench.inside import outcome, small


def test_every_cell_that_the_registry_asks_of_it_is_written():
    assert set(jax_scan.STEPS) == {point.ours.job.cell for point in ROWS["jax-forward"].points}


@pytest.mark.parametrize("cell", jax_scan.STEPS)
def test_it_computes_what_ours_computes(cell):
    pytest.importorskip("jax", reason="jax is not installed here")
    job = small(cell, train=False)
    assert not beyond(errors(outcome("jax", job), outcome("ours", job)))
    assert jax_scan.about()["jax"]
