from __future__ import annotations

import numpy as np
import pytest
import torch

from ostinato.data.batch import Batch
from ostinato.exporting.reference import program_alone, run_sequences
from ostinato.plan import Recur, plan_of
from tests.exporting.models import POOLS, layer, network, plan

LENGTHS = torch.tensor([7, 0, 1, 4])


def zeros(laid, rows):
    recurrent = [step for step in laid.steps if isinstance(step, Recur)]
    return {name: np.zeros((rows, step.widths[part])) for step in recurrent for part, name in step.state.items()}


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru", "mgu", "slstm", "lstm_projected", "cfc"])
def test_it_walks_both_ways_as_the_layer_does_from_any_state(cell):
    made = layer(cell, layers=2, bidirectional=True).double()
    laid = plan_of(made)
    x, dt = torch.randn(4, 7, 5).double(), torch.rand(4, 7).double()
    extra = {"dt": dt} if made.cell.inputs else None
    _, before = made(x, inputs=extra)
    y, last = made(x, before, lengths=LENGTHS, inputs=extra)
    parts = [(step, part) for step in laid.steps if isinstance(step, Recur) for part in step.state]
    names = [step.state[part] for step, part in parts]
    given = dict(zip(names, [s[p] for s in before for p in s], strict=True))
    ends = dict(zip(names, [s[p] for s in last for p in s], strict=True))
    numbers = {"x": x.numpy(), "dt": dt.numpy()[..., None]} if extra else {"x": x.numpy()}
    shown, state = run_sequences(laid, numbers, {}, LENGTHS.numpy(), {n: v.detach().numpy() for n, v in given.items()})
    # Programs hold their weights in single precision.
    np.testing.assert_allclose(shown["y"], y.detach(), rtol=0, atol=4e-6)
    for name, value in ends.items():
        np.testing.assert_allclose(state[name], value.detach(), rtol=1e-6, atol=4e-6)


@pytest.mark.parametrize("pool", [[], *POOLS], ids=str)
def test_it_pools_as_the_network_does(pool):
    made = network(pool, bidirectional=True)
    laid, ids = plan_of(made), torch.randint(0, 11, (4, 7))
    shown, _ = run_sequences(laid, {}, {"words": ids.numpy()}, LENGTHS.numpy(), zeros(laid, 4))
    wanted = made.decode(Batch(ids, lengths=LENGTHS)).numpy()
    if not pool:
        wanted = np.where((np.arange(7) < LENGTHS.numpy()[:, None])[..., None], wanted, 0)
    np.testing.assert_allclose(shown["probabilities"], wanted, atol=2e-6)


def test_what_stands_past_a_length_is_not_read():
    laid = plan("gru both ways")
    x = np.random.default_rng(0).normal(size=(4, 7, 5))
    clean, _ = run_sequences(laid, {"x": x}, {}, LENGTHS.numpy(), zeros(laid, 4))
    x[np.arange(7) >= LENGTHS.numpy()[:, None]] = np.nan
    dirty, _ = run_sequences(laid, {"x": x}, {}, LENGTHS.numpy(), zeros(laid, 4))
    np.testing.assert_array_equal(clean["y"], dirty["y"])
    assert not dirty["y"][1].any()


def test_one_step_of_a_plan_reads_what_others_made_as_numbers():
    laid = plan("residual and norm")
    widths = {**laid.numbers, **{step.writes: step.width for step in laid.steps}}
    for step in laid.steps:
        assert set(program_alone(step, widths, laid).numbers) == set(step.reads)
