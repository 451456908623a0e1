from __future__ import annotations

import torch

from ostinato.bench.inputs import draw
from ostinato.bench.peers.gradients import named_leaves, part, tensors, work
from tests.bench.inside import small


def test_what_gets_gradients_asks_for_them_in_training_only():
    for train in (True, False):
        made = tensors(small(train=train, ragged=True), draw(small(train=train, ragged=True)))
        asking = {name for name, tensor in made.items() if tensor.requires_grad}
        assert asking == (set(named_leaves(made)) if train else set())
    assert not {"lengths", "back.y"} & set(named_leaves(made))


def test_the_precision_is_the_job_s():
    job = small(precision="float64", ragged=True)
    made = tensors(job, draw(job))
    assert made["x"].dtype == torch.float64
    assert made["lengths"].dtype == torch.int64


def test_outputs_and_gradients_come_back_by_name():
    x = torch.ones(2, requires_grad=True)
    made = work(small(), lambda: (3 * x,), ("y",), {"x": x}, {"y": torch.ones(2)})
    found = made.results(made.call())
    assert {name: array.tolist() for name, array in found.items()} == {"y": [3.0, 3.0], "grad.x": [3.0, 3.0]}


def test_forward_keeps_no_graph():
    x = torch.ones(2, requires_grad=True)
    (y,) = work(small(train=False), lambda: (3 * x,), ("y",), {"x": x}, {}).call()
    assert y.is_inference()
    assert part({"a.b": 1, "c": 2}, "a.") == {"b": 1}
