from __future__ import annotations

import pytest
import torch

from ostinato.cells import BUILT_IN, find
from ostinato.certificates import memory, tracking
from ostinato.certificates.network import Network, right

FOLLOWED = tracking.s3
NUMBERS = memory.adding(6, ())


@pytest.mark.parametrize("task", [FOLLOWED, NUMBERS], ids=lambda task: task.name)
def test_the_loss_reaches_every_weight(task):
    network = Network("gru", task, hidden=6)
    batch = task.draw(torch.Generator().manual_seed(0), 4, 6)
    loss, answers = network.loss(batch)
    loss.backward()
    assert answers.shape == (4, int(batch.labelled.sum()), task.classes or 1)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_answers_are_given_at_the_steps_that_are_asked_for():
    network = Network("elman", FOLLOWED, hidden=5)
    batch = FOLLOWED.draw(torch.Generator().manual_seed(0), 2, 9)
    torch.testing.assert_close(network(batch.inputs, batch.judged), network(batch.inputs, batch.labelled)[:, -2:])


def test_a_number_is_right_within_a_tenth_and_a_class_when_it_is_the_likeliest():
    near = torch.tensor([[[0.95], [0.85]]])
    assert right(NUMBERS, near, torch.ones(1, 2)).tolist() == [[True, False]]
    scores = torch.eye(6)[None, :2]
    assert right(FOLLOWED, scores, torch.tensor([[0, 2]])).tolist() == [[True, False]]


def test_layers_and_the_time_scale_change_the_network():
    torch.manual_seed(0)
    plain = Network("gru", FOLLOWED, hidden=5)
    torch.manual_seed(0)
    chrono = Network("gru", FOLLOWED, hidden=5, timescale=50.0)
    assert not plain.body.directions()[0][0].b.equal(chrono.body.directions()[0][0].b)
    assert len(Network("gru", FOLLOWED, hidden=5, layers=2).body.directions()) == 2
    assert plain.body.cell is find("gru")


@pytest.mark.parametrize("cell", BUILT_IN.values(), ids=lambda cell: cell.name)
def test_every_built_in_cell_is_trained_as_it_wants_to_be(cell):
    network = Network(cell, FOLLOWED, hidden=8)
    batch = FOLLOWED.draw(torch.Generator().manual_seed(0), 4, 6)
    network.loss(batch)[0].backward()
    # A reservoir stays as it was drawn, and what reads it learns.
    learns = {part for part in ("body", "answer") for p in getattr(network, part).parameters() if p.grad is not None}
    assert learns == ({"body", "answer"} if cell.trained else {"answer"})
    assert network.engine(batch).engine


def test_several_symbols_of_one_step_are_seen_together():
    task = memory.four_pairs
    batch = task.draw(torch.Generator().manual_seed(0), 3, 2)
    marks = Network("gru", task, hidden=4)._numbers(batch.inputs)
    assert marks.shape == (3, 4, task.inputs)
    assert (marks.sum(2) == 2).all()
    assert marks[0, 0].nonzero().flatten().tolist() == sorted(batch.inputs[0, 0].tolist())
