from __future__ import annotations

import pytest

from ostinato.bench.agreement import beyond, errors
from ostinato.bench.inputs import draw
from ostinato.bench.peers import peer_of, torch_layers
from tests.bench.inside import outcome, small

LOOP = {"engine": "reference"}


@pytest.mark.parametrize("cell", torch_layers.LAYERS)
@pytest.mark.parametrize("more", [{}, {"ragged": True}, {"train": False}], ids=["training", "lengths", "forward"])
def test_torch_s_layers_are_given_the_same_numbers(cell, more):
    assert not beyond(errors(outcome("torch", small(cell, **more)), outcome("ours", small(cell, **more, **LOOP))))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_stack_gives_its_gradients_by_torch_s_names(cell):
    found = outcome("torch", small(cell, layers=2))
    assert found["y"].shape == (3, 7, 10)
    assert found["h"].shape == (4, 3, 5)
    assert "grad.weight.weight_hh_l1_reverse" in found
    assert not beyond(errors(outcome("ours", small(cell, layers=2)), found))
    assert torch_layers.about()["torch"]


def test_only_doors_of_ours_tell_their_engine():
    job = small("lstm", layers=2)
    works = {peer: peer_of(peer).prepare(job, draw(job)) for peer in ("torch", "ours")}
    assert works["torch"].engine == ""
    assert works["ours"].engine.partition(" ")[0] in ("cpu", "torch")
