from __future__ import annotations

import numpy as np
import pytest
import torch

from ostinato.data.series import Features, WholeSeries, read_series
from ostinato.tasks.series_sources import LifeWindows, Varied, moments, remaining
from tests.tasks.series_sets import waves

PANEL = read_series(waves(10)[0])
FEATURES = Features.fit(PANEL, calendar=(), scope="panel")


def source(**changes):
    return Varied(WholeSeries(PANEL, FEATURES, np.arange(10), size=4, seed=3), seed=3, **changes)


def same(one, other):
    return all(torch.equal(a.inputs, b.inputs) for a, b in zip(one, other, strict=True))


def test_without_changes_batches_are_those_of_the_source():
    assert same(source().epoch(2), source().source.epoch(2))


@pytest.mark.parametrize("change", ["jitter", "stretch", "warp"])
def test_each_change_acts_and_follows_from_seed_epoch_and_batch(change):
    varied = source(**{change: 0.2})
    assert not same(varied.epoch(0), source().epoch(0))
    assert same(varied.epoch(1), varied.epoch(1))
    assert same(list(varied.epoch(1))[1:], varied.epoch(1, 1))
    assert len(varied) == 3


def test_bent_series_keep_their_ends_and_their_values():
    for plain, bent in zip(source().epoch(0), source(warp=0.3).epoch(0), strict=True):
        rows, last = torch.arange(len(plain.inputs)), plain.lengths - 1
        torch.testing.assert_close(bent.inputs[:, 0], plain.inputs[:, 0])
        torch.testing.assert_close(bent.inputs[rows, last], plain.inputs[rows, last])
        assert bent.inputs.max() <= plain.inputs.max() + 1e-6


def test_a_series_of_one_step_can_be_bent():
    panel = read_series([[5.0], [1.0, 2.0]])
    features = Features.fit(panel, calendar=(), scaling="none")
    [batch] = Varied(WholeSeries(panel, features, [0, 1], size=2, shuffle=False), seed=1, warp=0.5).epoch(0)
    assert batch.inputs[0, 0, 0] == 5.0


def test_windows_tell_what_is_left_up_to_a_cap():
    panel = read_series([[1.0, 2.0, 3.0, 4.0, 5.0], [9.0, 8.0]])
    features = Features.fit(panel, calendar=(), scaling="none")
    windows = LifeWindows(panel, features, window=3, first=4, cap=None, size=8, shuffle=False)
    [batch] = windows.epoch(0)
    assert batch.inputs[..., 0].tolist() == [[2.0, 3.0, 4.0], [3.0, 4.0, 5.0], [9.0, 8.0, 0.0]]
    assert batch.target[:, 0].tolist() == [1.0, 0.0, 0.0]
    assert batch.lengths.tolist() == [3, 3, 2]
    assert moments(panel, 1).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert remaining(panel, moments(panel, 1), 2).tolist() == [2, 2, 2, 1, 0, 1, 0]


def test_an_epoch_may_have_some_of_the_windows_others_each_time():
    windows = LifeWindows(PANEL, FEATURES, window=3, first=2, cap=5, size=100, stride=3, seed=1)
    whole = len(moments(PANEL, 2))
    [one], [other] = windows.epoch(0), windows.epoch(1)
    assert len(one) == len(other) == -(-whole // 3)
    assert not torch.equal(one.inputs, other.inputs)


def test_a_resumed_epoch_has_the_batches_that_were_left():
    windows = LifeWindows(PANEL, FEATURES, window=3, first=2, cap=5, size=7, seed=1)
    assert same(list(windows.epoch(1))[2:], windows.epoch(1, 2))
    assert not torch.equal(next(iter(windows.epoch(1))).inputs, next(iter(windows.epoch(2))).inputs)
