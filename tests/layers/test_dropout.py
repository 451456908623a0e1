"""Noise acts in training only, and in the way its name says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ostinato.errors import OptionError
from ostinato.layers import Dropout, LockedDropout, WordDropout, drop_weights


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
