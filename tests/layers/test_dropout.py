"""Noise acts in training only, and in the way its name says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ostinato.errors import OptionError
from ostinato.layers import Dropout, LockedDropout, WordDropout, drop_weights
from ostinato.layers.dropout import dropped


@pytest.mark.parametrize("kind", [Dropout, LockedDropout])
def test_evaluation_changes_nothing_and_training_keeps_the_mean(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    x = torch.ones(50, 20, 40)
    layer = kind(0.3)
    assert layer.eval()(x) is x
    noisy = layer.train()(x)
    assert abs(noisy.mean() - 1) < 0.05
    assert (noisy == 0).float().mean().item() == pytest.approx(0.3, abs=0.05)


def test_words_are_hidden_in_training_only() -> None:
    torch.manual_seed(0)
    ids = torch.full((100, 20), 7)
    hide = WordDropout(0.25)
    assert hide.eval()(ids) is ids
    assert (hide.train()(ids) == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert set(hide(ids, unknown=9).unique().tolist()) == {7, 9}


def test_weights_are_dropped_in_training_only() -> None:
    torch.manual_seed(0)
    weight = torch.ones(100, 100)
    assert drop_weights(weight, 0.5, training=False) is weight
    assert drop_weights(weight, 0.0, training=True) is weight
    assert set(drop_weights(weight, 0.5, training=True).unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(OptionError, match="at least 0 and below 1"):
        Dropout(share)


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 7, 11), (0, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_any_shape_and_type_keeps_its_own(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    x = torch.ones(shape, dtype=dtype)
    assert dropped(x, 0.5).shape == x.shape
    assert dropped(x, 0.5).dtype == dtype


@pytest.mark.parametrize("share", [1e-9, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_the_share_is_met_and_so_is_the_mean(share: float) -> None:
    torch.manual_seed(0)
    n = 2_000_000
    noisy = dropped(torch.ones(n, dtype=torch.float64), share)
    # Six deviations of a count of n draws, and what 16 bits cannot tell apart.
    bound = 6 * (share * (1 - share) / n) ** 0.5 + 2.0**-17
    assert abs((noisy == 0).double().mean().item() - share) < bound
    assert abs(noisy.mean().item() - 1) < 2 * bound / (1 - share)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    kept = (dropped(torch.ones(1_000_000, dtype=torch.float64), 0.5) > 0).double() - 0.5
    for apart in (1, 2, 3, 4, 5, 64):
        assert abs((kept[apart:] * kept[:-apart]).mean().item()) < 6 * 0.25 / 1000


def test_gradients_pass_where_numbers_are_kept() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    noisy = dropped(x, 0.4)
    noisy.sum().backward()
    torch.testing.assert_close(x.grad * x.detach(), noisy.detach(), rtol=1e-12, atol=0)
