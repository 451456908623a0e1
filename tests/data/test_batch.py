from __future__ import annotations

import pytest
import torch

from ostinato.data.batch import Batch, TokenTable
from ostinato.errors import DataError, OptionError
from ostinato.forest import Forest


def full_batch():
    table = TokenTable(torch.tensor([4, 5, 6]), torch.tensor([7, 8]), torch.tensor([0, 1, 1]))
    return Batch(
        inputs=torch.tensor([[0, 1, 2, 0, 1], [2, 1, 0, 0, 0]]),
        lengths=torch.tensor([5, 3]),
        target=torch.arange(10).reshape(2, 5),
        weight=torch.tensor([1.0, 0.5]),
        reset=torch.tensor([[True, False, False, True, False], [True, False, False, False, False]]),
        table=table,
    )


def test_a_batch_has_as_many_examples_as_rows():
    assert len(full_batch()) == 2


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 9])
def test_windows_laid_side_by_side_are_the_batch(steps):
    batch = full_batch()
    windows = list(batch.windows(steps))
    assert [window.inputs.shape[1] for window in windows[:-1]] == [steps] * (len(windows) - 1)
    for part in ("inputs", "target", "reset"):
        assert torch.equal(torch.cat([getattr(window, part) for window in windows], 1), getattr(batch, part))
    assert torch.equal(sum(window.lengths for window in windows), batch.lengths)
    for window in windows:
        assert (window.lengths >= 0).all()
        assert (window.lengths <= window.inputs.shape[1]).all()
        assert window.weight is batch.weight
        assert window.table is batch.table


def test_windows_may_begin_later():
    batch = full_batch()
    for start in range(4):
        tail = [window.inputs.tolist() for window in batch.windows(2, start=start)]
        assert tail == [window.inputs.tolist() for window in batch.windows(2)][start:]


def test_numbers_are_cut_along_time_only():
    windows = list(Batch(torch.arange(24.0).reshape(2, 4, 3), target=torch.zeros(2, 4, 3)).windows(3))
    assert [window.inputs.shape for window in windows] == [(2, 3, 3), (2, 1, 3)]
    assert [window.target.shape for window in windows] == [(2, 3, 3), (2, 1, 3)]


def test_one_target_a_sequence_cannot_be_cut():
    batch = Batch(torch.zeros(3, 5, 1), target=torch.tensor([0, 1, 2]))
    with pytest.raises(DataError) as caught:
        batch.windows(2)
    assert str(caught.value) == (
        "this batch has one target a sequence (target [3]) and cannot be cut into windows: truncated "
        "backpropagation wants a target at every step; train it with truncate=0"
    )


def test_a_batch_without_targets_can_be_cut():
    assert len(list(Batch(torch.zeros(3, 5, 1)).windows(2))) == 3


@pytest.mark.parametrize("steps", [0, -1])
def test_a_window_has_at_least_one_step(steps):
    with pytest.raises(OptionError, match=f"a whole number of steps from 1 on, got {steps}"):
        full_batch().windows(steps)


def test_a_batch_moves_with_all_its_parts():
    moved = full_batch().to("meta")
    assert {part.device.type for part in (moved.inputs, moved.lengths, moved.target, moved.weight, moved.reset)} == {
        "meta"
    }
    assert isinstance(moved.table, TokenTable)
    assert {part.device.type for part in moved.table} == {"meta"}
    bare = Batch(torch.zeros(1, 1)).to("meta")
    assert bare.lengths is None
    assert bare.table is None


def test_a_forest_has_as_many_examples_as_trees():
    batch = Batch(torch.tensor([1, 2, 3]), forest=Forest.of([[-1, 0], [-1]]))
    assert len(batch) == 2
    with pytest.raises(DataError, match="trees have no time axis to be cut"):
        batch.windows(1)


def test_its_pace_goes_with_it_to_a_device_and_into_its_windows():
    batch = Batch(torch.zeros(2, 3, 1), pace=0.5).to("cpu")
    assert [window.pace for window in batch.windows(2)] == [batch.pace] * 2 == [0.5, 0.5]
