from __future__ import annotations

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import SeriesSteps
from ostinato.layers.series_steps import ahead_of


def test_each_step_reads_what_was_seen_before_it_and_what_is_known_of_it():
    layer = SeriesSteps(observed=1, ahead=1)
    inputs = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])
    joined = layer(inputs, future=torch.tensor([[[40.0], [50.0]]]))
    assert joined.x.tolist() == [[[1, 20, 0], [2, 30, 0], [3, 40, 0], [0, 50, 1]]]
    assert joined.lengths is None
    assert ahead_of(joined.x, joined).tolist() == [[[3, 40, 0], [0, 50, 1]]]


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_padding_changes_nothing_for_a_short_row(length, steps):
    torch.manual_seed(0)
    layer = SeriesSteps(observed=2, ahead=3)
    inputs, future = torch.randn(2, 4, 5), torch.randn(2, steps, 3)
    inputs[1, length:] = float("nan")
    padded = layer(inputs, torch.tensor([4, length]), future)
    alone = layer(inputs[1:, :length], None, future[1:])
    size = length - 1 + steps
    assert padded.lengths.tolist() == [3 + steps, size]
    assert torch.equal(padded.x[1, :size], alone.x[0])
    assert torch.equal(ahead_of(padded.x, padded)[1], ahead_of(alone.x, alone)[0])
    whole = layer(inputs[:1], None, future[:1])
    assert torch.equal(padded.x[0], whole.x[0])


def test_what_never_changes_stands_at_every_step():
    layer = SeriesSteps(1, 0, static=2, categories=[3, 1], vector=4)
    joined = layer(torch.zeros(1, 5, 1), static=torch.tensor([[7.0, 8.0]]), categories=torch.tensor([[2, 0]]))
    assert joined.x.shape == (1, 5, layer.width) == (1, 5, 1 + 2 + 8 + 1)
    assert (joined.x[0, :, 2:4] == torch.tensor([7.0, 8.0])).all()
    assert torch.equal(joined.x[0, 0, 4:8], layer.vectors[0].weight[2])
    # A word that training never saw has no vector.
    assert (joined.x[0, :, 8:] == 0).all()


def test_without_a_future_the_sequence_are_the_inputs():
    inputs = torch.randn(2, 3, 2)
    assert torch.equal(SeriesSteps(1, 1, flagged=False)(inputs).x, inputs)
    assert torch.equal(SeriesSteps(1, 1)(inputs).x, torch.cat([inputs, torch.zeros(2, 3, 1)], -1))


def test_shapes_that_do_not_fit_are_told():
    layer = SeriesSteps(1, 1, static=1, categories=[2])
    with pytest.raises(ShapeError, match=r"wanted inputs \[B, T, 2\], got \[1, 3, 3\]"):
        layer(torch.zeros(1, 3, 3))
    with pytest.raises(ShapeError, match=r"wanted a future \[1, h, 1\], got \[1, 4, 2\]"):
        layer(torch.zeros(1, 3, 2), future=torch.zeros(1, 4, 2))
    with pytest.raises(ShapeError, match="1 static numbers"):
        layer(torch.zeros(1, 3, 2))
    with pytest.raises(ShapeError, match="1 categories"):
        layer(torch.zeros(1, 3, 2), static=torch.zeros(1, 1))
    with pytest.raises(OptionError, match="whole numbers from 0 on"):
        SeriesSteps(-1, 1)
