"""Sequences of different lengths, and their other forms."""

from __future__ import annotations

import pytest
import torch

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.sequence import Sequences


def some() -> Sequences:
    return Sequences.of([torch.arange(1.0, 4.0)[:, None], torch.arange(5.0, 6.0)[:, None], torch.ones(2, 1)])


def test_rows_come_back_as_they_went_in() -> None:
    assert [row.flatten().tolist() for row in some().rows()] == [[1.0, 2.0, 3.0], [5.0], [1.0, 1.0]]
    assert len(some()) == 3


def test_the_packed_form_and_back_is_the_identity() -> None:
    again = Sequences.from_packed(some().to_packed())
    assert torch.equal(again.data, some().data)
    assert torch.equal(again.lengths, some().lengths)


def test_what_the_packed_form_cannot_hold_is_refused() -> None:
    with pytest.raises(DataError, match="cannot hold an empty sequence"):
        Sequences(torch.ones(2, 3, 1), torch.tensor([3, 0])).to_packed()
    with pytest.raises(DataError, match="cannot hold resets"):
        Sequences(torch.ones(1, 2, 1), torch.tensor([2]), torch.zeros(1, 2, dtype=torch.bool)).to_packed()


def test_padding_is_set_whatever_it_held() -> None:
    dirty = torch.where(some().valid[..., None], some().data, torch.nan)
    padded = Sequences(dirty, some().lengths).to_padded(-1.0)
    assert padded[..., 0].tolist() == [[1.0, 2.0, 3.0], [5.0, -1.0, -1.0], [1.0, 1.0, -1.0]]


def test_padding_on_the_left_moves_to_the_right() -> None:
    data = torch.tensor([[0, 0, 1], [4, 5, 6], [0, 2, 3]])
    reset = torch.tensor([[False, False, True]] * 3)
    moved = Sequences.from_padded(data, torch.tensor([1, 3, 2]), side="left", reset=reset)
    assert [row.tolist() for row in moved.rows()] == [[1], [4, 5, 6], [2, 3]]
    assert moved.reset is not None
    assert moved.reset[:, :3].tolist() == [[True, False, False], [False, False, True], [False, True, False]]
    with pytest.raises(OptionError, match="'left' or 'right', got 'both'"):
        Sequences.from_padded(data, torch.tensor([1, 3, 2]), side="both")


def test_turning_twice_is_the_identity() -> None:
    turned = some().reversed()
    assert turned.rows()[0].flatten().tolist() == [3.0, 2.0, 1.0]
    assert torch.equal(turned.reversed().data, some().data)


def test_resets_cannot_be_turned() -> None:
    with pytest.raises(DataError, match="let the layer run in reverse"):
        Sequences(torch.ones(1, 2, 1), torch.tensor([2]), torch.zeros(1, 2, dtype=torch.bool)).reversed()


def test_moving_to_a_device_keeps_all_parts() -> None:
    whole = Sequences(torch.ones(1, 2, 1), torch.tensor([2]), torch.zeros(1, 2, dtype=torch.bool)).to("meta")
    assert whole.data.is_meta
    assert whole.lengths.is_meta
    assert whole.reset is not None
    assert whole.reset.is_meta


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(DataError, match="got an empty list"):
        Sequences.of([])
    with pytest.raises(ShapeError, match="differ in T only"):
        Sequences.of([torch.ones(2, 1), torch.ones(2, 3)])
    with pytest.raises(ShapeError, match=r"\[B, T, ...\], got \[3\]"):
        Sequences(torch.ones(3), torch.tensor([1, 1, 1]))
    with pytest.raises(ShapeError, match="from 0 to T = 2"):
        Sequences(torch.ones(1, 2), torch.tensor([3]))
