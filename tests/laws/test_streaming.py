"""What was trained is what runs: every causal cell, streamed in any way."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

import ostinato as ost
from ostinato.cells import BUILT_IN
from ostinato.layers import Recurrent

VARIANTS = {"layer_norm": "gates", "zoneout": 0.1, "clip": 0.9, "recurrent_dropout": 0.2, "state_dropout": 0.3}


def made(cell, **options):
    """A layer of odd sizes, the session that streams it, and samples with what else comes in."""
    torch.manual_seed(7)
    layer = Recurrent(cell, 3, 8, **options).eval()
    return layer, ost.stream(layer)


def pushed(session, x, dt):
    return session.push(x, dt=dt) if "dt" in session.inputs else session.push(x)


def samples(steps):
    rng = np.random.default_rng(3)
    return rng.standard_normal((steps, 3)).astype(np.float32), rng.random(steps).astype(np.float32)


def in_chunks(session, x, dt, sizes):
    """The outputs of a sequence that is pushed in chunks of these sizes, again and again."""
    shown, first, turn = [], 0, 0
    while first < len(x):
        last = first + sizes[turn % len(sizes)]
        shown.append(pushed(session, x[first:last], dt[first:last]))
        first, turn = last, turn + 1
    return np.concatenate(shown)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_one_step_at_a_time_any_chunks_and_the_whole_give_the_same_bits(cell):
    _, session = made(cell)
    x, dt = samples(200)
    whole = pushed(session, x, dt)
    assert np.isfinite(whole).all()
    for sizes in ([1], [200], [1, 2, 3, 5, 8, 13], [64, 1]):
        session.reset()
        np.testing.assert_array_equal(in_chunks(session, x, dt, sizes), whole)
    session.reset()
    one_by_one = [pushed(session, x[t], dt[t]) for t in range(len(x))]
    np.testing.assert_array_equal(np.stack(one_by_one), whole)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_hundred_thousand_steps_give_the_same_bits_in_chunks(cell):
    _, session = made(cell)
    x, dt = samples(100_000)
    whole = pushed(session, x, dt)
    session.reset()
    np.testing.assert_array_equal(in_chunks(session, x, dt, [997, 1, 30_000]), whole)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_stream_follows_the_layer_that_was_trained(cell):
    layer, session = made(cell, layers=2)
    x, dt = samples(1000)
    extra = {"dt": torch.from_numpy(dt)[None]} if "dt" in session.inputs else None
    with torch.inference_mode():
        wanted = layer(torch.from_numpy(x)[None], inputs=extra)[0][0].numpy()
    np.testing.assert_allclose(pushed(session, x, dt), wanted, rtol=0, atol=1e-5 * max(1.0, np.abs(wanted).max()))


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru", "mgu", "indrnn", "slstm", "sru", "rglru"])
def test_what_acts_inside_the_loop_streams_too(cell):
    # Without recurrent weights there is nothing that a dropped state would be hidden from.
    inside = {name: v for name, v in VARIANTS.items() if name != "state_dropout" or BUILT_IN[cell].sees}
    layer, session = made(cell, **inside, engine="reference")
    x, dt = samples(50)
    with torch.inference_mode():
        wanted = layer(torch.from_numpy(x)[None])[0][0].numpy()
    np.testing.assert_allclose(pushed(session, x, dt), wanted, rtol=0, atol=2e-5)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_snapshot_goes_on_where_it_was_taken(cell):
    layer, session = made(cell)
    x, dt = samples(60)
    pushed(session, x[:31], dt[:31])
    data = session.snapshot()
    rest = pushed(session, x[31:], dt[31:])
    other = ost.stream(layer)
    other.restore(data)
    np.testing.assert_array_equal(pushed(other, x[31:], dt[31:]), rest)
    assert other.snapshot() == session.snapshot()


@pytest.mark.parametrize("cell", BUILT_IN)
def test_sessions_beside_each_other_do_not_disturb_each_other(cell):
    _, session = made(cell)
    x, dt = samples(40)
    alone = pushed(session, x, dt)
    session.reset()
    pushed(session, x[:10], dt[:10])
    fork = session.fork()
    for t in range(10, 40):
        np.testing.assert_array_equal(pushed(session, x[t], dt[t]), alone[t])
        pushed(fork, -x[t], dt[t])
    assert session.snapshot() != fork.snapshot()


def test_two_threads_may_push_to_two_sessions():
    _, session = made("lstm", layers=3)
    x, dt = samples(20_000)
    wanted = pushed(session, x, dt)
    forks = [session.fork() for _ in range(2)]
    for fork in forks:
        fork.reset()
    got = [None, None]

    def work(place):
        got[place] = in_chunks(forks[place], x, dt, [1000 + place])

    threads = [threading.Thread(target=work, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for shown in got:
        np.testing.assert_array_equal(shown, wanted)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_silence_after_noise_keeps_numbers_finite(cell):
    _, session = made(cell)
    x, dt = samples(20)
    pushed(session, x, dt)
    quiet = pushed(session, np.zeros((20_000, 3), np.float32), np.ones(20_000, np.float32))
    assert np.isfinite(quiet).all()
    state = np.concatenate(list(session.state().values()))
    assert not ((np.abs(state) > 0) & (np.abs(state) < np.finfo(np.float32).tiny)).any()
